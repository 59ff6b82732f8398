import AttarStorage
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Corpora and queries in the layout of BEIR that are not what they should be. `ATTAR_FUZZ_MINUTES=10 swift test …
/// --filter ReaderFuzzTests` goes on for 10 minutes each.
@Suite struct ReaderFuzzTests {
    private func fuzz(_ name: String, _ whole: [UInt8], use: (String) throws -> Void) throws {
        let folder = try TemporaryFolder()
        var (used, refused) = (0, 0)
        let tried = FuzzBudget.run(rounds: 2000) { seed in
            var mutator = ByteMutator(seed: seed)
            var hostile = JSONMutator(seed: seed)
            let damaged = seed % 2 == 0 ? mutator.damaged(whole) : hostile.damaged(whole)
            guard (try? folder.write(damaged, to: name)) != nil else { return }
            do {
                try use(folder.path)
                used += 1
            } catch {
                #expect(error is StorageError || error is TextError, "\(error)")
                refused += 1
            }
        }
        if FuzzBudget.minutes != nil { print("\(name): \(tried) files tried, \(used) used, \(refused) refused") }
        #expect(used > 20 && refused > 20)
    }

    private static let corpus = (0..<6).map {
        #"{"_id": "d\#($0)", "title": "Title \#($0)", "text": "The text é of \#($0).", "tags": ["a", "b"]}"#
    }.joined(separator: "\n")

    @Test func corpora() throws {
        try fuzz("corpus.jsonl", Array(Self.corpus.utf8)) { folder in
            let beir = try BEIRFolder(path: folder)
            _ = try Fixture.documents(in: beir.corpusPath)
        }
    }

    @Test func queries() throws {
        let queries = (0..<8).map { #"{"_id": "q\#($0)", "text": "what is \#($0)?"}"# }.joined(separator: "\n")
        try fuzz("queries.jsonl", Array(queries.utf8)) { _ = try QueryReader.read(path: $0 + "/queries.jsonl") }
        let columns = (0..<8).map { "q\($0)\twhat is \($0)?" }.joined(separator: "\n")
        try fuzz("queries.tsv", Array(columns.utf8)) { _ = try QueryReader.read(path: $0 + "/queries.tsv") }
    }

    private static let page = """
        <!doctype html><html><head><title>A &amp; b</title><meta charset="utf-8"><script>if (a < b) {}</script></head>
        <body><nav><a href="#x">x</a></nav><main><h1 id="x">One</h1><p>Text &#233; of <b>one</b> <img alt='picture'></p>
        <h2 id=y>Two</h2><pre>a
          b</pre><ul><li>first<li>second</ul><!-- a comment --><table><tr><td>cell</table></main></body></html>
        """

    private static let notes = """
        ---
        title: Notes
        year: 2024
        ---
        before *all*

        # One `code`
        Text é with a [link](there.md "title") and ![picture](a.png).

        Two
        ---
        ~~~
        # no heading
        ~~~
        <!-- left
        out -->
        > quoted **text**
        """

    private static let table = """
        id,title,text,year,tags
        a,First,"Text, with ""quotes"" é",2001,x
        b,Second,"two
        lines",2002,
        c,,third,-1.5e3,007
        """

    /// What is no document is left out or refused: with an error of our own, and by no crash.
    @Test(arguments: [
        ("page.html", page), ("notes.md", notes), ("table.csv", table), ("notes.txt", notes), ("lines.jsonl", corpus),
        ("table.tsv", table.replacingOccurrences(of: ",", with: "\t")),
    ])
    func documents(name: String, text: String) throws {
        let folder = try TemporaryFolder()
        var options = ReaderOptions()
        options.allowsEmptyCorpus = true
        var (found, refused) = (0, 0)
        let tried = FuzzBudget.run(rounds: 1000) { seed in
            var mutator = ByteMutator(seed: seed)
            guard (try? folder.write(mutator.damaged(Array(text.utf8)), to: name)) != nil else { return }
            do {
                try DocumentReader.read(paths: [folder.file(name)], options: options) { document in
                    if !document.id.isEmpty { found += 1 }
                }
            } catch {
                #expect(error is StorageError || error is TextError, "\(error)")
                refused += 1
            }
        }
        if FuzzBudget.minutes != nil { print("\(name): \(tried) files tried, \(found) documents, \(refused) refused") }
        #expect(found > tried / 10 && refused > 0)
    }

    /// Nine documents, deflated with codes of their own.
    private static let compressed = """
        H4sIAAAAAAACA31T227DIAx931cgnvuw+6b9zEQTukRLSAVkXVT13zvbYEwT7SUtcHwuNpz1Z9/qD6Xbe71TOtrfCKvBLNar0TSd
        Opkfqw7DdFKdNZH2Qjc138rN455Rvfuif7GzajBj74wnnL7cnVnlQarsp9m1xi+kQZr0PXobwuxtUkrnRIoL2o/euHD4wycrGQJ2
        K9nHdbhUgskqaiZlExApwcN8tD5Mrm8oMpaLTWhBpfwklYGIQ4sq2bP8W3AYFXtbHK08SrZ0WPl4rnz8Vy4mXMaOYcEmBcZT6iP7
        pA5Voi+bokLrZm7Mxdhq8ryLFskXnNO920r9Kg0gjExjbRKXzWcDiE0AbhJm51WuAa5K9E2KFoPlnTAFx1/Wdxjh7Kc8FSCATyX5
        LiXzdIgnX1x6SFCN4W8vMvcWQ1YXdWNw+nIFnHhEeDkEAAA=
        """

    /// Damaged streams of gzip: refused, or read as far as their own checksum agrees.
    @Test func compressedDocuments() throws {
        let folder = try TemporaryFolder()
        let whole = Array(try #require(Data(base64Encoded: Self.compressed, options: .ignoreUnknownCharacters)))
        var refused = 0
        let tried = FuzzBudget.run(rounds: 1000) { seed in
            var mutator = ByteMutator(seed: seed)
            guard (try? folder.write(mutator.damaged(whole), to: "c.jsonl.gz")) != nil else { return }
            do {
                try DocumentReader.read(paths: [folder.file("c.jsonl.gz")]) { (_: Document) in }
            } catch {
                #expect(error is StorageError || error is TextError, "\(error)")
                refused += 1
            }
        }
        if FuzzBudget.minutes != nil { print("c.jsonl.gz: \(tried) files tried, \(refused) refused") }
        #expect(refused > tried / 2)
    }
}
