import AttarIndex
import AttarTensor
import CAttarKernels

/// The centroids and codewords of an inverted file while they are trained. The rotation stays as it is, and everything
/// here is of rotated vectors.
public final class TrainableQuantizer {
    private let start: IVFQuantizer
    private let centroids: Parameter
    private let codebooks: [Parameter]
    private let optimizer: AdamW
    private let centroidRate: Float

    /// A quantiser at its start.
    ///
    /// - Parameters:
    ///   - codebookRate: AdamW's, without decay.
    ///   - centroidRate: of plain gradient descent, as in the reference implementation: where few documents of a list
    ///     are met, Adam would move its centroid as far as any other.
    public init(_ start: IVFQuantizer, codebookRate: Float, centroidRate: Float, threads: Int) {
        self.start = start
        self.centroidRate = centroidRate
        centroids = Parameter(name: "centroids", Self.values(start.centroids))
        codebooks = start.product.codebooks.enumerated().map {
            Parameter(name: "codebook.\($0)", Self.values($1))
        }
        optimizer = AdamW(groups: [.init(parameters: codebooks, learningRate: codebookRate)], threads: threads)
    }

    private static func values(_ matrix: Matrix) -> TensorValues {
        TensorValues(shape: [matrix.rows, matrix.columns], values: matrix.values)
    }

    /// What centroids alone and centroids with codes make of documents, both `[documents, dimension]`.
    ///
    /// Codes are chosen anew at each call, the nearest codeword of each subspace, and gradients go to the codeword that
    /// was chosen and, by the soft choice, to the distances (`Tape.straightThroughNearest`; Distill-VQ's equation 5).
    /// Lists stay as they are given: assigning documents anew while centroids move is slow and unstable.
    ///
    /// - Parameters:
    ///   - documents: rotated, `[documents, dimension]`.
    ///   - lists: of each document.
    ///   - temperature: of the soft choice: squared distances are divided by it.
    public func reconstructions(
        of documents: Tensor, lists: [UInt32], temperature: Float, on tape: Tape
    ) -> (coarse: Tensor, fine: Tensor) {
        let coarse = tape.gatherRows(centroids.tensor, rows: lists.map(Int32.init))
        let coded = start.codesResiduals ? tape.subtract(documents, coarse) : documents
        let width = start.product.width
        let parts = codebooks.enumerated().map { subspace, codebook in
            let part = tape.sliceColumns(coded, (subspace * width)..<((subspace + 1) * width))
            let choice = tape.straightThroughNearest(distances(part, codebook.tensor, tape), temperature: temperature)
            return tape.matmulNN(choice, codebook.tensor)
        }
        let decoded = tape.concatenateColumns(parts)
        return (coarse, start.codesResiduals ? tape.add(coarse, decoded) : decoded)
    }

    /// `|u − c|² − |u|²`, `[documents, codewords]`: what all distances of a document have in common decides nothing.
    private func distances(_ part: Tensor, _ codebook: Tensor, _ tape: Tape) -> Tensor {
        let sizes = tape.sum(tape.multiply(codebook, codebook), axis: 1)
        return tape.addRow(tape.scale(tape.matmulNT(part, codebook), by: -2), sizes)
    }

    /// Moves codewords and centroids down their gradients.
    ///
    /// - Parameter rateFactor: what the schedule multiplies the rates with.
    public func step(rateFactor: Float) {
        optimizer.step(rateFactor: rateFactor)
        centroids.tensor.withUnsafeMutableGradient { gradient in
            centroids.tensor.withUnsafeMutableBufferPointer { values in
                attar_axpy_f32(-centroidRate * rateFactor, gradient.baseAddress, values.baseAddress, values.count)
            }
        }
        optimizer.zeroGradients()
        centroids.tensor.zeroGradient()
    }

    /// Codewords with their moments and centroids, as bytes; see `TrainingState`.
    func state(step: Int, note: [UInt8]) -> [UInt8] {
        TrainingState.encode(optimizer: optimizer, others: [centroids], step: step, note: note)
    }

    /// Goes back to what `state` wrote.
    ///
    /// - Throws: `TensorError` when the bytes are damaged, or of a quantiser of another size.
    func restore(_ bytes: [UInt8]) throws -> TrainingState {
        try TrainingState.restore(bytes, into: optimizer, others: [centroids])
    }

    /// The gradient of a subspace's codewords, `[codewords · width]`; zeros where none has arrived. For tests.
    func codebookGradient(_ subspace: Int) -> [Float] {
        codebooks[subspace].tensor.gradient ?? [Float](repeating: 0, count: codebooks[subspace].count)
    }

    /// The quantiser as it is now. Documents must be encoded anew with it: their old codes mean nothing any more.
    public var quantizer: IVFQuantizer {
        func matrix(_ parameter: Parameter) -> Matrix {
            Matrix(rows: parameter.shape[0], columns: parameter.shape[1], values: parameter.values.values)
        }
        return IVFQuantizer(
            rotation: start.rotation, centroids: matrix(centroids),
            product: ProductQuantizer(codebooks: codebooks.map(matrix)), codesResiduals: start.codesResiduals)
    }
}
