import AttarStorage
import Foundation

/// Merges under a lock of its own, so that there is one at a time; writers need not wait for it.
///
/// The files of the new segment come to be in the folder `segments/merging`, without the writer lock. When they are
/// complete, `MergePublication` does the rest. A merge that is killed leaves that folder, or a numbered one that no
/// manifest names, and the next writer removes it.
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

    /// Merges segments that follow each other and have vectors and indexes of the same encoders; those that are gone by
    /// now are left out.
    func merge(_ numbers: Set<Int>, progress: (MergeProgress) -> Void) throws {
        // What earlier merges left would be removed under the lock, all at once.
        try sweep()
        for _ in 0..<Self.mostAttempts {
            let snapshot = try Collection(path: path, on: fileSystem)
            let sources = snapshot.segments.filter { numbers.contains($0.record.number) }
            guard !sources.isEmpty else { return }
            let merger = try SegmentMerger(
                sources, manifest: snapshot.manifest, store: snapshot.store, reorders: reorders, threads: threads)
            do {
                try fileSystem.removeTree(stagingFolder)
                try fileSystem.makeDirectory(stagingFolder)
                let record = try merger.write(to: stagingFolder, on: fileSystem, progress: progress)
                let publication = MergePublication(
                    path: path, fileSystem: fileSystem, merger: merger, patience: patience)
                if try publication.publish(record, from: stagingFolder, progress: progress) { return }
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

    /// Removes the rows and folders that no commit needs any more and nobody reads, in turns like those in which rows
    /// are copied. Only to keep the folder small: a writer that is at work does it itself.
    func sweep() throws {
        let store = try DocumentStoreWriter(path: path + "/" + DocumentTable.fileName)
        defer { store.close() }
        while try !sweepTurn(store) {
            try Task.checkCancellation()
            Thread.sleep(forTimeInterval: MergePublication.pause)
        }
    }

    /// - Returns: whether nothing is left to be done here.
    private func sweepTurn(_ store: DocumentStoreWriter) throws -> Bool {
        guard let lock = try? Collection.lock(path, on: fileSystem) else { return true }
        defer { lock.unlock() }
        let manifest = try Collection.readManifest(path, on: fileSystem)
        let held = try Leftovers.remove(from: path, keeping: manifest, on: fileSystem)
        try store.begin()
        let isDone = try store.removeRows(keeping: manifest.segments.map(\.number) + held, for: MergePublication.turn)
        try store.commit(shrinking: isDone)
        return isDone
    }
}
