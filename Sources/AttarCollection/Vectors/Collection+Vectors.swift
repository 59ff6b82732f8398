import AttarIndex
import AttarModels
import AttarStorage
import AttarTensor
import AttarText
import Foundation

extension Collection {
    /// Encodes the passages that an encoder has not encoded yet, and commits their vectors.
    ///
    /// What is encoded is `StoredPassage.embeddingText`, in the passage role.
    ///
    /// - Parameters:
    ///   - options: threads and length limit. Its progress reports are replaced by `progress`.
    ///   - progress: called with the number of passages encoded and the number of all that had to be.
    /// - Returns: the collection with the vectors.
    /// - Throws: what the encoder and `addVectors(of:…)` throw.
    public func addVectors(
        encoder: any TextEncoder, precision: VectorPrecision = .float32, options: EncodingOptions = .init(),
        fileSystem: any FileSystem = LocalFileSystem(), progress: ((_ done: Int, _ of: Int) -> Void)? = nil
    ) throws -> Collection {
        var options = options
        options.progress = nil
        return try addVectors(
            of: encoder.fingerprint, precision: precision, fileSystem: fileSystem, progress: progress
        ) { passages in
            try encoder.encode(passages.map(\.embeddingText), role: .passage, options: options)
        }
    }

    /// Adds the vectors of an encoder for all passages that have none of it yet, and commits them.
    ///
    /// Nothing is asked, and nothing changes, when all passages have vectors of this encoder and precision.
    ///
    /// - Parameters:
    ///   - fingerprint: who makes the vectors.
    ///   - precision: how they are stored; an encoder may be there in several precisions.
    ///   - batch: the most passages of one call.
    ///   - encode: the vectors of some passages, `[passages, dimension]`, in their order.
    /// - Returns: the collection with the vectors; this one stays a snapshot without them.
    /// - Throws: `CollectionError`: locked, a matrix of another shape, numbers that are not finite;
    ///   `CancellationError`. The collection is then as it was.
    public func addVectors(
        of fingerprint: EncoderFingerprint, precision: VectorPrecision = .float32, batch: Int = 512,
        fileSystem: any FileSystem = LocalFileSystem(), progress: ((_ done: Int, _ of: Int) -> Void)? = nil,
        encode: (_ passages: [StoredPassage]) throws -> Matrix
    ) throws -> Collection {
        let lock = try Self.lockForWriting(path, on: fileSystem)
        defer { lock.unlock() }
        let current = try Collection(path: path, on: fileSystem)
        try Leftovers.remove(from: path, keeping: current.manifest, on: fileSystem)
        let record = try current.manifest.record(for: fingerprint, precision: precision)
        let missing = current.segments.filter { $0.record.file(named: record.fileName) == nil }
        guard !missing.isEmpty else { return current }
        let total = missing.reduce(0) { $0 + $1.record.livePassageCount }
        let job = VectorJob(
            collection: current, record: record, batch: batch, fileSystem: fileSystem, total: total, progress: progress)
        let files = try job.run(missing, encode)
        var manifest = current.manifest
        manifest.add(files, of: record)
        try Self.write(manifest, to: path, on: fileSystem)
        return try Collection(path: path, on: fileSystem)
    }

    /// Removes the vectors of an encoder, in all precisions.
    ///
    /// - Returns: the collection without them. Snapshots that were opened before keep theirs.
    public func removeVectors(
        of fingerprint: EncoderFingerprint, fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> Collection {
        let lock = try Self.lockForWriting(path, on: fileSystem)
        defer { lock.unlock() }
        var manifest = try Self.readManifest(path, on: fileSystem)
        let gone = manifest.encoders.filter { $0.fingerprint.id == fingerprint.id }
        let names = Set(gone.map(\.fileName) + gone.compactMap(\.index?.fileName))
        manifest.encoders.removeAll { names.contains($0.fileName) }
        for index in manifest.segments.indices {
            manifest.segments[index].files.removeAll { names.contains($0.name) }
        }
        try Self.write(manifest, to: path, on: fileSystem)
        try Leftovers.remove(from: path, keeping: manifest, on: fileSystem)
        return try Collection(path: path, on: fileSystem)
    }
}

/// The vectors of one encoder for the segments that lack them.
private struct VectorJob {
    let collection: Collection
    let record: EncoderRecord
    let batch: Int
    let fileSystem: any FileSystem
    let total: Int
    let progress: ((Int, Int) -> Void)?

