import AttarEvidence
import AttarStorage
import AttarTensor
import Foundation
import Testing

@Suite struct RunTests {
    @Test func ordersByScoreThenIdentifierBothDescending() throws {
        let run = try run("r", ["q": [("a", 1), ("c", 2), ("b", 1), ("é", 1), ("B", 1)]])
        #expect(run["q"].map(\.documentID) == ["c", "é", "b", "a", "B"])
        #expect(run["missing"].isEmpty)
    }

    @Test func comparesScoresInSinglePrecisionLikeTrecEval() throws {
        // 1.00000001 is 1 as a Float, so the two tie and the higher identifier comes first.
        let run = try run("r", ["q": [("a", 1.00000001), ("b", 1)]])
        #expect(run["q"].map(\.documentID) == ["b", "a"])
    }

    @Test func readsTRECFilesIgnoringTheRank() throws {
        try withFile("q1 Q0 d1 1 0.25 sys\nq1\tQ0 d2 7 1e-1 sys\n\nq2 Q0 d1 1 -3 sys\n") { path in
            let run = try Run(path: path)
            #expect(run.name == "sys")
            #expect(run.queryIDs == ["q1", "q2"])
            #expect(run["q1"] == [.init("d1", 0.25), .init("d2", 0.1)])
            let renamed = try Run(path: path, name: "other")
            #expect(renamed.name == "other")
        }
    }

    @Test(arguments: [
        ("q1 Q0 d1 1 0.5 t\nq1 Q0 d2 2 0.4\n", "line 2", EvidenceError.Kind.malformedLine),
        ("q1 Q0 d1 1 high t\n", "line 1", .malformedLine),
        ("q1 Q0 d1 1 nan t\n", "line 1", .malformedLine),
        ("q1 Q0 d1 1 inf t\n", "line 1", .malformedLine),
        ("q1 Q0 d1 1 1e60 t\n", "line 1", .malformedLine),
        ("q1\tQ0\t\t1\t1\tt\n", "line 1", .malformedLine),
        ("q1 Q0 d1 1 2 t\nq2 Q0 d1 1 2 t\nq1 Q0 d1 2 1 t\n", "line 3", .duplicate),
        ("", "no results", .nothingToMeasure),
    ])
    func refusesBrokenFilesNamingFileAndLine(text: String, part: String, kind: EvidenceError.Kind) throws {
        try withFile(text, named: "bad.trec") { path in
            let error = try #require(throws: EvidenceError.self) { try Run(path: path) }
            #expect(error.kind == kind)
            #expect(error.description.contains("bad.trec") && error.description.contains(part))
        }
    }

    @Test(arguments: ["q Q0 d? 1 2 t\n", "q Q0 d 1 2? t\n"]) func refusesWhatIsNoUTF8(text: String) throws {
        let error = try #require(throws: StorageError.self) { try withBrokenFile(text) { try Run(path: $0) } }
        #expect(error.kind == .invalidUTF8)
    }

    @Test func refusesADocumentTwiceForAQuery() throws {
        let error = try #require(throws: EvidenceError.self) { try run("r", ["q": [("a", 1), ("a", 2)]]) }
        #expect(error.kind == .duplicate)
    }

    @Test func readsBackWhatItWrites() throws {
        var generator = SeededGenerator(seed: 7)
        for identifiers in [["d1", "d2", "ü3"], ["doc one", "d2", "東京 3"]] {
            var run = Run(name: identifiers[0])
            for query in ["q1", "q2"] {
                try run.setResults(identifiers.map { .init($0, Double(Float(generator.normal()))) }, query: query)
            }
            try withFile("") { path in
                try run.write(to: path)
                let copy = try Run(path: path)
                #expect(copy.name == run.name && copy.queryIDs == run.queryIDs)
                for query in run.queryIDs {
                    #expect(copy[query].map(\.documentID) == run[query].map(\.documentID))
                    #expect(copy[query].map { Float($0.score) } == run[query].map { Float($0.score) })
                }
            }
        }
    }

    @Test func writesBlanksUnlessAnIdentifierHasOne() throws {
        #expect(try run("t", ["q": [("a", 0.5)]]).trecText() == "q Q0 a 1 0.5 t\n")
        #expect(try run("t", ["q": [("a b", 0.1)]]).trecText() == "q\tQ0\ta b\t1\t0.1\tt\n")
    }

    @Test(arguments: ["a\tb", "a\nb", ""])
    func refusesToWriteWhatItCouldNotRead(identifier: String) throws {
        let run = try run("t", ["q": [(identifier, 1)]])
        let error = try #require(throws: EvidenceError.self) { try run.trecText() }
        #expect(error.kind == .unwritableIdentifier)
    }

    @Test func overlapCountsSharedDocumentsPerQueryOfTheReference() throws {
        let teacher = try run(
            "t", ["q1": [("a", 3), ("b", 2), ("c", 1)], "q2": [("a", 1)], "q3": [("a", 1)], "q5": []])
        let student = try run("s", ["q1": [("b", 3), ("x", 2), ("a", 1)], "q2": [("a", 1)], "q4": [("a", 1)]])
        // q1: {b, x} and {a, b} share one of two; q2: one of one; q3: missing; q5: nothing to share.
        #expect(student.overlaps(with: teacher, depth: 2) == [0.5, 1, 0])
        #expect(student.overlap(with: teacher, depth: 2) == 0.5)
        #expect(student.overlap(with: Run(name: "empty"), depth: 2) == nil)
    }
}
