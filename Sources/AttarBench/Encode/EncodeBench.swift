import AttarModels
import AttarStorage
import AttarTensor
import AttarText
import Foundation

/// `attar bench encode`: how long do texts take to become vectors?
///
/// Ours goes all the way from text to vector; peers are given token ids and pool and normalise what comes out.
public struct EncodeBench {
    /// How many texts, and of how many tokens.
    public struct Batch: Sendable {
        /// How many texts.
        public var texts: Int
        /// How many tokens each of them has, special tokens included.
        public var tokens: Int
        /// `32 x 128 tokens`
        public var name: String { "\(texts) x \(tokens) tokens" }

        /// A batch.
        public init(texts: Int, tokens: Int) {
            self.texts = texts
            self.tokens = tokens
        }
    }

    /// A query, a passage, a batch of passages.
    public static let batches = [Batch(texts: 1, tokens: 16), Batch(texts: 1, tokens: 128), Batch(texts: 32, tokens: 128)]

    private let settings: BenchSettings
    private let path: String
    private let precisions: [Precision]
    private let batches: [Batch]

    /// - Parameters:
    ///   - path: the model folder.
    ///   - precisions: those that are measured of Attar, and of peers that have them.
    ///   - batches: what is encoded.
    public init(
        _ settings: BenchSettings, path: String, precisions: [Precision], batches: [Batch] = Self.batches
    ) throws {
        try settings.requirePeers(among: [.onnxruntime, .pytorch], otherwise: "encodes no texts")
        guard !precisions.isEmpty else { throw BenchError.usage("At least one precision is needed.") }
        self.settings = settings
        self.path = path
        self.precisions = precisions
        self.batches = batches
    }

    /// Measures all batches.
    ///
    /// - Throws: `BenchError`, and what loading the model throws.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        let encoders = try precisions.map { (precision: $0, encoder: try Self.encoder(path, $0)) }
        let peers = try self.peers(of: encoders[0].encoder)
        let cases = try batches.filter { $0.tokens <= encoders[0].encoder.maximumLength }.map {
            try self.case($0, encoders, peers)
        }
        return try session.report(
            title: "encode \(encoders[0].encoder.fingerprint.name)",
            notes: [
                "Attar is given texts, tokenising included; peers are given token ids. All pool and normalise.",
                "Agreement is the smallest cosine to Attar's first precision over the texts of the case.",
            ], cases: cases)
    }

    private static func encoder(_ path: String, _ precision: Precision) throws -> BertEncoder {
        try BertEncoder(path: path, precision: precision)
    }

    // MARK: Cases

    private func `case`(
        _ batch: Batch, _ encoders: [(precision: Precision, encoder: BertEncoder)], _ peers: [EncodingPeer]
    ) throws -> BenchCase {
        let first = encoders[0].encoder
        let texts = try BenchTexts(first.tokenizer).texts(batch.texts, tokens: batch.tokens)
        let reference = try first.encode(texts, role: .plain, options: EncodingOptions(threads: settings.threads))
        var agreement: [String: String] = [:]
        var contenders: [any Contender] = []
        for (precision, encoder) in encoders {
            let label = settings.ours(precision.rawValue)
            contenders.append(LocalContender(label: label, work: work(encoder, texts)))
            let vectors = try encoder.encode(texts, role: .plain, options: EncodingOptions(threads: settings.threads))
            if precision != encoders[0].precision { agreement[label.description] = Self.agreement(vectors, reference) }
        }
        let ids = texts.map { first.tokenizer.encode($0) }
        for peer in peers {
            let vectors = try peer.prepare(batch.name, ids: ids)
            agreement[peer.label.description] = Self.agreement(vectors, reference)
            contenders.append(PeerContender(label: peer.label, worker: peer.worker, case: batch.name))
        }
        return BenchCase(
            name: batch.name, quantity: .milliseconds,
            operations: Double(batch.texts) * Self.operations(first.configuration, tokens: batch.tokens),
            contenders: contenders, agreement: agreement)
    }

    private func work(_ encoder: BertEncoder, _ texts: [String]) -> () throws -> Void {
        if texts.count == 1 { return { _ = encoder.encodeOne(texts[0], role: .plain) } }
        let options = EncodingOptions(threads: settings.threads)
        return { _ = try encoder.encode(texts, role: .plain, options: options) }
    }

    /// Operations of a text: two for each weight of the linear layers and each product of attention.
    static func operations(_ shape: BertConfiguration, tokens: Int) -> Double {
        let width = Double(shape.hiddenSize)
        let linear = 2 * (4 * width * width + 2 * width * Double(shape.intermediateSize))
        let attention = 4 * width * Double(tokens)
        return Double(tokens) * Double(shape.layers) * (linear + attention)
    }

    private static func agreement(_ vectors: Matrix, _ reference: Matrix) -> String {
        let worst = (0..<reference.rows).map { Similarity.cosine(vectors.row($0), reference.row($0)) }.min() ?? 0
        return String(format: "%.5f", worst)
    }

    // MARK: Peers

    private func peers(of encoder: BertEncoder) throws -> [EncodingPeer] {
        guard !settings.peers.isEmpty else { return [] }
        let environment = try PeerEnvironment(settings)
        return try settings.peers.flatMap { peer in
            try EncodingPeer.variants(of: peer, precisions).map { variant in
                settings.say("loading \(path) into \(peer.rawValue) \(variant)")
                return try EncodingPeer(
                    peer, variant, encoder, path: path, python: environment.python, threads: settings.threads)
            }
        }
    }
}

/// A peer that has loaded the model in one precision.
struct EncodingPeer {
    private struct Load: Encodable {
        var op = "load"
        var engine: String
        var variant: String
        var model: String
        var threads: Int
        var pooling: String
        var normalize: Bool
        var cache: String
    }

    private struct Prepared: Decodable {
        var vectors: [[Float]]
    }

    let label: ContenderLabel
    let worker: PeerWorker

    /// The precisions of a peer that are worth comparing: always fp32, and of the others those that are asked for.
    static func variants(of peer: Peer, _ precisions: [Precision]) -> [String] {
        let further: Precision = peer == .onnxruntime ? .int8 : .bfloat16
        return ["fp32"] + (precisions.contains(further) ? [further.rawValue] : [])
    }

    init(
        _ peer: Peer, _ variant: String, _ encoder: BertEncoder, path: String, python: String, threads: Int
    ) throws {
        guard encoder.pooling.mode != .max else {
            throw BenchError.usage("Peers pool by mean or first token; this model pools by maximum.")
        }
        worker = try PeerWorker(peer, script: PackageResources.encode_py, python: python, threads: threads)
        label = try worker.load(
            Load(
                engine: peer.rawValue, variant: variant, model: path, threads: threads,
                pooling: encoder.pooling.mode.rawValue, normalize: encoder.isNormalized,
                cache: PeerEnvironment.folder + "/onnx-" + encoder.fingerprint.id.prefix(12)),
            variant: variant)
    }

    /// Registers a case; the peer's vectors for it.
    func prepare(_ name: String, ids: [[Int32]]) throws -> Matrix {
        let vectors = try worker.ask(PrepareTokens(name: name, ids: ids), for: Prepared.self).vectors
        guard let width = vectors.first?.count, vectors.allSatisfy({ $0.count == width }) else {
            throw BenchError.peer(label.engine, "it gave no vectors.")
        }
        return Matrix(rows: vectors.count, columns: width, values: vectors.flatMap { $0 })
    }
}
