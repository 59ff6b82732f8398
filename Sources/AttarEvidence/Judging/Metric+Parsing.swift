extension Metric {
    /// Reads a name such as `nDCG@10`, `AP(rel=2)` or `R(rel=2)@100`.
    ///
    /// - Throws: `unknownMetric`, with what would have been understood.
    public init(_ name: String) throws {
        var rest = Substring(name.filter { !$0.isWhitespace })
        var cutoff: Int?
        if let at = rest.lastIndex(of: "@") {
            guard let number = Int(rest[rest.index(after: at)...]), number > 0 else {
                throw Self.unknown(name, "after \"@\" a whole number from 1 on was expected")
            }
            cutoff = number
            rest = rest[..<at]
        }
        var relevance: Int?
        if let open = rest.firstIndex(of: "(") {
            let argument = rest[open...].dropFirst().dropLast()
            guard rest.hasSuffix(")"), argument.hasPrefix("rel="), let grade = Int(argument.dropFirst(4)), grade > 0
            else {
                throw Self.unknown(name, "in parentheses only \"rel=\" with a grade from 1 on is understood")
            }
            relevance = grade
            rest = rest[..<open]
        }
        guard let kind = Self.kinds[rest.lowercased()] else {
            throw Self.unknown(name, "known are nDCG, MRR (RR), Recall (R), MAP (AP), Success and P")
        }
        if cutoff == nil, [.recall, .success, .precision].contains(kind) {
            throw Self.unknown(name, "\(kind.rawValue) needs a cut-off, as in \"\(kind.rawValue)@10\"")
        }
        if kind == .nDCG, relevance ?? 1 != 1 {
            throw Self.unknown(name, "nDCG uses the grades themselves and takes no \"rel=\"")
        }
        self.init(kind: kind, cutoff: cutoff, relevance: relevance ?? 1)
    }

    /// Reads a list of names separated by commas or blanks.
    public static func list(_ names: String) throws -> [Metric] {
        try names.split { $0 == "," || $0.isWhitespace }.map { try Metric(String($0)) }
    }

    private static let kinds: [String: Kind] = [
        "ndcg": .nDCG, "mrr": .reciprocalRank, "rr": .reciprocalRank, "recall": .recall, "r": .recall,
        "map": .averagePrecision, "ap": .averagePrecision, "success": .success, "p": .precision,
        "precision": .precision,
    ]

    private static func unknown(_ name: String, _ expected: String) -> EvidenceError {
        EvidenceError(.unknownMetric, "\"\(name)\" is no metric: \(expected).")
    }
}
