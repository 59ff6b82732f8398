import CAttarKernels

/// The score functions of dense retrieval, written once: training, search, reranking and explanation use these.
public enum Similarity {
    /// `a · b`.
    ///
    /// - Precondition: equal lengths.
    public static func dot(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
        precondition(a.count == b.count, "vectors of \(a.count) and \(b.count) numbers")
        return a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                var score: Float = 0
                if let a = a.baseAddress, let first = b.baseAddress {
                    attar_dot_f32(a, first, b.count, nil, 1, b.count, &score)
                }
                return Double(score)
            }
        }
    }

    /// MaxSim: Σ over the query's tokens of the largest `q · d` with a token of the document (Khattab & Zaharia,
    /// "ColBERT", 2020, equation 3); −infinity for a document without tokens, 0 for a query without.
    ///
    /// - Parameters:
    ///   - query: `[query tokens, dimension]`.
    ///   - document: `[document tokens, dimension]`.
    /// - Precondition: equal dimensions.
    public static func maxSim(_ query: Matrix, _ document: Matrix) -> Double {
        let packed = LateInteractionQuery(query, precision: .fp32)
        return Double(packed.scores(document, lengths: [document.rows]).first ?? 0)
    }

    /// `a · b / (‖a‖ ‖b‖)`; 0 when one of the vectors is zero.
    public static func cosine(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
        let lengths = (dot(a, a) * dot(b, b)).squareRoot()
        return lengths > 0 ? dot(a, b) / lengths : 0
    }
}
