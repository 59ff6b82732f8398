import AttarStorage
import AttarTensor

/// Low-rank changes of a decoder's matrices, as values: made fresh, trained by a `TrainableDecoder`, kept in a folder
/// in the form of PEFT, and put upon a `TextDecoder`.
///
///     var generator = SeededGenerator(seed: 1)
///     let fresh = try DecoderAdapter(LowRankConfiguration(rank: 8), for: shape, generator: &generator)
///     try fresh.write(to: "adapters/summaries")
public struct DecoderAdapter: Sendable, Equatable {
    /// The change of one matrix W: `scale · up · down` is added to it.
    public struct Change: Sendable, Equatable {
        /// A, `[rank, inputs]`.
        public var down: TensorValues
        /// B, `[outputs, rank]`.
        public var up: TensorValues

        /// A change.
        public init(down: TensorValues, up: TensorValues) {
            precondition(
                down.shape.count == 2 && up.shape.count == 2 && down.shape[0] == up.shape[1],
                "a change of \(up.shape) times \(down.shape)")
            self.down = down
            self.up = up
        }
    }

    /// Which matrices are changed, and how strongly.
    public let configuration: LowRankConfiguration
    /// The changes by the name of the matrix, such as `model.layers.0.self_attn.q_proj`.
    public let changes: [String: Change]
    /// The model that the changes are for, as people know it.
    public var baseModel: String?
    /// The files that it came from; none when it was made here.
    public internal(set) var files: [String] = []

    /// Changes by name, which must be those that the configuration means.
    init(_ configuration: LowRankConfiguration, changes: [String: Change], baseModel: String? = nil) {
        self.configuration = configuration
        self.changes = changes
        self.baseModel = baseModel
    }

    /// Changes that change nothing yet: A is drawn evenly from ±1/√inputs, as PEFT does it, and B is zero.
    ///
    /// - Throws: `ModelError.badConfiguration` when the decoder lacks what the configuration names.
    public init(
        _ configuration: LowRankConfiguration, for shape: DecoderConfiguration, baseModel: String? = nil,
        generator: inout SeededGenerator
    ) throws {
        let rank = configuration.rank
        var changes: [String: Change] = [:]
        for place in try configuration.places(in: shape, file: "The adapter's configuration") {
            let bound = 1 / Double(place.inputs).squareRoot()
            let down = (0..<(rank * place.inputs)).map { _ in Float((2 * generator.uniform() - 1) * bound) }
            changes[place.name] = Change(
                down: TensorValues(shape: [rank, place.inputs], values: down),
                up: TensorValues(shape: [place.outputs, rank]))
        }
        self.init(configuration, changes: changes, baseModel: baseModel)
    }

    /// What the product of the two matrices is multiplied by.
    public var scale: Float { configuration.scale }

    /// What decides the changes, for a fingerprint.
    func hash(into hasher: SHA256Hasher) {
        for (name, change) in changes.sorted(by: { $0.key < $1.key }) {
            hasher.update(Array("\(name) \(scale)\n".utf8))
            for values in [change.down.values, change.up.values] { values.withUnsafeBytes { hasher.update($0) } }
        }
    }

    /// Refuses an adapter that was made for a decoder of another shape.
    ///
    /// - Throws: `ModelError.mismatch`.
    func check(_ shape: DecoderConfiguration, model: String) throws {
        let places = shape.matrices.filter { changes[$0.name] != nil }
        guard places.count == changes.count else {
            throw ModelError.mismatch(
                file: "The adapter",
                detail: "it changes \(changes.count) matrices, of which \(model) has \(places.count). It is for another model.")
        }
        for place in places {
            guard let change = changes[place.name] else { continue }
            let product = [change.up.shape[0], change.down.shape[1]]
            guard product == [place.outputs, place.inputs] else {
                throw ModelError.mismatch(
                    file: "The adapter",
                    detail: "its change of \(place.name) has the shape \(product), where \(model) has "
                        + "\([place.outputs, place.inputs]). It is for another model.")
            }
        }
    }
}

extension DecoderAdapter.Change {
    /// W += scale · B A.
    ///
    /// - Parameter weights: W, `[outputs, inputs]`.
    /// - Complexity: O(outputs · inputs · rank).
    func add(to weights: inout [Float], scale: Float) {
        let tape = Tape(threads: 1, isRecording: false)
        let product = tape.matmulNN(
            tape.constant(shape: up.shape, up.values), tape.constant(shape: down.shape, down.values))
        precondition(product.count == weights.count, "a change of \(product.shape) for \(weights.count) weights")
        product.withUnsafeBufferPointer { product in
            for index in product.indices { weights[index] += scale * product[index] }
        }
    }
}
