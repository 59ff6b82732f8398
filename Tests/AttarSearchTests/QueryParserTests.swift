import AttarCollection
import AttarIndex
import AttarTestSupport
import AttarText
import Testing

@testable import AttarSearch

@Suite struct QueryParserTests {
    private func parse(_ text: String) throws -> LexicalQuery {
        var parser = try QueryParser(.english)
        return try parser.parse(text)
    }

    private func phrase(_ words: String..., slop: Int = 0) -> LexicalQuery {
        .phrase(words.enumerated().map { .init($1, at: $0) }, slop: slop)
    }

    @Test func signsSayWhatHasToMatch() throws {
        #expect(
            try parse("+cats -dogs birds") == .boolean([.must(.term("cat")), .mustNot(.term("dog")), .should(.term("bird"))]))
        #expect(try parse("cats") == .boolean([.should(.term("cat"))]))
        #expect(try parse("a AND cat") == .boolean([.must(.term("cat"))]))
        #expect(try parse("cat AND dog") == .boolean([.must(.term("cat")), .must(.term("dog"))]))
        #expect(try parse("cat AND NOT dog") == .boolean([.must(.term("cat")), .mustNot(.term("dog"))]))
        #expect(try parse("cat OR dog") == parse("cat dog"))
        #expect(
            try parse("bird cat AND dog")
                == .boolean([.should(.term("bird")), .should(.boolean([.must(.term("cat")), .must(.term("dog"))]))]))
        #expect(
            try parse("+(cat dog)^2 bird^0.5") == .boolean([
                .must(.weighted(.boolean([.should(.term("cat")), .should(.term("dog"))]), by: 2)),
                .should(.weighted(.term("bird"), by: 0.5)),
            ]))
    }

    /// Whatever somebody types is a query or gives an error that says where; `ATTAR_FUZZ_MINUTES=10` goes on longer.
    @Test func anyTextIsAQueryOrAnError() throws {
        let queries = [
            #"+rotate +"log files"~2 -docker config*"#, "(a AND b) OR NOT (c d)^2 e^0.5", #"\+ a\* "b \" c" wi-fi é*"#,
            "((((a) b) c) d) AND NOT e",
        ]
        var (read, refused) = (0, 0)
        let tried = FuzzBudget.run(rounds: 3000) { seed in
            var mutator = ByteMutator(seed: seed)
            let text = String(decoding: mutator.damaged(Array(queries[Int(seed % 4)].utf8)), as: UTF8.self)
            do {
                _ = try parse(text)
                read += 1
            } catch {
                #expect(error is SearchError, "\(error)")
                refused += 1
            }
        }
        if FuzzBudget.minutes != nil { print("queries: \(tried) texts tried, \(refused) refused") }
        #expect(read > 100 && refused > 100)
    }

    @Test func phrasesAndPrefixesGoThroughTheAnalyzer() throws {
        #expect(try parse("\"boundary layers\"") == .boolean([.should(phrase("boundari", "layer"))]))
        #expect(try parse("\"boundary layers\"~3") == .boolean([.should(phrase("boundari", "layer", slop: 3))]))
        #expect(
            try parse("\"the state of art\"")
                == .boolean([.should(.phrase([.init("state", at: 0), .init("art", at: 2)]))]))
        #expect(try parse("\"cats\"") == parse("cats"))
        #expect(try parse("wi-fi") == .boolean([.should(phrase("wi", "fi"))]))
        #expect(try parse("Houses*") == .boolean([.should(.prefix("houses", besides: ["hous"]))]))
        #expect(try parse("the -cat dog") == .boolean([.mustNot(.term("cat")), .should(.term("dog"))]))
        #expect(try parse("the") == .boolean([]))
        #expect(try parse("") == .boolean([]))
    }

    @Test func signsInsideOfWordsAndEscapedOnesMeanNothing() throws {
        #expect(try parse("c++ what's") == .boolean([.should(.term("c")), .should(.term("what"))]))
        #expect(try parse("\\+cat \\-dog \\AND why?") == .boolean([
            .should(.term("cat")), .should(.term("dog")), .should(.term("whi")),
        ]))
        #expect(try parse("cat and dog") == parse("cat dog"))
        #expect(try parse("\"say \\\"cat\\\" twice\"") == .boolean([.should(phrase("say", "cat", "twice"))]))
    }

    @Test(arguments: [
        ("cat \"dog", 5), ("cat (dog", 5), ("cat dog)", 8), ("cat - dog", 5), ("+", 1), ("AND cat", 1), ("cat AND", 5),
        ("cat AND OR dog", 9), ("++cat", 2), ("ca*t", 3), ("*", 1), ("cat~2", 4), ("\"a cat\"~x", 8), ("cat^", 4),
        ("cat^0", 4), ("-cat", 1), ("NOT cat", 1), ("bird (-cat)", 7), ("cat OR -dog", 9), ("wi-f*", 1), ("cat ()+", 7),
    ])
    func whatMakesNoSenseIsNamedByItsPlace(text: String, column: Int) throws {
        let error = #expect(throws: SearchError.self) { try parse(text) }
        guard case .badQuery(_, let found) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(found == column, "\(text): \(error?.description ?? "")")
    }

    @Test func nestingAndLengthAreLimited() throws {
        let deep = String(repeating: "(", count: 31) + "cat" + String(repeating: ")", count: 31)
        #expect(throws: Never.self) { try parse(deep) }
        #expect(throws: SearchError.self) { try parse("(" + deep + ")") }
        #expect(throws: SearchError.self) { try parse(String(repeating: "(", count: 60_000)) }
        #expect(throws: SearchError.self) { try parse(String(repeating: "cat ", count: 1025)) }
        #expect(throws: SearchError.self) { try parse(String(repeating: "cat ", count: 30_000)) }
    }

    @Test func noTextCrashesTheParser() throws {
        let pieces = ["cat", "\"", "(", ")", "+", "-", " ", "AND", "OR", "NOT", "*", "~", "2", "^", "\\", "é", "東京", "the", "\u{301}"]
        for seed in 0..<3000 {
            var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
            var text = ""
            for _ in 0..<(seed % 12) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(state >> 33) % pieces.count]
            }
            do { _ = try parse(text) } catch { #expect(error is SearchError, "\(text)") }
        }
    }
}

