import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@testable import AttarIndex

/// Index files that are not what they should be: whatever they hold, opening, searching, merging and exporting either
/// work within the file or throw. `ATTAR_FUZZ_MINUTES=10 swift test … --filter IndexFileFuzzTests` goes on for 10
/// minutes each.
@Suite struct IndexFileFuzzTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// Damages a file at random and by lies with true checksums, in turns, and uses what can be opened.
    private func fuzz(
        _ name: String, kind: String, numbers: [UInt32], rounds: Int = 1200, use: (String) throws -> Void
    ) throws {
        let whole = try LocalFileSystem().read(folder.file(name))
        let source = try SectionFile(path: folder.file(name), kind: kind, newestVersion: 99)
        let outcome = FuzzBudget.outcome(of: name, rounds: rounds) { seed in
            try SectionMutator.damage(whole, source, numbers: numbers, to: "damaged", in: folder, seed: seed)
        } use: {
            try use($0)
        } isRefusal: {
            $0 is StorageError
        }
        #expect(outcome.otherErrors == [])
        #expect(outcome.used > 50 && outcome.refused > 50)
    }

    @Test func invertedIndexes() throws {
        let corpus = RandomCorpus(seed: 3, passages: 700, terms: 60, meanLength: 12)
        _ = try corpus.write(to: folder.file("inverted"))
        var live = OrdinalSet(capacity: 700)
        for ordinal in 0..<UInt32(700) where ordinal % 3 > 0 { live.insert(ordinal) }
        let query = corpus.vocabulary.prefix(20).map { WeightedTerm($0) }
        try fuzz("inverted", kind: "inverted", numbers: [127, 128, 129, 699, 700, 701]) { path in
            let index = try InvertedIndex(path: path)
            guard index.passages < 10_000 else { return }
            try? index.verify()
            let searcher = BM25Searcher(index)
            for k in [1, 10, 700] {
                let hits = (try? searcher.search(query, k: k)) ?? []
                #expect(hits.allSatisfy { $0.ordinal < index.passages && !$0.score.isNaN })
            }
            for item in query.prefix(3) { _ = try? searcher.search([item], k: 10) }
            if index.passages > 0 { _ = try? searcher.explain(query, ordinal: UInt32(index.passages - 1)) }
            try? index.writeCIFF(to: folder.file("out.ciff"), description: "") { String($0) }
            guard index.passages == 700 else { return }
            _ = try? GraphBisection().order(of: [(index, live)])
            try InvertedIndexMerger([(index, live), (index, nil)]).write(to: folder.file("merged"))
        }
    }

    @Test func sparseIndexes() throws {
        var builder = SparseIndexBuilder(columns: 40)
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<3000 {
            let columns = (0..<Int32(40)).filter { _ in generator.uniform() < 0.2 }
            try builder.add(columns: columns, weights: columns.map { _ in Float(generator.uniform()) })
        }
        try builder.finish(to: folder.file("sparse"))
        let (columns, weights) = (Array(Int32(0)..<12), (0..<12).map { Float($0 + 1) / 7 })
        try fuzz("sparse", kind: "sparse", numbers: [39, 40, 127, 128, 129, 2999, 3000, 3001], rounds: 600) { path in
            let index = try SparseIndex(path: path)
            guard index.passages < 10_000, index.columns < 1000 else { return }
            try? index.verify()
            _ = try? index.matrix()
            for effort in [SparseSearchEffort.exact, .init(columns: 5, candidates: 20)] {
                for k in [1, 10, 3000] {
                    let hits = (try? index.search(columns: columns, weights: weights, k: k, effort: effort)) ?? []
                    #expect(hits.allSatisfy { $0.ordinal < index.passages })
                }
            }
            try SparseIndexMerger([(index, nil), (index, nil)]).write(to: folder.file("merged"))
        }
    }

    @Test(arguments: [VectorPrecision.float32, .int8]) func flatVectors(precision: VectorPrecision) throws {
        let writer = try FlatVectorWriter(
            path: folder.file("vectors"), dimension: 8, precision: precision, fingerprint: "f")
        try writer.append(RandomVectors.normal(300, 8, seed: 5))
        try writer.finish()
        try fuzz("vectors", kind: "vectors", numbers: [7, 8, 9, 299, 300, 301]) { path in
            let index = try FlatVectorIndex(path: path)
            guard index.dimension == 8, index.count < 10_000 else { return }
            try? index.verify()
            let hits = (try? index.search([1, 0, -1, 0.5, 0, 0, 2, 1], k: 7)) ?? []
            #expect(hits.allSatisfy { $0.ordinal < index.count })
        }
    }

    @Test func ciffFiles() throws {
        let corpus = RandomCorpus(seed: 8, passages: 60, terms: 30, meanLength: 8)
        let index = try corpus.write(to: folder.file("inverted"))
        try index.writeCIFF(to: folder.file("whole.ciff"), description: "a test") { "document-\($0)" }
        let whole = try LocalFileSystem().read(folder.file("whole.ciff"))
        let outcome = FuzzBudget.outcome(of: "ciff", rounds: 3000) { seed in
            var mutator = ByteMutator(seed: seed)
            return try folder.write(mutator.damaged(whole), to: "damaged.ciff")
        } use: { path in
            let file = try CIFFImport(path: path)
            try file.writeIndex(to: folder.file("from.inv"))
            let made = try InvertedIndex(path: folder.file("from.inv"))
            try made.verify()
            #expect(made.passages == file.identifiers.count)
        } isRefusal: {
            $0 is StorageError
        }
        #expect(outcome.otherErrors == [])
        #expect(outcome.used > 50 && outcome.refused > 50)
    }
}
