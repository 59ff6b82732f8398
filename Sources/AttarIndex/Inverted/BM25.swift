import Foundation

/// The two parameters of BM25.
public struct BM25Parameters: Sendable, Hashable, Codable {
    /// How slowly further occurrences of a term stop counting; 0 counts only whether it occurs.
    public var k1: Float
    /// How much long passages are discounted, from 0 (not at all) to 1 (fully).
    public var b: Float

    /// Parameters; the defaults 0.9 and 0.4 are those of Anserini for passages (Yang, Fang & Lin 2017, "Anserini:
    /// Enabling the Use of Lucene for Information Retrieval Research"), which do better on BEIR than Lucene's 1.2,
    /// 0.75.
    ///
    /// - Precondition: `k1` is finite and at least 0, `b` lies in 0 … 1.
    public init(k1: Float = 0.9, b: Float = 0.4) {
        precondition(k1 >= 0 && k1.isFinite, "k1 is \(k1), at least 0 was expected")
        precondition((0...1).contains(b), "b is \(b), 0 to 1 was expected")
        self.k1 = k1
        self.b = b
    }

    /// Lucene's defaults: 1.2 and 0.75.
    public static let lucene = BM25Parameters(k1: 1.2, b: 0.75)
}

/// What BM25 needs to know of the whole corpus; of several segments, the sums.
public struct CorpusStatistics: Sendable, Hashable, Codable {
    /// Passages with at least one term. (Lucene counts the same: a passage of stop words only is not there.)
    public var passages: Int
    /// Term occurrences in all passages.
    public var totalLength: Int

    /// The statistics of a corpus.
    public init(passages: Int, totalLength: Int) {
        self.passages = passages
        self.totalLength = totalLength
    }

    /// The mean length of a passage in terms.
    public var averageLength: Double { passages == 0 ? 1 : max(1, Double(totalLength)) / Double(passages) }

    /// The statistics of two segments together.
    public static func + (one: CorpusStatistics, other: CorpusStatistics) -> CorpusStatistics {
        CorpusStatistics(passages: one.passages + other.passages, totalLength: one.totalLength + other.totalLength)
    }
}

/// The formula, as Lucene 8 and later has it:
///
///     score = Σ_t  weight_t · idf_t · tf / (tf + k1 · (1 − b + b · dl / avgdl))
///     idf_t = ln(1 + (N − df + 0.5) / (df + 0.5))
///
/// Robertson's numerator has a further constant factor (k1 + 1), which changes no ranking and which Lucene dropped in
/// version 8. Lucene keeps passage lengths in one byte; here they are exact, so scores differ from Lucene's in the
/// third digit while they equal those of exact implementations.
///
/// Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond".
enum BM25 {
    /// The weight of a term that `documentFrequency` of `passages` hold; positive even when all do.
    static func inverseDocumentFrequency(documentFrequency: Int, passages: Int) -> Double {
        let frequency = Double(documentFrequency)
        return log(1 + (max(0, Double(passages) - frequency) + 0.5) / (frequency + 0.5))
    }

    /// 1 / (k1 · (1 − b + b · dl / avgdl)); infinite when the divisor is 0.
    static func inverseNorm(length: UInt32, averageLength: Double, parameters: BM25Parameters) -> Float {
        let ratio = Double(length) / averageLength
        return Float(1 / (Double(parameters.k1) * (1 - Double(parameters.b) + Double(parameters.b) * ratio)))
    }

    /// weight · tf / (tf + norm), in the form weight − weight / (1 + tf / norm).
    ///
    /// In this form each rounded operation is monotone in tf and in the norm, so that a bound computed from a larger tf
    /// and a smaller norm can never be below the score it bounds.
    @inline(__always)
    static func contribution(weight: Float, frequency: Float, inverseNorm: Float) -> Float {
        weight - weight / (1 + frequency * inverseNorm)
    }
}

/// The grid on which the contributions to one query's scores lie.
///
/// Each contribution is rounded to a multiple of a power of two so small that no sum of them needs more than the 24
/// bits of a Float. Such sums are exact in any order: whatever terms the search skips or visits first, a passage's
/// score has the same bits as in an exhaustive search. The step is at most 2⁻²³ of the query's largest possible score.
struct ScoreGrid {
    /// The distance of neighbouring values.
    let step: Float
    private let magic: Float

    /// The grid for terms of the given weights.
    init(totalWeight: Float, terms: Int) {
        let limit = Float((1 << 24) - min(terms, 1 << 23))
        let ratio = max(totalWeight / limit, Float.leastNormalMagnitude * 0x1p24)
        step = ratio.binade == ratio ? ratio : ratio.binade * 2
        // Adding 2²³ steps leaves no bits below one step.
        magic = step * 0x1p23
    }

    /// The nearest value, but never 0: a passage that holds a term is found, however little the term weighs.
    @inline(__always)
    func rounded(_ contribution: Float) -> Float {
        let rounded = (contribution + magic) - magic
        return rounded > step ? rounded : step
    }
}
