import AttarEvidence
import AttarIndex
import AttarSearch
import AttarStorage
import AttarTensor
import CAttarKernels
import Foundation

/// `attar bench multivector`: how long does MaxSim take, and how many documents must be scored for equal quality?
public struct MultiVectorBench {
    /// What is searched, and with what.
    public struct Input: Sendable {
        /// A folder in the layout of BEIR.
        public var folder: String
        /// Judgements by which settings are chosen, such as "train".
        public var development: String
        /// Judgements by which the chosen settings are reported.
        public var test: String
        /// The folder of the model whose token states are compared.
        public var encoder: String
        /// The folder of the first stage's model.
        public var sparse: String
        /// To which length token states are projected; nil leaves them as they are.
        public var dimension: Int?
        /// How tokens are kept.
        public var codec: TokenCodec
        /// The number of centroids; nil for the builder's choice.
        public var centroids: Int?
        /// The most queries of a split.
        public var queries: Int
        /// Where encoded documents are kept for the next time.
        public var work: String

        /// An input.
        public init(
            folder: String, development: String, test: String, encoder: String, sparse: String, dimension: Int?,
            codec: TokenCodec, centroids: Int?, queries: Int, work: String
        ) {
            self.folder = folder
            self.development = development
            self.test = test
            self.encoder = encoder
            self.sparse = sparse
            self.dimension = dimension
            self.codec = codec
            self.centroids = centroids
            self.queries = queries
            self.work = work
        }
    }

    private let settings: BenchSettings
    private let input: Input
    var peerList: [Peer] { settings.peers }

    func ours(_ variant: String) -> ContenderLabel { settings.ours(variant) }

    /// A worker of a peer, in an environment that has all of them.
    func worker(_ peer: Peer, script: [UInt8]) throws -> PeerWorker {
        try PeerWorker(peer, script: script, python: PeerEnvironment(settings).python, threads: 1)
    }

    /// Queries whose searches are timed.
    private static let timedQueries = 40

    /// - Throws: `BenchError.usage` for peers that score no tokens, and for more than one thread.
    public init(_ settings: BenchSettings, input: Input) throws {
        try settings.requirePeers(among: [.numpy, .pytorch], otherwise: "scores no tokens")
        try settings.requireOneThread(of: "Searches")
        self.settings = settings
        self.input = input
    }

