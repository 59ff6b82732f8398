import AttarCollection
import AttarIndex

/// Passages that a first stage finds, put in order by the vectors of their tokens (Martinico, Nardini, Rulli & Venturini
/// 2026): `Cascade` says which of them are scored.
struct TwoStage: Sendable {
    let name: String
    let first: (name: String, stage: Stage)
    let second: TokenStage
    /// How many passages the first stage finds, at least.
    let candidates: Int
    let cascade: Cascade

    /// A query, analysed and encoded once by both stages; nil where the first finds nothing.
    func passageSearch(_ query: String) throws -> Stage.PassageSearch? {
        guard let search = try first.stage.passageSearch(query) else { return nil }
        let tokens = try second.tokens(query)
        return { count, selection in
            let found = try search(max(count, candidates), selection)
            let best = try second.rerank(tokens, found.hits, count: count, cascade)
            return PassageHits(hits: best.hits, scanned: found.scanned + best.scanned)
        }
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
