import AttarCollection
import AttarEvidence
import AttarModels
import AttarSearch
import AttarTestSupport
import AttarText
import Foundation
import Testing

@Suite(.serialized) struct RealDataTests {
    private func collection(_ corpus: RealCorpus, in folder: TemporaryFolder, parts: Int = 1) throws -> Collection {
        let size = (corpus.documents.count + parts - 1) / parts
        for start in stride(from: 0, to: corpus.documents.count, by: size) {
            _ = try Collection.ingest(into: folder.file("c")) { writer in
                for document in corpus.documents[start..<min(corpus.documents.count, start + size)] {
                    try writer.add(document)
                }
            }
        }
        return try Collection.open(at: folder.file("c"))
    }

    /// Floors for nDCG@10 of BM25 with the standard analyzer and parameters, title and text.
    @Test(
        .enabled(if: SharedData.isAvailable, "needs ../shared"),
        arguments: [("scifact", 0.665), ("cranfield", 0.40), ("cosqa", 0.35)])
    func bm25ReachesItsQualityOnRealCorpora(_ name: String, _ floor: Double) throws {
        let corpus = try RealCorpus(name)
        let folder = try TemporaryFolder()
        let start = Date()
        let collection = try collection(corpus, in: folder)
        let seconds = Date().timeIntervalSince(start)
        let batch = try Searcher(collection).run(corpus.queries, .bm25(), depth: 100)
        let quality = corpus.nDCG(batch.run)
        let sorted = batch.nanoseconds.sorted()
        print(
            "\(name): nDCG@10 \(quality), ingest \(Int(Double(corpus.documents.count) / seconds)) documents/s, "
                + "query p50 \(sorted[sorted.count / 2] / 1000) us, p99 \(sorted[sorted.count * 99 / 100] / 1000) us")
        #expect(quality >= floor)
    }

    @Test(.enabled(if: SharedData.isAvailable, "needs ../shared"))
    func segmentsDoNotChangeTheScoresOfARealCorpus() throws {
        let corpus = try RealCorpus("cranfield")
        let folders = try (TemporaryFolder(), TemporaryFolder())
        let whole = try collection(corpus, in: folders.0), parts = try collection(corpus, in: folders.1, parts: 4)
        #expect(whole.contentHash == parts.contentHash)
        let queries = Array(corpus.queries.prefix(60))
        let one = try Searcher(whole).run(queries, .bm25(), depth: 50).run
        #expect(try Searcher(parts).run(queries, .bm25(), depth: 50).run == one)
        #expect(try parts.verify() == [])
    }
}
