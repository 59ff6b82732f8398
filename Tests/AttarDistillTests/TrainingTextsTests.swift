import AttarDistill
import AttarModels
import AttarTensor
import AttarText
import Testing

@Suite struct TrainingTextsTests {
    private let corpus = (0..<60).map { index in
        CorpusPassage(
            title: "Title number \(index)", heading: index % 2 == 0 ? "Heading \(index)" : nil,
            text: "The \(["red", "green", "blue"][index % 3]) lamp number \(index) shines at night. It needs readCSVFile(\(index)) to run.",
            encodedText: "Title number \(index) the whole passage \(index)")
    }
    private let mixture = TextMixture(
        passages: 20, sentences: 30, titles: 25, keyphrases: 20, spans: 40, bags: 20, mixed: 20, vocabulary: 10)
    private let vocabulary = ["house", "tree", "computer", "run", "music"]

    private func texts(seed: UInt64 = 1) throws -> TrainingTexts {
        try TrainingTexts(corpus: corpus, vocabulary: vocabulary, mixture: mixture, seed: seed)
    }

    @Test func noTextStandsTwiceAndHeldOutOnesAreNotTrainedOn() throws {
        let drawn = try texts()
        let all = (drawn.training + drawn.heldOut).map(\.text)
        #expect(Set(all).count == all.count)
        #expect(!drawn.heldOut.isEmpty && all.count > 120)
    }

    @Test func noKindIsDrawnMoreOftenThanAskedFor() throws {
        let drawn = try texts()
        let counts = Dictionary((drawn.training + drawn.heldOut).map { ($0.kind, 1) }, uniquingKeysWith: +)
        #expect(counts[.passage] == 20 && counts[.title] == 25)
        #expect(counts[.span, default: 0] <= 40 && counts[.span, default: 0] > 20)
    }

    @Test func theSeedDecidesEverything() throws {
        #expect(try texts(seed: 5).training == texts(seed: 5).training)
        #expect(try texts(seed: 5).training != texts(seed: 6).training)
    }

    @Test func shortTextsPlayQueriesAndLongOnesPassages() throws {
        let drawn = try texts()
        for text in drawn.training {
            #expect(text.role == ([.passage, .sentence].contains(text.kind) ? TextRole.passage : .query))
        }
        #expect(drawn.training.contains { $0.kind == .span && $0.text.contains("csv") })
        #expect(drawn.training.filter { $0.kind == .vocabulary }.allSatisfy { text in
            text.text.split(separator: " ").allSatisfy { vocabulary.contains(String($0)) }
        })
    }

    @Test func questionsBeginAsTheLanguageAsks() throws {
        var mixture = TextMixture(questions: 30)
        let openings = QuestionOpenings.of(language: "en")
        let drawn = try TrainingTexts(corpus: corpus, vocabulary: [], openings: openings, mixture: mixture, seed: 1)
        for text in drawn.training + drawn.heldOut {
            #expect(text.kind == .question && text.role == .query)
            #expect(openings.contains { text.text.hasPrefix($0 + " ") })
        }
        // A language without openings gives no questions, and nothing fails.
        mixture.sentences = 10
        let others = try TrainingTexts(
            corpus: corpus, vocabulary: [], openings: QuestionOpenings.of(language: "fi"), mixture: mixture, seed: 1)
        #expect((others.training + others.heldOut).allSatisfy { $0.kind == .sentence })
    }

    @Test func oneDocumentIsEnoughButNoTextIsNot() throws {
        let one = try TrainingTexts(corpus: [corpus[0]], vocabulary: vocabulary, mixture: mixture, seed: 1)
        #expect(one.training.count >= 7)
        #expect(throws: DistillError.self) {
            try TrainingTexts(corpus: [], vocabulary: [], mixture: mixture, seed: 1)
        }
    }
}
