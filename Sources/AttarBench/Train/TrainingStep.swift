import AttarTensor
import Foundation

/// A training step of Attar's own: forward, backward, optimiser.
struct TrainingStep {
    private let parameters: [Parameter]
    private let optimizer: AdamW
    private let tape: Tape
    private let loss: (Tape) -> Tensor

    /// - Parameter loss: the way forward.
    init(
        _ parameters: [Parameter], optimizer: AdamW, precision: ProductPrecision, threads: Int,
        loss: @escaping (Tape) -> Tensor
    ) {
        self.parameters = parameters
        self.optimizer = optimizer
        self.loss = loss
        tape = Tape(threads: threads, precision: precision)
    }

    func run() {
        tape.backward(from: loss(tape))
        optimizer.step()
        optimizer.zeroGradients()
    }

    /// Loss and length of the gradient, without a step.
    func facts() -> TrainingFacts {
        let loss = loss(tape)
        tape.backward(from: loss)
        let squares = parameters.reduce(0.0) { sum, parameter in
            (parameter.tensor.gradient ?? []).reduce(sum) { $0 + Double($1) * Double($1) }
        }
        optimizer.zeroGradients()
        return TrainingFacts(loss: Double(loss.scalar), gradientNorm: squares.squareRoot())
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

/// A peer that has loaded what is trained, and has a step registered as a case.
struct TrainingPeer {
    let label: ContenderLabel
    let worker: PeerWorker
    let facts: TrainingFacts

    init(
        _ peer: Peer, _ variant: String, script: [UInt8], load: some Encodable, prepare: some Encodable, python: String,
        threads: Int
    ) throws {
        worker = try PeerWorker(peer, script: script, python: python, threads: threads)
        label = try worker.load(load, variant: variant)
        facts = try worker.ask(prepare, for: TrainingFacts.self)
    }
}

extension BenchSettings {
    /// The same step of Attar and of its peers, in one precision.
    ///
    /// - Parameters:
    ///   - operations: those of a step, where they are known.
    ///   - step: Attar's, in a precision.
    ///   - other: a peer's; not called without peers.
    func trainingCase(
        _ name: String, _ precision: ProductPrecision, operations: Double? = nil,
        step: (ProductPrecision) throws -> TrainingStep, other: (Peer) throws -> TrainingPeer
    ) throws -> BenchCase {
        let reference = try step(.fp32).facts()
        let label = ours(precision.rawValue)
        let own = try step(precision)
        var agreement: [String: String] = [:]
        if precision != .fp32 { agreement[label.description] = own.facts().differences(from: reference) }
        var contenders: [any Contender] = [LocalContender(label: label, work: own.run)]
        for peer in peers {
            say("loading the model into \(peer.rawValue) \(precision.rawValue)")
            let other = try other(peer)
            agreement[other.label.description] = other.facts.differences(from: reference)
            contenders.append(PeerContender(label: other.label, worker: other.worker, case: name))
        }
        return BenchCase(
            name: name, quantity: .milliseconds, operations: operations, contenders: contenders, agreement: agreement)
    }
}
