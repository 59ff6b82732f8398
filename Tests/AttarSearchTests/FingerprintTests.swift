import AttarCollection
import AttarIndex
import AttarModels
import AttarSearch
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Gives vectors that are no numbers, or of another width than it says.
private struct BrokenEncoder: TextEncoder {
    let fingerprint = EncoderFingerprint(id: "broken", name: "broken", dimension: 4)
    let value: Float
    let width: Int
    var dimension: Int { 4 }
    var maximumLength: Int { 512 }
    var isNormalized: Bool { false }

    func encode(_ texts: [String], role: TextRole, options: EncodingOptions) throws -> Matrix {
        Matrix(rows: texts.count, columns: width, values: [Float](repeating: value, count: texts.count * width))
    }
}

@Suite struct FingerprintTests {
    private func error(_ body: () throws -> Void) -> SearchError? {
        do { try body() } catch { return error as? SearchError }
        return nil
    }

    @Test func anEncoderOfAnotherSpaceIsRefusedWithBothNames() throws {
        let corpus = try SmallCorpus()
        let foreign = HashEncoder("foreign", seed: 2)
        for pipeline in [Pipeline.dense(foreign), .asymmetric(foreign), .hybrid([.bm25(), .dense(foreign)])] {
            let refusal = error { _ = try corpus.searcher.search("apple", pipeline) }
            #expect(refusal?.description.contains("foreign") == true)
            #expect(refusal?.description.contains("teacher") == true)
            #expect(refusal?.category == .input)
        }
    }

    @Test func anEncoderOfTwoPrecisionsIsNamedOnce() throws {
        let corpus = try SmallCorpus()
        let both = try corpus.collection.addVectors(encoder: SmallCorpus.teacher, precision: .int8)
        let refusal = error { _ = try Searcher(both).search("apple", .dense(HashEncoder("foreign", seed: 2))) }
        #expect(refusal?.description.components(separatedBy: "teacher (").count == 2)
        withExtendedLifetime(corpus) {}
    }

