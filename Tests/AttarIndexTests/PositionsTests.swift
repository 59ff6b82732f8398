import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@testable import AttarIndex

@Suite struct PositionsTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @discardableResult
    private func build(_ passages: [[String]], _ name: String, gaps: UInt32 = 1) throws -> InvertedIndex {
        var builder = InvertedIndexBuilder(keepsPositions: true)
        for terms in passages {
            try builder.add(terms: terms, positions: terms.indices.map { UInt32($0) * gaps })
        }
        try builder.finish(to: folder.file(name))
        return try InvertedIndex(path: folder.file(name))
    }

    /// All positions of an index by term and passage.
    private func positions(_ index: InvertedIndex) throws -> [String: [UInt32: [UInt32]]] {
        var found: [String: [UInt32: [UInt32]]] = [:]
        let scratch = SearchScratch()
        var number = 0
        try index.forEachTerm { term, _ in
            try index.forEachBlock(ofPositions: number, scratch) { ordinals, frequencies, positions in
                var start = 0
                for (ordinal, frequency) in zip(ordinals, frequencies) {
                    found[term, default: [:]][ordinal] = Array(positions[start..<(start + Int(frequency))])
                    start += Int(frequency)
                }
            }
            number += 1
        }
        return found
    }

    private func expected(_ passages: [[String]], gaps: UInt32 = 1) -> [String: [UInt32: [UInt32]]] {
        var expected: [String: [UInt32: [UInt32]]] = [:]
        for (ordinal, terms) in passages.enumerated() {
            for (place, term) in terms.enumerated() {
                expected[term, default: [:]][UInt32(ordinal), default: []].append(UInt32(place) * gaps)
            }
        }
        return expected
    }

    @Test(arguments: [1, 3, 70_000, 40_000_000] as [UInt32])
    func positionsComeBack(gaps: UInt32) throws {
        let corpus = RandomCorpus(seed: UInt64(gaps), passages: 900, terms: 70, meanLength: 9)
        let index = try build(corpus.passages, "text", gaps: gaps)
        #expect(index.hasPositions)
        #expect(try positions(index) == expected(corpus.passages, gaps: gaps))
        try index.verify()
    }

    @Test func anIndexWithoutPositionsKeepsItsFormat() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/inverted-1.inv").path
        let old = try InvertedIndex(path: file)
        try old.verify()
        #expect(!old.hasPositions && old.passages == 300)
        // What Attar wrote before there were positions.
        var builder = InvertedIndexBuilder(attributes: ["analyzer": "{}"])
        for passage in 0..<300 {
            var terms = (0..<(passage % 9)).map { "word\((passage * 7 + $0 * $0) % 40)" }
            if passage % 2 == 0 { terms += ["even", "even"] }
            try builder.add(terms: terms)
        }
        try builder.finish(to: folder.file("now"))
        #expect(try LocalFileSystem().read(folder.file("now")) == LocalFileSystem().read(file))
        #expect(try BM25Searcher(old).search(["even", "word7"], k: 10).count == 10)
    }

    @Test func scoresDoNotDependOnPositions() throws {
        let corpus = RandomCorpus(seed: 4, passages: 2000, terms: 100, meanLength: 12)
        let plain = try BM25Searcher(corpus.write(to: folder.file("plain")))
        let other = try BM25Searcher(build(corpus.passages, "positions"))
        for query in [["t0-0", "t1-1"], Array(corpus.vocabulary.prefix(9))] {
            #expect(try plain.search(query, k: 20) == other.search(query, k: 20))
        }
    }

    @Test(arguments: 0..<6)
    func mergedIndexesKeepPositions(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let corpus = RandomCorpus(seed: seed, passages: 1000, terms: 90, meanLength: 11)
        var sources: [InvertedIndexMerger.Source] = []
        var left: [[String]] = []
        for (part, range) in [0..<400, 400..<410, 410..<1000].enumerated() {
            var live = OrdinalSet(capacity: range.count, full: true)
            for ordinal in 0..<range.count where generator.uniform() < 0.3 { live.remove(UInt32(ordinal)) }
            sources.append((try build(Array(corpus.passages[range]), "part-\(part)"), live))
            left += range.filter { live.contains(UInt32($0 - range.lowerBound)) }.map { corpus.passages[$0] }
        }
        let order = (0..<UInt32(left.count)).shuffled(using: &generator)
        try InvertedIndexMerger(sources).write(to: folder.file("merged"))
        try build(left, "anew")
        #expect(try LocalFileSystem().read(folder.file("merged")) == LocalFileSystem().read(folder.file("anew")))
        try InvertedIndexMerger(sources).write(to: folder.file("reordered"), order: order)
        try build(order.map { left[Int($0)] }, "anew")
        #expect(try LocalFileSystem().read(folder.file("reordered")) == LocalFileSystem().read(folder.file("anew")))
        let without = try corpus.write(to: folder.file("without"))
        try InvertedIndexMerger(sources + [(without, nil)]).write(to: folder.file("mixed"))
        #expect(try !InvertedIndex(path: folder.file("mixed")).hasPositions)
    }
}

