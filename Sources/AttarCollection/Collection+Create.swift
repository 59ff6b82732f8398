import AttarModels
import AttarStorage
import AttarText

extension Collection {
    /// Makes an empty collection in a new or empty folder.
    ///
    /// - Throws: `CollectionError` when a collection or other files stand there; `StorageError` when the disk fails,
    ///   and then what was left behind does no harm: the same call may be made again.
    public static func create(
        at path: String, configuration: CollectionConfiguration = .init(),
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> Collection {
        let path = normalized(path)
        _ = try Analyzer(configuration.analyzer)
        guard configuration.chunking.isValid else {
            throw CollectionError.unsuitable("Passages need at least one word, and an overlap of 0 or more sentences.")
        }
        if let information = try fileSystem.information(at: path) {
            guard information.kind == .directory else {
                throw CollectionError.notACollection(path, found: "it is a file")
            }
            let names = try fileSystem.list(path)
            if names.contains(CollectionManifest.fileName) { throw CollectionError.alreadyExists(path) }
            if let foreign = try names.first(where: { try !isLeftover($0, in: path, on: fileSystem) }) {
                throw CollectionError.notACollection(
                    path, found: "it holds \(foreign) and no \(CollectionManifest.fileName)")
            }
        }
        try fileSystem.makeDirectory(path + "/" + CollectionLayout.segments)
        // So that the folder itself survives a power cut.
        try fileSystem.synchronizeDirectory(parent(of: path))
        let lock = try lock(path, on: fileSystem)
        defer { lock.unlock() }
        try DocumentStoreWriter(path: path + "/" + DocumentTable.fileName).close()
        try fileSystem.synchronizeDirectory(path)
        try write(CollectionManifest(configuration: configuration), to: path, on: fileSystem)
        return try Collection(path: path, on: fileSystem)
    }

    /// Adds documents to a collection, which is made first when there is none, and commits them all, or none.
    ///
    /// - Parameters:
    ///   - configuration: how a new collection is made; an existing one keeps its own.
    ///   - body: adds the documents.
    /// - Returns: the collection with the documents.
    /// - Throws: what `body` and `CollectionWriter` throw. An existing collection is then as it was, and a new one is
    ///   gone.
    public static func ingest(
        into path: String, configuration: CollectionConfiguration = .init(),
        fileSystem: any FileSystem = LocalFileSystem(), _ body: (CollectionWriter) throws -> Void
    ) throws -> Collection {
        let path = normalized(path)
        let folderIsNew = try !fileSystem.exists(path)
        let isNew = try folderIsNew || !fileSystem.exists(path + "/" + CollectionManifest.fileName)
        do {
            if isNew { _ = try create(at: path, configuration: configuration, fileSystem: fileSystem) }
            let writer = try CollectionWriter(path: path, fileSystem: fileSystem)
            defer { writer.close() }
            try body(writer)
            return try writer.commit()
        } catch {
            if isNew { removeNew(path, folderToo: folderIsNew, on: fileSystem) }
            throw error
        }
    }

    /// Takes back a creation, but never documents: only a collection without segments is removed.
    private static func removeNew(_ path: String, folderToo: Bool, on fileSystem: any FileSystem) {
        if let manifest = try? readManifest(path, on: fileSystem), !manifest.segments.isEmpty { return }
        guard let names = try? fileSystem.list(path) else { return }
        let ours = { (name: String) in (try? isLeftover(name, in: path, on: fileSystem)) ?? false }
        guard names.allSatisfy({ ours($0) || $0 == CollectionManifest.fileName }) else { return }
        try? fileSystem.remove(path + "/" + CollectionManifest.fileName)
        for name in names { try? fileSystem.removeTree(path + "/" + name) }
        if folderToo { try? fileSystem.remove(path) }
    }

    /// Whether a name is one that a killed creation leaves. Segments without a manifest are not: they may be all that
    /// is left of somebody's documents.
    private static func isLeftover(_ name: String, in path: String, on fileSystem: any FileSystem) throws -> Bool {
        if name == CollectionLayout.segments { return try fileSystem.list(path + "/" + name).isEmpty }
        return [CollectionLayout.lock, CollectionLayout.mergeLock].contains(name)
            || DocumentTable.fileNames.contains(name)
            || (name.hasPrefix(CollectionManifest.fileName) && name.hasSuffix(AtomicFile.temporarySuffix))
    }

    /// Changes a collection that is there: adds, replaces and deletes documents as one commit, all of it or nothing.
    ///
    /// - Returns: the collection as it is now.
    /// - Throws: what `body` and `CollectionWriter` throw; the collection is then as it was.
    public static func change(
        at path: String, fileSystem: any FileSystem = LocalFileSystem(), _ body: (CollectionWriter) throws -> Void
    ) throws -> Collection {
        let writer = try CollectionWriter(path: path, fileSystem: fileSystem)
        defer { writer.close() }
        try body(writer)
        return try writer.commit()
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    // MARK: Manifest

    static func readManifest(_ path: String, on fileSystem: any FileSystem) throws -> CollectionManifest {
        guard let information = try fileSystem.information(at: path) else { throw CollectionError.notFound(path) }
        guard information.kind == .directory else { throw CollectionError.notACollection(path, found: "it is a file") }
        let file = path + "/" + CollectionManifest.fileName
        guard try fileSystem.exists(file) else {
            guard try hasLostManifest(path, on: fileSystem) else {
                throw CollectionError.notACollection(path, found: "it has no \(CollectionManifest.fileName)")
            }
            throw CollectionError.corrupt(file, "it is missing; `attar verify --repair` makes it again")
        }
        return try CollectionManifest.decoded(try fileSystem.read(file, maximumBytes: 1 << 26), path: file)
    }

    /// Whether a folder without manifest holds segments and rows: a killed creation leaves no segments.
    private static func hasLostManifest(_ path: String, on fileSystem: any FileSystem) throws -> Bool {
        let segments = path + "/" + CollectionLayout.segments
        return try fileSystem.exists(path + "/" + DocumentTable.fileName)
            && fileSystem.information(at: segments)?.kind == .directory && !fileSystem.list(segments).isEmpty
    }

    static func write(_ manifest: CollectionManifest, to path: String, on fileSystem: any FileSystem) throws {
        try AtomicFile.write(try manifest.encoded(), to: path + "/" + CollectionManifest.fileName, on: fileSystem)
    }

    /// The writer lock.
    ///
    /// A merge at its end holds it for a moment, which is waited for; other writers are not.
    static func lockForWriting(_ path: String, on fileSystem: any FileSystem) throws -> any FileLock {
        do {
            return try lock(path, on: fileSystem)
        } catch let error as CollectionError where error.kind == .locked {
            guard isMerging(path, on: fileSystem) else { throw error }
            return try Waiting.retry(for: .seconds(30)) { try lock(path, on: fileSystem) }
        }
    }

    private static func isMerging(_ path: String, on fileSystem: any FileSystem) -> Bool {
        guard (try? fileSystem.exists(path + "/" + CollectionLayout.mergeLock)) == true else { return false }
        guard let lock = try? lock(path, CollectionLayout.mergeLock, on: fileSystem) else { return true }
        lock.unlock()
        return false
    }

    static func lock(
        _ path: String, _ name: String = CollectionLayout.lock, on fileSystem: any FileSystem
    ) throws -> any FileLock {
        do {
            return try fileSystem.lock(path + "/" + name)
        } catch let error as StorageError where error.kind == .locked {
            throw CollectionError.locked(path)
        }
    }
}
