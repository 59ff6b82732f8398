/// The rules of the verdict where quality was measured.
struct QualityRules {
    let report: EvaluationReport
    let policy: VerdictPolicy
    let metric: Metric
    private let contestants: Contestants

    init(report: EvaluationReport, policy: VerdictPolicy, metric: Metric) {
        self.report = report
        self.policy = policy
        self.metric = metric
        contestants = Contestants(report.pipelines) { $0.measurement(of: metric)?.mean }
    }

    func verdict() -> Verdict {
        if let student = chosenStudent { return verdict(for: student) }
        if let teacher = contestants.teacher, beatsBM25(teacher) { return teacherVerdict(teacher) }
        if let hybrid = bestHybrid, contestants.bm25 != nil, beatsBM25(hybrid) { return hybridVerdict(hybrid) }
        if let bm25 = contestants.bm25 { return bm25Verdict(bm25) }
        return undecided
    }

    // MARK: Facts

    private func mean(_ pipeline: PipelineEvidence) -> Double { pipeline.measurement(of: metric)?.mean ?? 0 }

    private func comparison(_ first: PipelineEvidence, _ second: PipelineEvidence?) -> Comparison? {
        second.flatMap { report.comparison(of: first.name, with: $0.name, on: metric) }
    }

    private func isSignificantlyBetter(_ first: PipelineEvidence, than second: PipelineEvidence?) -> Bool {
        guard let comparison = comparison(first, second) else { return false }
        return comparison.difference > 0 && comparison.adjustedPValue < policy.significance
    }

    private func beatsBM25(_ pipeline: PipelineEvidence) -> Bool {
        contestants.bm25 == nil || isSignificantlyBetter(pipeline, than: contestants.bm25)
    }

    /// Which part of the teacher's mean a pipeline keeps; nil without a teacher, or one that finds nothing.
    private func retention(_ pipeline: PipelineEvidence) -> Double? {
        guard let teacher = contestants.teacher, mean(teacher) > 0 else { return nil }
        return mean(pipeline) / mean(teacher)
    }

    private func keepsEnough(_ student: PipelineEvidence) -> Bool { retention(student) ?? 1 >= policy.retention }

    private func isFaster(_ student: PipelineEvidence, than teacher: PipelineEvidence) -> Bool {
        guard let studentTime = student.latency?.meanMicroseconds, let teacherTime = teacher.latency?.meanMicroseconds
        else { return true }
        return studentTime < teacherTime
    }

    private func isAccepted(_ student: PipelineEvidence) -> Bool {
        guard beatsBM25(student) else { return false }
        guard let teacher = contestants.teacher, beatsBM25(teacher) else { return true }
        let isGoodEnough = keepsEnough(student) || !isSignificantlyBetter(teacher, than: student)
        return isGoodEnough && isFaster(student, than: teacher)
    }

    /// The students to choose from: those that keep enough, or else all that are accepted.
    private var candidates: [PipelineEvidence] {
        let accepted = contestants.students.filter(isAccepted)
        let keeping = accepted.filter(keepsEnough)
        return keeping.isEmpty ? accepted : keeping
    }

    private var chosenStudent: PipelineEvidence? {
        let pool = candidates
        guard let best = pool.max(by: { mean($0) < mean($1) }) else { return nil }
        let equals = pool.filter { !isSignificantlyBetter(best, than: $0) }
        guard equals.allSatisfy({ $0.latency != nil }) else { return best }
        return equals.min { first, second in
            let times = (first.latency?.meanMicroseconds ?? 0, second.latency?.meanMicroseconds ?? 0)
            return times.0 != times.1 ? times.0 < times.1 : mean(first) > mean(second)
        }
    }

    private var bestHybrid: PipelineEvidence? { contestants.hybrids.max { mean($0) < mean($1) } }

    // MARK: Answers

    private func verdict(for student: PipelineEvidence) -> Verdict {
        let isSymmetric = student.kind == .dense
        let breakEven = BreakEven(student: student, teacher: contestants.teacher, cost: report.cost)
        let how = isSymmetric ? "for queries and documents" : "for queries, with the teacher's document vectors"
        return answer(
            isSymmetric ? .useStudentSymmetric : .useStudentAsymmetric, student,
            "Use the student “\(student.name)” \(how).",
            reasons: [
                sentence(student, against: contestants.bm25), retentionSentence(student), breakEven.sentence,
                fasterAlternative(to: student),
            ],
            breakEven: breakEven.queriesPerDay)
    }

    private func teacherVerdict(_ teacher: PipelineEvidence) -> Verdict {
        let rejected = contestants.students.max { mean($0) < mean($1) }
        return answer(
            .useTeacher, teacher, "Use the teacher.",
            reasons: [sentence(teacher, against: contestants.bm25), rejected.map(rejection)])
    }

    private func hybridVerdict(_ hybrid: PipelineEvidence) -> Verdict {
        answer(
            .useHybrid, hybrid, "Use the fusion “\(hybrid.name)”: neither vectors nor BM25 alone.",
            reasons: [
                sentence(hybrid, against: contestants.bm25),
                "No student and no teacher alone is significantly better than BM25.",
            ])
    }

    private func bm25Verdict(_ bm25: PipelineEvidence) -> Verdict {
        let others = contestants.students + contestants.hybrids + [contestants.teacher].compactMap { $0 }
        let best = others.max { mean($0) < mean($1) }
        var reasons: [String?] = ["Nothing else was measured."]
        if let best {
            reasons = [
                sentence(best, against: bm25),
                "Nothing measured here is significantly better, so distillation does not pay for itself at any number "
                    + "of queries.",
            ]
        }
        var verdict = answer(.keepBM25, bm25, "Keep BM25.", reasons: reasons)
        let comparison = best.flatMap { self.comparison($0, bm25) }
        (verdict.difference, verdict.pValue) = (comparison?.difference, comparison?.adjustedPValue)
        return verdict
    }

