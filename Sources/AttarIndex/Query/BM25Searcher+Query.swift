import AttarTensor

extension BM25Searcher {
    /// The k best passages for a query of clauses, phrases and prefixes.
    ///
    /// - Parameters:
    ///   - k: how many at most.
    ///   - allowed: which passages may be found; nil for all.
    ///   - documentFrequencies: for one of several segments, in how many passages of the whole corpus each term occurs.
    ///     Prefixes must have been resolved in all segments then: see `LexicalQuery.resolved(in:)`.
    /// - Returns: score descending, then ordinal ascending.
    /// - Throws: `IndexError.query`: a phrase where the index has no positions, a prefix of too many terms, too deep or
    ///   too long; `StorageError.corrupt`.
    /// - Complexity: at most O(postings of the terms · depth).
    public func search(
        _ query: LexicalQuery, k: Int, allowed: OrdinalSet? = nil, documentFrequencies: [String: Int]? = nil
    ) throws -> [SearchHit] {
        try respond(to: query, k: k, allowed: allowed, documentFrequencies: documentFrequencies).hits
    }

    /// The k best passages as `search` finds them, and how many postings were scored or looked for.
    public func respond(
        to query: LexicalQuery, k: Int, allowed: OrdinalSet? = nil, documentFrequencies: [String: Int]? = nil
    ) throws -> (hits: [SearchHit], scanned: Int) {
        let query = try query.resolved(in: [index])
        guard k > 0, index.passages > 0 else { return ([], 0) }
        if let terms = query.bagOfTerms {
            return try respond(to: terms, k: k, allowed: allowed, documentFrequencies: documentFrequencies)
        }
        return try scratches.withWorkspace { scratch in
            let compiled = try CompiledQuery(query, self, documentFrequencies: documentFrequencies, scratch)
            return try withReader(grid: compiled.grid) { reader in
                let k = min(k, index.passages)
                guard let flat = compiled.flat else {
                    var search = TreeSearch(compiled, reader, index.positions?.reader, scratch, allowed: allowed)
                    return (try search.run(k: k), search.scanned)
                }
                if flat.parts.isEmpty {
                    let terms = [flat.optional, flat.excluded].map { $0.map { compiled.terms[$0] } }
                    var search = WindowedSearch(terms[0], excluding: terms[1], reader, scratch, allowed: allowed)
                    return (try search.run(k: k), search.scanned)
                }
                var search = ConjunctionSearch(
                    flat, compiled, reader, index.positions?.reader, scratch, allowed: allowed)
                return (try search.run(k: k), search.scanned)
            }
        }
    }

    /// How a passage came to its score for a query.
    ///
    /// - Returns: nil when the passage does not match.
    /// - Precondition: the ordinal is below the index's number of passages.
    public func explain(
        _ query: LexicalQuery, ordinal: UInt32, documentFrequencies: [String: Int]? = nil
    ) throws -> LexicalExplanation? {
        precondition(Int(ordinal) < index.passages, "passage \(ordinal) of \(index.passages)")
        let query = try query.resolved(in: [index])
        let scratch = SearchScratch()
        let compiled = try CompiledQuery(query, self, documentFrequencies: documentFrequencies, scratch, explains: true)
        let found = try withReader(grid: compiled.grid) { reader in
            var search = TreeSearch(compiled, reader, index.positions?.reader, scratch, allowed: nil)
            return try search.explain(compiled.leaves, ordinal: ordinal)
        }
        guard let found else { return nil }
        let parts = zip(compiled.leaves, found.leaves).filter { $0.1.frequency > 0 }.map { leaf, part in
            LexicalExplanation.Part(
                label: leaf.label, boost: leaf.boost, documentFrequency: leaf.documentFrequency,
                inverseDocumentFrequency: leaf.inverseDocumentFrequency, frequency: part.frequency,
                contribution: part.contribution)
        }
        return LexicalExplanation(
            ordinal: ordinal, score: found.score, norm: 1 / inverseNorms[Int(ordinal)],
            parts: parts.sorted { $0.contribution > $1.contribution })
    }
}

/// How a passage came to its score for a query of clauses.
public struct LexicalExplanation: Sendable, Codable, Equatable {
    /// What a term, a phrase or a prefix adds.
    public struct Part: Sendable, Codable, Equatable {
        /// The term, the phrase in quotes, or how many terms are counted as one.
        public let label: String
        /// What the query multiplies it with.
        public let boost: Float
        /// In how many passages it occurs; of a phrase, the rarest term; of several terms, the most frequent.
        public let documentFrequency: Int
        /// Of a phrase, the sum of its terms'.
        public let inverseDocumentFrequency: Float
        /// How often it occurs in the passage; of a phrase with slop, see `PhraseMatcher`.
        public let frequency: Float
        /// What it adds to the score.
        public let contribution: Float
    }

    /// The passage.
    public let ordinal: UInt32
    /// The sum of the contributions.
    public let score: Float
    /// k1 · (1 − b + b · length / averageLength).
    public let norm: Float
    /// What matches, largest contribution first.
    public let parts: [Part]
}

extension LexicalQuery {
    /// The terms of a query that is nothing but terms of which one has to match; such are searched by MaxScore.
    var bagOfTerms: [WeightedTerm]? {
        func term(_ query: LexicalQuery, _ boost: Float) -> WeightedTerm? {
            switch query {
            case .term(let term): WeightedTerm(term, weight: boost)
            case .weighted(let query, let factor): term(query, boost * factor)
            default: nil
            }
        }
        guard case .boolean(let clauses) = self else { return term(self, 1).map { [$0] } }
        guard clauses.allSatisfy({ $0.occurrence == .should }) else { return nil }
        let terms = clauses.compactMap { term($0.query, 1) }
        return terms.count == clauses.count ? terms : nil
    }
}
