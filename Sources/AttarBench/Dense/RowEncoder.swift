import AttarModels
import AttarStorage
import AttarTensor

/// An encoder for texts that are numbers: their vectors are the rows of matrices.
struct RowEncoder: TextEncoder {
    let passages: Matrix
    let queries: Matrix
    let fingerprint: EncoderFingerprint
    let maximumLength = Int.max
    let isNormalized = false
    var dimension: Int { passages.columns }

    init(passages: Matrix, queries: Matrix) {
        (self.passages, self.queries) = (passages, queries)
        fingerprint = EncoderFingerprint(id: "rows", name: "rows", dimension: passages.columns)
    }

    func encode(_ texts: [String], role: TextRole, options: EncodingOptions) throws -> Matrix {
        let all = role == .query ? queries : passages
        return all.gathered(try texts.map { text in
            guard let row = Int(text), (0..<all.rows).contains(row) else {
                throw BenchError(.input, "\"\(text)\" is no row of \(all.rows).")
            }
            return row
        })
    }
}
