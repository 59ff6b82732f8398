import Foundation
import AttarModels
import AttarTensor

/// A static student: one vector a word piece, summed and normalised. Milliseconds to open, microseconds a query.
///
/// It starts from the teacher's vectors of single pieces, weighted by inverse document frequency and turned by the
/// linear map that fits the teacher's vectors of whole texts best; then vectors, weights and map are trained, and at
/// the end multiplied into one table. The factors are trained apart because weights and map learn from every text, a
/// vector only from the few texts that hold its piece.
public final class StaticStudent: TrainableEncoder {
    /// Learning rates, all before the schedule.
    public struct Rates: Codable, Sendable, Equatable {
        /// Of the pieces' vectors, which have length 1 at the start.
        public var vectors: Float = 2e-3
        /// Of the pieces' weights, which are 1 on average at the start.
        public var weights: Float = 1e-2
        /// Of the map.
        public var map: Float = 2e-4

        /// The defaults.
        public init() {}
    }

    /// The factors, being trained.
    public let model: TrainableStatic
    private let rates: Rates

    /// A student at its start.
    public init(_ start: Start, rates: Rates) {
        let mean = start.weights.reduce(0, +) / Float(max(1, start.weights.count))
        model = TrainableStatic(
            table: Self.values(start.features), tokenWeights: start.weights.map { $0 / max(mean, .leastNormalMagnitude) },
            map: Self.values(start.map))
        self.rates = rates
    }

    private static func values(_ matrix: Matrix) -> TensorValues {
        TensorValues(shape: [matrix.rows, matrix.columns], values: matrix.values)
    }

    public var parameters: [Parameter] { model.parameters }

    public func parameterGroups() -> [AdamW.Group] {
        [
            AdamW.Group(parameters: [model.table], learningRate: rates.vectors),
            AdamW.Group(parameters: [model.tokenWeights].compactMap { $0 }, learningRate: rates.weights),
            AdamW.Group(parameters: [model.map].compactMap { $0 }, learningRate: rates.map),
        ]
    }

    public func vectors(of batch: [[Int32]], on tape: Tape) -> Tensor {
        model.forward(tape, ids: batch)
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
    /// What a student starts from: its table is `weights_t · map · features_t` for each piece t.
    public struct Start {
        /// The teacher's unit vector of each piece, and a 1 behind it: `[vocabulary, width + 1]`.
        public let features: Matrix
        /// `[vocabulary]`.
        public let weights: [Float]
        /// `[dimension, width + 1]`.
        public let map: Matrix
    }

    /// The start, in closed form.
    ///
    /// With n_t the teacher's unit vector of piece t alone, w_t its weight, and `x = Σ w_t [n_t, 1]` for a text, the
    /// map A is the ridge solution of `A x / ‖Σ w_t n_t‖ ≈ y` over texts with the teacher's vectors y.
    ///
    /// - Parameters:
    ///   - tokenVectors: `[vocabulary, width]`.
    ///   - weights: `[vocabulary]`.
    ///   - examples: texts as pieces without special tokens, with the teacher's vectors.
    ///   - ridge: as a share of the inputs' variance.
    public static func start(
        tokenVectors: Matrix, weights: [Float], examples: AlignmentExamples, ridge: Double, threads: Int
    ) -> Start {
        let width = tokenVectors.columns
        let tape = Tape(threads: threads, isRecording: false)
        let unit = tape.normalizeRows(Tensor(tokenVectors))
        let ones = Tensor(shape: [tokenVectors.rows, 1], values: [Float](repeating: 1, count: tokenVectors.rows))
        let features = tape.concatenateColumns([unit, ones])
        let weighted = tape.scaleRows(features, by: Tensor(shape: [weights.count], values: weights))
        let layout = SequenceLayout(of: examples.tokens)
        let sums = tape.embeddingBag(weighted, ids: examples.tokens.flatMap { $0 }, layout: layout)
        let lengths = tape.sliceColumns(sums, 0..<width).matrix
        let inverse = (0..<lengths.rows).map { row in
            Float(1 / max(1e-12, Similarity.dot(lengths.row(row), lengths.row(row)).squareRoot()))
        }
        let scaled = tape.scaleRows(sums, by: Tensor(shape: [inverse.count], values: inverse)).matrix
        let map = LeastSquares.affineMap(
            from: scaled, to: examples.targets, ridge: ridge, isCentered: false)
        return Start(features: features.matrix, weights: weights, map: map.weight)
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
