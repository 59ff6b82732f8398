import Foundation
import AttarModels
import AttarTensor

/// A static student: one vector a word piece, summed and normalised. Milliseconds to open, microseconds a query.
///
/// It starts from the teacher's vectors of single pieces, weighted by inverse document frequency and turned by the linear
/// map that fits the teacher's vectors of whole texts best; then the table itself is trained.
public final class StaticStudent: TrainableEncoder {
    /// The table, being trained.
    public let model: TrainableStatic
    private let rate: Float
    private let weightDecay: Float
    private let start: Tensor

    /// A student over a table.
    ///
    /// - Parameters:
    ///   - table: `[vocabulary, dimension]`.
    ///   - rate: the learning rate; the table's rows have length 1 on average.
    ///   - weightDecay: how strongly rows are drawn back to where they started, which keeps pieces that occur in few
    ///     texts from being bent to these.
    public init(table: Matrix, rate: Float, weightDecay: Float) {
        let scaled = Self.scaledToUnitRows(table)
        model = TrainableStatic(table: TensorValues(shape: [table.rows, table.columns], values: scaled.values))
        start = Tensor(scaled)
        self.rate = rate
        self.weightDecay = weightDecay
    }

    public var parameters: [Parameter] { model.parameters }

    public func parameterGroups() -> [AdamW.Group] {
        var group = AdamW.Group(parameters: model.parameters, learningRate: rate, weightDecay: weightDecay)
        group.anchors = [model.table.name: start]
        return [group]
    }

    public func vectors(of batch: [[Int32]], on tape: Tape) -> Tensor {
        model.forward(tape, ids: batch)
    }

    /// Only directions matter, so the table may be scaled as a whole: then one learning rate suits all collections.
    private static func scaledToUnitRows(_ table: Matrix) -> Matrix {
        var total = 0.0
        for row in 0..<table.rows { total += Similarity.dot(table.row(row), table.row(row)).squareRoot() }
        let factor = total > 0 ? Float(Double(table.rows) / total) : 1
        return Matrix(rows: table.rows, columns: table.columns, values: table.values.map { $0 * factor })
    }

    /// Writes the student as a sentence-transformers folder: token table and normalisation.
    ///
    /// - Throws: `StorageError`.
    public func write(to path: String, teacher: ModelFolder, facts: AttarFacts) throws {
        let writer = ModelFolderWriter(
            path: path, tokenizerFrom: teacher, normalizes: true, prompts: ModelPrompts(), facts: facts)
        try writer.writeStatic(table: model.folded())
    }
}

extension StaticStudent {
    /// The table a student starts from, in closed form.
    ///
    /// With n_t the teacher's unit vector of piece t alone, w_t its inverse document frequency in the corpus, and
    /// `x = Σ w_t [n_t, 1]` for a text: rows are `w_t A [n_t, 1]`, where A is the ridge solution of `A x / ‖Σ w_t n_t‖ ≈ y`
    /// over the training texts.
    ///
    /// - Parameters:
    ///   - tokenVectors: `[vocabulary, dimension]`.
    ///   - weights: `[vocabulary]`.
    ///   - examples: texts as pieces without special tokens, with the teacher's vectors.
    /// - Returns: `[vocabulary, dimension]`.
    public static func startingTable(
        tokenVectors: Matrix, weights: [Float], examples: AlignmentExamples, ridge: Double, threads: Int
    ) -> Matrix {
        let width = tokenVectors.columns
        let tape = Tape(threads: threads, isRecording: false)
        let unit = tape.normalizeRows(Tensor(tokenVectors))
        let ones = Tensor(shape: [tokenVectors.rows, 1], values: [Float](repeating: 1, count: tokenVectors.rows))
        let features = tape.scaleRows(
            tape.concatenateColumns([unit, ones]), by: Tensor(shape: [weights.count], values: weights))
        let layout = SequenceLayout(of: examples.tokens)
        let sums = tape.embeddingBag(features, ids: examples.tokens.flatMap { $0 }, layout: layout)
        let lengths = tape.sliceColumns(sums, 0..<width).matrix
        let inverse = (0..<lengths.rows).map { row in
            Float(1 / max(1e-12, Similarity.dot(lengths.row(row), lengths.row(row)).squareRoot()))
        }
        let scaled = tape.scaleRows(sums, by: Tensor(shape: [inverse.count], values: inverse)).matrix
        let map = LeastSquares.affineMap(from: scaled, to: examples.targets, ridge: ridge, isCentered: false)
        return tape.linear(features, weight: Tensor(map.weight)).matrix
    }

    /// How telling each piece is: `ln(1 + N / (df + 1))`, N passages of which df hold the piece.
    ///
    /// - Parameter passages: the pieces of each passage.
    /// - Returns: `[vocabulary]`.
    public static func inverseDocumentFrequencies(of passages: [[Int32]], vocabulary: Int) -> [Float] {
        var counts = [Int](repeating: 0, count: vocabulary)
        for passage in passages {
            for piece in Set(passage) where Int(piece) < vocabulary { counts[Int(piece)] += 1 }
        }
        let total = Double(passages.count)
        return counts.map { Float(log(1 + total / Double($0 + 1))) }
    }
}
