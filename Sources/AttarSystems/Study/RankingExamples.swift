import AttarCollection
import AttarEvidence
import AttarText

/// Picks queries that two pipelines rank differently, for a reader to look at.
struct RankingExamples {
    private let collection: Collection
    private let evaluation: EvaluationSet?
    private let texts: [String: String]

    init(_ collection: Collection, _ evaluation: EvaluationSet?, queries: [(id: String, text: String)]) {
        self.collection = collection
        self.evaluation = evaluation
        texts = Dictionary(queries.map { ($0.id, $0.text) }) { first, _ in first }
    }

    /// The queries on which a student and the teacher differ most: in the metric where there are judgements, else in
    /// which documents they find. Half are those the teacher does better on, half the student.
    func mostDifferent(
        _ student: String?, teacher: Run, among runs: [Run], count: Int = 8, depth: Int = 3
    ) throws -> [RankingExample] {
        guard let run = runs.first(where: { $0.name == student }) else { return [] }
        let values = (differences(run, teacher))
        let ordered = values.keys.sorted { (values[$0] ?? 0, $0) < (values[$1] ?? 0, $1) }
        let chosen = Set(ordered.prefix(count / 2) + ordered.suffix(count / 2)).filter { (values[$0] ?? 0) != 0 }
        return try ordered.filter(chosen.contains).map { query in
            RankingExample(
                queryID: query, query: texts[query] ?? "",
                rankings: try [run, teacher].map { try ranking($0, query, depth) })
        }
    }

    /// Student less teacher on nDCG@10; without judgements, the share of the teacher's ten that the student misses.
    private func differences(_ student: Run, _ teacher: Run) -> [String: Double] {
        guard let evaluation else {
            let overlaps = zip(teacher.queryIDs, student.overlaps(with: teacher, depth: 10))
            return Dictionary(uniqueKeysWithValues: overlaps.map { ($0, $1 - 1) })
        }
        let evaluator = Evaluator(judgements: evaluation.judgements, metrics: [.nDCG(at: 10)])
        let (a, b) = (evaluator.scores(of: student), evaluator.scores(of: teacher))
        guard let first = a.values.first, let second = b.values.first else { return [:] }
        let theirs = Dictionary(uniqueKeysWithValues: zip(b.queryIDs, second))
        return Dictionary(uniqueKeysWithValues: zip(a.queryIDs, first).map { ($0, $1 - (theirs[$0] ?? 0)) })
    }

    private func ranking(_ run: Run, _ query: String, _ depth: Int) throws -> RankingExample.Ranking {
        let entries = try run[query].prefix(depth).map { result in
            let document = try collection.document(id: result.documentID)
            let label = document.map { $0.title.isEmpty ? String($0.text.prefix(80)) : $0.title } ?? ""
            return RankingExample.Entry(
                documentID: result.documentID, title: label,
                grade: evaluation?.judgements.grades[query]?[result.documentID])
        }
        return RankingExample.Ranking(pipeline: run.name, entries: entries, value: value(run, query))
    }

    private func value(_ run: Run, _ query: String) -> Double? {
        guard let evaluation else { return nil }
        let scores = Evaluator(
            judgements: evaluation.judgements.restricted(toQueries: [query]), metrics: [.nDCG(at: 10)]).scores(of: run)
        return scores.values.first?.first
    }
}
