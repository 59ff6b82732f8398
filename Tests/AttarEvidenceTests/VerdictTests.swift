import AttarEvidence
import Testing

private let metric = Metric.nDCG(at: 10)

/// A pipeline with a mean and a latency; nil for what was not measured.
private func pipeline(
    _ name: String, _ kind: PipelineKind, _ mean: Double?, _ microseconds: Double? = nil, overlap: Double? = nil
) -> PipelineEvidence {
    PipelineEvidence(
        name: name, kind: kind, measurements: mean.map { [Measurement(metric: metric, mean: $0)] } ?? [],
        latency: microseconds.map {
            LatencySummary(
                count: 100, meanMicroseconds: $0, p50Microseconds: $0, p95Microseconds: $0, p99Microseconds: $0)
        },
        overlapWithTeacher: overlap.map { Overlap(depth: 10, mean: $0) })
}

/// A report in which every pair whose means differ by at least `step` is significantly different.
private func report(_ pipelines: [PipelineEvidence], step: Double = 0.02, queries: Int = 170) -> EvaluationReport {
    var comparisons: [Comparison] = []
    for first in pipelines.indices {
        for second in pipelines.indices.dropFirst(first + 1) {
            guard let minuend = pipelines[first].measurement(of: metric)?.mean,
                let subtrahend = pipelines[second].measurement(of: metric)?.mean
            else { continue }
            let difference = minuend - subtrahend
            let pValue = abs(difference) >= step - 1e-9 ? 0.004 : 0.3
            comparisons.append(
                Comparison(
                    metric: metric, first: pipelines[first].name, second: pipelines[second].name,
                    difference: difference,
                    pValue: pValue / 2, adjustedPValue: pValue, queries: queries))
        }
    }
    var report = EvaluationReport(
        title: "test", dataset: DatasetEvidence(name: "data", queries: queries), metrics: [metric],
        pipelines: pipelines,
        comparisons: comparisons)
    report.cost = DistillationCost(
        teacherSeconds: 100, trainSeconds: 200, studentIndexSeconds: 10, teacherIndexSeconds: 70, horizonDays: 30)
    return report
}

@Suite struct VerdictTests {
    @Test func bm25StaysWhenNothingIsSignificantlyBetter() throws {
        let verdict = Verdict.decide(
            for: report([
                pipeline("bm25", .bm25, 0.40, 200), pipeline("static", .asymmetric, 0.41, 100),
                pipeline("minilm", .teacher, 0.415, 8_000),
            ]))
        #expect(verdict.choice == .keepBM25 && verdict.pipeline == "bm25" && verdict.isQualityMeasured)
        #expect(abs(try #require(verdict.difference) - 0.015) < 1e-9 && verdict.pValue == 0.3)
        #expect(verdict.breakEvenQueriesPerDay == nil)
        #expect(verdict.reasons.joined().contains("may be chance") && verdict.reasons.joined().contains("does not pay"))
    }

    @Test func bm25StaysWhenVectorsAreSignificantlyWorse() {
        let verdict = Verdict.decide(
            for: report([
                pipeline("bm25", .bm25, 0.60), pipeline("static", .dense, 0.50), pipeline("minilm", .teacher, 0.55),
                pipeline("fused", .hybrid, 0.61),
            ]))
        #expect(verdict.choice == .keepBM25)
        #expect(verdict.recommendation?.contains("may be chance") == true)
    }

    @Test func bm25AloneStays() {
        let verdict = Verdict.decide(for: report([pipeline("bm25", .bm25, 0.4)]))
        #expect(verdict.choice == .keepBM25 && verdict.reasons.first?.contains("Nothing else") == true)
    }

    @Test func theAsymmetricStudentIsUsedAndPaysForItself() throws {
        let verdict = Verdict.decide(
            for: report([
                pipeline("bm25", .bm25, 0.40, 200), pipeline("minilm", .teacher, 0.50, 10_000),
                pipeline("static-a", .asymmetric, 0.49, 1_000), pipeline("static-s", .dense, 0.45, 1_000),
            ]))
        #expect(verdict.choice == .useStudentAsymmetric && verdict.pipeline == "static-a")
        #expect(abs(try #require(verdict.difference) - 0.09) < 1e-9 && verdict.pValue == 0.004)
        // 300 s once, 9 ms saved a query, 30 days.
        #expect(abs(try #require(verdict.breakEvenQueriesPerDay) - 300 / 0.009 / 30) < 1e-6)
        #expect(verdict.reasons.joined().contains("98 % of the teacher's nDCG@10"))
    }

    @Test func theSymmetricStudentIsUsedAndItsIndexCounts() throws {
        let verdict = Verdict.decide(
            for: report([
                pipeline("bm25", .bm25, 0.40, 200), pipeline("minilm", .teacher, 0.50, 10_000),
                pipeline("layers-3", .dense, 0.495, 5_000),
            ]))
        #expect(verdict.choice == .useStudentSymmetric)
        // 300 s of distillation, 10 s instead of 70 s for the index; 5 ms saved a query.
        #expect(abs(try #require(verdict.breakEvenQueriesPerDay) - 240 / 0.005 / 30) < 1e-6)
    }

    @Test func amongEqualStudentsTheFastestIsChosenAndAmongUnequalTheBest() {
        let baseline = [pipeline("bm25", .bm25, 0.30, 200), pipeline("minilm", .teacher, 0.50, 10_000)]
        let equal = [pipeline("slow", .asymmetric, 0.495, 5_000), pipeline("fast", .asymmetric, 0.485, 100)]
        #expect(Verdict.decide(for: report(baseline + equal)).pipeline == "fast")
        let unequal = Verdict.decide(for: report(baseline + equal, step: 0.01))
        #expect(unequal.pipeline == "slow")
        #expect(unequal.reasons.joined().contains("“fast” answers 50.0× as fast and keeps 97 %"))
    }

