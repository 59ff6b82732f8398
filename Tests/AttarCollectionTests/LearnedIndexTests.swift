@testable import AttarCollection
import AttarIndex
import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Weights and token vectors of collections.
@Suite struct LearnedIndexTests {
    let folder: TemporaryFolder
    private let sparse = EncoderFingerprint(id: "sparse", name: "sparse", dimension: 50)
    private let tokens = EncoderFingerprint(id: "tokens", name: "model tokens", dimension: 16)

    init() throws { folder = try TemporaryFolder() }

    private var path: String { folder.file("c") }

    private typealias Opened = AttarCollection.Collection

    @discardableResult
    private func add(_ numbers: Range<Int>, version: Int = 0) throws -> Opened {
        try Collection.ingest(into: path) { writer in
            for number in numbers { try writer.add(Document(id: "d\(number)", text: "text \(number) version \(version)")) }
        }
    }

    private func generator(_ text: String) -> SeededGenerator {
        SeededGenerator(seed: text.utf8.reduce(7) { ($0 ^ UInt64($1)) &* 0x0100_0000_01B3 })
    }

    /// Some of 50 tokens with weights that follow from the text. All texts have the last token, with the largest weight:
    /// so all segments keep weights in the same steps.
    private func weights(_ text: String) -> SparseVector {
        var generator = generator(text)
        let ids = (0..<Int32(49)).filter { _ in generator.uniform() < 0.2 }
        return SparseVector(ids: ids + [49], weights: ids.map { _ in Float(0.1 + generator.uniform()) } + [1.5])
    }

    /// Tokens near one of a few directions; now and then a text without any.
    private func vectors(_ text: String) -> Matrix {
        var generator = generator(text)
        let count = generator.uniform() < 0.05 ? 0 : Int.random(in: 1...9, using: &generator)
        var values: [Float] = []
        for _ in 0..<count {
            var topic = SeededGenerator(seed: UInt64(Int.random(in: 0..<20, using: &generator)))
            let row = (0..<16).map { _ in Float(topic.normal() + 0.4 * generator.normal()) }
            let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            values += row.map { $0 / length }
        }
        return Matrix(rows: count, columns: 16, values: values)
    }

    private func addWeights(_ collection: Opened, on fileSystem: any FileSystem = LocalFileSystem()) throws -> Opened {
        try collection.addWeights(of: sparse, width: 50, batch: 7, fileSystem: fileSystem) {
            $0.map { weights($0.text) }
        }
    }

    private func addTokens(
        _ collection: Opened, _ codec: TokenCodec = .bfloat16, on fileSystem: any FileSystem = LocalFileSystem()
    ) throws -> Opened {
        try collection.addTokens(of: tokens, as: codec, batch: 7, fileSystem: fileSystem) {
            $0.map { vectors($0.text) }
        }
    }

    /// The ten best of the whole collection by each index, with their scores.
    private func answers(_ collection: Opened) throws -> [String] {
        var answers: [String] = []
        for record in collection.learnedIndexes {
            for query in ["a query", "another", "and a third"] {
                var hits: [(id: String, score: Float)] = []
                for segment in collection.segments {
                    let weights = weights(query)
                    let found = try segment.weights(of: record).map {
                        try $0.search(columns: weights.ids, weights: weights.weights, k: 10, allowed: segment.live)
                    } ?? segment.tokens(of: record).map {
                        try $0.search(vectors(query + "!"), k: 10, allowed: segment.live).hits
                    } ?? []
                    hits += found.map {
                        (collection.identifier(ofDocument: segment.firstDocument + Int($0.ordinal)), $0.score)
                    }
                }
                answers += hits.sorted { ($1.score, $0.id) < ($0.score, $1.id) }.prefix(10).map {
                    "\(record.kind) \(query) \($0.id) \($0.score)"
                }
            }
        }
        return answers
    }

    @Test func theyCoverWhatIsAddedAfterTheNextRun() throws {
        try add(0..<60)
        var collection = try addTokens(addWeights(Collection.open(at: path)))
        #expect(collection.learnedIndexes.map(\.kind) == [.weights, .tokens])
        #expect(collection.learnedIndexes.map(\.modelName) == ["sparse", "model"])
        #expect(try answers(collection).count == 60)
        collection = try add(60..<80)
        #expect(collection.learnedIndexes.isEmpty && collection.manifest.learnedIndexes.count == 2)
        collection = try addTokens(addWeights(collection))
        #expect(collection.learnedIndexes.count == 2 && collection.manifest.learnedIndexes.count == 2)
        #expect(try collection.verify() == [])
        // What has everything is left alone.
        let again = try collection.addWeights(of: sparse, width: 50) { _ in
            Issue.record("asked again")
            return []
        }
        #expect(again.manifest == collection.manifest)
    }

