import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Ids made with the reference tokenizers by Fixtures/subword_golden.py.
struct SubwordGoldenTests {
    private let raw: JSONValue

    init() throws {
        raw = try JSONParser.parse(try Fixture.bytes("subword-golden.json"))
    }

    /// The tokenizer of a setting: its file, with the base model whose keys the setting overrides.
    private func tokenizer(_ setting: JSONValue) throws -> any Tokenizer {
        var members = try #require(setting["file"]?.members)
        let overrides = try #require(setting["model"]?.members)
        let name = try #require(setting["base"]?.string)
        let base = try #require(raw["models"]?[name]?.members)
        let kept = base.filter { member in !overrides.contains { $0.key == member.key } }
        members.append(JSONValue.Member(key: "model", value: .object(kept + overrides)))
        return try TokenizerFile.parse(JSONValue.object(members).json, path: "small/tokenizer.json")
    }

    private func ids(_ value: JSONValue) -> [Int32] {
        (value.array ?? []).compactMap { $0.integer.map(Int32.init) }
    }

    @Test func everySettingGivesTheReferenceIDs() throws {
        let texts = try #require(raw["texts"]?.array).compactMap(\.string)
        let settings = try #require(raw["settings"]?.array)
        #expect(texts.count >= 200)
        #expect(settings.count >= 17)
        for setting in settings {
            let tokenizer = try tokenizer(setting)
            let name = setting["name"]?.string ?? ""
            let rows = try #require(setting["ids"]?.array)
            #expect(rows.count == texts.count)
            for (text, row) in zip(texts, rows) {
                #expect(tokenizer.encode(text) == ids(row), "\(name): \(text.debugDescription)")
            }
        }
    }

    @Test func fingerprintsOfDifferentSettingsDiffer() throws {
        let settings = try #require(raw["settings"]?.array)
        let prints = try settings.map { try tokenizer($0).fingerprint }
        #expect(Set(prints).count == settings.count)
        #expect(try tokenizer(settings[0]).fingerprint == prints[0])
    }

    @Test func truncationKeepsSpecialTokens() throws {
        let setting = try #require(raw["settings"]?.array?.first)
        let tokenizer = try tokenizer(setting)
        let all = tokenizer.encode("a b c d e f g h")
        let some = tokenizer.encode("a b c d e f g h", maximumLength: 5)
        #expect(some == all.prefix(4) + all.suffix(1))
        #expect(tokenizer.encode("a b c", maximumLength: 1) == [all[0], all[all.count - 1]])
    }

    private static let multilingual = SharedData.model("me5-small").map { $0 + "/tokenizer.json" }

    /// Four scripts, and characters that NFKC changes; ids of Hugging Face tokenizers 0.23.3.
    @Test(.enabled(if: multilingual != nil, "needs the model me5-small"))
    func theRealMultilingualVocabularyGivesTheReferenceIDs() throws {
        let tokenizer = try TokenizerFile.load(path: try #require(Self.multilingual))
        for (text, ids) in Self.multilingualIDs {
            #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
        }
        #expect(tokenizer.vocabularySize == 250_002)
        #expect(tokenizer.padID == 1)
        #expect(tokenizer.unknownID == 3)
    }

    private static let multilingualIDs: [(String, [Int32])] = [
        ("query: how much protein should a female eat",
         [0, 41, 1294, 12, 3642, 5045, 21308, 5608, 10, 117776, 73203, 2]),
        ("Hallo Welt, naïve ﬁancée Åse", [0, 54029, 12389, 4, 24, 9392, 272, 36604, 109160, 13, 8839, 184, 2]),
        ("日本語のテキスト ﾊﾟｿｺﾝ", [0, 6, 98449, 154, 193508, 6, 78609, 2]),
        ("한국어 각", [0, 193751, 27716, 2]),
        ("العَرَبِيَّة ﷺ", [0, 5537, 278, 835, 278, 1325, 488, 179, 23472, 250, 16509, 1423, 4472, 8756, 2]),
        ("हिन्दी क्षि", [0, 66997, 6, 164239, 2]),
        ("Привет\n  мир ½", [0, 1813, 18454, 3, 6, 11373, 78660, 2]),
        ("🙂👩‍💻 x\u{088F}y", [0, 3143, 244785, 3, 246382, 1022, 3, 53, 2]),
    ]
}
