extension Verdict {
    /// Finds the verdict of a report. Its rules, on the report's first metric:
    ///
    /// 1. A pipeline *beats BM25* if its mean is higher and the difference is significant: paired randomisation test,
    ///    Holm's correction over all pairs, `policy.significance`.
    /// 2. A student (symmetric or asymmetric) is *accepted* if it beats BM25, is not significantly worse than the
    ///    teacher or keeps `policy.retention` of its mean, and its queries take less time than the teacher's.
    /// 3. Of the accepted students, those that keep `policy.retention` come first; of those that are not significantly
    ///    worse than the best of them, the fastest is chosen.
    /// 4. Without an accepted student, the teacher if it beats BM25; else a hybrid that beats BM25; else BM25 stays.
    /// 5. A hybrid with a higher mean than the chosen pipeline is recommended besides, saying whether that is
    ///    significant.
    /// 6. Without judgements, the student with the most of the teacher's first documents if it reaches
    ///    `policy.overlap`, else the teacher; and the verdict says that quality was not measured.
    ///
    /// What was not measured limits nothing: without BM25 or teacher the rules about them do not apply.
    public static func decide(for report: EvaluationReport, policy: VerdictPolicy = VerdictPolicy()) -> Verdict {
        guard let metric = report.primaryMetric,
            report.pipelines.contains(where: { $0.measurement(of: metric) != nil })
        else { return OverlapRules(report: report, policy: policy).verdict() }
        return QualityRules(report: report, policy: policy, metric: metric).verdict()
    }
}

/// The pipelines of a report by the part they play.
struct Contestants {
    let bm25, teacher: PipelineEvidence?
    let students, hybrids: [PipelineEvidence]

    /// The best of each kind by `value`.
    init(_ pipelines: [PipelineEvidence], value: (PipelineEvidence) -> Double?) {
        let measured = pipelines.filter { value($0) != nil }
        func best(_ kind: PipelineKind) -> PipelineEvidence? {
            measured.filter { $0.kind == kind }.max { value($0) ?? 0 < value($1) ?? 0 }
        }
        bm25 = best(.bm25)
        teacher = best(.teacher)
        students = measured.filter { $0.kind == .dense || $0.kind == .asymmetric }
        hybrids = measured.filter { $0.kind == .hybrid }
    }
}

/// What distillation costs and saves, for one student, as a number and a sentence.
struct BreakEven {
    let queriesPerDay: Double?
    let sentence: String?

    init(student: PipelineEvidence, teacher: PipelineEvidence?, cost: DistillationCost?) {
        guard let studentTime = student.latency?.meanMicroseconds, let teacherTime = teacher?.latency?.meanMicroseconds
        else {
            (queriesPerDay, sentence) = (nil, nil)
            return
        }
        guard studentTime < teacherTime else {
            queriesPerDay = nil
            sentence =
                "A query takes \(NumberText.time(microseconds: studentTime)), no less than with the teacher "
                + "(\(NumberText.time(microseconds: teacherTime))): distillation saves nothing."
            return
        }
        let saved =
            "a query takes \(NumberText.time(microseconds: studentTime)) instead of "
            + NumberText.time(microseconds: teacherTime)
        let isSymmetric = student.kind == .dense
        guard let cost,
            let perDay = cost.breakEvenQueriesPerDay(
                studentMicroseconds: studentTime, teacherMicroseconds: teacherTime, symmetric: isSymmetric)
        else {
            queriesPerDay = nil
            sentence = saved.prefix(1).uppercased() + saved.dropFirst() + "."
            return
        }
        queriesPerDay = perDay
        let once = cost.extraSeconds(symmetric: isSymmetric)
        sentence =
            once <= 0
            ? "Distillation took no more computing than indexing with the teacher would have, and \(saved): it pays "
                + "from the first query on."
            : "Distillation took \(NumberText.duration(seconds: once)) of computing once, and \(saved): within "
                + "\(NumberText.leading(cost.horizonDays, trimming: true)) days it pays for itself from "
                + "\(NumberText.roughCount(perDay)) queries a day on."
    }
}

extension NumberText {
    /// Three leading digits at most, without zeros behind the point.
    static func leading(_ value: Double, trimming: Bool) -> String {
        value == value.rounded() ? fixed(value, 0) : leading(value)
    }
}
