import AttarStorage
import AttarTensor
import AttarTestSupport
import CAttarKernels
import Foundation
import Testing

@testable import AttarIndex

@Suite struct InvertedIndexTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func index(_ passages: [[String]], _ name: String = "text.inv") throws -> InvertedIndex {
        var builder = InvertedIndexBuilder(attributes: ["analyzer": "{}"])
        for terms in passages { try builder.add(terms: terms) }
        try builder.finish(to: folder.file(name))
        return try InvertedIndex(path: folder.file(name))
    }

    @Test func termsAreFoundAndOthersAreNot() throws {
        let shared = String(repeating: "prefix", count: 50)
        let terms =
            ["", "a", "aa", "ab", "abcdefgh", "abcdefgha", "abcdefghb", "é", "日本", "\u{0}", "a\u{0}", shared]
            + (0..<300).map { shared + String($0) } + (0..<300).map { String($0 * 37) }
        let index = try index(terms.map { [$0] })
        for term in terms { #expect(index.documentFrequency(of: term) == 1, "\(term)") }
        for term in ["b", "abc", "abcdefg", "abcdefghaa", "a\u{0}\u{0}", "è", "日", shared + "x", "99999", "/"] {
            #expect(index.documentFrequency(of: term) == 0, "\(term)")
        }
        var listed: [String] = []
        try index.forEachTerm { term, frequency in
            listed.append(term)
            #expect(frequency == 1)
        }
        #expect(listed == terms.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        try index.verify()
    }

    @Test func countsAreKept() throws {
        let index = try index([["a", "b", "a"], [], ["b"]])
        #expect(index.passages == 3 && index.terms == 2 && index.postingCount == 3)
        #expect(index.statistics == CorpusStatistics(passages: 2, totalLength: 4))
        #expect((0..<3).map { index.length(of: $0) } == [3, 0, 1])
        #expect(index.attributes == ["analyzer": "{}"])
        try index.verify()
    }

    @Test func frequenciesCanBeGivenDirectly() throws {
        var builder = InvertedIndexBuilder()
        try builder.add(frequencies: [("a", 2), ("b", 1), ("c", 0)])
        try builder.add(frequencies: [])
        try builder.add(frequencies: [("b", 1)])
        try builder.finish(to: folder.file("direct"))
        _ = try index([["a", "b", "a"], [], ["b"]], "counted")
        let searcher = try BM25Searcher(InvertedIndex(path: folder.file("direct")))
        let other = try BM25Searcher(InvertedIndex(path: folder.file("counted")))
        #expect(try searcher.search(["a", "b"], k: 5) == other.search(["a", "b"], k: 5))
        #expect(searcher.index.documentFrequency(of: "c") == 0)
    }

    @Test func anEmptyCorpusFindsNothing() throws {
        for passages in [[], [[]], [[], []]] as [[[String]]] {
            let index = try index(passages, "empty-\(passages.count)")
            try index.verify()
            #expect(try BM25Searcher(index).search(["a"], k: 10) == [])
        }
    }

    @Test func packedBlocksComeBackAtEveryWidth() {
        var generator = SeededGenerator(seed: 3)
        let (ordinals, frequencies) = (
            UnsafeMutablePointer<UInt32>.allocate(capacity: 128), UnsafeMutablePointer<Float>.allocate(capacity: 128)
        )
        defer {
            ordinals.deallocate()
            frequencies.deallocate()
        }
        for bits in 0...24 {
            let gaps = (0..<128).map { _ in UInt32.random(in: 0..<(1 << UInt32(bits)), using: &generator) }
            let width = PostingBlock.bits(gaps)
            var bytes: [UInt8] = []
            PostingBlock.pack(gaps, bits: width, into: &bytes)
            #expect(bytes.count == 16 * width)
            var expected: [UInt32] = []
            for gap in gaps { expected.append((expected.last.map { $0 + 1 } ?? 5) + gap) }
            bytes.append(contentsOf: [0])
            bytes.withUnsafeBytes { source in
                guard let base = source.baseAddress else { return }
                #expect(PostingBlock.unpackOrdinals(base, bits: width, first: 5, last: expected[127], into: ordinals))
                #expect((0..<128).map { ordinals[$0] } == expected)
                #expect(
                    !PostingBlock.unpackOrdinals(base, bits: width, first: 5, last: expected[127] + 1, into: ordinals))
                let numbers = base.assumingMemoryBound(to: UInt8.self)
                attar_unpack_counts(numbers, UInt32(width), frequencies)
                #expect((0..<128).map { frequencies[$0] } == gaps.map { Float($0 + 1) })
                for place in 0..<128 {
                    #expect(PostingBlock.number(place, at: numbers, bits: width) == Float(gaps[place] + 1))
                }
            }
        }
    }

    @Test func aFailedBuildLeavesNothing() throws {
        var builder = InvertedIndexBuilder()
        try builder.add(terms: ["a"])
        let counting = FaultyFileSystem()
        try builder.finish(to: folder.file("whole"), on: counting)
        try LocalFileSystem().remove(folder.file("whole"))
        for step in 0..<(counting.steps - 1) {
            let full = FaultyFileSystem(failure: .init(at: step, .diskFull, stays: false))
            let error = #expect(throws: StorageError.self) { try builder.finish(to: folder.file("x"), on: full) }
            #expect(error?.kind == .diskFull && error?.category == .resource)
            #expect(try LocalFileSystem().list(folder.path) == [])
        }
    }

    @Test func equalInputGivesEqualBytes() throws {
        let corpus = RandomCorpus(seed: 9, passages: 500, terms: 200, meanLength: 20)
        _ = try corpus.write(to: folder.file("a"))
        _ = try corpus.write(to: folder.file("b"))
        #expect(try LocalFileSystem().read(folder.file("a")) == LocalFileSystem().read(folder.file("b")))
    }
}

