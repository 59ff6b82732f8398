import AttarStorage
import AttarTestSupport
import AttarText
import Foundation
import Testing

struct DocumentReaderTests {
    @Test func jsonLinesGiveDocumentsWithMetadata() throws {
        let text = """
            {"_id": "a b/ü", "title": "T", "text": "x", "url": "https://e.org", "year": 2020, "metadata": {"tags": ["p", "q"]}}

            {"id": 7, "contents": "y", "ok": true, "none": null}
            {"docid": "z", "body": "w"}
            {"text": "no id"}
            """
        let documents = try Fixture.documents("c.jsonl", text)
        #expect(documents.map(\.id) == ["a b/ü", "7", "z", "c.jsonl#5"])
        #expect(documents[0].metadata == ["year": .number(2020), "tags": .list([.string("p"), .string("q")])])
        #expect(documents[0].url == "https://e.org")
        #expect(documents[1].metadata == ["ok": .bool(true)])
        #expect(documents[1].text == "y" && documents[1].title == "")
    }

    @Test func brokenLinesAreNamed() throws {
        let good = (1...16).map { #"{"_id": "\#($0)", "text": "x"}"# }.joined(separator: "\n")
        let error = Fixture.error {
            _ = try Fixture.documents("c.jsonl", good + "\n{\"_id\": \"17\", \"text\": \"x\"\n")
        }
        #expect(error?.line == 17)
        #expect(error?.path?.hasSuffix("c.jsonl") == true)
        #expect(error?.category == .input)
        #expect(error?.description.contains("c.jsonl:17: ") == true)
        #expect(Fixture.error { _ = try Fixture.documents("c.jsonl", "[1]") }?.problem.contains("an array") == true)
        #expect(Fixture.error { _ = try Fixture.documents("c.jsonl", #"{"_id":"1","text":3}"#) }?.line == 1)
        #expect(
            Fixture.error { _ = try Fixture.documents("c.jsonl", #"{"_id":"1"}"#) }?.problem.contains("no text") == true
        )
        #expect(Fixture.error { _ = try Fixture.documents("c.jsonl", #"{"_id":["1"],"text":"x"}"#) }?.line == 1)
        let empty = Fixture.error { _ = try Fixture.documents("c.jsonl", #"{"_id":"","text":"x"}"#) }
        #expect(empty?.problem == "The key \"_id\" is empty.")
    }

    @Test func invalidUTF8IsNamedWithItsLine() throws {
        let line = Array(#"{"_id": "1", "text": "x"}"#.utf8) + [0x0A]
        let broken = Array(#"{"_id": "2", "text": ""#.utf8) + [0xC3, 0x28] + Array("\"}".utf8)
        try Fixture.withFolder(bytes: ["c.jsonl": line + broken, "t.txt": line + [0xFF]]) { folder in
            let error = Fixture.error { _ = try Fixture.documents(in: folder + "/c.jsonl") }
            #expect(error?.kind == .invalidUTF8)
            #expect(error?.line == 2)
            #expect(throws: StorageError.self) { try Fixture.documents(in: folder + "/t.txt") }
        }
    }

    @Test func invalidUTF8OutsideOfStringsAndInsideOfCellsIsNamedWithItsLine() throws {
        let cells = Array("id,text\n1,\"one\ntwo ".utf8) + [0xFF] + Array("\"\n".utf8)
        try Fixture.withFolder(bytes: ["c.jsonl": Array("{\n{".utf8) + [0xFF], "c.csv": cells]) { folder in
            let line = Fixture.error { _ = try Fixture.documents(in: folder + "/c.jsonl") }
            #expect(line?.kind == .malformed && line?.line == 1)
            try Data([0x7B, 0xFF, 0x7D]).write(to: URL(filePath: folder + "/c.jsonl"))
            #expect(Fixture.error { _ = try Fixture.documents(in: folder + "/c.jsonl") }?.kind == .invalidUTF8)
            let cell = #expect(throws: StorageError.self) { try Fixture.documents(in: folder + "/c.csv") }
            #expect(cell?.description.contains("line 3") == true)
        }
    }

    @Test func documentsComeWithTheirPlaces() throws {
        let lines = #"{"_id":"1","text":"x"}"# + "\n\n" + #"{"_id":"2","text":"y"}"#
        try Fixture.withFolder(["c.jsonl": lines, "t.txt": "z"]) { folder in
            var places: [String] = []
            try DocumentReader.read(paths: [folder + "/c.jsonl", folder + "/t.txt"]) { places.append($1) }
            #expect(places == [folder + "/c.jsonl:1", folder + "/c.jsonl:3", folder + "/t.txt:1"])
        }
    }

    @Test func blankFilesAreCountedAndPipesRefused() throws {
        try Fixture.withFolder(["a.txt": " \n", "b.md": "\n", "c.html": "", "d.txt": "x"]) { folder in
            let report = try DocumentReader.read(paths: [folder]) { _ in }
            #expect(report.skippedEmpty == 3 && report.documents == 1)
            #expect(mkfifo(folder + "/pipe.jsonl", 0o600) == 0)
            #expect(Fixture.error { _ = try Fixture.documents(in: folder + "/pipe.jsonl") }?.kind == .unsupported)
        }
    }

    @Test func duplicateIDsNameBothPlaces() throws {
        let text = #"{"_id":"1","text":"x"}"# + "\n" + #"{"_id":"2","text":"x"}"# + "\n" + #"{"_id":"1","text":"y"}"#
        let error = Fixture.error { _ = try Fixture.documents("c.jsonl", text) }
        #expect(error?.kind == .duplicate)
        #expect(error?.line == 3)
        #expect(error?.problem.contains("c.jsonl:1.") == true)
    }

    @Test func emptyTextsAreSkippedAndCounted() throws {
        let text =
            #"{"_id":"1","text":" \n"}"# + "\n" + #"{"_id":"2","text":"","title":"only a title"}"# + "\n"
            + #"{"_id":"3","text":null}"#
        try Fixture.withFolder(["c.jsonl": text]) { folder in
            var ids: [String] = []
            let report = try DocumentReader.read(paths: [folder + "/c.jsonl"]) { ids.append($0.id) }
            #expect(ids == ["2"])
            #expect(report.documents == 1 && report.skippedEmpty == 2 && report.filesRead == 1)
        }
    }

    @Test func anEmptyCorpusAndAMissingPathAreErrors() throws {
        try Fixture.withFolder(["a.jsonl": "\n\n", "b.xyz": "?"]) { folder in
            #expect(Fixture.error { _ = try Fixture.documents(in: folder) }?.kind == .empty)
            var options = ReaderOptions()
            options.allowsEmptyCorpus = true
            let none = try Fixture.documents(in: folder, options: options)
            #expect(none.isEmpty)
            #expect(Fixture.error { _ = try Fixture.documents(in: folder + "/none") }?.kind == .missing)
            #expect(Fixture.error { _ = try Fixture.documents(in: folder + "/b.xyz") }?.kind == .unsupported)
        }
    }

    @Test func tenMegabytesInOneLineWork() throws {
        let words = String(repeating: "word ", count: 2_000_000)
        let documents = try Fixture.documents("c.jsonl", #"{"_id":"1","text":"\#(words)"}"#)
        #expect(documents[0].text.utf8.count == 10_000_000)
    }

    @Test func foldersAreWalkedInOrderAndLinksNotFollowed() throws {
        let files = [
            "b.txt": "two", "a/z.md": "# One\nx", "a/.hidden.txt": "no", ".git/c.txt": "no", "_sources/d.txt": "no",
            "e.bin": "no",
            "old.html.gz": "no",
        ]
        try Fixture.withFolder(files) { folder in
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/l.txt", withDestinationPath: folder + "/b.txt")
            try FileManager.default.createSymbolicLink(atPath: folder + "/loop", withDestinationPath: folder)
            try FileManager.default.createSymbolicLink(atPath: folder + "-link", withDestinationPath: folder)
            defer { try? FileManager.default.removeItem(atPath: folder + "-link") }
            for path in [folder, folder + "-link", folder + "/"] {
                var ids: [String] = []
                let report = try DocumentReader.read(paths: [path]) { ids.append($0.id) }
                #expect(ids == ["a/z.md#one", "b.txt"])
                #expect(report.linksSkipped == 2 && report.filesSkipped == 2)
                #expect(report.skippedExtensions == [".bin": 1, ".gz": 1])
            }
        }
    }

    @Test func beirFoldersGiveCorpusQueriesAndJudgements() throws {
        let files = [
            "corpus.jsonl": #"{"_id":"d","title":"t","text":"x"}"#, "queries.jsonl": #"{"_id":"q","text":"what"}"#,
            "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq\td\t1\n", "notes.txt": "not a document",
        ]
        try Fixture.withFolder(files) { folder in
            #expect(try Fixture.documents(in: folder).map(\.id) == ["d"])
            let beir = try BEIRFolder(path: folder)
            #expect(try beir.queries() == [Query(id: "q", text: "what")])
            #expect(beir.qrelsPaths == ["test": folder + "/qrels/test.tsv"])
            #expect(BEIRFolder.isOne(folder) && !BEIRFolder.isOne(folder + "/qrels"))
        }
    }

    @Test func queriesAreReadFromTwoFormatsAndChecked() throws {
        try Fixture.withFolder([
            "q.tsv": "1\twhat is\tthis\n2\twhy\n", "twice.tsv": "1\ta\n1\tb\n", "bad.tsv": "one column\n",
            "empty.jsonl": #"{"_id":"1","text":""}"#, "none.jsonl": "\n\n",
        ]) { folder in
            let queries = try QueryReader.read(path: folder + "/q.tsv")
            #expect(queries == [Query(id: "1", text: "what is\tthis"), Query(id: "2", text: "why")])
            #expect(Fixture.error { _ = try QueryReader.read(path: folder + "/twice.tsv") }?.line == 2)
            #expect(Fixture.error { _ = try QueryReader.read(path: folder + "/bad.tsv") }?.line == 1)
            #expect(Fixture.error { _ = try QueryReader.read(path: folder + "/empty.jsonl") }?.line == 1)
            #expect(Fixture.error { _ = try QueryReader.read(path: folder + "/none.jsonl") }?.kind == .empty)
        }
    }

    @Test func csvCellsMayHoldQuotesDelimitersAndLines() throws {
        let text = "id,Title,text,year,code\r\n1,\"A, \"\"B\"\"\",\"two\r\nlines\",2001,007\n\n2,,plain,1.5,\n"
        let documents = try Fixture.documents("c.csv", text)
        #expect(documents.map(\.id) == ["1", "2"])
        #expect(documents[0].title == "A, \"B\"")
        #expect(documents[0].text == "two\nlines")
        #expect(documents[0].metadata == ["year": .number(2001), "code": .string("007")])
        #expect(documents[1].metadata == ["year": .number(1.5)])
        #expect(try Fixture.documents("c.csv", "id;text\n1;a,b\n")[0].text == "a,b")
        #expect(try Fixture.documents("c.tsv", "id\ttext\n1\ta,\"b\"\n")[0].text == "a,\"b\"")
    }

    /// As JSON lines and front matter say them, so that `--filter 'draft = true'` means the same for all readers.
    @Test func cellsAndFrontMatterHoldBooleans() throws {
        let documents = try Fixture.documents("c.csv", "id,text,draft,flag\n1,a,true,True\n2,b,false,TRUE\n3,c,truest,1\n")
        #expect(documents.map { $0.metadata["draft"] } == [.bool(true), .bool(false), .string("truest")])
        #expect(documents.map { $0.metadata["flag"] } == [.string("True"), .string("TRUE"), .number(1)])
        let notes = try Fixture.documents("n.md", "---\ndraft: true\nyear: 2024\n---\nText.\n")
        #expect(notes.map(\.metadata) == [["draft": .bool(true), "year": .number(2024)]])
    }

    @Test func brokenRowsAreNamed() {
        func line(_ text: String) -> Int? { Fixture.error { _ = try Fixture.documents("c.csv", text) }?.line }
        #expect(line("id,text\n1,x\n2\n") == 3)
        #expect(line("id,text\n1,\"x\ny\n") == 2)
        #expect(line("id,text\n1,\"x\"y\n") == 2)
        #expect(line("id,name\n1,x\n") == 1)
    }

    @Test func documentsSurviveJSON() throws {
        let document = Document(
            id: "1", title: "T", text: "x",
            metadata: ["a": .number(3), "b": .list([.bool(true), .string("s")]), "c": .number(0.5)],
            headings: ["h"])
        let data = try JSONEncoder().encode(document)
        #expect(try JSONDecoder().decode(Document.self, from: data) == document)
        #expect(String(decoding: data, as: UTF8.self).contains("\"a\":3"))
    }

    @Test(.enabled(if: SharedData.isAvailable, "needs ../shared"))
    func realFoldersAreRead() throws {
        let report = try DocumentReader.read(paths: [SharedData.path("scifact")]) { _ in }
        #expect(report.documents == 5183)
        #expect(try BEIRFolder(path: SharedData.path("scifact")).queries().count > 300)
    }
}
