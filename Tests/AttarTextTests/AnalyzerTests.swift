import AttarText
import Testing

struct AnalyzerTests {
    @Test func englishWordsAreLowercasedStoppedAndStemmed() {
        #expect(Analyzer.english.terms("The cat's 3.5 houses, running!") == ["cat", "3.5", "hous", "run"])
        #expect(Analyzer.english.terms("THE AND of") == [])
        #expect(Analyzer.english.terms("") == [])
        #expect(
            Analyzer.english.terms("snake_case camelCase state-of-the-art") == [
                "snake", "case", "camelcas", "state", "art",
            ])
        #expect(Analyzer.english.terms("don't rock ’n’ roll; John’s") == ["don't", "rock", "n", "roll", "john"])
        #expect(
            Analyzer.english.terms("1,000 1.5.2 a.b 7. end.")
                == ["1,000", "1.5.2", "a", "b", "7", "end"].filter { $0 != "a" })
    }

    @Test func tokensKnowTheirPlaces() {
        let text = "Éclairs, the naïve cafés"
        let tokens = Analyzer.english.tokens(text)
        let bytes = Array(text.utf8)
        #expect(tokens.map { String(decoding: bytes[$0.utf8Range], as: UTF8.self) } == ["Éclairs", "naïve", "cafés"])
        #expect(tokens.map(\.position) == [0, 2, 3])
    }

    @Test func equalTextsInDifferentFormsMeet() throws {
        let plain = try Analyzer(.init(language: "none"))
        #expect(plain.terms("cafe\u{301}") == plain.terms("café"))
        #expect(plain.terms("ＡＢＣ１２３") == ["abc123"])
        #expect(plain.terms("ﬁn") == ["fin"])
        #expect(plain.terms("co\u{AD}op می\u{200C}خواهم") == ["coop", "میخواهم"])
        let folding = try Analyzer(.init(language: "none", foldsAccents: true))
        #expect(folding.terms("Crème Straße Øre Łódź") == ["creme", "strasse", "ore", "lodz"])
    }

    @Test func unspacedScriptsGivePairs() throws {
        let plain = try Analyzer(.init(language: "none"))
        #expect(plain.terms("東京都") == ["東京", "京都"])
        #expect(plain.terms("猫") == ["猫"])
        #expect(plain.terms("Swift言語5版") == ["swift", "言語", "5", "版"])
        #expect(plain.terms("한국어 책") == ["한국", "국어", "책"])
        #expect(plain.terms("カ\u{3099}キ") == ["ガキ"])
        #expect(plain.terms("東京。大阪") == ["東京", "大阪"])
        let thai = plain.tokens("ที่นี่")
        #expect(thai.count == 1 && thai[0].utf8Range == 0..<18)
    }

    @Test func languagesHaveTheirStems() throws {
        #expect(try Analyzer(language: "de").terms("Die Häuser und der Garten") == ["haus", "gart"])
        #expect(try Analyzer(language: "fr").terms("l'avion les maisons") == ["avion", "maison"])
        #expect(try Analyzer(language: "ru").terms("в домах") == ["дом"])
        #expect(try Analyzer(language: "tr").terms("IŞIK İstanbul").first == "ışık")
        #expect(try Analyzer(language: "ja").terms("猫です") == ["猫で", "です"])
        for code in Language.codes { #expect(try Analyzer(language: code).terms("wort слово").count == 2) }
    }

    @Test func settingsAreKeptAndUnknownLanguagesRefused() throws {
        let own = try Analyzer(.init(language: "en", stopWords: ["cat"], stems: false))
        #expect(own.terms("the cats and a cat") == ["the", "cats", "and", "a"])
        #expect(Fixture.error { _ = try Analyzer(language: "klingon") }?.kind == .unsupported)
        #expect(StopWords.standard(for: "en").count == 33)
    }

    @Test func manyThreadsShareOneAnalyzer() async {
        let words = (0..<500).map { "running\($0 % 50)s houses cities relational" }.joined(separator: " ")
        let expected = Analyzer.english.terms(words)
        await withTaskGroup(of: [String].self) { group in
            for _ in 0..<8 { group.addTask { Analyzer.english.terms(words) } }
            for await terms in group { #expect(terms == expected) }
        }
    }

    @Test func veryLongWordsAreCut() {
        let terms = Analyzer.english.terms(String(repeating: "x", count: 1_000_000))
        #expect(terms.allSatisfy { $0.utf8.count <= 256 })
        #expect(terms.joined().utf8.count == 1_000_000)
    }
}
