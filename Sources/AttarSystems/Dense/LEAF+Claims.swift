extension LEAF {
    /// What LEAF must keep, of the teacher's quality, on collections that it was not made for.
    ///
    /// The bounds on students are shares of the teacher's nDCG@10 when queries are the student's and documents the
    /// teacher's. The absolute ones pin down what the shares are shares of.
    public static let claims: [Claim] = teacherClaims + studentClaims

    private static let teacherClaims: [Claim] = [
        Claim(
            id: "S36.1", statement: "BM25 is a baseline worth beating", dataset: "scifact", subject: "bm25",
            bound: .atLeast(0.665)),
        Claim(
            id: "S36.2", statement: "the teacher is as good as it is known to be", dataset: "scifact",
            subject: RetrievalStudy.teacherName, bound: .within(value: 0.645, tolerance: 0.005)),
        Claim(
            id: "S36.3", statement: "the teacher is as good as it is known to be", dataset: "cranfield",
            subject: RetrievalStudy.teacherName, bound: .within(value: 0.435, tolerance: 0.005)),
        Claim(
            id: "S36.4", statement: "the teacher is as good as it is known to be", dataset: "cosqa",
            subject: RetrievalStudy.teacherName, bound: .within(value: 0.593, tolerance: 0.005)),
    ]

    private static let studentClaims: [Claim] = [
        kept("S36.5", "layers=3", 0.97, "cranfield"), kept("S36.6", "layers=3", 0.97, "cosqa"),
        kept("S36.7", "layers=3", 0.96, "scifact"), kept("S36.8", "layers=2", 0.94, "cranfield"),
        kept("S36.9", "layers=2", 0.94, "cosqa"), kept("S36.10", "layers=2", 0.94, "scifact"),
        kept("S36.11", "static", 0.98, "cranfield"), kept("S36.12", "static", 0.98, "scifact"),
        kept("S36.13", "static", 0.91, "cosqa"),
    ]

    private static func kept(_ id: String, _ student: String, _ share: Double, _ dataset: String) -> Claim {
        Claim(
            id: id, statement: "\(student) keeps \(Int((100 * share).rounded())) % of the teacher", dataset: dataset,
            subject: "\(student) asymmetric", baseline: RetrievalStudy.teacherName, bound: .ratioAtLeast(share))
    }
}
