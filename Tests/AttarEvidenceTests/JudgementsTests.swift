import AttarEvidence
import AttarStorage
import Testing

@Suite struct JudgementsTests {
    @Test func readsTRECLinesSeparatedByAnyBlanks() throws {
        try withFile("q1 0 d1 2\nq1\t0\td2  0\n\nq2 Q0 d1 -1\n") { path in
            let judgements = try Judgements(path: path)
            #expect(judgements.queryIDs == ["q1", "q2"])
            #expect(judgements.grades == ["q1": ["d1": 2, "d2": 0], "q2": ["d1": -1]])
            #expect(judgements.count == 3)
        }
    }

    @Test func readsBEIRFilesWithAndWithoutHeader() throws {
        let lines = "q 1\tdoc one\t1\nq 1\tdoc two\t2.0\r\n"
        for text in ["query-id\tcorpus-id\tscore\n" + lines, lines] {
            try withFile(text) { path in
                let judgements = try Judgements(path: path)
                #expect(judgements.grades == ["q 1": ["doc one": 1, "doc two": 2]])
            }
        }
    }

    @Test func readsIdentifiersWithSpacesBetweenTabs() throws {
        try withFile("q 1\t0\tdoc ä b\t1\n") { path in
            let judgements = try Judgements(path: path)
            #expect(judgements.grades == ["q 1": ["doc ä b": 1]])
        }
    }

    @Test(arguments: [
        ("q1 0 d1 1\nq1 0 d2\n", "line 2", EvidenceError.Kind.malformedLine),
        ("q1 0 d1 1\nq1 0 d2 high\n", "line 2", .malformedLine),
        ("q1 0 d1 0.5\n", "line 1", .malformedLine),
        ("q1 0 d1 99999999999999999999\n", "line 1", .malformedLine),
        ("query-id\tcorpus-id\tscore\nq1\t\t1\n", "line 2", .malformedLine),
        ("one two\n", "line 1", .malformedLine),
        ("q1 0 d1 1\nq1 0 d1 0\n", "line 2", .duplicate),
        ("\n \n", "no judgement", .nothingToMeasure),
    ])
    func refusesBrokenFilesNamingFileAndLine(text: String, part: String, kind: EvidenceError.Kind) throws {
        try withFile(text, named: "bad.qrels") { path in
            let error = try #require(throws: EvidenceError.self) { try Judgements(path: path) }
            #expect(error.kind == kind)
            #expect(error.category == .input)
            #expect(error.description.contains("bad.qrels") && error.description.contains(part))
        }
    }

    @Test(arguments: ["query?\tdocument\tscore\nq\td\t1\n", "q 0 d 1\n?q 0 d 1\n", "q 0 ?d 1\n", "q 0 d 1?\n"])
    func refusesWhatIsNoUTF8(text: String) throws {
        let error = try #require(throws: StorageError.self) { try withBrokenFile(text) { try Judgements(path: $0) } }
        #expect(error.kind == .invalidUTF8)
    }

    @Test func refusesAMissingFileAndAFolder() {
        #expect(throws: StorageError.self) { try Judgements(path: "/nonexistent/qrels.tsv") }
        #expect(throws: StorageError.self) { try Judgements(path: "/tmp") }
    }

    @Test func acceptsTheSameJudgementTwice() throws {
        let judgements = try withFile("q1 0 d1 1\nq1 0 d1 1\n") { try Judgements(path: $0) }
        #expect(judgements.count == 1)
    }

    @Test func countsUnknownIdentifiersAndRefusesThemUnlessAllowed() throws {
        let judgements = Judgements(["q1": ["d1": 1, "dX": 1], "q2": ["d1": 0], "qX": ["d1": 1, "dX": 0]])
        let known: Set<String> = ["d1"]
        let unknown = judgements.unknownIdentifiers(queries: ["q1", "q2"], isKnownDocument: known.contains)
        #expect(unknown.queries == ["qX"])
        #expect(unknown.documents == ["dX"])
        #expect(unknown.judgements == 3)
        let error = try #require(throws: EvidenceError.self) {
            try judgements.validate(queries: ["q1", "q2"], isKnownDocument: known.contains, source: "qrels.tsv")
        }
        #expect(error.kind == .unknownIdentifiers)
        #expect(error.description.contains("1 unknown queries") && error.description.contains("3 of 5"))
        #expect(
            try judgements.validate(queries: nil, isKnownDocument: known.contains, allowingUnknown: true).queries == [])
        #expect(try judgements.validate(queries: nil, isKnownDocument: { _ in true }).isEmpty)
    }
}
