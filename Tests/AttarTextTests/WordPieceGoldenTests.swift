import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Ids made with the reference tokenizers by Fixtures/wordpiece_golden.py.
struct WordPieceGoldenTests {
    private struct Golden: Decodable {
        struct Setting: Decodable {
            var name: String
            var ids: [[Int32]]
        }
        var texts: [String]
        var minilm: [[Int32]]
        var minilmTruncated: [String: [[Int32]]]
        var minilmPlain: [[Int32]]
        var small: [Setting]
    }

    private let golden: Golden
    private let raw: JSONValue

    init() throws {
        let bytes = try Fixture.bytes("wordpiece-golden.json")
        golden = try JSONDecoder().decode(Golden.self, from: Data(bytes))
        raw = try JSONParser.parse(bytes)
    }

    /// The tokenizer file of a setting, with the vocabulary that all settings share.
    private func tokenizer(_ index: Int) throws -> any Tokenizer {
        let file = try #require(raw["small"]?.array?[index]["file"])
        var members = try #require(file.members)
        let model = try #require(members.firstIndex { $0.key == "model" })
        var parts = try #require(members[model].value.members)
        parts.append(JSONValue.Member(key: "vocab", value: try #require(raw["vocabulary"])))
        members[model].value = .object(parts)
        return try TokenizerFile.parse(JSONValue.object(members).json, path: "small/tokenizer.json")
    }

    @Test func everySettingGivesTheReferenceIDs() throws {
        #expect(golden.texts.count >= 200)
        #expect(golden.small.count >= 11)
        for (index, setting) in golden.small.enumerated() {
            let tokenizer = try tokenizer(index)
            for (text, ids) in zip(golden.texts, setting.ids) {
                let found = tokenizer.encode(text)
                #expect(found == ids, "\(setting.name): \(text.debugDescription)")
            }
        }
    }

    @Test(.enabled(if: SharedData.hasMiniLM, "needs the model minilm"))
    func theRealVocabularyGivesTheReferenceIDs() throws {
        let folder = try #require(SharedData.model("minilm"))
        let tokenizer = try TokenizerFile.load(path: folder + "/tokenizer.json")
        for (text, ids) in zip(golden.texts, golden.minilm) {
            #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
        }
        for (text, ids) in zip(golden.texts, golden.minilmPlain) {
            #expect(tokenizer.encode(text, addSpecialTokens: false) == ids)
        }
        for (limit, rows) in golden.minilmTruncated {
            for (text, ids) in zip(golden.texts, rows) {
                #expect(tokenizer.encode(text, maximumLength: Int(limit)) == ids, "\(limit): \(text.debugDescription)")
            }
        }
    }

    @Test(.enabled(if: SharedData.hasMiniLM, "needs the model minilm"))
    func theRealFileLoadsFastAndTokenizesFast() throws {
        let folder = try #require(SharedData.model("minilm"))
        let clock = ContinuousClock()
        var tokenizer: any Tokenizer = try TokenizerFile.load(path: folder + "/tokenizer.json")
        let load = try clock.measure { tokenizer = try TokenizerFile.load(path: folder + "/tokenizer.json") }
        let query = "how do i remove duplicate rows from a pandas data frame quickly"
        var total = 0
        let time = clock.measure { for _ in 0..<2_000 { total += tokenizer.encode(query).count } }
        #expect(total == 2_000 * 15)
        print("tokenizer.json loaded in \(load); 12 words tokenized in \(time / 2_000)")
        // Generous limits, because test machines are shared and this may be a debug build.
        #expect(load < .seconds(5))
        #expect(time / 2_000 < .microseconds(500))
        #expect(tokenizer.vocabularySize == 30_522)
        #expect(tokenizer.padID == 0)
        #expect(tokenizer.maskID == 103)
        #expect(tokenizer.unknownID == 100)
        #expect(tokenizer.specialIDs == [0, 100, 101, 102, 103])
        #expect(tokenizer.token(for: 7592) == "hello")
        #expect(tokenizer.id(for: "##ing") == 2075)
        #expect(tokenizer.id(for: "[SEP]") == 102)
        #expect(tokenizer.token(for: 30_522) == nil)
        #expect(tokenizer.token(for: -1) == nil)
    }
}