@Suite struct BooleanSearchTests {
    @Test func booleanQueriesFindTheSameInAnySegments() throws {
        let one = try SmallCorpus(encoders: []), many = try SmallCorpus(segments: 4, encoders: [])
        for query in ["+apple -pear", "\"boundary layer\" AND wing", "appl* OR \"heat transfer\"~2", "(apple wing) AND 1953"] {
            let pipeline = Pipeline.bm25(syntax: .boolean)
            let found = try one.searcher.search(query, pipeline, depth: 60, explain: true)
            let other = try many.searcher.search(query, pipeline, depth: 60, explain: true)
            #expect(!found.isEmpty && found == other, "\(query)")
            for result in found {
                let sum = result.explanation?.terms?.reduce(0) { $0 + $1.contribution } ?? -1
                #expect(abs(sum - result.score) < 1e-4)
            }
        }
        let texts = Dictionary(uniqueKeysWithValues: one.documents.map { ($0.id, $0.text) })
        let found = try one.searcher.search("+apple -pear", .bm25(syntax: .boolean), depth: 60)
        #expect(found.allSatisfy { texts[$0.documentID].map { $0.contains("apple") && !$0.contains("pear") } ?? false })
    }

    @Test func plainTextHasNoSigns() throws {
        let searcher = try SmallCorpus(encoders: []).searcher
        let plain = try searcher.search("-apple +\"pear\" (wing*", .bm25(), depth: 60)
        #expect(try plain.map(\.score) == searcher.search("apple pear wing", .bm25(), depth: 60).map(\.score))
    }

