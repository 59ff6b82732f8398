import AttarIndex
import AttarModels
import AttarStorage
import AttarTensor

extension Collection {
    /// Builds, replaces or removes the index over the vectors of an encoder, and commits it.
    ///
    /// Segments of fewer than `fewestPassages` passages stay flat. The number of candidates is the first of some that
    /// reaches the recall on vectors of the collection, or on queries, against looking at each vector.
    ///
    /// - Parameters:
    ///   - encoder: one of `encoders`.
    ///   - recall: recall@10 that searches should reach.
    ///   - queries: vectors of queries to measure recall by, `[queries, dimension]`; nil for passages as queries.
    ///   - threads: over how many the build of graphs is shared; the graph does not depend on it.
    ///   - progress: called with the number of vectors indexed and the number of all that have to be.
    /// - Returns: the collection with the index; this one stays a snapshot without it.
    /// - Throws: `CollectionError`, `StorageError`, `CancellationError`. The collection is then as it was.
    public func indexVectors(
        of encoder: EncoderRecord, as choice: VectorIndexChoice, recall: Double = 0.95, queries: Matrix? = nil,
        threads: Int = 1, fewestPassages: Int = VectorIndexRecord.fewestPassages,
        fileSystem: any FileSystem = LocalFileSystem(), progress: ((_ done: Int, _ of: Int) -> Void)? = nil
    ) throws -> Collection {
        let lock = try Self.lockForWriting(path, on: fileSystem)
        defer { lock.unlock() }
        let current = try Collection(path: path, on: fileSystem)
        try Leftovers.remove(from: path, keeping: current.manifest, on: fileSystem)
        var manifest = current.manifest
        guard let position = manifest.encoders.firstIndex(where: { $0.fileName == encoder.fileName }) else {
            throw CollectionError.unsuitable("The collection has no vectors of \(encoder.fingerprint.name) any more.")
        }
        let stored = manifest.encoders[position]
        if let problem = choice.problem(stored) { throw CollectionError.unsuitable(problem) }
        let known = stored.index.flatMap { $0.choice == choice ? $0 : nil }
        if let old = stored.index, old != known { manifest.removeFiles(named: old.fileName) }
        manifest.encoders[position].index = nil
        let name = known?.fileName ?? choice.kind.map { manifest.newIndexName(stored, $0) }
        if let name, var record = VectorIndexRecord(choice, target: recall, fileName: name) {
            if let known { record = record.with(target: recall, of: known) }
            let job = VectorIndexJob(
                collection: current, encoder: stored, record: record, isMeasured: known == record, queries: queries,
                threads: threads, fewestPassages: fewestPassages, fileSystem: fileSystem, progress: progress)
            let (files, measured) = try job.run()
            manifest.add(files)
            manifest.encoders[position].index = measured
        }
        guard manifest != current.manifest else { return current }
        try Self.write(manifest, to: path, on: fileSystem)
        try Leftovers.remove(from: path, keeping: manifest, on: fileSystem)
        return try Collection(path: path, on: fileSystem)
    }
}

extension CollectionManifest {
    mutating func removeFiles(named name: String) {
        for index in segments.indices { segments[index].files.removeAll { $0.name == name } }
    }

    /// A name that no file has: files never change once they are committed.
    fileprivate func newIndexName(_ encoder: EncoderRecord, _ kind: VectorIndexRecord.Kind) -> String {
        let taken = Set(segments.flatMap { $0.files.map(\.name) } + encoders.compactMap(\.index?.fileName))
        let stem = encoder.fileName.hasSuffix(".vec") ? String(encoder.fileName.dropLast(4)) : encoder.fileName
        var number = 1
        while taken.contains("\(stem).\(number).\(kind.rawValue)") { number += 1 }
        return "\(stem).\(number).\(kind.rawValue)"
    }
}

/// The index files of one encoder for the segments that lack them, and how many candidates they need.
private struct VectorIndexJob {
    let collection: Collection
    let encoder: EncoderRecord
    let record: VectorIndexRecord
    /// Whether its candidates suffice for the segments that have the index.
    let isMeasured: Bool
    let queries: Matrix?
    let threads: Int
    let fewestPassages: Int
    let fileSystem: any FileSystem
    let progress: ((Int, Int) -> Void)?

    /// How many vectors of a segment are asked for when there are no queries.
    private static let sampledQueries = 200

    func run() throws -> (files: [Int: FileRecord], measured: VectorIndexRecord) {
        let large = collection.segments.filter { segment in
            segment.record.passageCount >= fewestPassages && record.canIndex(segment.record.passageCount)
                && segment.vectors(of: encoder) != nil
        }
        let missing = large.filter { $0.record.file(named: record.fileName) == nil }
        let total = missing.reduce(0) { $0 + $1.record.passageCount }
        var done = 0
        let files = try Collection.writeFiles(named: record.fileName, for: missing, on: fileSystem) { segment, path in
            guard let vectors = segment.vectors(of: encoder) else { return }
            try record.write(vectors, to: path, on: fileSystem, threads: threads) {
                done += $0
                progress?(done, total)
            }
        }
        do {
            return (files, missing.isEmpty && isMeasured && queries == nil ? record : try measured(large))
        } catch {
            for segment in missing { try? fileSystem.remove(segment.folder + "/" + record.fileName) }
            throw error
        }
    }

    /// The record with as many candidates as the recall needs in all segments together.
    private func measured(_ segments: [Segment]) throws -> VectorIndexRecord {
        let parts = try segments.compactMap { segment -> (path: String, FlatVectorIndex, RecallMeasure)? in
            guard let vectors = segment.vectors(of: encoder) else { return nil }
            let measure = try queries.map { queries in
                try RecallMeasure((0..<queries.rows).map { Array(queries.row($0)) }, in: vectors)
            }
            return (
                segment.folder + "/" + record.fileName, vectors,
                try measure ?? RecallMeasure(sampling: Self.sampledQueries, of: vectors)
            )
        }
        let ladder = record.ladder(over: parts.map { $0.1 })
        let best = try RecallMeasure.first(of: ladder) { tried in
            let sum = try parts.reduce(0.0) { sum, part in
                try sum + part.2.recall(of: tried.open(part.path, over: part.1))
            }
            // Where all segments are flat, everything is found.
            return parts.isEmpty ? 1 : sum / Double(parts.count)
        }
        return best ?? record
    }
}
