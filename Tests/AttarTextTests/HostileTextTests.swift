import AttarText
import Testing

/// Random mixtures of scripts, marks, markup and controls through everything that takes text.
struct HostileTextTests {
    private static let pieces = [
        "a", "Word", "readCSVFile2X", "snake_case", "it's", "’s", "'", ".", "...", "!?", "e.g.", "J.", "3.5", "1,000",
        " ", "  ", "\n", "\n\n",
        "\r\n", "\t", "東京都", "か\u{3099}", "한국", "ภาษา", "ที่", "\u{301}", "é", "ß", "İ", "ﬁ", "ＡＢ", "\u{200D}", "\u{AD}",
        "\0", "\u{FEFF}", "👩‍💻", "🇩🇪",
        "。", "！", "」", "।", "…", "”", "»", "•", "- ", "1. ", "# ", "## x", "```", "~~~", "---", "===", "> ", "[a](b",
        "![", "](", "*", "**", "_", "`",
        "\\", "<!--", "-->", "<p>", "<h2 id=a>", "</h2>", "<section id='s'>", "</section>", "<pre>", "<a href=x>",
        "</a>", "<li", "<td>", "<table>",
        "<script>", "</script>", "<title>", "&amp;", "&#x", "&", "<", ">", "\"", "=", "/", ",", ";", "\u{10FFFF}",
        "\u{1D165}", "؟", "۔", "—",
    ]

    /// The same texts on every machine.
    private static let texts: [String] = {
        var state: UInt64 = 7
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        return (0..<1_500).map { _ in (0..<next(30)).map { _ in pieces[next(pieces.count)] }.joined() }
    }()

    @Test func rangesStayInTheTextAndInOrder() throws {
        let analyzers = [
            Analyzer.english, try Analyzer(language: "tr"), try Analyzer(.init(language: "none", foldsAccents: true)),
        ]
        for text in Self.texts {
            let count = text.utf8.count
            for analyzer in analyzers {
                let tokens = analyzer.tokens(text)
                #expect(
                    tokens.allSatisfy { $0.utf8Range.upperBound <= count && !$0.utf8Range.isEmpty && !$0.term.isEmpty })
                #expect(
                    zip(tokens, tokens.dropFirst()).allSatisfy { $0.utf8Range.lowerBound < $1.utf8Range.lowerBound })
            }
            let sentences = SentenceSplitter.sentences(of: text)
            #expect(sentences.allSatisfy { !$0.isEmpty && $0.upperBound <= count })
            #expect(zip(sentences, sentences.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
        }
    }

    @Test func passagesAndPhrasesComeOutOfAnything() {
        var extractor = KeyphraseExtractor()
        let documents = Self.texts.enumerated().map {
            Document(id: "\($0)", title: String($1.prefix(20)), text: $1, headings: [$1])
        }
        for document in documents { extractor.add(document) }
        for document in documents {
            let passages = Chunker(maximumWords: 3, overlapSentences: 1).passages(of: document)
            #expect(!passages.isEmpty)
            #expect(passages.allSatisfy { $0.text.utf8.count == $0.utf8Range.count })
            #expect(extractor.phrases(of: document).allSatisfy { !$0.text.isEmpty && $0.score >= 0 })
        }
    }

    @Test func pagesAndMarkdownOfAnythingAreRead() throws {
        var options = ReaderOptions()
        options.allowsEmptyCorpus = true
        var files: [String: String] = [:]
        for (index, text) in Self.texts.prefix(400).enumerated() {
            files["\(index).html"] = text
            files["\(index).md"] = text
        }
        try Fixture.withFolder(files) { folder in
            let documents = try Fixture.documents(in: folder, options: options)
            #expect(documents.allSatisfy { !$0.text.isEmpty })
            #expect(documents.count > 400)
        }
    }

    @Test func textWithoutSpacesGivesPhrases() {
        let phrases = KeyphraseExtractor().phrases(of: Document(id: "1", text: "東京都の天気。東京都の天気、雨。"))
        #expect(phrases.first?.text == "東京都の天気")
    }
}