    /// Writes a file for each segment.
    ///
    /// - Returns: the files by segment number.
    func run(_ segments: [Segment], _ encode: ([StoredPassage]) throws -> Matrix) throws -> [Int: FileRecord] {
        var done = 0
        return try Collection.writeFiles(named: record.fileName, for: segments, on: fileSystem) { segment, path in
            try write(segment, to: path) { passages in
                let vectors = try encode(passages)
                done += passages.count
                progress?(done, total)
                return vectors
            }
        }
    }

    private func write(_ segment: Segment, to path: String, _ encode: ([StoredPassage]) throws -> Matrix) throws {
        let writer = try FlatVectorWriter(
            path: path, dimension: record.fingerprint.dimension, precision: record.precision,
            fingerprint: try JSONText.encode(record.fingerprint), on: fileSystem)
        try collection.forEachBatch(of: segment, count: batch) { passages, ordinals in
            let vectors = passages.isEmpty ? Matrix(rows: 0, columns: writer.dimension) : try encode(passages)
            try check(vectors, passages)
            try writer.append(spread(vectors, of: passages, over: ordinals))
        }
        try writer.finish()
    }

    /// A row for each ordinal; passages of deleted documents, which nobody finds, get zeros.
    private func spread(_ vectors: Matrix, of passages: [StoredPassage], over ordinals: Range<Int>) -> Matrix {
        guard passages.count < ordinals.count else { return vectors }
        var all = Matrix(rows: ordinals.count, columns: vectors.columns)
        for (row, passage) in passages.enumerated() {
            all.setRow(passage.ordinal - ordinals.lowerBound, to: vectors.row(row))
        }
        return all
    }

    private func check(_ vectors: Matrix, _ passages: [StoredPassage]) throws {
        let (name, dimension) = (record.fingerprint.name, record.fingerprint.dimension)
        guard vectors.rows == passages.count, vectors.columns == dimension else {
            throw CollectionError.unsuitable(
                "The encoder \(name) gave \(vectors.rows) vectors of width \(vectors.columns) for \(passages.count) "
                    + "passages, and its width is \(dimension). Nothing was stored.")
        }
        guard let position = vectors.values.firstIndex(where: { !$0.isFinite }) else { return }
        throw CollectionError.unsuitable(
            "The encoder \(name) gave a vector with a number that is not finite for passage "
                + "\(passages[position / dimension].ordinal) of document \"\(passages[position / dimension].documentID)\". "
                + "Check the model; nothing was stored.")
    }
}

extension CollectionManifest {
    /// The record of an encoder at a precision: the one that exists, or a new one.
    func record(for fingerprint: EncoderFingerprint, precision: VectorPrecision) throws -> EncoderRecord {
        guard (1...65536).contains(fingerprint.dimension) else {
            throw CollectionError.unsuitable(
                "The encoder \(fingerprint.name) has vectors of width \(fingerprint.dimension).")
        }
        if let known = encoders.first(where: { $0.fingerprint.id == fingerprint.id && $0.precision == precision }) {
            guard known.fingerprint.dimension == fingerprint.dimension, known.fingerprint.space == fingerprint.space
            else {
                throw CollectionError.unsuitable(
                    "The encoder \(fingerprint.name) has the fingerprint of \(known.fingerprint.name), which is in the "
                        + "collection, but another width or space.")
            }
            return known
        }
        // The digest stands for the id, which may be any text; the file's name does not matter otherwise.
        let short = SHA256Digest.hex(of: fingerprint.id).prefix(16)
        return EncoderRecord(
            fingerprint: fingerprint, precision: precision, fileName: "\(short).\(precision.rawValue).vec", index: nil)
    }

    /// Adds files of an encoder by segment number.
    mutating func add(_ files: [Int: FileRecord], of record: EncoderRecord) {
        if !encoders.contains(record) { encoders.append(record) }
        add(files)
    }
}
