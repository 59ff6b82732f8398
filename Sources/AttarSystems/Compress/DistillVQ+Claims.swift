extension DistillVQ {
    /// At the same bytes and the same lists looked at, without rescoring, the distilled codes find more of the
    /// teacher's ten best documents than OPQ's, and the difference is none of chance (paired randomisation over
    /// queries, corrected for the number of comparisons).
    public static let claims: [Claim] = ["scifact", "wordnet-glosses"].enumerated().flatMap { place, dataset in
        [16, 32, 48].enumerated().map { index, bytes in
            Claim(
                id: "S10.\(3 * place + index + 1)",
                statement: "codes of \(bytes) bytes keep more of the teacher's first ten than OPQ's",
                dataset: dataset, metric: "Recall@10", subject: studentName(bytes), baseline: baselineName(bytes),
                bound: .significantlyAbove(level: 0.05))
        }
    }
}
