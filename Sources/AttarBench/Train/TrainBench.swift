import AttarModels
import AttarTensor
import AttarText
import Foundation

/// `attar bench train`: how long does a training step take?
///
/// A step is forward, mean pooling, squared error to given vectors, backward, and AdamW over all weights, without dropout:
/// the same for every contender, from the same weights, on the same token ids.
public struct TrainBench {
    /// Sequences of a step, and tokens of each.
    static let batch = (sequences: 32, tokens: 32)
    /// So small that hundreds of steps leave the weights where they are.
    static let rate: Float = 1e-7

    private let settings: BenchSettings
    private let path: String
    private let precisions: [ProductPrecision]

    /// - Parameters:
    ///   - path: the model folder, of a BERT encoder.
    ///   - precisions: those of matrix products that are measured, of Attar and of peers.
    public init(_ settings: BenchSettings, path: String, precisions: [ProductPrecision]) throws {
        if let peer = settings.peers.first(where: { $0 != .pytorch }) {
            throw BenchError.usage("\(peer.rawValue) does not train here; --against takes pytorch.")
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
        let folder = try ModelFolder(path: path)
        guard case .bert(let configuration, _) = folder.backbone else {
            throw BenchError.usage("\(folder.name) has no transformer layers to train.")
        }
        let problem = try TrainingProblem(folder, configuration, sequences: Self.batch.sequences, tokens: Self.batch.tokens)
        let environment = settings.peers.isEmpty ? nil : try PeerEnvironment(settings)
        let cases = try precisions.map { try self.case($0, problem, environment) }
        return try session.report(
            title: "train \(folder.name)",
            notes: [
                "A step is forward, mean pooling, squared error, backward and AdamW over all weights, without dropout.",
                "Agreement is how far loss and length of the gradient, before the first step, are from Attar's in fp32.",
            ], cases: cases)
    }

    private func `case`(
        _ precision: ProductPrecision, _ problem: TrainingProblem, _ environment: PeerEnvironment?
    ) throws -> BenchCase {
        let name = "\(Self.batch.sequences) x \(Self.batch.tokens) tokens, \(precision.rawValue)"
        let reference = try TrainingContender(problem, precision: .fp32, threads: settings.threads).facts()
        let ours = try TrainingContender(problem, precision: precision, threads: settings.threads)
        let label = settings.ours(precision.rawValue)
        var agreement: [String: String] = [:]
        if precision != .fp32 { agreement[label.description] = ours.facts().differences(from: reference) }
        var contenders: [any Contender] = [LocalContender(label: label, work: ours.step)]
        for peer in settings.peers {
            guard let environment else { continue }
            settings.say("loading \(path) into \(peer.rawValue) \(precision.rawValue)")
            let other = try TrainingPeer(
                peer, precision.rawValue, path: path, python: environment.python, threads: settings.threads)
            let facts = try other.prepare(name, problem)
            agreement[other.label.description] = facts.differences(from: reference)
            contenders.append(PeerContender(label: other.label, worker: other.worker, case: name))
        }
        // Each product of the way forward has two on the way back.
        let forward = EncodeBench.operations(problem.shape, tokens: Self.batch.tokens)
        return BenchCase(
            name: name, quantity: .milliseconds, operations: 3 * Double(Self.batch.sequences) * forward,
            contenders: contenders, agreement: agreement)
    }
}

/// What is trained: weights, token ids, and the vectors that should come out.
struct TrainingProblem {
    let shape: BertConfiguration
    let configuration: TrainableBert.Configuration
    let weights: [String: TensorValues]
    let ids: [[Int32]]
    /// `[sequences, width]`.
    let targets: Matrix

    init(_ folder: ModelFolder, _ shape: BertConfiguration, sequences: Int, tokens: Int) throws {
        self.shape = shape
        configuration = try TrainableBert.Configuration(shape)
        let file = try folder.weights()
        weights = try Dictionary(
            uniqueKeysWithValues: file.names.filter { !$0.hasSuffix("position_ids") }.map {
                ($0, try file.tensor(named: $0))
            })
        var generator = SeededGenerator(seed: 1)
        // Real tokens are not needed: the work does not depend on them.
        ids = (0..<sequences).map { _ in
            (0..<tokens).map { _ in Int32(generator.next() % UInt64(shape.vocabularySize)) }
        }
        targets = Matrix(
            rows: sequences, columns: shape.hiddenSize,
            values: (0..<sequences * shape.hiddenSize).map { _ in Float(generator.normal()) })
    }
}

/// What tells whether two contenders do the same work.
struct TrainingFacts: Decodable {
    let loss: Double
    let gradientNorm: Double

    func differences(from other: TrainingFacts) -> String {
        func difference(_ value: Double, _ reference: Double) -> String {
            String(format: "%.1e", abs(value / reference - 1))
        }
        return "loss \(difference(loss, other.loss)), gradient \(difference(gradientNorm, other.gradientNorm))"
    }
}

/// Attar's own step.
struct TrainingContender {
    private let problem: TrainingProblem
    private let model: TrainableBert
    private let optimizer: AdamW
    private let tape: Tape

    init(_ problem: TrainingProblem, precision: ProductPrecision, threads: Int) throws {
        self.problem = problem
        model = try TrainableBert(configuration: problem.configuration, weights: problem.weights)
        optimizer = AdamW(
            groups: AdamW.groups(model.parameters, learningRate: TrainBench.rate, weightDecay: 0.01), threads: threads)
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
        let squares = model.parameters.reduce(0.0) { sum, parameter in
            (parameter.tensor.gradient ?? []).reduce(sum) { $0 + Double($1) * Double($1) }
        }
        optimizer.zeroGradients()
        return TrainingFacts(loss: Double(loss.scalar), gradientNorm: squares.squareRoot())
    }

    private func loss() -> Tensor {
        let (states, layout) = model.forward(tape, ids: problem.ids)
        return tape.squaredError(tape.meanPooling(states, layout: layout), tape.constant(problem.targets))
    }
}

/// A peer that has loaded the model and trains it.
struct TrainingPeer {
    private struct Load: Encodable {
        var op = "load"
        var engine: String
        var variant: String
        var model: String
        var threads: Int
        var rate: Float
    }

    private struct Prepare: Encodable {
        enum CodingKeys: String, CodingKey {
            case op, ids, targets
            case name = "case_name"
        }

        var op = "prepare"
        var name: String
        var ids: [[Int32]]
        var targets: [[Float]]
    }

    let label: ContenderLabel
    let worker: PeerWorker

    init(_ peer: Peer, _ variant: String, path: String, python: String, threads: Int) throws {
        worker = try PeerWorker(peer, script: PackageResources.train_py, python: python, threads: threads)
        label = try worker.load(
            Load(engine: peer.rawValue, variant: variant, model: path, threads: threads, rate: TrainBench.rate),
            variant: variant)
    }

    /// Registers the step.
    func prepare(_ name: String, _ problem: TrainingProblem) throws -> TrainingFacts {
        let targets = (0..<problem.targets.rows).map { Array(problem.targets.row($0)) }
        return try worker.ask(Prepare(name: name, ids: problem.ids, targets: targets), for: TrainingFacts.self)
    }
}
