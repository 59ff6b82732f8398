import AttarModels
import AttarTensor
import AttarText
import Foundation

/// `attar bench train`: how long does a training step take?
///
/// A step is forward, mean pooling, squared error to given vectors, backward, and AdamW over all weights, without
/// dropout: the same for every contender, from the same weights, on the same token ids.
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
        try settings.requirePeers(among: [.pytorch], otherwise: "does not train")
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
        let python = settings.peers.isEmpty ? "" : try PeerEnvironment(settings).python
        let cases = try precisions.map { try self.case($0, problem, python) }
        return try session.report(
            title: "train \(folder.name)",
            notes: [
                "A step is forward, mean pooling, squared error, backward and AdamW over all weights, without dropout.",
                "Agreement is how far loss and length of the gradient, before the first step, are from Attar's in fp32.",
            ], cases: cases)
    }

    private func `case`(
        _ precision: ProductPrecision, _ problem: TrainingProblem, _ python: String
    ) throws -> BenchCase {
        let name = "\(Self.batch.sequences) x \(Self.batch.tokens) tokens, \(precision.rawValue)"
        // Each product of the way forward has two on the way back.
        let forward = EncodeBench.operations(problem.shape, tokens: Self.batch.tokens)
        return try settings.trainingCase(
            name, precision, operations: 3 * Double(Self.batch.sequences) * forward,
            step: { try problem.step($0, threads: settings.threads) },
            other: { peer in
                let load = Load(
                    engine: peer.rawValue, variant: precision.rawValue, model: path, threads: settings.threads,
                    rate: Self.rate)
                let targets = (0..<problem.targets.rows).map { Array(problem.targets.row($0)) }
                return try TrainingPeer(
                    peer, precision.rawValue, script: PackageResources.train_py, load: load,
                    prepare: Prepare(name: name, ids: problem.ids, targets: targets), python: python,
                    threads: settings.threads)
            })
    }

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

    /// A step over weights of its own.
    func step(_ precision: ProductPrecision, threads: Int) throws -> TrainingStep {
        let model = try TrainableBert(configuration: configuration, weights: weights)
        let optimizer = AdamW(
            groups: AdamW.groups(model.parameters, learningRate: TrainBench.rate, weightDecay: 0.01), threads: threads)
        return TrainingStep(model.parameters, optimizer: optimizer, precision: precision, threads: threads) { tape in
            let (states, layout) = model.forward(tape, ids: ids)
            return tape.squaredError(tape.meanPooling(states, layout: layout), tape.constant(targets))
        }
    }
}
