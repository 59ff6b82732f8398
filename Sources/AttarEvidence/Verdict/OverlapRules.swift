/// The rules of the verdict without judgements: how closely a student follows the teacher is all that is known.
struct OverlapRules {
    let report: EvaluationReport
    let policy: VerdictPolicy

    func verdict() -> Verdict {
        let students = report.pipelines.filter {
            ($0.kind == .dense || $0.kind == .asymmetric) && $0.overlapWithTeacher != nil
        }
        let teacher = report.pipelines.first { $0.kind == .teacher }
        guard let best = students.max(by: { overlap($0) < overlap($1) }) else {
            return Verdict(
                choice: .undecided,
                headline: "No verdict: there are no judgements, and no student to hold against a teacher.",
                reasons: [unmeasured], isQualityMeasured: false)
        }
        let depth = best.overlapWithTeacher?.depth ?? 0
        let finding =
            "“\(best.name)” returns \(NumberText.percent(overlap(best))) of the teacher's first \(depth) documents"
        let breakEven = BreakEven(student: best, teacher: teacher, cost: report.cost)
        let follows = overlap(best) >= policy.overlap
        let isFaster = (best.latency?.meanMicroseconds ?? 0) < (teacher?.latency?.meanMicroseconds ?? .infinity)
        guard follows, isFaster else {
            return Verdict(
                choice: .useTeacher, pipeline: teacher?.name, headline: "Use the teacher; quality was not measured.",
                reasons: [
                    follows
                        ? finding + "." : finding + ", less than the \(NumberText.percent(policy.overlap)) asked for.",
                    breakEven.sentence, unmeasured,
                ].compactMap { $0 }, isQualityMeasured: false)
        }
        let how = best.kind == .dense ? "for queries and documents" : "for queries, with the teacher's document vectors"
        return Verdict(
            choice: best.kind == .dense ? .useStudentSymmetric : .useStudentAsymmetric, pipeline: best.name,
            headline: "If the teacher is what you want, use the student “\(best.name)” \(how).",
            reasons: [finding + ".", breakEven.sentence, unmeasured].compactMap { $0 },
            isQualityMeasured: false, breakEvenQueriesPerDay: breakEven.queriesPerDay)
    }

    private func overlap(_ pipeline: PipelineEvidence) -> Double { pipeline.overlapWithTeacher?.mean ?? 0 }

    private let unmeasured =
        "Quality was not measured: without judged queries nobody knows whether the teacher, or the "
        + "student, is better than BM25 here. Give --queries and --qrels to find out."
}
