import AttarIndex
import AttarModels
import AttarStorage
import AttarText

/// Makes the files of one segment of several that follow each other, without their deleted documents.
///
/// It only reads the sources, whose files and rows stay in place for as long as they are open, so no lock is needed.
struct SegmentMerger {
    let sources: [Segment]
    let encoders: [EncoderRecord]
    let learned: [LearnedIndexRecord]
    let store: DocumentStore
    let layout: MergeLayout
    /// Over how many the build of graphs is shared.
    let threads: Int

    /// A graph is continued when no more than this share of its vectors goes; otherwise a new one is built, which
    /// finds as much and costs little more.
    private static let largestLoss = 0.2

    /// - Parameter reorders: see `MergeLayout`.
    init(
        _ sources: [Segment], manifest: CollectionManifest, store: DocumentStore, reorders: Bool = false,
        threads: Int = 1
    ) throws {
        (self.sources, self.store, self.threads) = (sources, store, threads)
        (encoders, learned) = (manifest.encoders, manifest.learnedIndexes)
        layout = try MergeLayout(sources, reorders: reorders)
    }

    /// Writes the files into a folder and makes them durable.
    ///
    /// - Returns: the segment as it stands in that folder, numbered 0.
    /// - Complexity: O(documents + postings + vectors), and the build of graphs; memory is that of
    ///   `InvertedIndexMerger` and of a graph.
    func write(
        to folder: String, on fileSystem: any FileSystem, progress: (MergeProgress) -> Void
    ) throws -> SegmentRecord {
        let map = map()
        try map.write(to: folder + "/" + SegmentMap.fileName, on: fileSystem)
        try Task.checkCancellation()
        progress(MergeProgress(.words))
        try InvertedIndexMerger(sources.map { ($0.text, $0.live) })
            .write(to: folder + "/" + Segment.textFileName, order: layout.passageOrder, on: fileSystem)
        try Task.checkCancellation()
        progress(MergeProgress(.metadata))
        try metadata().write(to: folder + "/" + MetadataIndex.fileName, on: fileSystem)
        var names = [SegmentMap.fileName, Segment.textFileName, MetadataIndex.fileName]
        for encoder in encoders where sources[0].vectors(of: encoder) != nil {
            progress(MergeProgress(.vectors))
            try writeVectors(of: encoder, to: folder + "/" + encoder.fileName, on: fileSystem)
            names.append(encoder.fileName)
            let index = try writeIndex(of: encoder, in: folder, on: fileSystem, progress: progress)
            if let index { names.append(index) }
        }
        for record in learned where sources[0].record.file(named: record.fileName) != nil {
            try Task.checkCancellation()
            try LearnedIndexes.merge(
                record, of: sources, to: folder + "/" + record.fileName, order: layout.passageOrder, threads: threads,
                on: fileSystem)
            names.append(record.fileName)
        }
        try fileSystem.synchronizeDirectory(folder)
        var content = ContentHash()
        for source in sources { content.add(source.record.liveContentHash) }
        return SegmentRecord(
            number: 0, documentCount: map.documentCount, passageCount: map.passageCount, contentHash: content,
            passageHash: try passageHash(), files: try names.map { try FileRecord(hashing: $0, in: folder) })
    }

    private func map() -> SegmentMapBuilder {
        var map = SegmentMapBuilder()
        for run in layout.runs {
            for document in run.documents {
                map.add(
                    document: run.segment.map.identifier(of: document),
                    passages: run.segment.map.passages(of: document).count)
            }
        }
        return map
    }

    private func metadata() throws -> MetadataIndexBuilder {
        var metadata = MetadataIndexBuilder()
        // Only another order needs all of it in memory at once.
        var reordered: [[String: MetadataValue]] = []
        if layout.passageOrder != nil { reordered = Array(repeating: [:], count: layout.documentCount) }
        for (source, segment) in sources.enumerated() {
            try store.forEachMetadata(ofSegment: segment.record.number) { key, values in
                guard let ordinal = try newOrdinal(key.ordinal, source) else { return }
                if reordered.isEmpty { metadata.add(values) } else { reordered[ordinal] = values }
            }
        }
        for values in reordered { metadata.add(values) }
        return metadata
    }

    /// The hash of the passages' places under their documents' new ordinals.
    private func passageHash() throws -> ContentHash {
        var hash = ContentHash()
        for (source, segment) in sources.enumerated() {
            try store.forEachPassage(ofSegment: segment.record.number) { passage in
                guard let document = try newOrdinal(passage.documentOrdinal, source) else { return }
                hash.add(passageOf: document, utf8Range: passage.start, passage.end, heading: passage.heading)
            }
        }
        return hash
    }

    /// Ordinals of rows come from a file: a damaged one ends the merge, and nothing else.
    private func newOrdinal(_ document: Int, _ source: Int) throws -> Int? {
        guard layout.ordinals[source].indices.contains(document) else {
            throw CollectionError.corrupt(
                store.path, "a row belongs to document \(document) of segment \(sources[source].record.number), which "
                    + "has \(layout.ordinals[source].count) documents")
        }
        return layout.ordinals[source][document]
    }

    // -------------------------------------------------------------------------------------------------------- vectors

    private func writeVectors(of encoder: EncoderRecord, to path: String, on fileSystem: any FileSystem) throws {
        let writer = try FlatVectorWriter(
            path: path, dimension: encoder.fingerprint.dimension, precision: encoder.precision,
            fingerprint: try JSONText.encode(encoder.fingerprint), on: fileSystem)
        for run in layout.runs {
            guard let vectors = run.segment.vectors(of: encoder) else { continue }
            try writer.append(run.passages, of: vectors)
        }
        try writer.finish()
    }

    /// Writes the index over the merged vectors, when a source has one or the merged segment is large enough for one.
    ///
    /// - Returns: the name of its file; nil when there is none.
    private func writeIndex(
        of encoder: EncoderRecord, in folder: String, on fileSystem: any FileSystem, progress: (MergeProgress) -> Void
    ) throws -> String? {
        guard let index = encoder.index else { return nil }
        guard layout.passageCount >= VectorIndexRecord.fewestPassages
            || sources.contains(where: { $0.record.file(named: index.fileName) != nil }),
            index.canIndex(layout.passageCount)
        else { return nil }
        let graph = graph(of: encoder)
        var done = graph?.live?.count ?? graph?.graph.count ?? 0
        try index.write(
            FlatVectorIndex(path: folder + "/" + encoder.fileName), to: folder + "/" + index.fileName, on: fileSystem,
            threads: threads, continuing: graph
        ) { count in
            done += count
            progress(MergeProgress(.index, done, of: layout.passageCount, "vectors"))
        }
        return index.fileName
    }

    /// The first source's graph, when it is worth going on with: its vectors come first in the merged segment, and
    /// there it holds most of them and loses few.
    private func graph(of encoder: EncoderRecord) -> (graph: HNSWIndex, live: OrdinalSet?)? {
        let first = sources[0]
        guard layout.passageOrder == nil, let graph = first.vectorIndex(of: encoder) as? HNSWIndex,
            sources.allSatisfy({ $0.record.livePassageCount <= first.record.livePassageCount }),
            Double(first.record.livePassageCount) >= (1 - Self.largestLoss) * Double(first.record.passageCount)
        else { return nil }
        return (graph, first.live)
    }
}
