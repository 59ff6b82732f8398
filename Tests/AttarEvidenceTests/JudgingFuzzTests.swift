import AttarEvidence
import AttarStorage
import AttarTestSupport
import Foundation
import Testing

/// Runs and judgements that are not what they should be. `ATTAR_FUZZ_MINUTES=10 swift test … --filter
/// JudgingFuzzTests` goes on for 10 minutes each.
@Suite struct JudgingFuzzTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func fuzz(_ name: String, _ text: String, use: (String) throws -> Void) throws {
        let outcome = FuzzBudget.outcome(of: name, rounds: 3000) { seed in
            var mutator = ByteMutator(seed: seed)
            return try folder.write(mutator.damaged(Array(text.utf8)), to: name)
        } use: {
            try use($0)
        } isRefusal: {
            $0 is StorageError || $0 is EvidenceError
        }
        #expect(outcome.otherErrors == [])
        #expect(outcome.used > 20 && outcome.refused > 20)
    }

    /// What was read can be written, and comes back.
    @Test func runs() throws {
        let text = (0..<30).map { "q\($0 / 10) Q0 d\($0) \($0 % 10 + 1) \(10 - Double($0 % 10) / 3) tag\n" }.joined()
        try fuzz("run.trec", text) { path in
            let run = try Run(path: path)
            try run.write(to: folder.file("again.trec"))
            #expect(try Run(path: folder.file("again.trec")) == run)
        }
    }

    @Test func judgements() throws {
        let text = (0..<30).map { "q\($0 / 10) 0 d\($0) \($0 % 4 - 1)\n" }.joined()
        try fuzz("qrels.txt", text) { _ = try Judgements(path: $0) }
        let columns = "query-id\tcorpus-id\tscore\n" + (0..<30).map { "q\($0 / 10)\td\($0)\t\($0 % 4)\n" }.joined()
        try fuzz("qrels.tsv", columns) { _ = try Judgements(path: $0) }
    }
}
