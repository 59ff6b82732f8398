/// How a score came about, told by the code that computed it.
public struct Explanation: Sendable, Codable, Equatable {
    /// What one term of the query gave (BM25).
    public struct Term: Sendable, Codable, Equatable {
        /// The term as the analyzer made it; a phrase in quotes, or how many terms of a prefix are counted as one.
        public let term: String
        /// How often it stands in the query, or what the query multiplies it with.
        public let queryFrequency: Double
        /// How often it stands in the passage; a phrase with words between counts less than once.
        public let frequency: Double
        /// The number of passages that hold it.
        public let documentFrequency: Int
        /// Its inverse document frequency.
        public let inverseDocumentFrequency: Double
        /// k1 · (1 − b + b · length / mean length) of the passage: what the frequency is weighed against.
        public let lengthNorm: Double
        /// What is added to the score.
        public let contribution: Double
    }

    /// How near two vectors are.
    public struct Similarity: Sendable, Codable, Equatable {
        /// The name of the encoder of the query.
        public let queryEncoder: String
        /// The name of the encoder of the passage.
        public let passageEncoder: String
        /// Their inner product: the cosine when both are normalised.
        public let product: Double
        /// Their cosine, from the full-precision query and the stored vector.
        public let cosine: Double
        /// What found the passage, before it was scored by its vector; nil where every vector is looked at.
        public let index: String?
    }

    /// What a token that query and passage have in common gave (learned sparse weights).
    public struct Weight: Sendable, Codable, Equatable {
        /// The token of the vocabulary.
        public let token: String
        /// Its weight in the query.
        public let query: Double
        /// Its weight in the passage, as it is kept.
        public let passage: Double
        /// What is added to the score: their product.
        public let contribution: Double
    }

    /// How token vectors were compared.
    public struct Interaction: Sendable, Codable, Equatable {
        /// The name of the encoder.
        public let encoder: String
        /// The number of the query's tokens, each of which adds its largest inner product with one of the passage's.
        public let queryTokens: Int
        /// The number of the passage's tokens.
        public let passageTokens: Int
    }

    /// What one fused pipeline gave.
    public struct Part: Sendable, Codable, Equatable {
        /// The name of the pipeline.
        public let pipeline: String
        /// The document's rank in it, from 1.
        public let rank: Int
        /// The document's score in it.
        public let score: Double
        /// What is added to the fused score.
        public let contribution: Double
        /// How the score in it came about.
        public let explanation: Explanation?
    }

    /// The name of the pipeline.
    public let pipeline: String
    /// The score that is explained.
    public let score: Double
    /// The terms, for BM25; those of the query that the passage does not hold are left out.
    public let terms: [Term]?
    /// The vectors, for dense and asymmetric pipelines.
    public let similarity: Similarity?
    /// The tokens in common, for sparse pipelines, the weightiest first.
    public let weights: [Weight]?
    /// How tokens were compared, for late interaction.
    public let interaction: Interaction?
    /// The fused pipelines, for hybrid ones, those without the document left out; the first stage of two, which adds
    /// nothing.
    public let parts: [Part]?

    init(
        pipeline: String, score: Double, terms: [Term]? = nil, similarity: Similarity? = nil, weights: [Weight]? = nil,
        interaction: Interaction? = nil, parts: [Part]? = nil
    ) {
        (self.weights, self.interaction) = (weights, interaction)
        self.pipeline = pipeline
        self.score = score
        self.terms = terms
        self.similarity = similarity
        self.parts = parts
    }
}

extension Explanation: CustomStringConvertible {
    /// The explanation as indented lines.
    public var description: String { lines().joined(separator: "\n") }

    private func lines() -> [String] {
        var lines = ["\(Self.text(score)) = \(pipeline)"]
        for term in terms ?? [] {
            lines.append(
                "  \(Self.text(term.contribution)) = " + (term.term.hasPrefix("\"") ? term.term : "\"\(term.term)\"")
                    + (term.queryFrequency != 1 ? " (\(Self.count(term.queryFrequency)) times in the query)" : "")
                    + ": idf \(Self.text(term.inverseDocumentFrequency)) (in \(term.documentFrequency) passages), "
                    + "tf \(Self.count(term.frequency)), length norm \(Self.text(term.lengthNorm))")
        }
        if let similarity {
            lines.append(
                "  cosine \(Self.text(similarity.cosine)): query by \(similarity.queryEncoder), "
                    + "passage by \(similarity.passageEncoder)" + (similarity.index.map { "; found by \($0)" } ?? ""))
        }
        for weight in weights ?? [] {
            lines.append(
                "  \(Self.text(weight.contribution)) = \"\(weight.token)\": \(Self.text(weight.query)) in the query · "
                    + "\(Self.text(weight.passage)) in the passage")
        }
        if let interaction {
            lines.append(
                "  MaxSim of \(interaction.queryTokens) tokens of the query with \(interaction.passageTokens) of the "
                    + "passage, by \(interaction.encoder)")
        }
        for part in parts ?? [] {
            // The first of two stages only finds what the second one scores.
            let amount = part.contribution == 0 ? "found at" : "\(Self.text(part.contribution)) ="
            lines.append("  \(amount) rank \(part.rank) in \(part.pipeline)")
            lines += (part.explanation?.lines() ?? []).map { "    " + $0 }
        }
        return lines
    }

    /// A number that is whole most of the time.
    private static func count(_ value: Double) -> String { value == value.rounded() ? "\(Int(value))" : text(value) }

    private static func text(_ value: Double) -> String {
        let rounded = (value * 1e5).rounded() / 1e5
        return "\(rounded)"
    }
}
