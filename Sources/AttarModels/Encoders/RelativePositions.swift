import Foundation

/// The bias that MPNet's attention adds for the distance of two tokens: one table for all layers (Raffel et al. 2020,
/// section 2.1, both directions).
struct RelativePositions: Sendable {
    private let heads: Int
    /// The longest text.
    private let length: Int
    /// `[heads, 2 length − 1]`: the bias by distance, −(length − 1) first.
    private let byDistance: FloatBuffer

    /// - Parameter table: `[buckets, heads]`.
    init(_ table: [Float], _ shape: BertConfiguration) {
        heads = shape.heads
        length = shape.positions
        let width = 2 * length - 1
        byDistance = FloatBuffer(count: heads * width)
        for place in 0..<width {
            let bucket = Self.bucket(of: place - (length - 1), count: shape.relativeBuckets)
            for head in 0..<heads { byDistance.start[head * width + place] = table[bucket * heads + head] }
        }
    }

    /// The bucket of a distance (key − query): half of the buckets for each direction; of these, half for a distance
    /// each, the others wider and wider up to 128.
    static func bucket(of distance: Int, count: Int) -> Int {
        let half = count / 2
        let exact = half / 2
        let far = abs(distance)
        let first = distance > 0 ? half : 0
        guard far >= exact else { return first + far }
        // In 32 bits, as in the reference: at powers of two the last bit decides.
        let scaled = log(Float(far) / Float(exact)) / Float(log(128 / Double(exact))) * Float(half - exact)
        return first + min(half - 1, exact + Int(scaled))
    }

    /// `[heads, length, length]` for a text of `length` tokens, and in its corner for every shorter one.
    func matrix(length: Int) -> FloatBuffer {
        precondition(length <= self.length, "\(length) tokens, positions for \(self.length)")
        let width = 2 * self.length - 1
        let matrix = FloatBuffer(count: heads * length * length)
        for head in 0..<heads {
            for query in 0..<length {
                let row = matrix.start + (head * length + query) * length
                row.update(from: byDistance.start + head * width + (self.length - 1 - query), count: length)
            }
        }
        return matrix
    }
}
