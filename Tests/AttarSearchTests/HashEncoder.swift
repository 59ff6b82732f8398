import AttarModels
import AttarTensor

/// A deterministic encoder for tests: each word adds a pseudo-random direction, vectors have length 1.
///
/// Encoders of one seed share a space: a student is the teacher with words cut to their first `letters` letters.
struct HashEncoder: TextEncoder {
    let fingerprint: EncoderFingerprint
    let letters: Int
    private let seed: UInt64

    var dimension: Int { fingerprint.dimension }
    var maximumLength: Int { .max }
    var isNormalized: Bool { true }

    init(_ name: String, dimension: Int = 16, seed: UInt64 = 1, letters: Int = .max, teacher: HashEncoder? = nil) {
        fingerprint = EncoderFingerprint(
            id: "id-of-" + name, name: name, dimension: dimension, teacher: teacher?.fingerprint.id)
        self.letters = letters
        self.seed = seed
    }

    func encode(_ texts: [String], role: TextRole, options: EncodingOptions) throws -> Matrix {
        Matrix(rows: texts.count, columns: dimension, values: texts.flatMap(vector))
    }

    private func vector(_ text: String) -> [Float] {
        var sum = [Float](repeating: 0, count: dimension)
        for word in text.lowercased().split(whereSeparator: { !$0.isLetter && !$0.isNumber }) {
            let hash = word.prefix(letters).utf8.reduce(seed &* 0x9E37_79B9) { ($0 ^ UInt64($1)) &* 0x0100_0000_01B3 }
            var generator = SeededGenerator(seed: hash)
            for index in 0..<dimension { sum[index] += Float(generator.normal()) }
        }
        let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? sum.map { $0 / length } : sum
    }
}
