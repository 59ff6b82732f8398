import AttarStorage
import AttarTensor
import CAttarKernels

/// What happens to vectors after pooling: dense layers and normalisation, ready to run.
struct VectorHeads: Sendable {
    private enum Step: Sendable {
        case dense(PackedLinear, DenseConfiguration.Activation)
        case normalize
    }

    /// The width before the first step.
    let inputs: Int
    /// The width after the last.
    let outputs: Int
    /// The widest vector between them.
    let widest: Int
    private var steps: [Step] = []

    /// Loads the weights of the heads.
    ///
    /// - Throws: `TensorError`, and `ModelError.mismatch` when widths do not follow from each other.
    init(_ heads: [ModelFolder.Head], inputs: Int) throws {
        var width = inputs
        var widest = inputs
        for head in heads {
            guard case .dense(let layer) = head else {
                steps.append(.normalize)
                continue
            }
            guard layer.inputs == width else {
                throw ModelError.mismatch(
                    file: layer.path + "/config.json",
                    detail: "it takes \(layer.inputs) numbers, but is given \(width).")
            }
            let weights = try Safetensors(path: layer.path + "/model.safetensors")
            let weight = try weights.floats(named: "linear.weight", shape: [layer.outputs, layer.inputs])
            let bias = layer.bias ? try weights.floats(named: "linear.bias", shape: [layer.outputs]) : nil
            steps.append(
                .dense(
                    PackedLinear(weight: weight, bias: bias, outputs: layer.outputs, inputs: width), layer.activation))
            width = layer.outputs
            widest = max(widest, width)
        }
        self.inputs = inputs
        outputs = width
        self.widest = widest
    }

    /// Runs all steps on `x` `[rows, inputs]`; `y` receives `[rows, outputs]`.
    ///
    /// `x` is overwritten; both must have room for `rows * widest` floats.
    ///
    /// - Returns: whichever of the two holds the result.
    func apply(
        rows: Int, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, scratch: LinearScratch
    ) -> UnsafeMutablePointer<Float> {
        var current = x
        var other = y
        var width = inputs
        for step in steps {
            switch step {
            case .normalize: attar_normalize_rows_f32(current, rows, width, 1e-12, current, nil)
            case .dense(let layer, let activation):
                layer.apply(rows: rows, current, other, scratch: scratch)
                width = layer.outputs
                if activation == .tanh { attar_tanh_f32(other, other, rows * width) }
                swap(&current, &other)
            }
        }
        return current
    }
}