    @Test func aCollectionWithoutPositionsHasNoPhrases() throws {
        let folder = try TemporaryFolder()
        let collection = try Collection.ingest(into: folder.file("c"), configuration: .init(positions: false)) {
            try $0.add(Document(id: "a", title: "", text: "New York is a city."))
        }
        let searcher = Searcher(collection)
        #expect(throws: IndexError.self) { try searcher.search("\"new york\"", .bm25(syntax: .boolean)) }
        #expect(try searcher.search("+new +york", .bm25(syntax: .boolean)).count == 1)
    }
}

@Suite struct HighlighterTests {
    private func marked(_ query: LexicalQuery, _ text: String) -> String {
        let ranges = Highlighter.ranges(of: Highlighter(query, analyzer: .english).tokens(of: text))
        var bytes = Array(text.utf8)
        for range in ranges.reversed() {
            bytes.insert(UInt8(ascii: "]"), at: range.upperBound)
            bytes.insert(UInt8(ascii: "["), at: range.lowerBound)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func stemsPrefixesAndPhrasesAreShown() {
        let phrase = LexicalQuery.phrase([.init("new", at: 0), .init("york", at: 1)])
        #expect(marked(.term("hous"), "House, HOUSES and housing.") == "[House], [HOUSES] and [housing].")
        #expect(marked(.prefix("inter"), "International inter-net") == "[International] [inter]-net")
        #expect(marked(phrase, "New: the York. New York, york new.") == "New: the York. [New] [York], york new.")
        #expect(
            marked(.boolean([.must(.term("cat")), .mustNot(.term("dog"))]), "cats & dogs") == "[cats] & dogs")
        #expect(marked(.boolean([]), "cats") == "cats")
    }

    @Test func bytesAreThoseOfTheText() {
        #expect(marked(.term("café"), "Ein Café — naïve CAFE\u{301}s") == "Ein [Café] — naïve [CAFE\u{301}s]")
        #expect(marked(.anyOf(["東京", "京都"]), "東京都 京") == "[東京都] 京")
        #expect(marked(.term("amp"), "a &amp; b & c") == "a &[amp]; b & c")
    }

    @Test func snippetsCarryTheirOwnBytes() {
        let filler = String(repeating: "Nothing\n\t is said   here of it, é. ", count: 30)
        let text = filler + "The  quick\nbrown   fox jumps. " + filler
        let shown = SnippetMaker(Highlighter(.anyOf(["fox", "quick"]), analyzer: .english)).snippet(of: text)
        let words = shown.highlights.map { String(decoding: Array(shown.text.utf8)[$0], as: UTF8.self) }
        #expect(words == ["quick", "fox"])
        #expect(shown.matches.map { String(decoding: Array(text.utf8)[$0], as: UTF8.self) } == ["quick", "fox"])
        let long = String(repeating: "é", count: 400) + " fox " + String(repeating: "word ", count: 200)
        let cut = SnippetMaker(Highlighter(.term("fox"), analyzer: .english)).snippet(of: long)
        #expect(cut.highlights.map { String(decoding: Array(cut.text.utf8)[$0], as: UTF8.self) } == ["fox"])
    }

    @Test func highlightsOfHTMLAreBytesOfTheStoredText() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            Array("<html><title>T</title><body><p>A caf&eacute; &amp; a b&auml;r: caf&#233;s.</p></body></html>".utf8),
            to: "page.html")
        let collection = try Collection.ingest(into: folder.file("c"), configuration: .init()) { writer in
            _ = try DocumentReader.read(paths: [folder.file("page.html")]) { document, place in
                try writer.add(document, from: place)
            }
        }
        let result = try #require(try Searcher(collection).search("café", .bm25()).first)
        let text = Array(try collection.passage(at: result.passage).text.utf8)
        let shown = result.highlights.map { String(decoding: text[$0.start..<$0.end], as: UTF8.self) }
        #expect(shown.first == "café" && !shown.isEmpty)
    }
}