@Suite struct HostileInvertedIndexTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// Flips bits of a valid index and gives it valid checksums or not; nothing may crash or read out of bounds.
    @Test(arguments: 0..<8)
    func alteredBytesAreFoundByVerifyAndNeverCrashASearch(seed: UInt64) throws {
        let corpus = RandomCorpus(seed: seed, passages: 700, terms: 60, meanLength: 12)
        _ = try corpus.write(to: folder.file("whole"))
        let whole = try LocalFileSystem().read(folder.file("whole"))
        let sections = try SectionFile(path: folder.file("whole"), kind: "inverted", newestVersion: 1).sections
        var generator = SeededGenerator(seed: seed)
        let query = corpus.vocabulary.prefix(30).map { WeightedTerm($0) }
        for _ in 0..<60 {
            let section = try #require(sections.filter { $0.length > 0 }.randomElement(using: &generator))
            var altered = whole
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = section.offset + Int.random(in: 0..<section.length, using: &generator)
                altered[place] = UInt8.random(in: 0...255, using: &generator)
            }
            if altered == whole { continue }
            try folder.write(altered, to: "altered")
            do {
                let index = try InvertedIndex(path: folder.file("altered"))
                #expect(throws: StorageError.self) { try index.verify() }
                let searcher = BM25Searcher(index)
                for k in [1, 10, 700] { _ = try? searcher.search(query, k: k) }
                for item in query.prefix(5) { _ = try? searcher.search([item], k: 10) }
                for ordinal in [UInt32(0), 350, 699] { _ = try? searcher.explain(query, ordinal: ordinal) }
                try? index.forEachTerm { _, _ in }
            } catch let error as StorageError {
                #expect(error.kind == .corrupt)
            }
        }
    }

    @Test(arguments: ["lengths", "keys", "places", "records", "blocks", "postings", "terms", "header"])
    func aSectionOfAnotherLengthIsRefusedOrHarmless(name: String) throws {
        let corpus = RandomCorpus(seed: 1, passages: 600, terms: 30, meanLength: 10)
        _ = try corpus.write(to: folder.file("whole"))
        let whole = try SectionFile(path: folder.file("whole"), kind: "inverted", newestVersion: 1)
        let length = whole.sections.first { $0.name == name }?.length ?? 0
        for change in [0, 1, 100] where change < length {
            let writer = try SectionFileWriter(path: folder.file("other"), kind: "inverted", version: 1)
            for section in whole.sections {
                let bytes = try whole.withBytes(section.name) { Array($0) }
                try writer.add(section.name, section.name == name ? Array(bytes.prefix(change)) : bytes)
            }
            try writer.finish()
            guard let index = try? InvertedIndex(path: folder.file("other")) else { continue }
            #expect(throws: StorageError.self) { try index.verify() }
            let query = corpus.vocabulary.map { WeightedTerm($0) }
            _ = try? BM25Searcher(index).search(query, k: 5)
        }
    }

    @Test func absurdCountsInAWellFormedHeaderAreRefused() throws {
        for text in [
            #"{"passages":-1,"nonEmptyPassages":0,"totalLength":0,"terms":0,"postings":0,"payload":"frequency","attributes":{}}"#,
            #"{"passages":9223372036854775807,"nonEmptyPassages":0,"totalLength":0,"terms":9223372036854775807,"postings":0,"payload":"frequency","attributes":{}}"#,
            #"{"passages":4000000000,"nonEmptyPassages":0,"totalLength":0,"terms":4000000000,"postings":0,"payload":"frequency","attributes":{}}"#,
            #"{"passages":0,"nonEmptyPassages":0,"totalLength":0,"terms":0,"postings":0,"payload":"impact","attributes":{}}"#,
            "[]", "{", "",
        ] {
            let writer = try SectionFileWriter(path: folder.file("absurd"), kind: "inverted", version: 1)
            try writer.add("header", Array(text.utf8))
            for name in ["lengths", "keys", "places", "records", "blocks", "postings", "terms"] {
                try writer.add(name, [UInt8]())
            }
            try writer.finish()
            let error = #expect(throws: StorageError.self) { try InvertedIndex(path: folder.file("absurd")) }
            #expect(error?.kind == .corrupt)
        }
    }
}
