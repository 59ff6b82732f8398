import AttarIndex
import AttarModels
import AttarStorage
import AttarText

/// What a repair found, took out, assumed, and could not mend.
public struct CollectionRepair: Codable, Sendable, Equatable {
    /// What was wrong before.
    public var problems: [CollectionProblem] = []
    /// What the collection holds no more, a sentence each.
    public var losses: [String] = []
    /// What was assumed, because only the lost `collection.json` said it, a sentence each.
    public var guesses: [String] = []
    /// The folder in the collection's where damaged files and the texts of lost documents are kept; nil when none are.
    public var keptIn: String?
    /// The number of documents that are left.
    public var documents = 0
    /// What is still wrong.
    public var remaining: [CollectionProblem] = []
}

extension Collection {
    /// Takes out of a collection what is broken, so that the rest can be searched and written to again.
    ///
    /// A `collection.json` that is missing or damaged is made again out of the segments and the rows (see
    /// `ManifestRebuilder`). Vectors, indexes over them and tables of metadata are dropped alone; all can be made again.
    /// A segment whose words, map, deletions or rows are broken is dropped whole, and the documents that can still be
    /// read are written as JSON lines, from which `attar ingest` makes the same documents. Nothing is destroyed: damaged
    /// files move into a folder `damaged-<n>` of the collection, and what is sound is not touched.
    ///
    /// - Throws: `CollectionError`: locked, no collection, a newer format, or neither manifest nor rows can be read.
    /// - Complexity: O(bytes of the collection).
    public static func repair(
        at path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> CollectionRepair {
        let path = normalized(path)
        _ = try manifestDamage(path, on: fileSystem)
        var (report, unmeasured) = try repairLocked(path, on: fileSystem)
        guard !unmeasured.isEmpty, report.remaining.isEmpty else { return report }
        var collection = try Collection(path: path, on: fileSystem)
        for encoder in collection.encoders where unmeasured.contains(encoder.fileName) {
            guard let index = encoder.index else { continue }
            let recall = 0.95
            collection = try collection.indexVectors(
                of: encoder, as: index.choice, recall: recall, fileSystem: fileSystem)
            report.guesses.append(
                "The index over the vectors of \(encoder.fingerprint.name) is to reach a recall of \(recall); how many "
                    + "candidates that needs was measured anew.")
        }
        return report
    }

    private static func repairLocked(
        _ path: String, on fileSystem: any FileSystem
    ) throws -> (CollectionRepair, unmeasured: [String]) {
        let lock = try lockForWriting(path, on: fileSystem)
        defer { lock.unlock() }
        var unmeasured: [String] = []
        var repairer: Repairer
        if let damage = try manifestDamage(path, on: fileSystem) {
            repairer = try Repairer(
                rebuilding: damage, path: path, fileSystem: fileSystem, unmeasured: &unmeasured)
        } else {
            repairer = Repairer(path: path, fileSystem: fileSystem, manifest: try readManifest(path, on: fileSystem))
        }
        try repairer.run()
        return (repairer.report, unmeasured)
    }

    /// What is wrong with the manifest; nil when it can be read.
    private static func manifestDamage(_ path: String, on fileSystem: any FileSystem) throws -> CollectionProblem? {
        do {
            _ = try readManifest(path, on: fileSystem)
            return nil
        } catch let error as CollectionError where error.kind == .corrupt {
            return error.damage?.seen(from: path)
        }
    }
}
