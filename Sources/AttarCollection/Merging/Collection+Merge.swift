import AttarIndex
import AttarModels
import AttarStorage

extension Collection {
    /// Makes one segment of all that follow each other and have vectors of the same encoders, and takes deleted
    /// documents out of them for good.
    ///
    /// Searches find the same with the same scores before and after. Collections that were opened before stay as they
    /// are. Writers may work meanwhile: the new segment's files are written without the writer lock, which is then held
    /// for moments only, in turns with others; what was deleted in between is deleted of the new segment too. Indexes
    /// over vectors are carried on, or built again.
    ///
    /// - Parameters:
    ///   - reorders: whether documents with the same words come to stand near each other (`GraphBisection`), which
    ///     makes word indexes smaller; documents of equal scores then come in another order. Graphs over vectors are
    ///     built anew.
    ///   - threads: over how many the build of graphs is shared.
    ///   - patience: how long to wait for a writer that is at work when the new segment is ready.
    ///   - progress: called now and then, on the calling thread.
    /// - Returns: the collection as it is now.
    /// - Throws: `CollectionError`: locked, when another merge is under way or a writer outlasts `patience`; what the
    ///   disk throws. Nothing is lost then: the collection is as other writers have left it.
    /// - Complexity: O(bytes of the segments that are merged), and the build of graphs.
    public static func merge(
        at path: String, reorders: Bool = false, threads: Int = 1, patience: Duration = .seconds(600),
        fileSystem: any FileSystem = LocalFileSystem(), progress: (MergeProgress) -> Void = { _ in }
    ) throws -> Collection {
        let session = try MergeSession(
            path: normalized(path), fileSystem: fileSystem, reorders: reorders, threads: threads, patience: patience)
        defer { session.close() }
        let groups = try Collection(path: session.path, on: fileSystem).mergeableSegments
            .filter { reorders || $0.count > 1 || $0[0].deleted != nil }
            .map { Set($0.map(\.record.number)) }
        for numbers in groups { try session.merge(numbers, progress: progress) }
        // What was merged is as good as it was: a failure here is none of the caller's business.
        if !groups.isEmpty { try? session.sweep() }
        return try Collection(path: session.path, on: fileSystem)
    }

    /// Merges what a policy finds worth merging, which most of the time is nothing: what to call after a commit.
    ///
    /// - Returns: the collection as it is now; also when another process merges already, and nothing was to be done.
    /// - Throws: as `merge(at:)`.
    public static func mergeAsNeeded(
        at path: String, policy: MergePolicy = .init(), threads: Int = 1, patience: Duration = .seconds(600),
        fileSystem: any FileSystem = LocalFileSystem(), progress: (MergeProgress) -> Void = { _ in }
    ) throws -> Collection {
        let path = normalized(path)
        var current = try Collection(path: path, on: fileSystem)
        guard policy.next(current.segmentSizes) != nil else { return current }
        let session: MergeSession
        do {
            session = try MergeSession(
                path: path, fileSystem: fileSystem, reorders: false, threads: threads, patience: patience)
        } catch let error as CollectionError where error.kind == .locked {
            return current
        }
        defer { session.close() }
        // Every merge takes segments or deleted documents away; writers that add more meanwhile merge for themselves.
        for _ in 0..<(2 * current.segments.count) {
            guard let range = policy.next(current.segmentSizes) else { break }
            try session.merge(Set(current.segments[range].map(\.record.number)), progress: progress)
            current = try Collection(path: path, on: fileSystem)
        }
        try? session.sweep()
        return current
    }

    private var segmentSizes: [MergePolicy.Size] {
        mergeableSegments.enumerated().flatMap { group, segments in
            segments.map {
                MergePolicy.Size(
                    passages: $0.record.passageCount, live: $0.record.livePassageCount, group: group,
                    hasGraph: hasGraph($0))
            }
        }
    }

    private func hasGraph(_ segment: Segment) -> Bool {
        manifest.encoders.contains { encoder in
            guard let index = encoder.index, index.kind == .hnsw else { return false }
            return segment.record.file(named: index.fileName) != nil
        }
    }

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
