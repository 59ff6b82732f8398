import AttarCollection
import AttarStorage
import AttarTestSupport
import AttarText
import Foundation
import GRDB
import Testing

/// Collections whose database was changed behind their back.
@Suite struct DamageTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("c")
        let chunking = CollectionConfiguration(chunking: .sentences(maximumWords: 8, overlap: 0))
        _ = try Collection.ingest(into: path, configuration: chunking) { writer in
            for document in sampleDocuments(6) { try writer.add(document) }
            try writer.add(Document(id: "m", text: "# Above\n\nBelow.", headings: ["A"]))
        }
    }

    private func change(_ sql: String) throws {
        let queue = try DatabaseQueue(path: path + "/documents.sqlite")
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    @Test(arguments: [
        "UPDATE passages SET heading = CAST('other' AS BLOB) WHERE key = 4294967296",
        "UPDATE passages SET start = start + 1 WHERE key = 4294967297",
        "UPDATE passages SET end = end - 1 WHERE key = 4294967297",
    ])
    func alteredPassagesAreFound(sql: String) throws {
        #expect(try Collection.problems(at: path) == [])
        try change(sql)
        let problems = try Collection.problems(at: path)
        #expect(problems.map(\.file) == ["documents.sqlite"])
        #expect(problems.first?.detail.contains("passages are not those") == true)
    }

    @Test(arguments: [
        ("documents", "headings", "NULL"), ("documents", "metadata", "'{'"), ("documents", "headings", "x'FF'"),
        ("passages", "document", "NULL"), ("passages", "document", "-1"), ("passages", "document", "1 << 40"),
        ("passages", "start", "NULL"), ("passages", "start", "-9223372036854775808"), ("passages", "end", "NULL"),
    ])
    func rowsOfAnotherKindAreDamageAndNoCrash(table: String, column: String, value: String) throws {
        // SQLite checks NOT NULL when a row is written, which damage does not wait for.
        try change(
            """
            PRAGMA writable_schema = ON;
            UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '');
            """)
        try change("UPDATE \(table) SET \(column) = \(value)")
        #expect(try Collection.problems(at: path).contains { $0.file == "documents.sqlite" })
        let collection = try Collection.open(at: path)
        refused(.corrupt) {
            _ = try collection.document(at: 0)
            _ = try collection.passages(0..<collection.passageCount)
        }
    }

    @Test func whatIsDamagedIsNotBuiltOn() throws {
        let file = path + "/segments/000001/text.inv"
        try Data(Data(contentsOf: URL(filePath: file)).dropLast(3)).write(to: URL(filePath: file), options: .atomic)
        refused(.corrupt) { _ = try CollectionWriter(path: path) }
    }

    @Test func aMissingDatabaseIsNamed() throws {
        try LocalFileSystem().remove(path + "/documents.sqlite")
        #expect(refused(.corrupt) { _ = try Collection.open(at: path) }.contains("documents.sqlite"))
        #expect(try Collection.problems(at: path).map(\.description) == ["documents.sqlite: it is missing"])
    }

    @Test func nothingStaysBehindAReader() throws {
        for _ in 0..<2 {
            let collection = try Collection.open(at: path)
            #expect(try collection.document(at: 0).id.isEmpty == false)
        }
        let names = try LocalFileSystem().list(path)
        #expect(names == ["collection.json", "documents.sqlite", "segments", "writer.lock"])
    }
}
