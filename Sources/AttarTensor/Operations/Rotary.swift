import CAttarKernels
import Foundation

/// Cosines and sines of rotary positions (Su et al. 2021): angle `p · frequency_i` for position p and pair i.
///
///     let table = RotaryTable(positions: 2048, rotaryDim: 64, base: 10_000)
public struct RotaryTable: Sendable, Equatable {
    /// Which numbers of a head are turned together.
    public enum Pairs: Sendable {
        /// i with i + rotaryDim / 2: GPT-NeoX, and Llama and Qwen as Hugging Face stores them.
        case halves
        /// 2i with 2i + 1: the paper, GPT-J, and Llama as GGUF stores it.
        case neighbours
    }

    /// The number of positions.
    public let positions: Int
    /// How many of a head's numbers are turned.
    public let rotaryDim: Int
    /// Cosines, `[positions, rotaryDim / 2]`.
    public let cosines: [Float]
    /// Sines, `[positions, rotaryDim / 2]`.
    public let sines: [Float]

    /// The usual frequencies, `base^(−2i / rotaryDim)`.
    public init(positions: Int, rotaryDim: Int, base: Double) {
        self.init(
            positions: positions,
            frequencies: (0..<rotaryDim / 2).map { pow(base, -2 * Double($0) / Double(rotaryDim)) })
        precondition(rotaryDim % 2 == 0, "RotaryTable: an odd number \(rotaryDim) of numbers to turn")
    }

    /// Given frequencies, such as those scaled for longer contexts.
    ///
    /// - Parameter frequencies: `[rotaryDim / 2]`, radians a position.
    public init(positions: Int, frequencies: [Double]) {
        self.positions = positions
        rotaryDim = 2 * frequencies.count
        let angles = (0..<positions).flatMap { position in frequencies.map { Double(position) * $0 } }
        cosines = angles.map { Float(cos($0)) }
        sines = angles.map { Float(sin($0)) }
    }

    /// Given cosines and sines, such as those that inference uses, so that both turn by the same angles.
    ///
    /// - Parameters:
    ///   - cosines: `[positions, rotaryDim / 2]`.
    ///   - sines: `[positions, rotaryDim / 2]`.
    public init(rotaryDim: Int, cosines: [Float], sines: [Float]) {
        precondition(
            rotaryDim > 0 && rotaryDim % 2 == 0 && cosines.count == sines.count && cosines.count % (rotaryDim / 2) == 0,
            "RotaryTable: \(cosines.count) cosines and \(sines.count) sines for \(rotaryDim) numbers to turn")
        positions = cosines.count / (rotaryDim / 2)
        self.rotaryDim = rotaryDim
        self.cosines = cosines
        self.sines = sines
    }
}

extension Tape {
    /// Turns pairs of each head's numbers by angles that grow with the position, so that the product of a query and a
    /// key depends on their distance alone.
    ///
    /// Derivative: dy turned back by the same angles.
    ///
    /// - Parameters:
    ///   - x: `[tokens, heads · headDim]`.
    ///   - heads: The number of heads. Of each, the first `table.rotaryDim` numbers are turned, the rest stays.
    ///   - positions: One for each token, in `0 ..< table.positions`.
    public func rotary(
        _ x: Tensor, heads: Int, positions: [Int32], table: RotaryTable, pairs: RotaryTable.Pairs = .halves
    ) -> Tensor {
        precondition(
            heads > 0 && x.columns % heads == 0 && table.rotaryDim <= x.columns / heads && positions.count == x.rows
                && positions.allSatisfy { $0 >= 0 && Int($0) < table.positions },
            "rotary: \(x.shape) in \(heads) heads, \(table.rotaryDim) numbers to turn, \(positions.count) positions, "
                + "at most \(positions.max() ?? 0) of \(table.positions)")
        let y = output(x.shape, from: x)
        turn(x.storage.pointer, to: y.storage.pointer, columns: x.columns, heads, positions, table, pairs, inverse: false)
        record(y) { tape, dy in
            // Nobody reads dy afterwards: it is turned in place.
            tape.turn(dy, to: dy, columns: x.columns, heads, positions, table, pairs, inverse: true)
            tape.addGradient(dy, to: x)
        }
        return y
    }

    private func turn(
        _ x: UnsafeMutablePointer<Float>, to y: UnsafeMutablePointer<Float>, columns: Int, _ heads: Int,
        _ positions: [Int32], _ table: RotaryTable, _ pairs: RotaryTable.Pairs, inverse: Bool
    ) {
        let layout = pairs == .halves ? ATTAR_ROTARY_HALVES : ATTAR_ROTARY_NEIGHBOURS
        positions.withUnsafeBufferPointer { positions in
            parallelRows(positions.count, columns: columns) { range in
                let first = range.lowerBound * columns
                attar_rotary_f32(
                    x + first, columns, range.count, heads, columns / heads, table.rotaryDim, layout,
                    positions.baseAddress.map { $0 + range.lowerBound }, table.cosines, table.sines, inverse, y + first,
                    columns)
            }
        }
    }
}