    @Test func aStudentThatKeepsTooLittleIsPassedOverForTheTeacher() {
        let verdict = Verdict.decide(
            for: report([
                pipeline("bm25", .bm25, 0.30, 200), pipeline("minilm", .teacher, 0.50, 10_000),
                pipeline("static", .dense, 0.45, 100),
            ]))
        #expect(verdict.choice == .useTeacher && verdict.pipeline == "minilm")
        #expect(verdict.reasons.joined().contains("keeps only 90 %"))
        #expect(verdict.breakEvenQueriesPerDay == nil)
    }

    @Test func aWorseStudentIsAcceptedWhenItKeepsWhatThePolicyAsks() {
        let contest = report([
            pipeline("bm25", .bm25, 0.30, 200), pipeline("minilm", .teacher, 0.50, 10_000),
            pipeline("static", .dense, 0.45, 100),
        ])
        #expect(Verdict.decide(for: contest, policy: VerdictPolicy(retention: 0.9)).choice == .useStudentSymmetric)
    }

    @Test func aStudentThatIsNotFasterSavesNothing() {
        let verdict = Verdict.decide(
            for: report([
                pipeline("bm25", .bm25, 0.30, 200), pipeline("minilm", .teacher, 0.50, 1_000),
                pipeline("wide", .asymmetric, 0.51, 1_200),
            ]))
        #expect(verdict.choice == .useTeacher)
        #expect(verdict.reasons.joined().contains("saves nothing"))
    }

    @Test func aStudentNoBetterThanBM25IsPassedOver() {
        let verdict = Verdict.decide(
            for: report([
                pipeline("bm25", .bm25, 0.40, 200), pipeline("minilm", .teacher, 0.43, 9_000),
                pipeline("static", .dense, 0.41, 90),
            ]))
        #expect(verdict.choice == .useTeacher)
        #expect(verdict.reasons.joined().contains("is not significantly better than BM25"))
    }

    @Test func aHybridIsUsedWhereNeitherPartAloneIsBetter() {
        let verdict = Verdict.decide(
            for: report([
                pipeline("bm25", .bm25, 0.40, 200), pipeline("minilm", .teacher, 0.40, 9_000),
                pipeline("fused", .hybrid, 0.46, 300),
            ]))
        #expect(verdict.choice == .useHybrid && verdict.pipeline == "fused")
    }

    @Test func aBetterHybridIsRecommendedBesides() {
        let verdict = Verdict.decide(
            for: report([
                pipeline("bm25", .bm25, 0.40, 200), pipeline("minilm", .teacher, 0.50, 9_000),
                pipeline("static", .asymmetric, 0.50, 100), pipeline("fused", .hybrid, 0.55, 300),
            ]))
        #expect(verdict.choice == .useStudentAsymmetric)
        #expect(verdict.recommendation?.contains("“fused” is significantly better still") == true)
    }

    @Test func withoutJudgementsOverlapDecidesAndTheVerdictSaysSo() {
        let followers = [
            pipeline("bm25", .bm25, nil, 200), pipeline("minilm", .teacher, nil, 10_000),
            pipeline("static", .asymmetric, nil, 1_000, overlap: 0.72),
            pipeline("layers-1", .dense, nil, 2_000, overlap: 0.5),
        ]
        let verdict = Verdict.decide(for: report(followers))
        #expect(verdict.choice == .useStudentAsymmetric && verdict.pipeline == "static" && !verdict.isQualityMeasured)
        #expect(verdict.reasons.joined().contains("72 % of the teacher's first 10"))
        #expect(verdict.reasons.joined().contains("Quality was not measured"))
        #expect(verdict.breakEvenQueriesPerDay != nil && verdict.pValue == nil)
        let strict = Verdict.decide(for: report(followers), policy: VerdictPolicy(overlap: 0.8))
        #expect(strict.choice == .useTeacher && strict.headline.contains("not measured"))
    }

    @Test func nothingToDecideIsSaid() {
        #expect(Verdict.decide(for: report([pipeline("a", .run, 0.4), pipeline("b", .run, 0.5)])).choice == .undecided)
        #expect(Verdict.decide(for: report([pipeline("bm25", .bm25, nil)])).choice == .undecided)
    }

    @Test func withoutBM25TheVerdictSaysThatItIsMissing() {
        let verdict = Verdict.decide(
            for: report(
                [
                    pipeline("minilm", .teacher, 0.50, 9_000), pipeline("static", .asymmetric, 0.49, 100),
                ], queries: 12))
        #expect(verdict.choice == .useStudentAsymmetric)
        #expect(verdict.reasons.joined().contains("BM25 was not measured"))
        #expect(verdict.reasons.joined().contains("Only 12 queries"))
    }

    @Test func costsThatAreNegativeOrUnbounded() {
        let cheap = DistillationCost(
            teacherSeconds: 1, trainSeconds: 1, studentIndexSeconds: 1, teacherIndexSeconds: 60)
        #expect(cheap.breakEvenQueriesPerDay(studentMicroseconds: 1, teacherMicroseconds: 2, symmetric: true) == 0)
        #expect(cheap.breakEvenQueriesPerDay(studentMicroseconds: 2, teacherMicroseconds: 2, symmetric: true) == nil)
        #expect(cheap.extraSeconds(symmetric: false) == 2)
    }
}
