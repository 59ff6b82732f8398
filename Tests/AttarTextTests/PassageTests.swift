import AttarText
import Testing

struct PassageTests {
    private func sentences(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        return SentenceSplitter.sentences(of: text).map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    @Test func sentencesEndWhereTheyEnd() {
        #expect(sentences("One. Two! Three? Four") == ["One.", "Two!", "Three?", "Four"])
        #expect(
            sentences("Dr. A. Smith paid 3.50 e.g. to J. Doe. Then left.") == [
                "Dr. A. Smith paid 3.50 e.g. to J. Doe.", "Then left.",
            ])
        #expect(
            sentences("He said “Go.” She went. (All of it.) Yes… no.") == [
                "He said “Go.”", "She went.", "(All of it.)", "Yes… no.",
            ])
        #expect(sentences("version 3.11. next") == ["version 3.11. next"])
        #expect(sentences("the flow . it is , say , 3 . why ? ask j . a ... b") == [
            "the flow .", "it is , say , 3 .", "why ?", "ask j .", "a ... b",
        ])
        #expect(sentences("今日は。明日「だ。」と言う！終") == ["今日は。", "明日「だ。」", "と言う！", "終"])
        #expect(sentences("यह है। वह") == ["यह है।", "वह"])
        #expect(sentences("") == [] && sentences(" \n ") == [])
        #expect(sentences("...") == ["..."])
    }

    @Test func linesEndSentencesUnlessTheyWereWrapped() {
        #expect(
            sentences("Heading\nText here.\n\n- item one\n- item two") == [
                "Heading", "Text here.", "- item one", "- item two",
            ])
        let wrapped = "This line is long enough that a person must have wrapped it at some\ncolumn and goes on. Next."
        #expect(sentences(wrapped).count == 2)
        let list = "This line is long enough that a person must have wrapped it at some\n1. first"
        #expect(sentences(list).count == 2)
    }

    private func document(_ text: String, title: String = "") -> Document {
        Document(id: "d", title: title, text: text)
    }

    @Test func aShortDocumentIsOnePassageWithItsOwnID() {
        let passages = Chunker(maximumWords: 10).passages(of: document("One two. Three.", title: "T"))
        #expect(
            passages == [
                Passage(id: "d", documentID: "d", ordinal: 0, text: "One two. Three.", utf8Range: 0..<15, heading: "T")
            ])
        #expect(Chunker(maximumWords: 5).passages(of: document("", title: "T")).map(\.text) == [""])
    }

    @Test func passagesHoldWholeSentencesAndOverlap() {
        let text = "A one two. B one two. C one two. D one two. E one two."
        let chunker = Chunker(maximumWords: 6, overlapSentences: 1)
        #expect(
            chunker.passages(of: document(text)).map(\.text) == [
                "A one two. B one two.", "B one two. C one two.", "C one two. D one two.", "D one two. E one two.",
            ])
        #expect(chunker.passages(of: document(text)).map(\.id) == ["d#0", "d#1", "d#2", "d#3"])
        let plain = Chunker(maximumWords: 6, overlapSentences: 0).passages(of: document(text))
        #expect(plain.map(\.text) == ["A one two. B one two.", "C one two. D one two.", "E one two."])
    }

    @Test func longSentencesAreCutAtSpaces() {
        let words = (0..<25).map { "w\($0)" }.joined(separator: " ")
        let passages = Chunker(maximumWords: 10, overlapSentences: 2).passages(of: document(words))
        #expect(passages.map { $0.text.split(separator: " ").count } == [10, 10, 5])
        let chinese = Chunker(maximumWords: 4, overlapSentences: 0).passages(of: document("一二三四五六七八九"))
        #expect(chinese.map(\.text) == ["一二三四", "五六七八", "九"])
    }

    @Test(arguments: [1, 2, 3, 7, 50], [0, 1, 3])
    func everyPassageKeepsItsPromises(_ words: Int, _ overlap: Int) {
        let text =
            "Short. A rather longer sentence stands here, with 3.5 parts! 中文句子。再一句。\n\nItem one\nItem two is e.g. this one. "
        let document = document(String(repeating: text, count: 5))
        let bytes = Array(document.text.utf8)
        let passages = Chunker(maximumWords: words, overlapSentences: overlap).passages(of: document)
        var end = 0
        for (ordinal, passage) in passages.enumerated() {
            #expect(passage.ordinal == ordinal && passage.documentID == "d")
            #expect(passage.text == String(decoding: bytes[passage.utf8Range], as: UTF8.self))
            #expect(!passage.text.isEmpty)
            #expect(passage.utf8Range.upperBound > end)
            // Nothing but white space is lost between two passages.
            if passage.utf8Range.lowerBound > end {
                #expect(bytes[end..<passage.utf8Range.lowerBound].allSatisfy { $0 <= 0x20 })
            }
            end = passage.utf8Range.upperBound
        }
        #expect(bytes[end...].allSatisfy { $0 <= 0x20 })
        #expect(Set(passages.map(\.id)).count == passages.count)
    }

    @Test func tenMegabytesAreCutInLinearTime() {
        let text = String(repeating: "word and ", count: 1_100_000)
        let passages = Chunker(maximumWords: 200).passages(of: document(text))
        #expect(passages.count == 11_000)
        #expect(Chunker.wholeDocument.passages(of: document(text)).count == 1)
    }
}

struct KeyphraseTests {
    @Test func identifiersAndTitlesGiveQueryLikePhrases() {
        var extractor = KeyphraseExtractor()
        let documents = [
            Document(
                id: "1", title: "readCSVFile", text: "def read_csv_file(path): the data frame is read from a file."),
            Document(id: "2", title: "Sorting lists", text: "The list is sorted in place, the file is not."),
            Document(id: "3", title: "Plot", text: "Draws a data frame as a scatter plot."),
        ]
        for document in documents { extractor.add(document) }
        let phrases = extractor.phrases(of: documents[0], count: 5).map(\.text)
        #expect(phrases.first == "read csv file")
        #expect(phrases.contains("data frame"))
        #expect(extractor.phrases(of: documents[2]).map(\.text).contains("scatter plot"))
        #expect(extractor.phrases(of: documents[0]) == extractor.phrases(of: documents[0]))
    }

    @Test func phrasesAreShortDistinctAndWithoutStopWords() {
        let extractor = KeyphraseExtractor(maximumWords: 3)
        let text = "alpha beta gamma delta epsilon zeta and the of 12 34. What is it? HTTPServer2Go don't"
        let phrases = extractor.phrases(of: Document(id: "1", text: text), count: 50)
        #expect(phrases.allSatisfy { (1...3).contains($0.text.split(separator: " ").count) })
        #expect(!phrases.contains { $0.text.split(separator: " ").contains("the") })
        #expect(!phrases.contains { $0.text.contains("12") })
        #expect(phrases.contains { $0.text == "http server2 go" })
        #expect(extractor.phrases(of: Document(id: "2", text: "")) == [])
    }
}