    /// Replaced and deleted documents are found no more, and a merge changes no result.
    @Test(arguments: [false, true])
    func mergesChangeNoResult(reorders: Bool) throws {
        try add(0..<90)
        _ = try Collection.change(at: path) { try $0.delete(ids: (20..<30).map { "d\($0)" }) }
        // Passages of deleted documents are not encoded.
        _ = try addTokens(addWeights(Collection.open(at: path)))
        for batch in 0..<3 {
            _ = try Collection.change(at: path) { writer in
                for number in (batch * 4)..<(batch * 4 + 4) {
                    try writer.update(Document(id: "d\(number)", text: "text \(number) version 1"))
                }
                try writer.delete(id: "d\(50 + batch)")
            }
            _ = try addTokens(addWeights(Collection.open(at: path)))
        }
        let before = try Collection.open(at: path)
        #expect(before.segments.count == 4 && before.learnedIndexes.count == 2)
        let expected = try answers(before)
        #expect(expected.count == 60 && !expected.contains { $0.contains(" d25 ") || $0.contains(" d51 ") })
        let after = try Collection.merge(at: path, reorders: reorders)
        #expect(after.segments.count == 1 && after.learnedIndexes.count == 2)
        #expect(try after.verify() == [])
        #expect(try answers(after) == expected)
        #expect(after.manifest.formatVersion == 3)
        // A fresh build gives the same.
        let other = folder.file("fresh")
        _ = try Collection.ingest(into: other) { writer in
            for number in 0..<90 where !(20..<30).contains(number) && !(50..<53).contains(number) {
                try writer.add(Document(id: "d\(number)", text: "text \(number) version \(number < 12 ? 1 : 0)"))
            }
        }
        #expect(try answers(addTokens(addWeights(Collection.open(at: other)))) == expected)
    }

    /// Segments with and without an index are not merged: it would be lost, or cover half of what is there.
    @Test func segmentsOfDifferentIndexesAreNotMerged() throws {
        try add(0..<20)
        _ = try addWeights(Collection.open(at: path))
        try add(20..<30)
        try add(30..<40)
        let merged = try Collection.merge(at: path)
        #expect(merged.segments.map(\.record.documentCount) == [20, 20])
        let whole = try Collection.merge(at: addWeights(merged).path)
        #expect(whole.segments.count == 1 && whole.learnedIndexes.count == 1)
        #expect(try whole.verify() == [])
    }

    @Test(arguments: [TokenCodec.bfloat16, .int8, .residual(bits: 2), .product(subspaces: 4)])
    func damagedFilesAreFoundDroppedAloneAndMadeAgain(codec: TokenCodec) throws {
        try add(0..<60)
        let whole = try addTokens(addWeights(Collection.open(at: path)), codec)
        let expected = try answers(whole)
        for record in whole.learnedIndexes {
            let file = whole.segments[0].folder + "/" + record.fileName
            var bytes = try LocalFileSystem().read(file)
            bytes[bytes.count / 2] ^= 1
            try Data(bytes).write(to: URL(filePath: file))
            let problems = try Collection.problems(at: path)
            #expect(!problems.isEmpty && problems.allSatisfy { $0.file.hasSuffix(record.fileName) })
            let report = try Collection.repair(at: path)
            #expect(report.documents == 60 && report.losses.count == 1 && report.remaining.isEmpty)
            #expect(report.losses.first?.description.contains(record.kind.rawValue) == true)
            let left = try Collection.open(at: path)
            #expect(left.learnedIndexes.count == 1)
            let mended = try addTokens(addWeights(left), codec)
            #expect(try mended.verify() == [] && answers(mended).sorted() == expected.sorted())
        }
    }

    /// Whatever fails while they are made, the collection is as it was or has them.
    @Test func aFailureLeavesTheCollectionAsItWas() throws {
        try add(0..<20)
        let counter = FaultyFileSystem(failure: .init(at: .max))
        var collection = try addTokens(addWeights(Collection.open(at: path), on: counter), on: counter)
        for record in collection.learnedIndexes { collection = try collection.removeLearnedIndex(record) }
        #expect(collection.manifest.formatVersion == 1 && counter.steps > 16)
        for step in 0..<counter.steps {
            let faulty = FaultyFileSystem(failure: .init(at: step, .diskFull, stays: true))
            let result = try? addTokens(addWeights(Collection.open(at: path), on: faulty), on: faulty)
            #expect(try Collection.problems(at: path) == [], "step \(step)")
            var opened = try Collection.open(at: path)
            if result != nil { #expect(opened.learnedIndexes.count == 2, "step \(step)") }
            // What a full disk kept from being removed, the next writer removes.
            opened = try addTokens(addWeights(opened))
            for record in opened.manifest.learnedIndexes { opened = try opened.removeLearnedIndex(record) }
            #expect(try LocalFileSystem().list(opened.segments[0].folder).count == opened.segments[0].record.files.count)
        }
    }

    @Test func encodersThatGiveTooFewAreRefused() throws {
        try add(0..<5)
        let collection = try Collection.open(at: path)
        refused(.unsuitable) { _ = try collection.addWeights(of: sparse, width: 50) { _ in [] } }
        refused(.unsuitable) { _ = try collection.addTokens(of: tokens) { _ in [] } }
        #expect(throws: IndexError.self) {
            try collection.addTokens(of: tokens, as: .product(subspaces: 3)) { $0.map { vectors($0.text) } }
        }
        #expect(try Collection.open(at: path).manifest == collection.manifest)
    }

    /// One document with few tokens is enough for every codec, alone and after a merge.
    @Test(arguments: [TokenCodec.residual(bits: 1), .product(subspaces: 8)])
    func oneMoreDocumentIsNotTooFew(codec: TokenCodec) throws {
        try add(0..<40)
        _ = try addTokens(Collection.open(at: path), codec)
        let added = try addTokens(add(40..<41), codec)
        #expect(added.segments.count == 2 && added.learnedIndexes.count == 1)
        let merged = try Collection.merge(at: path)
        #expect(merged.segments.count == 1 && merged.learnedIndexes.count == 1)
        #expect(try merged.verify() == [])
    }
}
