import AttarModels
import AttarTensor

/// A transformer student: layers of the teacher or fresh ones, mean pooling, and a linear map to the teacher's width.
///
/// `ŷ = W · meanpool(h(x)) + b`, as in LEAF (Vujanic & Rueckstiess 2025). The map starts from its closed-form optimum
/// (`fitHead`), so that training refines a student that already points the right way.
public final class TransformerStudent: TrainableEncoder {
    /// Learning rates, all before the schedule.
    public struct Rates: Codable, Sendable, Equatable {
        /// Of the transformer.
        public var backbone: Float
        /// Of the linear map.
        public var head: Float
        /// The weight decay of matrices.
        public var weightDecay: Float

        /// Rates.
        public init(backbone: Float, head: Float, weightDecay: Float) {
            self.backbone = backbone
            self.head = head
            self.weightDecay = weightDecay
        }
    }

    /// The transformer.
    public let backbone: TrainableBert
    /// The map's matrix, `[teacher width, hidden size]`.
    public let headWeight: Parameter
    /// The map's bias, `[teacher width]`.
    public let headBias: Parameter
    private let rates: Rates

    /// A student over a transformer, with a map that is still zero.
    ///
    /// - Parameter dimension: the teacher's width.
    public init(backbone: TrainableBert, dimension: Int, rates: Rates) {
        self.backbone = backbone
        self.rates = rates
        let width = backbone.configuration.hiddenSize
        headWeight = Parameter(name: "head.weight", TensorValues(shape: [dimension, width]))
        headBias = Parameter(name: "head.bias", TensorValues(shape: [dimension]))
    }

    public var parameters: [Parameter] { backbone.parameters + [headWeight, headBias] }

    public func parameterGroups() -> [AdamW.Group] {
        AdamW.groups(backbone.parameters, learningRate: rates.backbone, weightDecay: rates.weightDecay)
            + AdamW.groups([headWeight, headBias], learningRate: rates.head, weightDecay: rates.weightDecay)
    }

    public func vectors(of batch: [[Int32]], on tape: Tape) -> Tensor {
        tape.linear(pooled(batch, on: tape), weight: headWeight.tensor, bias: headBias.tensor)
    }

    private func pooled(_ batch: [[Int32]], on tape: Tape) -> Tensor {
        let (states, layout) = backbone.forward(tape, ids: batch)
        return tape.meanPooling(states, layout: layout)
    }

    /// Sets the map to the ridge solution for the backbone as it is: the best a frozen backbone can reach.
    ///
    /// - Parameter ridge: see `LeastSquares.affineMap`.
    public func fitHead(to examples: AlignmentExamples, ridge: Double, threads: Int) {
        let tape = Tape(threads: threads, isRecording: false)
        var states = Matrix(rows: examples.tokens.count, columns: backbone.configuration.hiddenSize)
        for start in stride(from: 0, to: examples.tokens.count, by: 64) {
            let range = start..<min(examples.tokens.count, start + 64)
            let batch = pooled(Array(examples.tokens[range]), on: tape).matrix
            for (row, index) in range.enumerated() { states.setRow(index, to: batch.row(row)) }
        }
        let map = LeastSquares.affineMap(from: states, to: examples.targets, ridge: ridge)
        headWeight.tensor.assign(map.weight.values)
        headBias.tensor.assign(map.bias)
    }
}
