import AttarDistill
import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

@Suite struct CorpusVocabularyTests {
    private let passages = ["The roses, the ROSES and cloudy dawns", "roses of dawn; cloudy", "petals is xyz", "roses"]

    private func withTeacher(_ body: (ModelFolder, _ folder: String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/attar-vocabulary-\(UUID().uuidString)"
        defer { try? LocalFileSystem().removeTree(folder) }
        try body(TinyModels.writePlain(to: folder + "/teacher"), folder)
    }

    @Test func wordsThatAreSplitTwiceOrMoreAreTakenTheCommonOnesFirst() throws {
        try withTeacher { teacher, _ in
            var vocabulary = CorpusVocabulary()
            let tokenizer = try teacher.tokenizer()
            // "petals" and "dawns" stand in one passage only, "dawn" is whole, "xyz" is unknown and not split.
            #expect(vocabulary.words(of: passages, splitBy: tokenizer) == ["roses", "cloudy"])
            vocabulary.limit = 1
            #expect(vocabulary.words(of: passages, splitBy: tokenizer) == ["roses"])
            vocabulary = CorpusVocabulary()
            vocabulary.minimumPassages = 1
            #expect(vocabulary.words(of: passages, splitBy: tokenizer) == ["roses", "cloudy", "dawns", "petals"])
            #expect(vocabulary.words(of: [], splitBy: tokenizer).isEmpty)
        }
    }

    @Test func aStudentWithMoreWordsReadsThemWholeAndEverythingElseAsBefore() throws {
        try withTeacher { teacher, folder in
            let words = ["roses", "cloudy"]
            let extended = try teacher.tokenizer(adding: words)
            let first = Int32(TinyModels.words.count)
            #expect(extended.vocabularySize == TinyModels.words.count + 2)
            #expect(extended.encode("the ROSES petals cloudy", addSpecialTokens: false) == [5, first, 10, 11, first + 1])
            #expect(try extended.encode("the petals.") == teacher.tokenizer().encode("the petals."))

            var writer = ModelFolderWriter(
                path: folder + "/student", tokenizerFrom: teacher, normalizes: false, prompts: ModelPrompts(),
                facts: AttarFacts(name: "tiny static", dimension: 0, normalized: false))
            writer.additionalWords = words
            let table = Matrix(rows: extended.vocabularySize, columns: 2, values: (0..<46).map(Float.init))
            try writer.writeStatic(table: table)
            let encoder = try StaticEncoder(path: folder + "/student")
            #expect(encoder.encodeOne("cloudy", role: .query) == Array(table.row(22)))
            #expect(encoder.encodeOne("rose", role: .query) == Array(table.row(6)))
        }
    }

    @Test func aVocabularyThatCannotBeNumberedOnStaysAsItIs() throws {
        try withTeacher { teacher, folder in
            // An added token behind the vocabulary: its id depends on the vocabulary's size.
            let file = String(decoding: try LocalFileSystem().read(teacher.tokenizerPath), as: UTF8.self)
                .replacingOccurrences(
                    of: "\"added_tokens\": [", with: "\"added_tokens\": [{\"id\": 21, \"content\": \"<tag>\"}, ")
            try AtomicFile.write(Array(file.utf8), to: folder + "/teacher/tokenizer.json")
            let tagged = try ModelFolder(path: folder + "/teacher")
            #expect(try tagged.tokenizer().id(for: "<tag>") == 21)
            #expect(try CorpusVocabulary().words(of: passages, splitBy: tagged.tokenizer()).isEmpty)
            #expect(throws: ModelError.self) { try tagged.tokenizer(adding: ["roses"]) }
        }
    }
}
