import AttarStorage
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Corpora and queries in the layout of BEIR that are not what they should be. `ATTAR_FUZZ_MINUTES=10 swift test …
/// --filter ReaderFuzzTests` goes on for 10 minutes each.
@Suite struct ReaderFuzzTests {
    private func fuzz(_ name: String, _ whole: [UInt8], use: (String) throws -> Void) throws {
        let folder = try TemporaryFolder()
        var (used, refused) = (0, 0)
        let tried = FuzzBudget.run(rounds: 2000) { seed in
            var mutator = ByteMutator(seed: seed)
            var hostile = JSONMutator(seed: seed)
            let damaged = seed % 2 == 0 ? mutator.damaged(whole) : hostile.damaged(whole)
            guard (try? folder.write(damaged, to: name)) != nil else { return }
            do {
                try use(folder.path)
                used += 1
            } catch {
                #expect(error is StorageError || error is TextError, "\(error)")
                refused += 1
            }
        }
        if FuzzBudget.minutes != nil { print("\(name): \(tried) files tried, \(used) used, \(refused) refused") }
        #expect(used > 20 && refused > 20)
    }

    private static let corpus = (0..<6).map {
        #"{"_id": "d\#($0)", "title": "Title \#($0)", "text": "The text é of \#($0).", "tags": ["a", "b"]}"#
    }.joined(separator: "\n")

    @Test func corpora() throws {
        try fuzz("corpus.jsonl", Array(Self.corpus.utf8)) { folder in
            let beir = try BEIRFolder(path: folder)
            _ = try Fixture.documents(in: beir.corpusPath)
        }
    }

    @Test func queries() throws {
        let queries = (0..<8).map { #"{"_id": "q\#($0)", "text": "what is \#($0)?"}"# }.joined(separator: "\n")
        try fuzz("queries.jsonl", Array(queries.utf8)) { _ = try QueryReader.read(path: $0 + "/queries.jsonl") }
        let columns = (0..<8).map { "q\($0)\twhat is \($0)?" }.joined(separator: "\n")
        try fuzz("queries.tsv", Array(columns.utf8)) { _ = try QueryReader.read(path: $0 + "/queries.tsv") }
    }
}
