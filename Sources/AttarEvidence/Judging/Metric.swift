/// A measure of retrieval quality, defined exactly as trec_eval defines it, ties included (see `Run`).
///
/// One measure is not trec_eval's: reciprocal rank with a cut-off (`MRR@10`). It is MS MARCO's, and as there, and in
/// ir-measures, documents of equal score are ordered by identifier ascending.
///
///     let metric = try Metric("nDCG@10")
///     Metric.averagePrecision(relevance: 2).description     // "MAP(rel=2)"
///
/// Names follow ir-measures or common usage: `nDCG@10`, `MRR@10` or `RR@10`, `Recall@100` or `R@100`, `MAP` or `AP`,
/// `Success@5`, `P@10`; letter case does not matter. `(rel=2)` after the name sets the lowest grade that counts as
/// relevant (1 unless said); nDCG uses the grades themselves and has no such limit.
public struct Metric: Hashable, Sendable {
    /// The families of measures.
    public enum Kind: String, Sendable, CaseIterable {
        /// Discounted cumulative gain over that of the ideal order; gain is the grade, discount log2(rank + 1).
        case nDCG
        /// One over the rank of the first relevant document, 0 without one.
        case reciprocalRank = "MRR"
        /// The part of all relevant documents that is found.
        case recall = "Recall"
        /// The mean over all relevant documents of the precision at their rank, 0 for those not found.
        case averagePrecision = "MAP"
        /// 1 if a relevant document is found, else 0.
        case success = "Success"
        /// The number of relevant documents found over the cut-off.
        case precision = "P"
    }

    /// The family.
    public let kind: Kind
    /// How many of the first documents count; nil for all.
    public let cutoff: Int?
    /// The lowest grade that counts as relevant.
    public let relevance: Int

    init(kind: Kind, cutoff: Int?, relevance: Int) {
        precondition(cutoff ?? 1 > 0, "\(kind.rawValue) at cut-off \(cutoff ?? 0)")
        precondition(relevance > 0, "relevance from grade \(relevance) on: trec_eval's levels begin at 1")
        self.kind = kind
        self.cutoff = cutoff
        self.relevance = relevance
    }

    /// nDCG, of the first `cutoff` documents or of all.
    public static func nDCG(at cutoff: Int? = nil) -> Metric {
        Metric(kind: .nDCG, cutoff: cutoff, relevance: 1)
    }
    /// Reciprocal rank.
    public static func reciprocalRank(at cutoff: Int? = nil, relevance: Int = 1) -> Metric {
        Metric(kind: .reciprocalRank, cutoff: cutoff, relevance: relevance)
    }
    /// Recall among the first `cutoff`.
    public static func recall(at cutoff: Int, relevance: Int = 1) -> Metric {
        Metric(kind: .recall, cutoff: cutoff, relevance: relevance)
    }
    /// Average precision.
    public static func averagePrecision(at cutoff: Int? = nil, relevance: Int = 1) -> Metric {
        Metric(kind: .averagePrecision, cutoff: cutoff, relevance: relevance)
    }
    /// Success among the first `cutoff`.
    public static func success(at cutoff: Int, relevance: Int = 1) -> Metric {
        Metric(kind: .success, cutoff: cutoff, relevance: relevance)
    }
    /// Precision of the first `cutoff`.
    public static func precision(at cutoff: Int, relevance: Int = 1) -> Metric {
        Metric(kind: .precision, cutoff: cutoff, relevance: relevance)
    }

    /// What a report shows unless told otherwise; the first decides the verdict.
    public static let standard: [Metric] = [
        .nDCG(at: 10), .reciprocalRank(at: 10), .recall(at: 100), .averagePrecision(), .success(at: 5),
    ]
}

extension Metric: CustomStringConvertible {
    /// The name, which `init(_:)` reads back.
    public var description: String {
        let limit = relevance == 1 ? "" : "(rel=\(relevance))"
        return kind.rawValue + limit + (cutoff.map { "@\($0)" } ?? "")
    }
}

extension Metric: Codable {
    /// Reads the name.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        do {
            self = try Metric(name)
        } catch let error as EvidenceError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    /// Writes the name.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
