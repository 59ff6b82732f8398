import AttarCollection
import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import GRDB
import Testing

/// Collections of which a part was damaged, and what is left of them.
@Suite struct RepairTests {
    private let folder: TemporaryFolder
    private let path: String
    private let fingerprint = EncoderFingerprint(id: "f", name: "f", dimension: 2)

    private func vectors(_ passages: [StoredPassage]) -> Matrix {
        Matrix(rows: passages.count, columns: 2, values: passages.flatMap { [Float($0.ordinal), 1] })
    }

    /// Two segments of three documents each, with vectors.
    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("c")
        var documents = sampleDocuments(6)
        // Names that mean something in JSON lines may be metadata too.
        documents[1].metadata = ["text": .string("t"), "_id": .number(7), "headings": .list([.string("h")])]
        documents[2].metadata = ["metadata": .string("m"), "headings": .number(1.5), "url": .bool(true)]
        for part in [documents[..<3], documents[3...]] {
            _ = try Collection.ingest(into: path) { writer in
                for document in part { try writer.add(document) }
            }
        }
        _ = try Collection.open(at: path).addVectors(of: fingerprint) {
            Matrix(rows: $0.count, columns: 2, values: $0.flatMap { [Float($0.ordinal), 1] })
        }
    }

    private func damage(_ file: String) throws {
        var bytes = try LocalFileSystem().read(path + "/" + file)
        bytes[bytes.count / 2] ^= 0x55
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + file))
    }

    private func names(in segment: String, ending: String) throws -> String {
        try #require(LocalFileSystem().list(path + "/segments/" + segment).first { $0.hasSuffix(ending) })
    }

    @Test func soundCollectionsStayAsTheyAre() throws {
        let before = try LocalFileSystem().read(path + "/collection.json")
        let report = try Collection.repair(at: path)
        #expect(report.problems.isEmpty && report.losses.isEmpty && report.keptIn == nil && report.documents == 6)
        #expect(try LocalFileSystem().read(path + "/collection.json") == before)
    }

    @Test(arguments: [".vec", "metadata.map"])
    func whatCanBeMadeAgainIsDroppedAlone(ending: String) throws {
        let name = try names(in: "000001", ending: ending)
        try damage("segments/000001/" + name)
        let report = try Collection.repair(at: path)
        #expect(report.losses.count == 1 && report.remaining.isEmpty && report.documents == 6)
        #expect(try LocalFileSystem().exists(path + "/damaged-1/000001/" + name))
        #expect(try Collection.problems(at: path) == [])
        let mended = try Collection.open(at: path).addVectors(of: fingerprint, encode: vectors)
        #expect(mended.encoders.count == 1 && mended.documentCount == 6)
    }

    @Test(arguments: ["text.inv", "documents.map"])
    func aSegmentIsDroppedAndItsTextsCanComeBack(name: String) throws {
        let hash = try Collection.open(at: path).contentHash
        try damage("segments/000001/" + name)
        let report = try Collection.repair(at: path)
        #expect(report.documents == 3 && report.remaining.isEmpty && report.keptIn == "damaged-1")
        #expect(try Collection.open(at: path).documentCount == 3)
        _ = try Collection.ingest(into: path) { writer in
            try DocumentReader.read(paths: [path + "/damaged-1/000001.jsonl"]) { try writer.add($0) }
        }
        #expect(try Collection.open(at: path).contentHash == hash)
        #expect(try Collection.problems(at: path) == [])
    }

    @Test func missingFilesAreLikeDamagedOnes() throws {
        try LocalFileSystem().removeTree(path + "/segments/000002")
        let report = try Collection.repair(at: path)
        #expect(report.documents == 3 && report.losses.count == 1 && report.remaining.isEmpty)
        #expect(try Collection.problems(at: path) == [])
    }

    @Test func alteredRowsTakeTheirSegmentAlong() throws {
        let queue = try DatabaseQueue(path: path + "/documents.sqlite")
        try queue.write { try $0.execute(sql: "UPDATE documents SET title = CAST('other' AS BLOB) WHERE key >= 2 << 32") }
        try queue.close()
        let report = try Collection.repair(at: path)
        #expect(report.documents == 3 && report.remaining.isEmpty)
        #expect(try Collection.problems(at: path) == [])
    }

    @Test func whatCannotBeMendedIsSaid() throws {
        try Data("no database".utf8).write(to: URL(fileURLWithPath: path + "/documents.sqlite"))
        let report = try Collection.repair(at: path)
        #expect(!report.remaining.isEmpty && report.losses.isEmpty && report.documents == 6)
        try damage("collection.json")
        #expect(throws: CollectionError.self) { try Collection.repair(at: path) }
    }
}
