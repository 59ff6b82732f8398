import AttarIndex
import AttarModels
import AttarStorage
import AttarTensor

extension Collection {
    /// The learned indexes that cover the whole collection.
    public var learnedIndexes: [LearnedIndexRecord] {
        manifest.learnedIndexes.filter { record in
            manifest.segments.allSatisfy { $0.file(named: record.fileName) != nil }
        }
    }

    /// Adds the weights that a sparse encoder gives the tokens of its vocabulary, for all passages that have none of
    /// it yet, and commits them.
    ///
    /// - Parameters:
    ///   - width: the height of the vocabulary.
    ///   - encode: the weights of some passages, in their order.
    /// - Returns: the collection with the weights; this one stays a snapshot without them.
    /// - Throws: `CollectionError`, `IndexError`, `StorageError`, `CancellationError`. The collection is then as it was.
    public func addWeights(
        of fingerprint: EncoderFingerprint, width: Int, batch: Int = 256,
        fileSystem: any FileSystem = LocalFileSystem(), progress: ((_ done: Int, _ of: Int) -> Void)? = nil,
        encode: (_ passages: [StoredPassage]) throws -> [SparseVector]
    ) throws -> Collection {
        let identity = ["encoder": try JSONText.encode(fingerprint)]
        let record = LearnedIndexRecord.weights(of: fingerprint)
        return try add(record, fileSystem, progress) { collection, segment, path, advance in
            var builder = SparseIndexBuilder(columns: width, attributes: identity)
            try collection.forEachBatch(of: segment, count: batch) { passages, ordinals in
                let vectors = passages.isEmpty ? [] : try encode(passages)
                try Self.require(vectors.count, passages, fingerprint)
                let none = SparseVector(ids: [], weights: [])
                let rows = Self.spread(vectors, of: passages, over: ordinals, filler: none)
                for row in rows { try builder.add(columns: row.ids, weights: row.weights) }
                advance(passages.count)
            }
            try builder.finish(to: path, on: fileSystem)
        }
    }

    /// Adds the vectors of the passages' tokens, for all passages that have none of this encoder yet, and commits them.
    ///
    /// - Parameters:
    ///   - codec: how tokens are kept.
    ///   - encode: the token vectors of some passages, `[tokens, dimension]` each, in their order.
    /// - Returns: the collection with the token vectors; this one stays a snapshot without them.
    /// - Throws: as `addWeights`.
    public func addTokens(
        of fingerprint: EncoderFingerprint, as codec: TokenCodec = .residual(bits: 2), batch: Int = 256,
        threads: Int = Parallel.processorCount, fileSystem: any FileSystem = LocalFileSystem(),
        progress: ((_ done: Int, _ of: Int) -> Void)? = nil,
        encode: (_ passages: [StoredPassage]) throws -> [Matrix]
    ) throws -> Collection {
        let identity = try JSONText.encode(fingerprint)
        let record = LearnedIndexRecord.tokens(of: fingerprint, as: codec)
        return try add(record, fileSystem, progress) { collection, segment, path, advance in
            let builder = try MultiVectorBuilder(
                path: path, dimension: fingerprint.dimension, options: .init(codec: codec), fingerprint: identity,
                on: fileSystem)
            try collection.forEachBatch(of: segment, count: batch) { passages, ordinals in
                let matrices = passages.isEmpty ? [] : try encode(passages)
                try Self.require(matrices.count, passages, fingerprint)
                let none = Matrix(rows: 0, columns: fingerprint.dimension)
                let rows = Self.spread(matrices, of: passages, over: ordinals, filler: none)
                let tokens = Matrix(
                    rows: rows.reduce(0) { $0 + $1.rows }, columns: fingerprint.dimension,
                    values: rows.flatMap(\.values))
                try builder.append(tokens, lengths: rows.map(\.rows))
                advance(passages.count)
            }
            try builder.finish(threads: threads)
        }
    }

    /// Removes a learned index.
    ///
    /// - Returns: the collection without it. Snapshots that were opened before keep theirs.
    public func removeLearnedIndex(
        _ record: LearnedIndexRecord, fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> Collection {
        let lock = try Self.lockForWriting(path, on: fileSystem)
        defer { lock.unlock() }
        var manifest = try Self.readManifest(path, on: fileSystem)
        manifest.learned?.removeAll { $0.fileName == record.fileName }
        manifest.removeFiles(named: record.fileName)
        try Self.write(manifest, to: path, on: fileSystem)
        try Leftovers.remove(from: path, keeping: manifest, on: fileSystem)
        return try Collection(path: path, on: fileSystem)
    }

    /// Writes the files of a record for the segments that lack them, and commits them.
    ///
    /// - Parameter write: the file of one segment; tells how many passages it has done.
    private func add(
        _ record: LearnedIndexRecord, _ fileSystem: any FileSystem, _ progress: ((Int, Int) -> Void)?,
        _ write: (Collection, Segment, _ path: String, _ advance: (Int) -> Void) throws -> Void
    ) throws -> Collection {
        let lock = try Self.lockForWriting(path, on: fileSystem)
        defer { lock.unlock() }
        let current = try Collection(path: path, on: fileSystem)
        try Leftovers.remove(from: path, keeping: current.manifest, on: fileSystem)
        let missing = current.segments.filter { $0.record.file(named: record.fileName) == nil }
        guard !missing.isEmpty else { return current }
        let total = missing.reduce(0) { $0 + $1.record.livePassageCount }
        var done = 0
        let files = try Self.writeFiles(named: record.fileName, for: missing, on: fileSystem) { segment, path in
            try write(current, segment, path) {
                done += $0
                progress?(done, total)
            }
        }
        var manifest = current.manifest
        if !manifest.learnedIndexes.contains(record) { manifest.learned = manifest.learnedIndexes + [record] }
        manifest.add(files)
        try Self.write(manifest, to: path, on: fileSystem)
        return try Collection(path: path, on: fileSystem)
    }

    /// What each ordinal has; passages of deleted documents, which nobody finds, have the filler.
    private static func spread<Row>(
        _ rows: [Row], of passages: [StoredPassage], over ordinals: Range<Int>, filler: Row
    ) -> [Row] {
        var all = [Row](repeating: filler, count: ordinals.count)
        for (row, passage) in zip(rows, passages) { all[passage.ordinal - ordinals.lowerBound] = row }
        return all
    }

    private static func require(
        _ found: Int, _ passages: [StoredPassage], _ fingerprint: EncoderFingerprint
    ) throws {
        guard found != passages.count else { return }
        throw CollectionError.unsuitable(
            "The encoder \(fingerprint.name) gave \(found) results for \(passages.count) passages. Nothing was stored.")
    }
}

extension CollectionManifest {
    /// The learned indexes that stand in at least one segment.
    public var learnedIndexes: [LearnedIndexRecord] { learned ?? [] }
}
