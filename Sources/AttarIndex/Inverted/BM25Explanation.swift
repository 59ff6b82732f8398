import AttarStorage

/// How a passage came to its BM25 score, term by term, computed by the code that searches.
public struct BM25Explanation: Sendable, Codable, Equatable {
    /// What one term of the query adds.
    public struct Term: Sendable, Codable, Equatable {
        /// The term.
        public let term: String
        /// The sum of its weights in the query.
        public let queryWeight: Float
        /// In how many passages of the corpus it occurs.
        public let documentFrequency: Int
        /// ln(1 + (N − df + 0.5) / (df + 0.5)).
        public let inverseDocumentFrequency: Float
        /// How often it occurs in the passage.
        public let frequency: Int
        /// tf / (tf + norm), between 0 and 1.
        public let saturation: Float
        /// queryWeight · idf · saturation: what is added to the score.
        public let contribution: Float
    }

    /// The passage.
    public let ordinal: UInt32
    /// The sum of the contributions: the same bits as the score of the search.
    public let score: Float
    /// The passage's number of term occurrences, and the corpus's mean.
    public let length: Int
    /// The mean number of term occurrences of a passage.
    public let averageLength: Double
    /// k1 · (1 − b + b · length / averageLength).
    public let norm: Float
    /// k1 and b.
    public let parameters: BM25Parameters
    /// The different terms of the query, largest contribution first, then in the query's order.
    public let terms: [Term]
}

extension BM25Searcher {
    /// Explains the score of a passage for a query.
    ///
    /// - Precondition: the ordinal is below the index's number of passages.
    /// - Complexity: O(terms · log(blocks)).
    public func explain(
        _ query: [WeightedTerm], ordinal: UInt32, documentFrequencies: [String: Int]? = nil
    ) throws -> BM25Explanation {
        let plan = QueryPlan(query, searcher: self, documentFrequencies: documentFrequencies)
        let inverse = inverseNorms[Int(ordinal)]
        let scratch = SearchScratch()
        let terms = try withReader(grid: plan.grid) { reader in
            try plan.terms.map { try explain($0, ordinal, inverseNorm: inverse, reader, scratch) }
        }
        let sorted = terms.enumerated().sorted {
            ($1.element.contribution, $0.offset) < ($0.element.contribution, $1.offset)
        }
        return BM25Explanation(
            ordinal: ordinal, score: terms.reduce(0) { $0 + $1.contribution }, length: index.length(of: ordinal),
            averageLength: statistics.averageLength, norm: 1 / inverse, parameters: parameters,
            terms: sorted.map(\.element))
    }

    /// Explains the score of a passage for a bag of terms.
    public func explain(_ terms: [String], ordinal: UInt32) throws -> BM25Explanation {
        try explain(terms.map { WeightedTerm($0) }, ordinal: ordinal)
    }

    private func explain(
        _ term: QueryPlan.Term, _ ordinal: UInt32, inverseNorm: Float, _ reader: PostingsReader,
        _ scratch: SearchScratch
    ) throws -> BM25Explanation.Term {
        var (frequency, contribution) = (Float(0), Float(0))
        if let record = term.record {
            var cursor = PostingsCursor(
                PlannedTerm(record: record, weight: term.weight, strength: 0), buffers: scratch.buffers(0))
            try cursor.validate(reader)
            if try cursor.seek(ordinal, reader) == ordinal {
                frequency = cursor.number(reader)
                contribution = cursor.score(reader)
            }
        }
        let saturation = BM25.contribution(weight: 1, frequency: frequency, inverseNorm: inverseNorm)
        return BM25Explanation.Term(
            term: term.term, queryWeight: term.queryWeight, documentFrequency: term.documentFrequency,
            inverseDocumentFrequency: term.inverseDocumentFrequency, frequency: Int(frequency),
            saturation: frequency == 0 ? 0 : saturation, contribution: contribution)
    }
}
