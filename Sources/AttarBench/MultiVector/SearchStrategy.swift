import AttarEvidence
import AttarIndex
import AttarModels
import AttarSearch
import AttarTensor

/// A way to find the best documents by MaxSim.
enum SearchStrategy {
    /// All documents are scored.
    case exhaustive
    /// No token is looked at.
    case firstStage
    /// Documents near the query's tokens are scored.
    case gather(TokenGathering)
    /// Candidates of the first stage are scored.
    case twoStage(TwoStageIndex.Options)

    static let k = 10

    /// The best documents for a query.
    func search(_ index: TwoStageIndex, _ query: TwoStageQuery) throws -> CascadeResponse {
        switch self {
        case .exhaustive: return try index.tokens.search(query.tokens, k: Self.k)
        case .firstStage:
            let hits = try index.sparse.search(columns: query.weights.ids, weights: query.weights.weights, k: Self.k)
            return CascadeResponse(hits: hits, scored: 0, candidates: hits.count)
        case .gather(let gathering): return try index.tokens.gather(query.tokens, k: Self.k, gathering: gathering)
        case .twoStage(let options): return try index.search(query, k: Self.k, options: options)
        }
    }

    /// `two-stage, 50 candidates, margin 0.1, patience 4`
    var name: String {
        switch self {
        case .exhaustive: return "exhaustive"
        case .firstStage: return "first stage alone"
        case .gather(let gathering):
            return "gather, \(gathering.probes) probes" + (gathering.candidates.map { ", best \($0) by centroids" } ?? "")
        case .twoStage(let options):
            return "two-stage, \(options.candidates) candidates"
                + (options.cascade.margin.map { ", margin \($0)" } ?? "")
                + (options.cascade.patience.map { ", patience \($0)" } ?? "")
        }
    }
}

/// What a strategy finds for the queries of a split, and at which price.
struct StrategyOutcome {
    let strategy: SearchStrategy
    let run: Run
    /// nDCG@10 of the queries, as judged.
    let quality: Double
    /// Documents scored by MaxSim a query.
    let scored: Double
    /// Documents that were looked at in some way a query.
    let met: Double

    static let metric = Metric.standard[0]

    init(
        _ strategy: SearchStrategy, _ data: MultiVectorData, _ queries: MultiVectorData.Queries,
        search: (TwoStageQuery, Int) throws -> CascadeResponse
    ) throws {
        self.strategy = strategy
        var run = Run(name: strategy.name)
        var (scored, met) = (0, 0)
        for (place, query) in queries.encoded.enumerated() {
            let response = try search(query, place)
            scored += response.scored
            met += response.candidates
            // Scores fall strictly, so that ties are those of the search.
            let results = response.hits.enumerated().map {
                Run.Result(data.documents[Int($0.element.ordinal)], Double(-$0.offset))
            }
            try run.setResults(results, query: queries.ids[place])
        }
        self.run = run
        let count = Double(max(1, queries.ids.count))
        (self.scored, self.met) = (Double(scored) / count, Double(met) / count)
        let scores = Evaluator(judgements: queries.judgements, metrics: [Self.metric]).scores(of: run)
        quality = scores.mean(of: Self.metric) ?? 0
    }
}

/// Chooses settings by development queries: of those whose nDCG@10 is within half a point of the exhaustive search's,
/// the one that scores the fewest documents.
struct StrategySweep {
    private let data: MultiVectorData
    private let index: TwoStageIndex
    private let target: Double

    private static let tolerance = 0.005
    private static let probes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]
    private static let gathered = [10, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]
    private static let candidates = [10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300]
    private static let margins: [Float?] = [nil, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5]
    private static let patiences: [Int?] = [nil, 2, 3, 4, 6, 8, 12, 16]

    init(_ data: MultiVectorData, _ index: TwoStageIndex) throws {
        self.data = data
        self.index = index
        target = try StrategyOutcome(.exhaustive, data, data.development) { query, _ in
            try SearchStrategy.exhaustive.search(index, query)
        }.quality - Self.tolerance
    }

    /// The exhaustive search, the first stage, and of gathering and of two stages the simple form and the one that
    /// leaves documents out.
    func chosen() throws -> [SearchStrategy] {
        let (gather, pruned) = try (simpleGathering(), prunedGathering())
        let (stages, cascade) = try twoStages()
        return [.exhaustive, .firstStage, gather, pruned, stages, cascade]
    }

    private func simpleGathering() throws -> SearchStrategy {
        var best: SearchStrategy?
        for probes in Self.probes {
            let strategy = SearchStrategy.gather(TokenGathering(probes: probes))
            best = strategy
            if try measured(strategy).quality >= target { break }
        }
        return best ?? .exhaustive
    }

    private func prunedGathering() throws -> SearchStrategy {
        var outcomes: [StrategyOutcome] = []
        for probes in Self.probes.prefix(6) {
            for candidates in Self.gathered {
                let strategy = SearchStrategy.gather(TokenGathering(probes: probes, candidates: candidates))
                outcomes.append(try measured(strategy))
                // More candidates are no fewer.
                if outcomes[outcomes.count - 1].quality >= target { break }
            }
        }
        return cheapest(outcomes)
    }

    private func measured(_ strategy: SearchStrategy) throws -> StrategyOutcome {
        try StrategyOutcome(strategy, data, data.development) { query, _ in try strategy.search(index, query) }
    }

    /// Every candidate is scored once; the settings only choose among them.
    private func twoStages() throws -> (all: SearchStrategy, cascade: SearchStrategy) {
        let most = Self.candidates.last ?? 0
        let found = try data.development.encoded.map { query in
            try index.sparse.search(columns: query.weights.ids, weights: query.weights.weights, k: most)
        }
        let scores = try zip(data.development.encoded, found).map { query, hits in
            let scores = try index.tokens.scores(query.tokens, documents: hits.map(\.ordinal))
            return Dictionary(uniqueKeysWithValues: zip(hits.map(\.ordinal), scores))
        }
        var (full, cascades) = ([StrategyOutcome](), [StrategyOutcome]())
        for candidates in Self.candidates {
            for margin in Self.margins {
                for patience in Self.patiences {
                    let cascade = Cascade(margin: margin, patience: patience)
                    let strategy = SearchStrategy.twoStage(.init(candidates: candidates, cascade: cascade))
                    let outcome = try StrategyOutcome(strategy, data, data.development) { _, place in
                        try cascade.rerank(Array(found[place].prefix(candidates)), k: SearchStrategy.k) { part in
                            part.map { scores[place][$0] ?? -.infinity }
                        }
                    }
                    if margin == nil && patience == nil { full.append(outcome) }
                    if margin != nil || patience != nil { cascades.append(outcome) }
                }
            }
        }
        return (cheapest(full), cheapest(cascades))
    }

    /// The one that scores fewest of those that are good enough; the best when none is.
    private func cheapest(_ outcomes: [StrategyOutcome]) -> SearchStrategy {
        let good = outcomes.filter { $0.quality >= target }
        let cheapest = good.min { ($0.scored, $0.met) < ($1.scored, $1.met) }
        return (cheapest ?? outcomes.max { $0.quality < $1.quality })?.strategy ?? .exhaustive
    }
}