    /// Chooses settings by development queries, then measures quality, work and time on test queries.
    ///
    /// - Throws: `BenchError`, `TextError`, `ModelError`, `StorageError`.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        let folder = try BenchFolder()
        defer { folder.remove() }
        let data = try MultiVectorData(
            folder: input.folder, splits: (input.development, input.test), models: (input.encoder, input.sparse),
            dimension: input.dimension, work: input.work, limit: input.queries, say: settings.say)
        settings.say("tokens become \(input.codec)")
        let (index, seconds) = try coded(data, folder.file("tokens.mvx"))
        settings.say("settings are chosen by \(data.development.ids.count) queries")
        let strategies = try StrategySweep(data, index).chosen()
        let outcomes = try strategies.map { strategy in
            try StrategyOutcome(strategy, data, data.test) { query, _ in try strategy.search(index, query) }
        }
        let measured = BenchCase(
            name: "top \(SearchStrategy.k) of \(min(Self.timedQueries, data.test.ids.count)) queries, encoded before",
            quantity: .microseconds(of: "query"), amount: Double(min(Self.timedQueries, data.test.ids.count)),
            contenders: contenders(strategies, index, data),
            agreement: try agreement(outcomes, data.test.judgements))
        let notes = try self.notes(data, index, seconds: seconds) + significance(outcomes, data.test.judgements)
        return try session.report(
            title: "multivector \(data.name)", notes: notes, cases: [kernel(folder), measured])
    }

    /// The tokens in the codec of the input.
    private func coded(_ data: MultiVectorData, _ path: String) throws -> (index: TwoStageIndex, seconds: Double) {
        let source = data.index.tokens
        let builder = try MultiVectorBuilder(
            path: path, dimension: source.dimension,
            options: .init(codec: input.codec, lists: true, centroids: input.centroids),
            fingerprint: source.fingerprint, attributes: source.attributes)
        for ordinal in 0..<UInt32(source.count) {
            let tokens = try source.tokens(of: ordinal)
            try builder.append(tokens, lengths: [tokens.rows])
        }
        let start = BenchClock.processor.now
        try builder.finish(threads: 1)
        let seconds = BenchClock.processor.now - start
        return (try TwoStageIndex(sparse: data.index.sparse, tokens: MultiVectorIndex(path: path)), seconds)
    }

    private func contenders(
        _ strategies: [SearchStrategy], _ index: TwoStageIndex, _ data: MultiVectorData
    ) -> [any Contender] {
        let queries = Array(data.test.encoded.prefix(Self.timedQueries))
        return strategies.map { strategy in
            LocalContender(label: settings.ours(strategy.name), clock: .processor) {
                for query in queries { _ = try strategy.search(index, query) }
            }
        }
    }

    /// Quality with its interval, and documents scored.
    private func agreement(_ outcomes: [StrategyOutcome], _ judgements: Judgements) throws -> [String: String] {
        let report = try Evaluation.report(
            judgements: judgements, runs: outcomes.map(\.run), metrics: [StrategyOutcome.metric])
        var texts: [String: String] = [:]
        for outcome in outcomes {
            let interval = report.pipeline(named: outcome.run.name)?.measurement(of: StrategyOutcome.metric)?.interval
            let range = interval.map { String(format: " [%.4f–%.4f]", $0.lower, $0.upper) } ?? ""
            texts[settings.ours(outcome.strategy.name).description] =
                String(format: "nDCG@10 %.4f%@, %.1f documents scored", outcome.quality, range, outcome.scored)
                + (outcome.met > outcome.scored ? String(format: " of %.0f", outcome.met) : "")
        }
        return texts
    }

    /// Each strategy against the exhaustive search, and the two with fewest documents against gathering.
    private func significance(_ outcomes: [StrategyOutcome], _ judgements: Judgements) throws -> [String] {
        let report = try Evaluation.report(
            judgements: judgements, runs: outcomes.map(\.run), metrics: [StrategyOutcome.metric])
        func text(_ first: StrategyOutcome, _ second: StrategyOutcome) -> String? {
            report.comparison(of: first.run.name, with: second.run.name, on: StrategyOutcome.metric).map {
                String(
                    format: "%@ against %@: %+.4f [%+.4f, %+.4f], p = %.3f after Holm; it scores %.3g times as many.",
                    first.run.name, second.run.name, $0.difference, $0.interval?.lower ?? 0, $0.interval?.upper ?? 0,
                    $0.adjustedPValue, first.scored / max(second.scored, 1e-9))
            }
        }
        let exhaustive = outcomes.dropFirst().compactMap { text($0, outcomes[0]) }
        let gathering = [(5, 2), (5, 3)].compactMap { text(outcomes[$0.0], outcomes[$0.1]) }
        return exhaustive + gathering
    }

    private func notes(_ data: MultiVectorData, _ index: TwoStageIndex, seconds: Double) -> [String] {
        let tokens = index.tokens
        return [
            "Times are those of the processor, of one thread; queries were encoded before.",
            String(
                format: "%d documents, %d tokens of %d numbers as %@: %.1f bytes a token and %d centroids with lists, built in %.0f s "
                    + "from encoded tokens.",
                tokens.count, tokens.tokenCount, tokens.dimension, tokens.codec.description,
                Double(tokens.byteCount) / Double(max(1, tokens.tokenCount)), tokens.centroidCount, seconds),
            "Settings were chosen by \(data.development.ids.count) queries of \"\(data.development.split)\": those with "
                + "the fewest scored documents whose nDCG@10 is at most half a point below the exhaustive search's. Quality "
                + "is that of \(data.test.ids.count) queries of \"\(data.test.split)\", with 95 % bootstrap intervals.",
        ]
    }
}
