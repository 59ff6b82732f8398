import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@testable import AttarIndex

@Suite struct GraphBisectionTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// Passages of 16 subjects, each with words of its own, shuffled.
    private func mixed(_ count: Int) throws -> (index: InvertedIndex, subjects: [Int]) {
        var generator = SeededGenerator(seed: 6)
        let subjects = (0..<count).map { $0 % 16 }.shuffled(using: &generator)
        var builder = InvertedIndexBuilder()
        for subject in subjects {
            let own = (0..<12).map { _ in "s\(subject)-\(Int.random(in: 0..<40, using: &generator))" }
            let common = (0..<6).map { _ in "c\(Int.random(in: 0..<60, using: &generator))" }
            try builder.add(terms: own + common)
        }
        try builder.finish(to: folder.file("mixed"))
        return (try InvertedIndex(path: folder.file("mixed")), subjects)
    }

    @Test func whatIsAlikeComesTogether() throws {
        let (index, subjects) = try mixed(4000)
        let order = try GraphBisection().order(of: [(index, nil)])
        #expect(order.sorted() == (0..<4000).map { UInt32($0) })
        let changes = zip(order, order.dropFirst()).count { subjects[Int($0)] != subjects[Int($1)] }
        // 15 at the best, about 3,750 in the shuffled order.
        #expect(changes < 100)
        try InvertedIndexMerger([(index, nil)]).write(to: folder.file("ordered"), order: order)
        let reordered = try InvertedIndex(path: folder.file("ordered"))
        #expect(Double(reordered.postings.count) < 0.9 * Double(index.postings.count))
        let (plain, ordered) = (BM25Searcher(index), BM25Searcher(reordered))
        for query in [["s3-7", "c1"], ["c5"], ["s0-0", "s1-1", "c2", "c3"]] {
            let (one, other) = (try plain.search(query, k: 10), try ordered.search(query, k: 10))
            #expect(one.map(\.score) == other.map(\.score))
        }
    }

    @Test func theSameInputGivesTheSameOrder() throws {
        let (index, _) = try mixed(500)
        #expect(try GraphBisection().order(of: [(index, nil)]) == GraphBisection().order(of: [(index, nil)]))
    }

    @Test func passagesOfADocumentStayTogether() throws {
        let (index, _) = try mixed(1000)
        var live = OrdinalSet(capacity: 1000, full: true)
        for ordinal in stride(from: UInt32(0), to: 1000, by: 5) { live.remove(ordinal) }
        // 1,800 passages that stay, in documents of 0 to 3.
        var counts = [0]
        while counts.reduce(0, +) < 1800 { counts.append(min((counts.count * 7) % 4, 1800 - counts.reduce(0, +))) }
        let documents = try GraphBisection().order(of: [(index, live), (index, nil)], passageCounts: counts)
        #expect(documents.sorted() == counts.indices.map { UInt32($0) })
        let passages = GraphBisection.passages(of: documents, counts: counts)
        #expect(passages.sorted() == (0..<1800).map { UInt32($0) })
        let owners = counts.enumerated().flatMap { repeatElement($0.offset, count: $0.element) }
        for (one, other) in zip(passages, passages.dropFirst()) where owners[Int(one)] == owners[Int(other)] {
            #expect(other == one + 1)
        }
        #expect(Set(zip(passages, passages.dropFirst()).filter { owners[Int($0)] != owners[Int($1)] }
            .map { owners[Int($0.0)] }).count == counts.count { $0 > 0 } - 1)
    }

    @Test func fewPassagesAreNoTrouble() throws {
        for count in [0, 1, 2, 3, 17] {
            let (index, _) = try mixed(count)
            #expect(try GraphBisection().order(of: [(index, nil)]).sorted() == (0..<UInt32(count)).map { $0 })
        }
        #expect(try GraphBisection().order(of: []) == [])
    }
}
