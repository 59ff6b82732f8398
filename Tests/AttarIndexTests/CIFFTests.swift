import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@testable import AttarIndex

@Suite struct CIFFTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: 0..<4) func anIndexComesBackFromItsFile(seed: UInt64) throws {
        let corpus = RandomCorpus(seed: seed, passages: 500, terms: 90, meanLength: 12)
        let index = try corpus.write(to: folder.file("whole.inv"))
        try index.writeCIFF(to: folder.file("x.ciff"), description: "500 passages") { "p\($0)" }
        let file = try CIFFImport(path: folder.file("x.ciff"))
        #expect(file.description == "500 passages" && file.count == 500 && file.identifiers[499] == "p499")
        try file.writeIndex(to: folder.file("back.inv"))
        let back = try InvertedIndex(path: folder.file("back.inv"))
        try back.verify()
        #expect(back.statistics == index.statistics && back.postingCount == index.postingCount)
        for query in [["t0-0"], ["t1-1", "t3-10", "t4-11"], corpus.vocabulary] {
            #expect(try BM25Searcher(back).search(query, k: 20) == BM25Searcher(index).search(query, k: 20))
        }
    }

    /// The bytes as protoc's Python would write them: worked out by hand from the schema.
    @Test func theBytesAreThoseOfTheFormat() throws {
        var builder = InvertedIndexBuilder()
        try builder.add(terms: ["b"])
        try builder.add(terms: ["b", "a", "b"])
        try builder.finish(to: folder.file("i"))
        try InvertedIndex(path: folder.file("i")).writeCIFF(to: folder.file("i.ciff"), description: "d") { "x\($0)" }
        let header: [UInt8] = [8, 1, 16, 2, 32, 2, 24, 2, 40, 2, 48, 4, 57, 0, 0, 0, 0, 0, 0, 0, 0x40, 66, 1, 0x64]
        let a: [UInt8] = [10, 1, 0x61, 16, 1, 24, 1, 34, 4, 8, 1, 16, 1]
        let b: [UInt8] = [10, 1, 0x62, 16, 2, 24, 3, 34, 2, 16, 1, 34, 4, 8, 1, 16, 2]
        let documents: [[UInt8]] = [[18, 2, 0x78, 0x30, 24, 1], [8, 1, 18, 2, 0x78, 0x31, 24, 3]]
        let messages = [header, a, b] + documents
        #expect(try LocalFileSystem().read(folder.file("i.ciff")) == messages.flatMap { [UInt8($0.count)] + $0 })
    }

    /// Lengths of other engines may be rounded; they are what scores are computed with.
    @Test func lengthsAreTakenAsTheyAre() throws {
        var document = ProtobufWriter()
        document.add(CIFF.Document.identifier, Array("only".utf8))
        document.add(CIFF.Document.length, 40)
        var posting = ProtobufWriter()
        posting.add(CIFF.Posting.frequency, 3)
        var list = ProtobufWriter()
        list.add(CIFF.List.posting, posting.bytes)
        list.add(9, 12)
        list.add(CIFF.List.term, Array("a".utf8))
        var header = ProtobufWriter()
        for (field, number) in [(1, 1), (2, 1), (3, 1), (99, 5)] where field < 16 { header.add(field, number) }
        try folder.write(header.delimited + list.delimited + document.delimited, to: "x.ciff")
        try CIFFImport(path: folder.file("x.ciff")).writeIndex(to: folder.file("x.inv"))
        let index = try InvertedIndex(path: folder.file("x.inv"))
        try index.verify()
        #expect(index.length(of: 0) == 40 && index.documentFrequency(of: "a") == 1)
        try InvertedIndexMerger([(index, nil), (index, nil)]).write(to: folder.file("merged.inv"))
        try InvertedIndex(path: folder.file("merged.inv")).verify()
    }

    /// As Python's protobuf wrote it with the classes that protoc makes of the schema, and gzip.
    @Test func whatProtobufWroteIsRead() throws {
        try folder.write([UInt8](try #require(Data(base64Encoded: Self.protobufFile))), to: "p.ciff.gz")
        let file = try CIFFImport(path: folder.file("p.ciff.gz"))
        #expect(file.description == "by protobuf" && file.identifiers == ["D-0", "D-1", "D-2"])
        try file.writeIndex(to: folder.file("p.inv"))
        let index = try InvertedIndex(path: folder.file("p.inv"))
        try index.verify()
        #expect((0..<3).map { index.length(of: $0) } == [3, 5, 208])
        #expect(["apple", "pear", "été", "x"].map { index.documentFrequency(of: $0) } == [2, 1, 3, 0])
        let terms = try BM25Searcher(index).explain(["été", "apple"], ordinal: 2).terms
        #expect(Dictionary(uniqueKeysWithValues: terms.map { ($0.term, $0.frequency) }) == ["été": 200, "apple": 1])
    }

    private static let protobufFile = """
        H4sIAAAAAAACA1PiYBRglmBWYNZgNuC0ZAADDgcn7qRKhYKi/JL8pNI0US7WxIKCnFQBJglmJSYBJiUWDiYBRgEuloLUxCIBRglG\
        oACjAKMsF+vhlSWHVwKNO8sIVAcRZlFiBZInGNmFmF10DSSYOTkYQSxDCVYuDiYQy0jiAiMAQN2RQoUAAAA=
        """

    @Test func cutFilesAreRefused() throws {
        let index = try RandomCorpus(seed: 2, passages: 20, terms: 10, meanLength: 5).write(to: folder.file("i"))
        try index.writeCIFF(to: folder.file("i.ciff"), description: "") { "p\($0)" }
        let whole = try LocalFileSystem().read(folder.file("i.ciff"))
        for length in 0..<whole.count {
            try folder.write(Array(whole[..<length]), to: "cut.ciff")
            let error = #expect(throws: StorageError.self) { try CIFFImport(path: folder.file("cut.ciff")) }
            #expect(error?.kind == .corrupt)
        }
        try folder.write(whole + [0], to: "long.ciff")
        #expect(throws: StorageError.self) { try CIFFImport(path: folder.file("long.ciff")) }
    }
}
