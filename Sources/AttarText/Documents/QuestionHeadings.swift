import Foundation

/// Turns documents whose title is a question (the answers of a FAQ) into labelled test queries.
///
/// The question leaves the document, which keeps only the answer: a search that finds it has understood something, and
/// has not merely met the question's words again. So a user gets judged queries without writing one.
public struct QuestionHeadings: Sendable {
    /// A query and the document that answers it.
    public struct Question: Sendable, Equatable {
        /// The query's id: "q1", "q2", …, in the order of the documents.
        public let id: String
        /// The question.
        public let text: String
        /// The id of the document that answers it.
        public let documentID: String
    }

    /// Which documents may hold questions: a shell pattern over ids, such as `faq/*`, where `*` also crosses slashes.
    public let pattern: String
    /// The questions taken so far.
    public private(set) var questions: [Question] = []

    /// An extractor for the documents whose id matches a shell pattern.
    public init(pattern: String) {
        self.pattern = pattern
    }

    /// Takes the question off a document whose id matches and whose title ends with a question mark; other documents
    /// come back as they are.
    public mutating func take(from document: Document) -> Document {
        let title = document.title.trimmingCharacters(in: .whitespacesAndNewlines)
        guard title.hasSuffix("?"), !document.text.isEmpty, fnmatch(pattern, document.id, 0) == 0 else {
            return document
        }
        questions.append(Question(id: "q\(questions.count + 1)", text: title, documentID: document.id))
        var answer = document
        answer.title = ""
        answer.headings.removeAll { $0 == document.title }
        return answer
    }
}
