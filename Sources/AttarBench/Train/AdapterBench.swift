import AttarModels
import AttarStorage
import AttarTensor
import Foundation

/// `attar bench adapt`: how long does a training step of a language model's LoRA adapter take?
///
/// A step is forward, the mean negative log-likelihood of every token but a sequence's first, backward, and AdamW over the
/// adapter: the same for every contender, from the same weights and the same adapter, on the same token ids.
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
        if let peer = settings.peers.first(where: { $0 != .pytorch }) {
            throw BenchError.usage("\(peer.rawValue) trains no adapters here; --against takes pytorch.")
        }
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
        let folder = FileManager.default.temporaryDirectory.appending(path: "attar-bench-\(UUID().uuidString)").path
        try problem.model.adapter.write(to: folder)
        defer { try? LocalFileSystem().removeTree(folder) }
        let environment = settings.peers.isEmpty
            ? nil : try PeerEnvironment(settings, adding: ["accelerate", "gguf", "peft"])
        let cases = try precisions.map { try self.case($0, problem, adapter: folder, environment) }
        return try session.report(
            title: "adapt \(problem.model.prompts.name)",
            notes: [
                "A step is forward, negative log-likelihood, backward and AdamW over a LoRA adapter of rank "
                    + "\(Self.configuration.rank) of every matrix of the layers, without dropout.",
                "Agreement is how far loss and length of the gradient, before the first step, are from Attar's in fp32.",
            ], cases: cases)
    }

    private func `case`(
        _ precision: ProductPrecision, _ problem: AdaptingProblem, adapter: String, _ environment: PeerEnvironment?
    ) throws -> BenchCase {
        let name = "\(Self.batch.sequences) x \(Self.batch.tokens) tokens, \(precision.rawValue)"
        let reference = AdaptingContender(problem, .fp32, threads: settings.threads).facts()
        let ours = AdaptingContender(problem, precision, threads: settings.threads)
        let label = settings.ours(precision.rawValue)
        var agreement: [String: String] = [:]
        if precision != .fp32 { agreement[label.description] = ours.facts().differences(from: reference) }
        var contenders: [any Contender] = [LocalContender(label: label, work: ours.step)]
        for peer in settings.peers {
            guard let environment else { continue }
            settings.say("loading \(path) into \(peer.rawValue) \(precision.rawValue)")
            let other = try AdaptingPeer(
                peer, precision.rawValue, path: path, adapter: adapter, python: environment.python,
                threads: settings.threads)
            agreement[other.label.description] = try other.prepare(name, problem).differences(from: reference)
            contenders.append(PeerContender(label: other.label, worker: other.worker, case: name))
        }
        return BenchCase(name: name, quantity: .milliseconds, contenders: contenders, agreement: agreement)
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
}

/// Attar's own step. All precisions share the model; each has its own moments.
private struct AdaptingContender {
    private let problem: AdaptingProblem
    private let optimizer: AdamW
    private let tape: Tape

    init(_ problem: AdaptingProblem, _ precision: ProductPrecision, threads: Int) {
        self.problem = problem
        optimizer = AdamW(
            groups: [.init(parameters: problem.model.parameters, learningRate: AdapterBench.rate)], threads: threads)
        tape = Tape(threads: threads, precision: precision)
    }

    func step() {
        tape.backward(from: loss())
        optimizer.step()
        optimizer.zeroGradients()
    }

    /// Loss and length of the gradient, without a step.
    func facts() -> TrainingFacts {
        let loss = loss()
        tape.backward(from: loss)
        let squares = problem.model.parameters.reduce(0.0) { sum, parameter in
            (parameter.tensor.gradient ?? []).reduce(sum) { $0 + Double($1) * Double($1) }
        }
        optimizer.zeroGradients()
        return TrainingFacts(loss: Double(loss.scalar), gradientNorm: squares.squareRoot())
    }

    private func loss() -> Tensor {
        let values = problem.model.logProbabilities(
            tape, of: problem.ids.map { Array($0.dropFirst()) }, after: problem.ids.map { Array($0.prefix(1)) }).values
        return tape.scale(tape.mean(values), by: -1)
    }
}

/// A peer that has loaded the model with the adapter, and trains it.
private struct AdaptingPeer {
    private struct Load: Encodable {
        var op = "load"
        var engine: String
        var variant: String
        var model: String
        var adapter: String
        var threads: Int
        var rate: Float
    }

    private struct Prepare: Encodable {
        enum CodingKeys: String, CodingKey {
            case op, ids
            case name = "case_name"
        }

        var op = "prepare"
        var name: String
        var ids: [[Int32]]
    }

    let label: ContenderLabel
    let worker: PeerWorker

    init(_ peer: Peer, _ variant: String, path: String, adapter: String, python: String, threads: Int) throws {
        worker = try PeerWorker(peer, script: PackageResources.adapt_py, python: python, threads: threads)
        label = try worker.load(
            Load(
                engine: peer.rawValue, variant: variant, model: path, adapter: adapter, threads: threads,
                rate: AdapterBench.rate), variant: variant)
    }

    /// Registers the step.
    func prepare(_ name: String, _ problem: AdaptingProblem) throws -> TrainingFacts {
        try worker.ask(Prepare(name: name, ids: problem.ids), for: TrainingFacts.self)
    }
}