    @Test func denseAndAsymmetricAreToldApart() throws {
        let teacherOnly = try SmallCorpus()
        let refusal = error { _ = try teacherOnly.searcher.search("apple", .dense(SmallCorpus.student)) }
        #expect(refusal == .onlyAsymmetric(query: "student", indexes: ["teacher"]))
        #expect(
            error { _ = try teacherOnly.searcher.search("apple", .asymmetric(SmallCorpus.teacher)) }
                == .onlyDense(query: "teacher"))
        #expect(try teacherOnly.searcher.search("apple", .asymmetric(SmallCorpus.student)).count == 10)
    }

    @Test func theTeachersVectorsArePreferredForAsymmetricSearch() throws {
        let corpus = try SmallCorpus(encoders: [
            HashEncoder("other student", letters: 2, teacher: SmallCorpus.teacher), SmallCorpus.student,
            SmallCorpus.teacher,
        ])
        let explained = try corpus.searcher.search("apple", .asymmetric(SmallCorpus.student), explain: true)
        #expect(explained.first?.explanation?.similarity?.passageEncoder == "teacher")
        let dense = try corpus.searcher.search("apple", .dense(SmallCorpus.student), explain: true)
        #expect(dense.first?.explanation?.similarity?.passageEncoder == "student")
        // The teacher may ask its students' vectors.
        #expect(try corpus.searcher.search("apple", .asymmetric(SmallCorpus.teacher)).count == 10)
    }

    @Test func missingAndIncompleteVectorsAreNamed() throws {
        let corpus = try SmallCorpus(encoders: [])
        let none = error { _ = try corpus.searcher.search("apple", .dense(SmallCorpus.teacher)) }
        #expect(none == .noVectors(collection: corpus.collection.path, query: "teacher"))
        var collection = try corpus.collection.addVectors(encoder: SmallCorpus.teacher)
        #expect(collection.encoders.count == 1)
        collection = try Collection.ingest(into: collection.path) {
            try $0.add(Document(id: "new", text: "a new apple"))
        }
        #expect(collection.encoders.isEmpty && collection.incompleteEncoders.count == 1)
        let late = error { _ = try Searcher(collection).search("apple", .dense(SmallCorpus.teacher)) }
        #expect(late == .incompleteVectors(encoder: "teacher"))
        var asked = 0
        collection = try collection.addVectors(of: SmallCorpus.teacher.fingerprint) { passages in
            asked += passages.count
            return try SmallCorpus.teacher.encode(passages.map(\.embeddingText), role: .passage)
        }
        #expect(asked == 1)
        #expect(try Searcher(collection).search("a new apple", .dense(SmallCorpus.teacher)).first?.documentID == "new")
        #expect(try collection.verify() == [])
    }

    @Test func codesOfEightBitsRankNearlyAsFloats() throws {
        let exact = try SmallCorpus(), codes = try SmallCorpus(precision: .int8)
        let (exactBytes, codeBytes) = (exact.collection.indexBytes.vectors, codes.collection.indexBytes.vectors)
        #expect(codeBytes.values.reduce(0, +) < exactBytes.values.reduce(0, +))
        let one = try exact.searcher.prepare(.dense(SmallCorpus.teacher)).search("flutter of a wing", depth: 60)
        let scores = Dictionary(uniqueKeysWithValues: one.map { ($0.document, $0.score) })
        for hit in try codes.searcher.prepare(.dense(SmallCorpus.teacher)).search("flutter of a wing", depth: 60) {
            #expect(abs((scores[hit.document] ?? 9) - hit.score) < 0.02)
        }
    }

    @Test func bothPrecisionsMayStandSideBySideAndBeRemoved() throws {
        let corpus = try SmallCorpus()
        let both = try corpus.collection.addVectors(encoder: SmallCorpus.teacher, precision: .int8)
        #expect(both.encoders.map(\.precision) == [.float32, .int8])
        let searcher = Searcher(both)
        let float = try searcher.prepare(.dense(SmallCorpus.teacher), precision: .float32).search("wing", depth: 5)
        let code = try searcher.prepare(.dense(SmallCorpus.teacher), precision: .int8).search("wing", depth: 5)
        #expect(float.map(\.score) != code.map(\.score))
        let none = try both.removeVectors(of: SmallCorpus.teacher.fingerprint)
        #expect(none.encoders.isEmpty)
        #expect(try none.verify() == [])
        // The snapshot keeps what it mapped.
        #expect(try searcher.prepare(.dense(SmallCorpus.teacher)).search("wing", depth: 5) == float)
    }

    @Test(arguments: [(Float.nan, 4), (.infinity, 4), (1, 3)])
    func vectorsThatCannotBeUsedAreRefusedAndNothingChanges(_ value: Float, _ width: Int) throws {
        let corpus = try SmallCorpus()
        let broken = BrokenEncoder(value: value, width: width)
        #expect(throws: CollectionError.self) { _ = try corpus.collection.addVectors(encoder: broken) }
        let after = try Collection.open(at: corpus.collection.path)
        #expect(after.manifest == corpus.collection.manifest)
        #expect(try after.verify() == [])
    }

    @Test func aSecondEncodingOfTheSameAsksNothing() throws {
        let corpus = try SmallCorpus()
        let again = try corpus.collection.addVectors(of: SmallCorpus.teacher.fingerprint) { _ in
            Issue.record("asked again")
            return Matrix(rows: 0, columns: 16)
        }
        #expect(again.manifest == corpus.collection.manifest)
    }

    @Test func badHybridsAreWrongCommands() throws {
        let searcher = try SmallCorpus().searcher
        for bad in [
            Pipeline.hybrid([]), .hybrid([.bm25()], .weighted([1, 2])), .hybrid([.bm25()], .weighted([.nan])),
            .hybrid([.bm25()], candidates: 0), .hybrid([.bm25()], .reciprocalRank(constant: -1)),
        ] {
            #expect(error { _ = try searcher.prepare(bad) }?.category == .usage)
        }
    }
}
