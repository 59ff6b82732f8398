import AttarCollection

/// Several stages whose documents become one list.
struct FusedStage: Sendable {
    let name: String
    let parts: [(name: String, stage: Stage)]
    let fusion: Fusion
    /// How many documents of each part take part, at least.
    let candidates: Int

    func respond(
        to query: String, depth: Int, in collection: Collection, _ selection: Selection?
    ) throws -> DocumentHits {
        let responses = try responses(to: query, depth: depth, in: collection, selection)
        let lists = responses.map(\.hits)
        let fused = fusion.fuse(lists.map(Self.hits), depth: depth)
        let passages = Self.passages(in: lists, count: fused.count)
        return DocumentHits(
            hits: fused.map { DocumentHit(document: $0.item, passage: passages[$0.item] ?? 0, score: $0.score) },
            requested: depth, scanned: responses.reduce(0) { $0 + $1.scanned })
    }

    func explain(
        _ query: String, _ hit: DocumentHit, depth: Int, in collection: Collection, _ selection: Selection?
    ) throws -> Explanation {
        let lists = try responses(to: query, depth: depth, in: collection, selection).map(\.hits)
        let contributions = fusion.contributions(to: hit.document, in: lists.map(Self.hits))
        let explained = try contributions.map { contribution in
            let (name, stage) = parts[contribution.list]
            let inner = lists[contribution.list][contribution.rank - 1]
            return Explanation.Part(
                pipeline: name, rank: contribution.rank, score: contribution.score, contribution: contribution.value,
                explanation: try stage.explain(query, inner, depth: max(depth, candidates), in: collection, selection))
        }
        return Explanation(
            pipeline: name, score: contributions.reduce(0) { $0 + $1.value }, parts: explained)
    }

    private func responses(
        to query: String, depth: Int, in collection: Collection, _ selection: Selection?
    ) throws -> [DocumentHits] {
        try parts.map { try $0.stage.respond(to: query, depth: max(depth, candidates), in: collection, selection) }
    }

    private static func hits(_ documents: [DocumentHit]) -> [Fusion.Hit] {
        documents.map { Fusion.Hit(item: $0.document, score: $0.score) }
    }

    /// The passage to show of each document: that of the list which ranks it highest, the earlier list at equal ranks.
    private static func passages(in lists: [[DocumentHit]], count: Int) -> [UInt32: UInt32] {
        var found: [UInt32: UInt32] = [:]
        found.reserveCapacity(count)
        for rank in 0..<(lists.map(\.count).max() ?? 0) {
            for list in lists where rank < list.count && found[list[rank].document] == nil {
                found[list[rank].document] = list[rank].passage
            }
        }
        return found
    }
}
