import AttarModels

/// One text that the teacher is asked about, in the role it will play in search.
public struct TrainingText: Hashable, Sendable {
    /// Where a training text comes from.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// A whole passage.
        case passage
        /// One sentence of a passage.
        case sentence
        /// A title or a heading.
        case title
        /// A phrase that stands for what a passage is about.
        case keyphrase
        /// 2 to 10 words in a row of a sentence.
        case span
        /// 2 to 7 telling words of one passage, in their order.
        case bag
        /// A span or a bag with words of the teacher's vocabulary strewn in: what people ask with words that the corpus
        /// does not have.
        case mixed
        /// 2 to 6 words of the teacher's vocabulary.
        case vocabulary
        /// The beginning of a question, as people ask in the corpus's language, with a span or a bag behind it.
        case question
    }

    /// The text.
    public let text: String
    /// Where it comes from.
    public let kind: Kind

    /// The role the encoders see it in: what is as short as a query is encoded as one.
    public var role: TextRole {
        switch kind {
        case .passage, .sentence: .passage
        case .title, .keyphrase, .span, .bag, .mixed, .vocabulary, .question: .query
        }
    }
}

/// How many texts of each kind to take, at most.
public struct TextMixture: Codable, Sendable, Equatable {
    /// The limits by kind.
    public var passages, sentences, titles, keyphrases, spans, bags, mixed, vocabulary, questions: Int

    /// A mixture.
    public init(
        passages: Int = 0, sentences: Int = 0, titles: Int = 0, keyphrases: Int = 0, spans: Int = 0, bags: Int = 0,
        mixed: Int = 0, vocabulary: Int = 0, questions: Int = 0
    ) {
        self.passages = passages
        self.sentences = sentences
        self.titles = titles
        self.keyphrases = keyphrases
        self.spans = spans
        self.bags = bags
        self.mixed = mixed
        self.vocabulary = vocabulary
        self.questions = questions
    }

    /// All limits together.
    public var total: Int { TrainingText.Kind.allCases.reduce(0) { $0 + limit(of: $1) } }

    func limit(of kind: TrainingText.Kind) -> Int {
        switch kind {
        case .passage: passages
        case .sentence: sentences
        case .title: titles
        case .keyphrase: keyphrases
        case .span: spans
        case .bag: bags
        case .mixed: mixed
        case .vocabulary: vocabulary
        case .question: questions
        }
    }
}
