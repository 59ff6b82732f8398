import AttarIndex
import AttarModels
import AttarStorage

/// Merges under a lock of its own, so that there is one at a time; writers need not wait for it.
///
/// The files of the new segment come to be in the folder `segments/merging`. When they are complete, the writer lock is
/// taken, the folder gets the segment's number, the rows are copied, and the manifest is replaced. A merge that is
/// killed leaves that folder, or a numbered one that no manifest names, and the next writer removes it.
final class MergeSession {
    let path: String
    private let fileSystem: any FileSystem
    private let reorders: Bool
    private let threads: Int
    private let patience: Duration
    private let lock: any FileLock

    /// How often a merge begins anew because its sources have other files than before, such as new vectors.
    private static let mostAttempts = 3

    /// - Throws: `CollectionError.locked` when somebody else merges; not found, not a collection.
    init(path: String, fileSystem: any FileSystem, reorders: Bool, threads: Int, patience: Duration) throws {
        (self.path, self.fileSystem, self.reorders, self.threads) = (path, fileSystem, reorders, threads)
        self.patience = patience
        // Before the lock, so that no lock file appears in a folder that is no collection.
        _ = try Collection.readManifest(path, on: fileSystem)
        // A writer that looks for leftovers holds the lock for a moment.
        lock = try Waiting.retry(for: .milliseconds(200)) { [path, fileSystem] in
            try Collection.lock(path, CollectionLayout.mergeLock, on: fileSystem)
        }
    }

    /// Frees the lock.
    func close() { lock.unlock() }

    private var stagingFolder: String { path + "/" + CollectionLayout.segments + "/" + CollectionLayout.merging }

    /// Merges segments that follow each other and have vectors and indexes of the same encoders; those that are gone by now are
    /// left out.
    func merge(_ numbers: Set<Int>) throws {
        for _ in 0..<Self.mostAttempts {
            let snapshot = try Collection(path: path, on: fileSystem)
            let sources = snapshot.segments.filter { numbers.contains($0.record.number) }
            guard !sources.isEmpty else { return }
            let merger = try SegmentMerger(
                sources, manifest: snapshot.manifest, store: snapshot.store, reorders: reorders, threads: threads)
            do {
                try fileSystem.removeTree(stagingFolder)
                try fileSystem.makeDirectory(stagingFolder)
                let record = try merger.write(to: stagingFolder, on: fileSystem)
                if try commit(record, of: merger) { return }
            } catch {
                try? fileSystem.removeTree(stagingFolder)
                throw error
            }
            try fileSystem.removeTree(stagingFolder)
        }
        throw CollectionError.unsuitable(
            "The segments of \(path) got other files while they were merged, \(Self.mostAttempts) times. "
                + "Nothing was lost; merge again when `attar index` has ended.")
    }

    /// Puts the merged segment in the place of its sources.
    ///
    /// - Returns: whether that was possible: not when sources got other vectors or indexes meanwhile.
    private func commit(_ record: SegmentRecord, of merger: SegmentMerger) throws -> Bool {
        let lock = try Waiting.retry(for: patience) { try Collection.lock(path, on: fileSystem) }
        defer { lock.unlock() }
        var manifest = try Collection.readManifest(path, on: fileSystem)
        guard manifest.encoders == merger.encoders, manifest.learnedIndexes == merger.learned,
            let deleted = try deletedMeanwhile(manifest, merger)
        else { return false }
        let held = try Leftovers.remove(from: path, keeping: manifest, on: fileSystem)
        var merged = record
        merged.number = manifest.freeSegment(held: held)
        let folder = SegmentBuilder.folder(of: merged.number, in: path)
        try fileSystem.rename(stagingFolder, to: folder)
        let store = try DocumentStoreWriter(path: path + "/" + DocumentTable.fileName)
        defer { store.close() }
        try store.begin(keeping: manifest.segments.map(\.number) + held)
        for run in merger.layout.runs { try store.copy(run, to: merged.number) }
        if !deleted.isEmpty { try delete(deleted, of: &merged, in: folder, store) }
        manifest.replace(merger.sources.map(\.record.number), by: merged)
        manifest.nextSegment = merged.number + 1
        try fileSystem.synchronizeDirectory(path + "/" + CollectionLayout.segments)
        try store.commit()
        try Collection.write(manifest, to: path, on: fileSystem)
        return true
    }

    /// The documents that were deleted since the merge began, by their ordinals in the merged segment; nil when a
    /// source has other files now.
    ///
    /// A source that is named no more has lost its last documents: only one merge is under way.
    private func deletedMeanwhile(_ manifest: CollectionManifest, _ merger: SegmentMerger) throws -> [Int]? {
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
