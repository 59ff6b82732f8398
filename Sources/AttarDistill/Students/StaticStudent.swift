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
    /// - Parameter words: the words whose rows follow those of the teacher's vocabulary.
    /// - Throws: `StorageError`.
    public func write(to path: String, teacher: ModelFolder, words: [String], facts: AttarFacts) throws {
        var writer = ModelFolderWriter(
            path: path, tokenizerFrom: teacher, normalizes: true, prompts: ModelPrompts(), facts: facts)
        writer.additionalWords = words
        try writer.writeStatic(table: model.folded())
    }
}

extension StaticStudent {
    /// The table a student starts from, in closed form.
    ///
    /// With n_t the teacher's unit vector of piece t alone, w_t a power of its inverse document frequency, and
    /// `x = Σ w_t [n_t, 1]` for a text: rows are `w_t A [n_t, 1]`, where A is the ridge solution of `A x / ‖Σ w_t n_t‖ ≈ y`
    /// over the training texts, plus the ridge solution of what A leaves over, piece by piece.
    ///
    /// - Parameters:
    ///   - tokenVectors: `[vocabulary, dimension]`.
    ///   - weights: `[vocabulary]`.
    ///   - examples: texts as pieces without special tokens, with the teacher's vectors.
    /// - Returns: `[vocabulary, dimension]`.
    public static func startingTable(
        tokenVectors: Matrix, weights: [Float], examples: AlignmentExamples, ridge: StartRidge, threads: Int
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
        let map = LeastSquares.affineMap(from: scaled, to: examples.targets, ridge: ridge.map, isCentered: false)
        let mapped = tape.linear(features, weight: Tensor(map.weight)).matrix
        return refined(mapped, scales: inverse, examples, ridge: ridge, threads: threads)
    }

    /// How strongly the starting table is regularised.
    public struct StartRidge: Codable, Sendable, Equatable {
        /// Of the linear map, as a share of its inputs' variance.
        public var map = 1e-3
        /// Of each piece's own deviation from the mapped vector, in texts.
        public var table: Float = 3
        /// Steps of conjugate gradients; 0 leaves out deviations.
        public var iterations = 8

        /// The defaults.
        public init() {}
    }

    /// Adds to each row what the texts that hold the piece agree on: the ridge solution of what the map left over.
    private static func refined(
        _ table: Matrix, scales: [Float], _ examples: AlignmentExamples, ridge: StartRidge, threads: Int
    ) -> Matrix {
        guard ridge.iterations > 0 else { return table }
        // Sums, not means: lengths of texts are in the scales.
        let scales = zip(scales, examples.tokens).map { $0 / Float(max(1, $1.count)) }
        let rows = SparseRows(examples.tokens, scales: scales, columnCount: table.rows)
        let strength = ridge.table * scales.reduce(0) { $0 + $1 * $1 } / Float(max(1, scales.count))
        var residuals = rows.times(table, threads: threads)
        for index in residuals.values.indices { residuals.values[index] = examples.targets.values[index] - residuals.values[index] }
        var refined = LeastSquares.sparseRidge(
            rows, residuals: residuals, ridge: strength, iterations: ridge.iterations, threads: threads)
        for index in refined.values.indices { refined.values[index] += table.values[index] }
        return refined
    }

    /// How telling each piece is: `ln(1 + N / (df + 1))^exponent`, N passages of which df hold the piece. An exponent below
    /// 1 keeps pieces that the corpus does not have, and that thus seem most telling, from drowning all others.
    ///
    /// - Parameters:
    ///   - passages: the pieces of each passage.
    ///   - exponent: 1 for the plain inverse document frequency.
    /// - Returns: `[vocabulary]`.
    public static func inverseDocumentFrequencies(
        of passages: [[Int32]], vocabulary: Int, exponent: Double
    ) -> [Float] {
        var counts = [Int](repeating: 0, count: vocabulary)
        for passage in passages {
            for piece in Set(passage) where Int(piece) < vocabulary { counts[Int(piece)] += 1 }
        }
        let total = Double(passages.count)
        return counts.map { Float(pow(log(1 + total / Double($0 + 1)), exponent)) }
    }
}
