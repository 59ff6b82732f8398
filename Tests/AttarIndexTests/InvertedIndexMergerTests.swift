import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@testable import AttarIndex

@Suite struct InvertedIndexMergerTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @discardableResult
    private func build(_ passages: [[String]], _ name: String, analyzer: String = "{}") throws -> InvertedIndex {
        var builder = InvertedIndexBuilder(attributes: ["analyzer": analyzer])
        for terms in passages { try builder.add(terms: terms) }
        try builder.finish(to: folder.file(name))
        return try InvertedIndex(path: folder.file(name))
    }

    private func bytes(_ name: String) throws -> [UInt8] { try LocalFileSystem().read(folder.file(name)) }

    /// Cuts a corpus into indexes, deletes at random, and gives what must be left.
    private func parts(
        _ corpus: RandomCorpus, _ generator: inout SeededGenerator
    ) throws -> (sources: [InvertedIndexMerger.Source], left: [[String]]) {
        var sources: [InvertedIndexMerger.Source] = []
        var left: [[String]] = []
        var start = 0
        while start < corpus.passages.count {
            let end = min(corpus.passages.count, start + Int.random(in: 0...400, using: &generator))
            let part = Array(corpus.passages[start..<end])
            var live = OrdinalSet(capacity: part.count, full: true)
            let share = Double.random(in: 0...1.1, using: &generator)
            for ordinal in part.indices where generator.uniform() < share { live.remove(UInt32(ordinal)) }
            let everything = Int.random(in: 0..<3, using: &generator) == 0
            sources.append((try build(part, "part-\(sources.count)"), everything ? nil : live))
            left += part.indices.filter { everything || live.contains(UInt32($0)) }.map { part[$0] }
            start = end
        }
        return (sources, left)
    }

    @Test(arguments: 0..<12)
    func aMergedIndexHasTheBytesOfOneBuiltAnew(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let corpus = RandomCorpus(seed: seed, passages: 1200, terms: 150, meanLength: 14)
        let (sources, left) = try parts(corpus, &generator)
        let merger = try InvertedIndexMerger(sources)
        #expect(merger.passages == left.count)
        let size = try merger.write(to: folder.file("merged"))
        try build(left, "anew")
        #expect(try bytes("merged") == bytes("anew"))
        #expect(try InvertedIndex(path: folder.file("merged")).byteCount == size)
    }

    @Test(arguments: 0..<6)
    func passagesCanBePutIntoAnotherOrder(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let corpus = RandomCorpus(seed: seed, passages: 900, terms: 80, meanLength: 10)
        let (sources, left) = try parts(corpus, &generator)
        let order = (0..<UInt32(left.count)).shuffled(using: &generator)
        try InvertedIndexMerger(sources).write(to: folder.file("merged"), order: order)
        try build(order.map { left[Int($0)] }, "anew")
        #expect(try bytes("merged") == bytes("anew"))
    }

    @Test func nothingGivesAnEmptyIndex() throws {
        try build([], "anew", analyzer: "{}")
        let all = try build([["a", "b"], ["b"]], "all")
        try InvertedIndexMerger([(all, OrdinalSet(capacity: 2))]).write(to: folder.file("merged"))
        #expect(try bytes("merged") == bytes("anew"))
        try InvertedIndexMerger([]).write(to: folder.file("none"))
        #expect(try InvertedIndex(path: folder.file("none")).passages == 0)
    }

    @Test func absurdFrequenciesAreCutAlike() throws {
        var builder = InvertedIndexBuilder()
        try builder.add(frequencies: [("a", .max), ("b", .max), ("a", 3)])
        try builder.add(frequencies: [("a", 1 << 24 - 1), ("b", 1 << 23 + 1)])
        try builder.finish(to: folder.file("anew"))
        let index = try InvertedIndex(path: folder.file("anew"))
        try index.verify()
        #expect(index.length(of: 0) == 1 << 25)
        try InvertedIndexMerger([(index, nil)]).write(to: folder.file("merged"))
        #expect(try bytes("merged") == bytes("anew"))
    }

    @Test func indexesOfOtherAnalyzersAreRefused() throws {
        let sources = try ["{}", "[]"].map { (try build([["a"]], "with" + $0, analyzer: $0), nil as OrdinalSet?) }
        let error = #expect(throws: IndexError.self) { try InvertedIndexMerger(sources) }
        #expect(error?.description.contains("with[]") == true)
    }

    @Test func aFailedMergeLeavesTheOldFile() throws {
        let index = try build([["a", "b"], ["b", "c"]], "whole")
        let whole = try bytes("whole")
        let merger = try InvertedIndexMerger([(index, nil)])
        let counting = FaultyFileSystem()
        try merger.write(to: folder.file("other"), on: counting)
        for step in 0..<(counting.steps - 1) {
            let full = FaultyFileSystem(failure: .init(at: step, .diskFull, stays: false))
            #expect(throws: StorageError.self) { try merger.write(to: folder.file("whole"), on: full) }
            #expect(try bytes("whole") == whole)
        }
    }

    /// Damaged sources are refused, or what is merged from them is whole.
    @Test func damagedIndexesAreRefusedOrDoNoHarm() throws {
        let corpus = RandomCorpus(seed: 5, passages: 700, terms: 60, meanLength: 12)
        try build(corpus.passages, "source")
        let whole = try bytes("source")
        var live = OrdinalSet(capacity: 700)
        for ordinal in 0..<UInt32(700) where ordinal % 3 > 0 { live.insert(ordinal) }
        var (merged, refused) = (0, 0)
        FuzzBudget.run(rounds: 400) { seed in
            var mutator = ByteMutator(seed: seed)
            guard (try? folder.write(mutator.damaged(whole), to: "damaged")) != nil else { return }
            do {
                let index = try InvertedIndex(path: folder.file("damaged"))
                guard index.passages == 700 else { return }
                try InvertedIndexMerger([(index, live), (index, nil)]).write(to: folder.file("merged"))
                merged += 1
                _ = try BM25Searcher(InvertedIndex(path: folder.file("merged"))).search(corpus.vocabulary, k: 10)
            } catch {
                #expect(error is StorageError)
                refused += 1
            }
        }
        #expect(merged > 20 && refused > 20)
    }
}
