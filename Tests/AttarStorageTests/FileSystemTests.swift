import AttarStorage
import AttarTestSupport
import Foundation
import Testing

@Suite struct LocalFileSystemTests {
    let folder: TemporaryFolder
    let system = LocalFileSystem()
    init() throws { folder = try TemporaryFolder() }

    @Test func filesAreWrittenReadAppendedAndRemoved() throws {
        let path = folder.file("file")
        try AtomicFile.write(Array("one".utf8), to: path)
        let file = try system.openForWriting(path, mode: .append)
        try file.write(Array(" two".utf8))
        try file.close()
        #expect(try system.read(path) == Array("one two".utf8))
        #expect(try system.size(path) == 7)
        let refused = #expect(throws: StorageError.self) { try system.openForWriting(path, mode: .createNew) }
        #expect(refused?.kind == .alreadyExists)
        #expect(throws: StorageError.self) { try file.write([1]) }
        try system.remove(path)
        #expect(try !system.exists(path))
        try system.remove(path)
        try system.remove(folder.file("no/such/folder"))
    }

    @Test func foldersAreMadeListedAndRemoved() throws {
        try system.makeDirectory(folder.file("a/b/c"))
        try system.makeDirectory(folder.file("a/b/c"))
        for name in ["é", "z", "B", "a"] { try AtomicFile.write([], to: folder.file("a/b/\(name)")) }
        #expect(try system.list(folder.file("a/b")) == ["B", "a", "c", "z", "é"])
        #expect(throws: StorageError.self) { try system.remove(folder.file("a")) }
        let notAFolder = #expect(throws: StorageError.self) { try system.makeDirectory(folder.file("a/b/z")) }
        #expect(notAFolder?.kind == .notADirectory)
        try system.removeTree(folder.file("a"))
        #expect(try system.list(folder.path) == [])
        let missing = #expect(throws: StorageError.self) { try system.list(folder.file("a")) }
        #expect(missing?.kind == .notFound)
    }

    @Test func aFolderIsNoFile() throws {
        #expect(throws: StorageError.self) { try system.read(folder.path) }
        #expect(throws: StorageError.self) { try MappedFile(path: folder.path) }
        try AtomicFile.write(Array("x".utf8), to: folder.file("file"))
        let error = #expect(throws: StorageError.self) { try system.list(folder.file("file")) }
        #expect(error?.kind == .notADirectory)
    }

    @Test func readingStopsAtTheLimit() throws {
        try AtomicFile.write([1, 2, 3], to: folder.file("file"))
        #expect(try system.read(folder.file("file"), maximumBytes: 3) == [1, 2, 3])
        let error = #expect(throws: StorageError.self) { try system.read(folder.file("file"), maximumBytes: 2) }
        #expect(error?.kind == .tooLarge)
    }

    @Test func theLockExcludesASecondWriterUntilItIsFreed() throws {
        let lock = try system.lock(folder.file("lock"))
        let error = #expect(throws: StorageError.self) { try system.lock(folder.file("lock")) }
        #expect(error?.kind == .locked && error?.category == .resource)
        #expect(error?.detail.contains("process \(getpid()) ") == true)
        lock.unlock()
        try system.lock(folder.file("lock")).unlock()
        #expect(try system.size(folder.file("lock")) == 0)
    }

    @Test func aFullDiskIsAResourceErrorThatNamesThePath() throws {
        // Linux has a device that is always full.
        guard try system.exists("/dev/full") else { return }
        let file = try system.openForWriting("/dev/full", mode: .append)
        let error = #expect(throws: StorageError.self) { try file.write([1, 2, 3]) }
        #expect(error?.kind == .diskFull && error?.category == .resource)
        #expect(error?.description.contains("/dev/full") == true && error?.description.contains("disk full") == true)
    }

    @Test func aPipeThatNobodyReadsIsAKindOfItsOwn() {
        let error = StorageError.system(EPIPE, path: "standard output", action: "write it")
        #expect(error.kind == .closedPipe && error.category == .resource)
    }

    @Test func removingATreeLeavesWhatItsLinksPointTo() throws {
        try system.makeDirectory(folder.file("tree"))
        try system.makeDirectory(folder.file("elsewhere"))
        try AtomicFile.write([1], to: folder.file("elsewhere/precious"))
        let manager = FileManager.default
        for link in ["tree/link", "link"] {
            try manager.createSymbolicLink(
                atPath: folder.file(link), withDestinationPath: folder.file("elsewhere"))
        }
        try system.removeTree(folder.file("tree"))
        try system.removeTree(folder.file("link"))
        #expect(try system.list(folder.path) == ["elsewhere"])
        #expect(try system.read(folder.file("elsewhere/precious")) == [1])
    }

    @Test func mappedFilesMayBeEmpty() throws {
        try AtomicFile.write([], to: folder.file("empty"))
        #expect(try MappedFile(path: folder.file("empty")).withBytes { $0.isEmpty })
        try AtomicFile.write([7, 8], to: folder.file("two"))
        #expect(try MappedFile(path: folder.file("two")).withBytes { Array($0) } == [7, 8])
    }
}