    private var undecided: Verdict {
        Verdict(
            choice: .undecided,
            headline: "No verdict: neither BM25, a student nor a teacher is among what was measured.",
            reasons: [], isQualityMeasured: true, metric: metric)
    }

    private func answer(
        _ choice: Verdict.Choice, _ pipeline: PipelineEvidence, _ headline: String, reasons: [String?],
        breakEven: Double? = nil
    ) -> Verdict {
        let decisive = comparison(pipeline, contestants.bm25)
        return Verdict(
            choice: choice, pipeline: pipeline.name, headline: headline,
            reasons: reasons.compactMap { $0 } + [missingBaseline(pipeline), fewQueries].compactMap { $0 },
            recommendation: recommendation(beside: pipeline), isQualityMeasured: true, metric: metric,
            difference: decisive?.difference, pValue: decisive?.adjustedPValue, breakEvenQueriesPerDay: breakEven)
    }
}

// MARK: - Sentences

extension QualityRules {
    /// "nDCG@10 is 0.412 against 0.365 for BM25: +0.047 (95 % interval …, p = 0.002), significantly better."
    private func sentence(_ pipeline: PipelineEvidence, against other: PipelineEvidence?) -> String? {
        guard let other, let comparison = comparison(pipeline, other) else { return nil }
        let isSignificant = comparison.adjustedPValue < policy.significance
        let judgement =
            !isSignificant
            ? "a difference that may be chance"
            : comparison.difference > 0 ? "significantly better" : "significantly worse"
        let interval = comparison.interval.map {
            "\(NumberText.percent(report.statistics.confidence)) interval "
                + "\(NumberText.interval($0, isSigned: true)), "
        }
        return "“\(pipeline.name)” has \(metric) \(NumberText.fixed(mean(pipeline))) against "
            + "\(NumberText.fixed(mean(other))) for “\(other.name)”: \(NumberText.signed(comparison.difference)) "
            + "(\(interval ?? "")\(NumberText.pValue(comparison.adjustedPValue))), \(judgement)."
    }

    private func retentionSentence(_ student: PipelineEvidence) -> String? {
        guard let teacher = contestants.teacher, let kept = retention(student) else { return nil }
        let comparison = comparison(teacher, student)
        let test: String
        switch comparison {
        case let found? where found.adjustedPValue >= policy.significance:
            test = "a difference that may be chance (\(NumberText.pValue(found.adjustedPValue)))"
        case let found? where found.difference > 0:
            test = "significantly less (\(NumberText.pValue(found.adjustedPValue)))"
        case let found?: test = "significantly more (\(NumberText.pValue(found.adjustedPValue)))"
        case nil: test = "not tested"
        }
        return "It keeps \(NumberText.percent(kept)) of the teacher's \(metric) "
            + "(\(NumberText.fixed(mean(student))) of \(NumberText.fixed(mean(teacher)))), \(test)."
    }

    /// A student that was acceptable too, at most half as slow: the reader may care more for time.
    private func fasterAlternative(to chosen: PipelineEvidence) -> String? {
        guard let time = chosen.latency?.meanMicroseconds else { return nil }
        let faster = candidates.filter { ($0.latency?.meanMicroseconds ?? .infinity) * 2 <= time }
        guard let best = faster.max(by: { mean($0) < mean($1) }), let bestTime = best.latency?.meanMicroseconds,
            bestTime > 0
        else { return nil }
        let kept = retention(best).map { " and keeps \(NumberText.percent($0)) of the teacher's \(metric)" } ?? ""
        return "“\(best.name)” answers \(NumberText.times(time / bestTime)) as fast\(kept): "
            + "the one to take where time matters more."
    }

    /// Why the best student was not taken.
    private func rejection(_ student: PipelineEvidence) -> String {
        let name = "The best student, “\(student.name)” (\(metric) \(NumberText.fixed(mean(student))))"
        guard beatsBM25(student) else { return "\(name), is not significantly better than BM25." }
        if let teacher = contestants.teacher, !isFaster(student, than: teacher) {
            return "\(name), is not faster than the teacher: distillation saves nothing."
        }
        return "\(name), keeps only \(NumberText.percent(retention(student) ?? 0)) of the teacher's quality and is "
            + "significantly worse."
    }

    private func recommendation(beside chosen: PipelineEvidence) -> String? {
        guard let hybrid = bestHybrid, hybrid.name != chosen.name, let comparison = comparison(hybrid, chosen),
            comparison.difference > 0
        else { return nil }
        let figures =
            "\(metric) \(NumberText.fixed(mean(hybrid))), \(NumberText.signed(comparison.difference)), "
            + NumberText.pValue(comparison.adjustedPValue)
        return comparison.adjustedPValue < policy.significance
            ? "The fusion “\(hybrid.name)” is significantly better still (\(figures)): use it where its time allows."
            : "The fusion “\(hybrid.name)” has the higher mean (\(figures)), which may be chance."
    }

    private func missingBaseline(_ chosen: PipelineEvidence) -> String? {
        guard contestants.bm25 == nil else { return nil }
        return "BM25 was not measured, so it is not known whether it would have been enough."
    }

    private var fewQueries: String? {
        let queries = report.dataset.queries
        guard queries < 25 else { return nil }
        return "Only \(queries) queries were judged: a larger set may show differences that this one cannot."
    }
}
