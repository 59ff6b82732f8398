import AttarCollection
import AttarEvidence
import AttarStorage
import AttarTestSupport
import AttarText
import Foundation

/// A data set in BEIR's form, read by the plainest means, so that these tests do not lean on the readers.
struct RealCorpus {
    let documents: [Document]
    let queries: [(id: String, text: String)]
    let judgements: Judgements

    private struct Line: Decodable {
        let _id: String
        let title: String?
        let text: String
    }

    init(_ name: String, split: String = "test") throws {
        let folder = SharedData.path(name)
        documents = try Self.lines(folder + "/corpus.jsonl.gz").map {
            Document(id: $0._id, title: $0.title ?? "", text: $0.text)
        }
        let judgements = try Judgements(path: folder + "/qrels/\(split).tsv")
        let judged = Set(judgements.queryIDs)
        queries = try Self.lines(folder + "/queries.jsonl").filter { judged.contains($0._id) }.map { ($0._id, $0.text) }
        self.judgements = judgements
    }

    private static func lines(_ path: String) throws -> [Line] {
        let reader = try LineReader(path: path)
        var lines: [Line] = []
        while let line = try reader.next() { lines.append(try JSONDecoder().decode(Line.self, from: Data(line.bytes))) }
        return lines
    }

    /// nDCG at 10 of a run.
    func nDCG(_ run: Run) -> Double {
        Evaluator(judgements: judgements, metrics: [.nDCG(at: 10)]).scores(of: run).mean(of: .nDCG(at: 10)) ?? 0
    }
}
