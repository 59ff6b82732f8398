import AttarIndex
import AttarModels
import AttarStorage

/// Makes one segment of several that follow each other, without their deleted documents.
///
/// The documents keep their order, so that also equal scores come in the same order afterwards.
struct SegmentMerger {
    let number: Int
    let sources: [Segment]
    let encoders: [EncoderRecord]
    let learned: [LearnedIndexRecord]
    let store: DocumentStore
    /// All documents that stay, in their order.
    let runs: [Run]

    init(number: Int, sources: [Segment], manifest: CollectionManifest, store: DocumentStore) {
        (self.number, self.sources, self.store) = (number, sources, store)
        (encoders, learned) = (manifest.encoders, manifest.learnedIndexes)
        runs = Self.runs(of: sources)
    }

    /// The documents of a source that stay and follow each other.
    struct Run {
        let segment: Segment
        var documents: Range<Int>
        var passages: Range<Int>
        /// The ordinals of the first ones in the merged segment.
        let firstDocument: Int
        let firstPassage: Int
    }

    private static func runs(of sources: [Segment]) -> [Run] {
        var runs: [Run] = []
        var (documents, passages) = (0, 0)
        for segment in sources {
            var isOpen = false
            for document in 0..<segment.record.documentCount {
                guard !(segment.deleted?.contains(UInt32(document)) ?? false) else {
                    isOpen = false
                    continue
                }
                let range = segment.map.passages(of: document)
                if !isOpen {
                    runs.append(Run(
                        segment: segment, documents: document..<document,
                        passages: range.lowerBound..<range.lowerBound, firstDocument: documents,
                        firstPassage: passages))
                    isOpen = true
                }
                runs[runs.count - 1].documents = runs[runs.count - 1].documents.lowerBound..<(document + 1)
                runs[runs.count - 1].passages = runs[runs.count - 1].passages.lowerBound..<range.upperBound
                documents += 1
                passages += range.count
            }
        }
        return runs
    }

    /// Writes the files and makes them durable.
    ///
    /// - Complexity: O(documents + postings + vectors); memory is that of `InvertedIndexMerger`.
    func write(in path: String, on fileSystem: any FileSystem) throws -> SegmentRecord {
        let folder = SegmentBuilder.folder(of: number, in: path)
        try fileSystem.makeDirectory(folder)
        let map = map()
        try map.write(to: folder + "/" + SegmentMap.fileName, on: fileSystem)
        try InvertedIndexMerger(sources.map { ($0.text, $0.live) })
            .write(to: folder + "/" + Segment.textFileName, on: fileSystem)
        try metadata().write(to: folder + "/" + MetadataIndex.fileName, on: fileSystem)
        var names = [SegmentMap.fileName, Segment.textFileName, MetadataIndex.fileName]
        for encoder in encoders where sources[0].vectors(of: encoder) != nil {
            try writeVectors(of: encoder, to: folder + "/" + encoder.fileName, on: fileSystem)
            names.append(encoder.fileName)
        }
        for record in learned where sources[0].record.file(named: record.fileName) != nil {
            try LearnedIndexes.merge(record, of: sources, to: folder + "/" + record.fileName, on: fileSystem)
            names.append(record.fileName)
        }
        try fileSystem.synchronizeDirectory(folder)
        var content = ContentHash()
        for source in sources { content.add(source.record.liveContentHash) }
        return SegmentRecord(
            number: number, documentCount: map.documentCount, passageCount: map.passageCount, contentHash: content,
            passageHash: try passageHash(), files: try names.map { try FileRecord(hashing: $0, in: folder) })
    }

    private func map() -> SegmentMapBuilder {
        var map = SegmentMapBuilder()
        for run in runs {
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
        for segment in sources {
            try store.forEachMetadata(ofSegment: segment.record.number) { key, values in
                if segment.deleted?.contains(UInt32(key.ordinal)) ?? false { return }
                metadata.add(values)
            }
        }
        return metadata
    }

    /// The hash of the passages' places under their documents' new ordinals.
    private func passageHash() throws -> ContentHash {
        var hash = ContentHash()
        var documents = 0
        for segment in sources {
            var last = -1
            try store.forEachPassage(ofSegment: segment.record.number) { passage in
                guard segment.live?.contains(UInt32(passage.key.ordinal)) ?? true else { return }
                if passage.documentOrdinal != last {
                    last = passage.documentOrdinal
                    documents += 1
                }
                hash.add(
                    passageOf: documents - 1, utf8Range: passage.start, passage.end, heading: passage.heading)
            }
        }
        return hash
    }

    private func writeVectors(of encoder: EncoderRecord, to path: String, on fileSystem: any FileSystem) throws {
        let writer = try FlatVectorWriter(
            path: path, dimension: encoder.fingerprint.dimension, precision: encoder.precision,
            fingerprint: try JSONText.encode(encoder.fingerprint), on: fileSystem)
        for run in runs {
            guard let vectors = run.segment.vectors(of: encoder) else { continue }
            try writer.append(run.passages, of: vectors)
        }
        try writer.finish()
    }
}

extension Collection {
    /// Makes one segment of all that follow each other and have vectors of the same encoders, and takes deleted
    /// documents out of them for good.
    ///
    /// Searches find the same with the same scores before and after. Collections that were opened before stay as they
    /// are; no other writer can begin until it is done.
    ///
    /// - Returns: the collection as it is now.
    /// - Complexity: O(bytes of the segments that are merged).
    public static func merge(
        at path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> Collection {
        let path = normalized(path)
        _ = try readManifest(path, on: fileSystem)
        let lock = try lock(path, on: fileSystem)
        defer { lock.unlock() }
        let current = try Collection(path: path, on: fileSystem)
        let groups = current.mergeableSegments
        guard groups.contains(where: isWorthMerging) else { return current }
        let held = try Leftovers.remove(from: path, keeping: current.manifest, on: fileSystem)
        let store = try DocumentStoreWriter(path: path + "/" + DocumentTable.fileName)
        defer { store.close() }
        try store.begin(keeping: current.manifest.segments.map(\.number) + held)
        var manifest = current.manifest
        manifest.segments = []
        manifest.nextSegment = manifest.freeSegment(held: held)
        for group in groups {
            guard isWorthMerging(group) else {
                manifest.segments.append(group[0].record)
                continue
            }
            let merger = SegmentMerger(
                number: manifest.nextSegment, sources: group, manifest: manifest, store: current.store)
            manifest.segments.append(try merger.write(in: path, on: fileSystem))
            for run in merger.runs { try store.copy(run, to: merger.number) }
            manifest.nextSegment += 1
        }
        try fileSystem.synchronizeDirectory(path + "/" + CollectionLayout.segments)
        try store.commit()
        try write(manifest, to: path, on: fileSystem)
        return try Collection(path: path, on: fileSystem)
    }

    private static func isWorthMerging(_ group: [Segment]) -> Bool { group.count > 1 || group[0].deleted != nil }

    /// Runs of segments that have vectors, weights and tokens of the same encoders: a merge loses none.
    private var mergeableSegments: [[Segment]] {
        var groups: [[Segment]] = []
        var last: [String]?
        for segment in segments {
            let names = (manifest.encoders.map(\.fileName) + manifest.learnedIndexes.map(\.fileName))
                .filter { segment.record.file(named: $0) != nil }
            if names == last { groups[groups.count - 1].append(segment) } else { groups.append([segment]) }
            last = names
        }
        return groups
    }
}