/// Indexes with positions that are not what they should be. `ATTAR_FUZZ_MINUTES=10 swift test … --filter
/// HostilePositionsTests` goes on for 10 minutes each.
@Suite struct HostilePositionsTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func write() throws -> [String] {
        let corpus = RandomCorpus(seed: 5, passages: 700, terms: 40, meanLength: 12)
        var builder = InvertedIndexBuilder(keepsPositions: true)
        for terms in corpus.passages { try builder.add(terms: terms) }
        try builder.finish(to: folder.file("whole"))
        return corpus.vocabulary
    }

    private func use(_ index: InvertedIndex, _ words: [String]) {
        let searcher = BM25Searcher(index)
        for pair in zip(words.prefix(8), words.dropFirst().prefix(8)) {
            let phrase = [LexicalQuery.PhraseTerm(pair.0, at: 0), .init(pair.1, at: 1), .init(pair.0, at: 3)]
            _ = try? searcher.search(.phrase(phrase, slop: 0), k: 5)
            _ = try? searcher.search(.phrase(phrase, slop: 4), k: 5)
        }
        _ = try? searcher.search(.prefix("t"), k: 5)
    }

    @Test func damagedFilesAreRefusedOrDoNoHarm() throws {
        let words = try write()
        let whole = try LocalFileSystem().read(folder.file("whole"))
        var opened = 0
        FuzzBudget.run(rounds: 300) { seed in
            var mutator = ByteMutator(seed: seed)
            let damaged = mutator.damaged(whole)
            guard damaged != whole, (try? folder.write(damaged, to: "damaged")) != nil,
                let index = try? InvertedIndex(path: folder.file("damaged"))
            else { return }
            opened += 1
            #expect(throws: StorageError.self) { try index.verify() }
            use(index, words)
        }
        #expect(opened > 20)
    }

    /// Damage that no checksum tells of: the sections are written anew around it.
    @Test func liesWithTrueChecksumsDoNoHarm() throws {
        let words = try write()
        let source = try SectionFile(path: folder.file("whole"), kind: "inverted", newestVersion: 2)
        let victims = ["positions", "position-places", "position-blocks", "postings", "blocks", "records"]
        var verified = 0
        FuzzBudget.run(rounds: 200) { seed in
            var generator = SeededGenerator(seed: seed)
            guard let index = try? rewritten(source, victims, &generator) else { return }
            if (try? index.verify()) != nil { verified += 1 }
            use(index, words)
        }
        // Other positions are as good as those that were there, as long as they ascend.
        #expect(verified > 0)
    }

    private func rewritten(
        _ source: SectionFile, _ victims: [String], _ generator: inout SeededGenerator
    ) throws -> InvertedIndex {
        let victim = victims.randomElement(using: &generator)
        let writer = try SectionFileWriter(path: folder.file("lies"), kind: "inverted", version: 2)
        for section in source.sections {
            var bytes = try source.withBytes(section.name) { Array($0) }
            if section.name == victim {
                for _ in 0..<Int.random(in: 1...6, using: &generator) where !bytes.isEmpty {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] =
                        [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
                }
                if Int.random(in: 0..<8, using: &generator) == 0 { bytes.removeLast(bytes.count / 2 / 8 * 8) }
            }
            try writer.add(section.name, bytes)
        }
        try writer.finish()
        return try InvertedIndex(path: folder.file("lies"))
    }
}