@Suite struct RootedFileSystemTests {
    let folder: TemporaryFolder
    let system: LocalFileSystem
    init() throws {
        folder = try TemporaryFolder()
        system = LocalFileSystem(root: folder.file("root/"))
        try LocalFileSystem().makeDirectory(folder.file("root/inside"))
        try AtomicFile.write(Array("secret".utf8), to: folder.file("outside.txt"))
        try AtomicFile.write(Array("fine".utf8), to: folder.file("root/inside/file"))
        let manager = FileManager.default
        try manager.createSymbolicLink(
            atPath: folder.file("root/link"), withDestinationPath: folder.file("outside.txt"))
        try manager.createSymbolicLink(atPath: folder.file("root/up"), withDestinationPath: folder.path)
    }

    @Test func pathsBelowTheRootWork() throws {
        #expect(try system.read("inside/file") == Array("fine".utf8))
        #expect(try system.read(folder.file("root/inside/./file")) == Array("fine".utf8))
        try AtomicFile.write(Array("new".utf8), to: "inside/new", on: system)
        try system.makeDirectory("inside/deep/er")
        #expect(try system.list("inside") == ["deep", "file", "new"])
        #expect(try system.list(folder.file("root")) == ["inside", "link", "up"])
    }

    @Test(arguments: ["../outside.txt", "inside/../../outside.txt", "/etc/passwd", "link", "up/outside.txt"])
    func pathsThatLeaveTheRootAreRefused(path: String) throws {
        let error = #expect(throws: StorageError.self) { try system.read(path) }
        #expect(error?.kind == .outsideRoot)
        #expect(throws: StorageError.self) { try system.openForWriting(path, mode: .append) }
        #expect(throws: StorageError.self) { try AtomicFile.write([1], to: path + "/x", on: system) }
        #expect(try LocalFileSystem().read(folder.file("outside.txt")) == Array("secret".utf8))
    }

    @Test func removingATreeRemovesLinksAndNotWhatTheyPointTo() throws {
        try system.removeTree(folder.file("root"))
        #expect(try LocalFileSystem().read(folder.file("outside.txt")) == Array("secret".utf8))
        #expect(try !LocalFileSystem().exists(folder.file("root")))
    }
}

@Suite struct AtomicFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test func theFileIsOldOrNewWhereverWritingFails() throws {
        let path = folder.file("manifest")
        let (old, new) = (Array("old".utf8), [UInt8](repeating: 1, count: 5000))
        let counting = FaultyFileSystem()
        try AtomicFile.write(old, to: path, on: counting)
        #expect(counting.calls.map(\.operation) == [.open, .write, .synchronize, .rename, .synchronizeDirectory])
        for fault in [FaultyFileSystem.Fault.diskFull, .inputOutput, .torn] {
            for step in 0..<counting.steps {
                try AtomicFile.write(old, to: path)
                let broken = FaultyFileSystem(failure: .init(at: step, fault, stays: false))
                let error = #expect(throws: StorageError.self) { try AtomicFile.write(new, to: path, on: broken) }
                #expect(error?.category == .resource)
                let renamed = step == counting.steps - 1
                #expect(try LocalFileSystem().read(path) == (renamed ? new : old))
                #expect(try LocalFileSystem().list(folder.path) == ["manifest"], "a temporary file was left at \(step)")
            }
        }
    }

    /// A device of its own stands for `/dev/null`, which a failing test must not harm.
    @Test func onlyFilesAreReplaced() throws {
        let system = LocalFileSystem()
        try system.makeDirectory(folder.file("folder"))
        try AtomicFile.write([1], to: folder.file("file"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link"), withDestinationPath: folder.file("file"))
        #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
        let names = try system.list(folder.path)
        for (name, kind) in [("folder", FileInformation.Kind.directory), ("link", .symbolicLink), ("pipe", .other)] {
            let path = folder.file(name)
            let early = #expect(throws: StorageError.self) { try AtomicFile.requireDestination(path) }
            #expect(early?.kind == .notAFile)
            #expect(throws: StorageError.self) { try AtomicFile.write([2], to: path) }
            let temporary = try folder.write([3], to: "new")
            #expect(throws: StorageError.self) { try system.rename(temporary, to: path) }
            try system.remove(temporary)
            #expect(try system.entry(at: path)?.kind == kind)
        }
        #expect(try system.list(folder.path) == names && system.read(folder.file("file")) == [1])
    }

    @Test func aMissingFolderIsNamedBeforeTheWork() throws {
        let error = #expect(throws: StorageError.self) { try AtomicFile.requireDestination(folder.file("no/file")) }
        #expect(error?.kind == .notFound && error?.detail.contains(folder.file("no")) == true)
        try AtomicFile.write([1], to: folder.file("file"))
        let below = #expect(throws: StorageError.self) { try AtomicFile.requireDestination(folder.file("file/x")) }
        #expect(below?.kind == .notADirectory)
        try AtomicFile.requireDestination(folder.file("file"))
        try AtomicFile.requireDestination(folder.file("new"))
    }

    @Test func aKilledWriterLeavesTheOldFileAndALeftoverThatNobodyReads() throws {
        let path = folder.file("manifest")
        try AtomicFile.write([1], to: path)
        let dying = FaultyFileSystem(failure: .init(at: 1, .torn, stays: true))
        #expect(throws: StorageError.self) { try AtomicFile.write([2, 3], to: path, on: dying) }
        #expect(try LocalFileSystem().read(path) == [1])
        let left = try LocalFileSystem().list(folder.path).filter { $0 != "manifest" }
        #expect(left.count == 1 && left.allSatisfy { $0.hasSuffix(AtomicFile.temporarySuffix) })
        try AtomicFile.write([4], to: path)
        #expect(try LocalFileSystem().read(path) == [4])
    }
}
