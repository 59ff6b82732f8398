import AttarEvidence
import AttarIndex
import AttarModels
import AttarSearch
import AttarStorage
import AttarTensor
import AttarText
import Foundation

/// A folder in the layout of BEIR, encoded by both models; encoded documents are kept for the next time.
struct MultiVectorData {
    /// Queries of a split with their judgements.
    struct Queries {
        var split: String
        var ids: [String]
        var encoded: [TwoStageQuery]
        var judgements: Judgements
    }

    let name: String
    /// The documents' ids, in the order of both indexes.
    let documents: [String]
    let folder: String
    /// Tokens in bfloat16.
    let index: TwoStageIndex
    let development: Queries
    let test: Queries

    /// The most tokens of a document that are read: the limit of MiniLM, and more than ColBERTv2's 180.
    private static let maximumLength = 256

    /// Reads and encodes.
    ///
    /// - Parameters:
    ///   - work: where encoded documents are kept.
    ///   - limit: the most queries of a split; of more, a sample with a fixed seed.
    /// - Throws: `BenchError.usage` when a split is missing; `TextError`, `ModelError`, `StorageError`.
    init(
        folder path: String, splits: (development: String, test: String), models: (encoder: String, sparse: String),
        dimension: Int?, work: String, limit: Int, say: (String) -> Void
    ) throws {
        name = path.split(separator: "/").last.map(String.init) ?? path
        let beir = try BEIRFolder(path: path)
        let (ids, texts) = try Self.documents(beir)
        documents = ids
        let encoder = try BertEncoder(path: models.encoder, precision: .bfloat16)
        let sparse = try SparseEncoder(path: models.sparse, precision: .bfloat16)
        let identity = SHA256Digest.hex(
            of: [
                try SHA256Digest.hex(ofFile: beir.corpusPath), encoder.fingerprint.id, sparse.fingerprint.id,
                "\(dimension ?? 0) \(Self.maximumLength)",
            ].joined(separator: "\n"))
        folder = "\(work)/multivector-\(name)-\(identity.prefix(12))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let encoding = EncodingOptions(threads: 1, maximumLength: Self.maximumLength)
        let both = TwoStageModels(
            sparse: sparse,
            tokens: try TwoStageModels.encoder(
                over: encoder, dimension: dimension, path: folder + "/projection.safetensors", texts: texts,
                options: encoding))
        index = try Self.index(texts, both, identity: identity, folder: folder, encoding: encoding, say: say)
        development = try Self.queries(beir, splits.development, both, limit: limit)
        test = try Self.queries(beir, splits.test, both, limit: limit)
    }

    private static func documents(_ beir: BEIRFolder) throws -> (ids: [String], texts: [String]) {
        var (ids, texts) = ([String](), [String]())
        let reader = try LineReader(path: beir.corpusPath)
        while let line = try reader.next() {
            guard !line.bytes.isEmpty, let value = try? JSONParser.parse(line.bytes), let id = value["_id"]?.string else {
                continue
            }
            ids.append(id)
            texts.append(["title", "text"].compactMap { value[$0]?.string }.filter { !$0.isEmpty }.joined(separator: " "))
        }
        return (ids, texts)
    }

    private static func index(
        _ texts: [String], _ models: TwoStageModels, identity: String, folder: String, encoding: EncodingOptions,
        say: (String) -> Void
    ) throws -> TwoStageIndex {
        if try LocalFileSystem().exists(folder + "/tokens.mvx") { return try TwoStageWriter.open(folder) }
        let writer = try TwoStageWriter(
            folder: folder, models: models, documents: identity, options: .init(codec: .bfloat16), encoding: encoding)
        for first in stride(from: 0, to: texts.count, by: 256) {
            say("encoding: \(first) of \(texts.count) documents")
            try writer.append(Array(texts[first..<min(first + 256, texts.count)]))
        }
        return try writer.finish()
    }

    private static func queries(
        _ beir: BEIRFolder, _ split: String, _ models: TwoStageModels, limit: Int
    ) throws -> Queries {
        guard let path = beir.qrelsPaths[split] else {
            throw BenchError.usage(
                "There are no judgements \"\(split)\"; the folder has \(beir.qrelsPaths.keys.sorted().joined(separator: ", ")).")
        }
        let judgements = try Judgements(path: path)
        var judged = try beir.queries().filter { judgements.grades[$0.id] != nil }
        var generator = SeededGenerator(seed: 7)
        if judged.count > limit { judged = Array(judged.shuffled(using: &generator).prefix(limit)) }
        return Queries(
            split: split, ids: judged.map(\.id), encoded: try judged.map { try models.query($0.text) },
            judgements: judgements.restricted(toQueries: Set(judged.map(\.id))))
    }
}
