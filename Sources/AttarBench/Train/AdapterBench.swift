import AttarModels
import AttarTensor

/// `attar bench adapt`: how long does a training step of a language model's LoRA adapter take?
///
/// A step is forward, the mean negative log-likelihood of every token but a sequence's first, backward, and AdamW over
/// the adapter: the same for every contender, from the same weights and the same adapter, on the same token ids.
public struct AdapterBench {
    /// Sequences of a step, and tokens of each.
    static let batch = (sequences: 4, tokens: 128)
    /// So small that steps leave the adapter where it is.
    static let rate: Float = 1e-7
    /// Changes of every matrix of the layers, as PEFT's "all-linear".
    static let configuration = LowRankConfiguration(rank: 8, alpha: 16, targets: LowRankConfiguration.allLinear)

    private let settings: BenchSettings
    private let path: String
    private let precisions: [ProductPrecision]

    /// - Parameters:
    ///   - path: a GGUF file, or a folder with one, or a Hugging Face folder.
    ///   - precisions: those of matrix products that are measured, of Attar and of peers.
    public init(_ settings: BenchSettings, path: String, precisions: [ProductPrecision]) throws {
        try settings.requirePeers(among: [.pytorch], otherwise: "trains no adapters")
        guard !precisions.isEmpty else { throw BenchError.usage("At least one precision is needed.") }
        self.settings = settings
        self.path = path
        self.precisions = precisions
    }

    /// Measures the step in every precision.
    ///
    /// - Throws: `BenchError`, and what loading the model throws.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        settings.say("loading \(path)")
        let problem = try AdaptingProblem(path, Self.configuration, Self.batch.sequences, Self.batch.tokens)
        let folder = try BenchFolder()
        defer { folder.remove() }
        let adapter = folder.file("adapter")
        try problem.model.adapter.write(to: adapter)
        let python = settings.peers.isEmpty
            ? "" : try PeerEnvironment(settings, adding: ["accelerate", "gguf", "peft"]).python
        let cases = try precisions.map { try self.case($0, problem, adapter: adapter, python) }
        return try session.report(
            title: "adapt \(problem.model.prompts.name)",
            notes: [
                "A step is forward, negative log-likelihood, backward and AdamW over a LoRA adapter of rank "
                    + "\(Self.configuration.rank) of every matrix of the layers, without dropout.",
                "Agreement is how far loss and length of the gradient, before the first step, are from Attar's in fp32.",
            ], cases: cases)
    }

    private func `case`(
        _ precision: ProductPrecision, _ problem: AdaptingProblem, adapter: String, _ python: String
    ) throws -> BenchCase {
        let name = "\(Self.batch.sequences) x \(Self.batch.tokens) tokens, \(precision.rawValue)"
        return try settings.trainingCase(
            name, precision, step: { problem.step($0, threads: settings.threads) },
            other: { peer in
                let load = Load(
                    engine: peer.rawValue, variant: precision.rawValue, model: path, adapter: adapter,
                    threads: settings.threads, rate: Self.rate)
                return try TrainingPeer(
                    peer, precision.rawValue, script: PackageResources.adapt_py, load: load,
                    prepare: PrepareTokens(name: name, ids: problem.ids), python: python, threads: settings.threads)
            })
    }

    private struct Load: Encodable {
        var op = "load"
        var engine: String
        var variant: String
        var model: String
        var adapter: String
        var threads: Int
        var rate: Float
    }
}

/// What is trained, and the token ids that it learns.
private struct AdaptingProblem {
    let model: TrainableDecoder
    let ids: [[Int32]]

    init(_ path: String, _ configuration: LowRankConfiguration, _ sequences: Int, _ tokens: Int) throws {
        var generator = SeededGenerator(seed: 1)
        model = try TrainableDecoder(path: path, adapter: configuration, generator: &generator)
        guard tokens <= model.configuration.positions else {
            throw BenchError.usage("\(path) has \(model.configuration.positions) positions, not \(tokens).")
        }
        // With B zero, as it begins, half of the gradients would be zero.
        for parameter in model.parameters where parameter.name.hasSuffix("lora_B.weight") {
            parameter.tensor.assign((0..<parameter.count).map { _ in Float(0.01 * generator.normal()) })
        }
        let text = model.prompts.prompt(raw: BenchTexts.passage)
        guard !text.isEmpty else { throw BenchError.usage("The tokenizer of \(path) makes no tokens.") }
        ids = (0..<sequences).map { sequence in (0..<tokens).map { text[(sequence * 7 + $0) % text.count] } }
    }

    /// A step over the model that all precisions share; each has its own moments.
    func step(_ precision: ProductPrecision, threads: Int) -> TrainingStep {
        let optimizer = AdamW(
            groups: [.init(parameters: model.parameters, learningRate: AdapterBench.rate)], threads: threads)
        return TrainingStep(model.parameters, optimizer: optimizer, precision: precision, threads: threads) { tape in
            let values = model.logProbabilities(
                tape, of: ids.map { Array($0.dropFirst()) }, after: ids.map { Array($0.prefix(1)) }).values
            return tape.scale(tape.mean(values), by: -1)
        }
    }
}
