import AttarIndex
import AttarStorage
import Foundation

/// Puts a merged segment whose files are complete in the place of its sources, and holds the writer lock for moments only.
///
/// First its folder gets a number. The lease on it tells every writer that its files and rows are to stay, as those that
/// a reader of an older commit holds. Then the rows are copied, for `turn` at a time; in between, writers get theirs. At
/// last what was deleted meanwhile is deleted of the new segment too, and the manifest is replaced. A merge that is
/// killed leaves a folder and rows that no manifest names and nobody holds, which the next writer removes.
struct MergePublication {
    let path: String
    let fileSystem: any FileSystem
    let merger: SegmentMerger
    /// How long writers that are at work are waited for, each time.
    let patience: Duration

    /// For so long the lock is held to copy or remove rows; ending the transaction comes on top.
    static let turn = Duration.milliseconds(50)
    /// Then it is free for so long, which is more than waiting writers sleep between two looks at it.
    static let pause = 1.5 * Waiting.pause
    /// Rows that are copied between two looks at the clock.
    private static let sliceDocuments = 128

    /// - Parameters:
    ///   - staged: the segment as it stands in `folder`.
    /// - Returns: whether that was possible: not when sources got other vectors or indexes meanwhile.
    /// - Throws: `CollectionError.locked` when a writer outlasts the patience; `CancellationError`; what the disk throws.
    func publish(
        _ staged: SegmentRecord, from folder: String, progress: (MergeProgress) -> Void
    ) throws -> Bool {
        var merged = staged
        let store = try DocumentStoreWriter(path: path + "/" + DocumentTable.fileName)
        defer { store.close() }
        guard let lease = try reserve(&merged, folder, store) else { return false }
        try copyRows(to: merged.number, store, progress)
        let isDone = try replaceSources(by: &merged, store)
        withExtendedLifetime(lease) {}
        if !isDone { try fileSystem.removeTree(SegmentBuilder.folder(of: merged.number, in: path)) }
        return isDone
    }

    private func locked<Result>(_ body: () throws -> Result) throws -> Result {
        let lock = try Waiting.retry(for: patience) { try Collection.lock(path, on: fileSystem) }
        defer { lock.unlock() }
        return try body()
    }

    /// Gives the segment a number and its folder the name.
    ///
    /// - Returns: what keeps the folder and the rows of that number in place; nil when the sources are not what they were.
    private func reserve(
        _ merged: inout SegmentRecord, _ staging: String, _ store: DocumentStoreWriter
    ) throws -> FileLease? {
        try locked {
            let manifest = try Collection.readManifest(path, on: fileSystem)
            guard try deletedMeanwhile(manifest) != nil else { return nil }
            let held = try Leftovers.remove(from: path, keeping: manifest, on: fileSystem)
            merged.number = manifest.freeSegment(held: held)
            // Whatever a killed writer left under this number goes.
            try store.begin(keeping: manifest.segments.map(\.number) + held)
            try store.commit(shrinking: false)
            let folder = SegmentBuilder.folder(of: merged.number, in: path)
            try fileSystem.rename(staging, to: folder)
            return try FileLease(path: folder + "/" + SegmentMap.fileName)
        }
    }

    private func copyRows(to number: Int, _ store: DocumentStoreWriter, _ progress: (MergeProgress) -> Void) throws {
        let total = merger.layout.documentCount
        var slices = merger.layout.runs.lazy.flatMap { $0.slices(of: Self.sliceDocuments) }.makeIterator()
        var next = slices.next()
        var done = 0
        let clock = ContinuousClock()
        while next != nil {
            try Task.checkCancellation()
            try locked {
                try store.begin()
                let end = clock.now + Self.turn
                while let slice = next, clock.now < end {
                    try store.copy(slice, to: number)
                    done += slice.documents.count
                    next = slices.next()
                }
                try store.commit(shrinking: false)
            }
            progress(MergeProgress(.rows, done, of: total, "documents"))
            if next != nil { Thread.sleep(forTimeInterval: Self.pause) }
        }
    }

    /// - Returns: false, and nothing is changed, when the sources are not what they were.
    private func replaceSources(by merged: inout SegmentRecord, _ store: DocumentStoreWriter) throws -> Bool {
        try locked {
            var manifest = try Collection.readManifest(path, on: fileSystem)
            guard let deleted = try deletedMeanwhile(manifest) else { return false }
            let folder = SegmentBuilder.folder(of: merged.number, in: path)
            if !deleted.isEmpty { try delete(deleted, of: &merged, in: folder, store) }
            manifest.replace(merger.sources.map(\.record.number), by: merged)
            manifest.nextSegment = max(manifest.nextSegment, merged.number + 1)
            try fileSystem.synchronizeDirectory(path + "/" + CollectionLayout.segments)
            try Collection.write(manifest, to: path, on: fileSystem)
            return true
        }
    }

    /// The documents that were deleted since the merge began, by their ordinals in the merged segment; nil when a
    /// source has other files now, or there are other encoders.
    ///
    /// A source that is named no more has lost its last documents: only one merge is under way.
    private func deletedMeanwhile(_ manifest: CollectionManifest) throws -> [Int]? {
        guard manifest.encoders == merger.encoders, manifest.learnedIndexes == merger.learned else { return nil }
        var deleted: [Int] = []
        for (segment, ordinals) in zip(merger.sources, merger.layout.ordinals) {
            guard let now = manifest.segments.first(where: { $0.number == segment.record.number }) else {
                deleted += ordinals.compactMap { $0 }
                continue
            }
            guard now.files == segment.record.files else { return nil }
            guard let deletions = now.deletions, deletions != segment.record.deletions else { continue }
            let gone = try Deletions.read(deletions, in: segment.folder, documentCount: now.documentCount)
            deleted += ordinals.indices.compactMap { gone.contains(UInt32($0)) ? ordinals[$0] : nil }
        }
        return deleted
    }

    private func delete(
        _ documents: [Int], of merged: inout SegmentRecord, in folder: String, _ store: DocumentStoreWriter
    ) throws {
        let map = try SegmentMap(
            path: folder + "/" + SegmentMap.fileName, documentCount: merged.documentCount,
            passageCount: merged.passageCount)
        var deletions = Deletions()
        for ordinal in documents {
            let key = RowKey(segment: merged.number, ordinal: ordinal)
            guard let document = try store.document(key) else {
                throw CollectionError.corrupt(
                    store.path, "the row of document \"\(map.identifier(of: ordinal))\" is missing")
            }
            let passages = RowKey.range(ofSegment: merged.number, map.passages(of: ordinal))
            deletions.add(ordinal, try store.hashes(of: document, passages: passages))
        }
        merged.deletions = try deletions.write(in: folder, documentCount: merged.documentCount, on: fileSystem)
    }
}

extension CollectionManifest {
    /// Puts a segment in the place of others; one without documents only takes them away.
    fileprivate mutating func replace(_ numbers: [Int], by merged: SegmentRecord) {
        let position = segments.firstIndex { numbers.contains($0.number) }
        segments.removeAll { numbers.contains($0.number) }
        guard let position, merged.liveDocumentCount > 0 else { return }
        segments.insert(merged, at: position)
    }
}
