import AttarCollection
import AttarIndex

/// Passages that a first stage finds, put in order by the vectors of their tokens (Martinico, Nardini, Rulli &
/// Venturini 2026): `Cascade` says which of them are scored. Where the first stage finds fewer than are asked for, such
/// as none with a word of the query, the vectors of tokens find the others.
struct TwoStage: Sendable {
    let name: String
    let first: (name: String, stage: Stage)
    let second: TokenStage
    /// How many passages the first stage finds, at least.
    let candidates: Int
    let cascade: Cascade

    /// A query, analysed and encoded once by both stages.
    func passageSearch(_ query: String) throws -> Stage.PassageSearch {
        let search = try first.stage.passageSearch(query)
        let tokens = try second.tokens(query)
        return { count, selection in
            let found = try search?(max(count, candidates), selection) ?? PassageHits(hits: [], scanned: 0)
            let best = try second.rerank(tokens, found.hits, count: count, cascade)
            let scanned = found.scanned + best.scanned
            guard found.hits.count < count else { return PassageHits(hits: best.hits, scanned: scanned) }
            let others = try second.passages(tokens, count: count, in: selection)
            return PassageHits(
                hits: Self.union(best.hits, others.hits, count: count), scanned: scanned + others.scanned)
        }
    }

    /// The best of both; a passage has the same score in both.
    private static func union(_ first: [SearchHit], _ second: [SearchHit], count: Int) -> [SearchHit] {
        var best = TopK(count)
        let known = Set(first.map(\.ordinal))
        for hit in first + second.filter({ !known.contains($0.ordinal) }) { best.offer(hit.ordinal, hit.score) }
        return best.hits
    }

    func explain(
        _ query: String, _ hit: DocumentHit, depth: Int, in collection: Collection, _ selection: Selection?
    ) throws -> Explanation {
        let own = try second.explain(query, hit)
        let found = try first.stage.passageSearch(query)?(max(depth, candidates), selection).hits ?? []
        let parts = try found.firstIndex { $0.ordinal == hit.passage }.map { place in
            let before = DocumentHit(document: hit.document, passage: hit.passage, score: Double(found[place].score))
            return [Explanation.Part(
                pipeline: first.name, rank: place + 1, score: before.score, contribution: 0,
                explanation: try first.stage.explain(query, before, depth: depth, in: collection, selection))]
        }
        return Explanation(pipeline: name, score: own.score, interaction: own.interaction, parts: parts)
    }
}
