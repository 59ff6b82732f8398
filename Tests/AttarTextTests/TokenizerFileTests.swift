import AttarText
import Testing

struct TokenizerFileTests {
    private static let vocabulary = ###"{"[UNK]":0,"[CLS]":1,"[SEP]":2,"a":3,"##b":4,"c":5}"###

    private func file(
        model: String = #""type":"WordPiece","unk_token":"[UNK]""#, vocabulary: String = vocabulary, rest: String = ""
    ) -> String {
        #"{"added_tokens":[],"pre_tokenizer":{"type":"BertPreTokenizer"},"# + rest
            + #""model":{\#(model),"vocab":\#(vocabulary)}}"#
    }

    private func load(_ text: String) throws -> any Tokenizer {
        try TokenizerFile.parse(Array(text.utf8), path: "m/tokenizer.json")
    }

    /// The message with which a file is refused.
    private func refusal(_ text: String) -> String {
        Fixture.error { _ = try load(text) }?.description ?? "was accepted"
    }

    @Test func aSmallFileWorksWithoutNormalizerAndPostProcessor() throws {
        let tokenizer = try load(file())
        #expect(tokenizer.encode("ab a.c zz") == [3, 4, 3, 0, 5, 0])
        #expect(tokenizer.vocabularySize == 6)
        #expect(tokenizer.padID == 0)
        #expect(tokenizer.encode("") == [])
    }

    @Test func brokenFilesAreRefusedWithFileAndKey() {
        #expect(refusal("{").contains("m/tokenizer.json"))
        #expect(refusal("[1]").contains("\"model\" is missing"))
        #expect(refusal("{}").contains("\"model\" is missing"))
        #expect(refusal(#"{"model":3}"#).contains("\"model\" is a number"))
        #expect(refusal(#"{"model":{"type":"WordPiece"}}"#).contains("\"model.vocab\" is missing"))
        #expect(refusal(file(model: #""type":"WordLevel""#)).contains("\"model.type\" is \"WordLevel\""))
        #expect(refusal(file(vocabulary: "{}")).contains("[UNK]"))
        #expect(refusal(file(vocabulary: "[1]")).contains("\"model.vocab\" is an array"))
    }

    @Test func badIDsAreRefusedWithTheToken() {
        #expect(refusal(file(vocabulary: #"{"[UNK]":0,"a":1,"b":1}"#)).contains("\"model.vocab.b\" has the id 1"))
        #expect(refusal(file(vocabulary: #"{"[UNK]":0,"a":-1}"#)).contains("\"model.vocab.a\" is -1"))
        #expect(refusal(file(vocabulary: #"{"[UNK]":0,"a":99999999999}"#)).contains("no token id"))
        #expect(refusal(file(vocabulary: #"{"[UNK]":0,"a":1.5}"#)).contains("a whole number was expected"))
        #expect(refusal(file(vocabulary: #"{"[UNK]":0,"a":"1"}"#)).contains("is a string"))
        #expect(refusal(file(vocabulary: #"{"[UNK]":0,"a":1,"a":2}"#)).contains("stands twice"))
    }

    @Test func addedTokensAreChecked() throws {
        func with(_ tokens: String) -> String {
            file(rest: #""added_tokens":[\#(tokens)],"#).replacing(#""added_tokens":[],"#, with: "")
        }
        #expect(refusal(with(#"{"id":3,"content":"x"}"#)).contains("\"added_tokens[0]\""))
        #expect(refusal(with(#"{"id":6}"#)).contains("content"))
        #expect(refusal(with(#"{"id":6,"content":7}"#)).contains("content"))
        #expect(refusal(with(#"{"content":"x"}"#)).contains("added_tokens[0].id"))
        let tokenizer = try load(with(#"{"id":6,"content":"xy","special":true,"normalized":false}"#))
        #expect(tokenizer.encode("axya") == [3, 6, 3])
        #expect(tokenizer.vocabularySize == 7)
    }

    @Test func otherPartsThatAreNotKnownAreRefused() {
        #expect(refusal(file(rest: #""normalizer":{"type":"NFKC"},"#)).contains("\"normalizer\" has the type \"NFKC\""))
        #expect(refusal(file(rest: #""post_processor":{"type":"ByteLevel"},"#)).contains("\"post_processor\""))
        #expect(
            refusal(file(rest: #""post_processor":{"type":"TemplateProcessing","single":[]},"#)).contains("no place"))
        let missing =
            #""post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]"}}],"special_tokens":{}},"#
        #expect(refusal(file(rest: missing)).contains("post_processor.special_tokens.[CLS]"))
    }

    @Test func aFileThatIsNotThereIsNamed() {
        #expect(throws: (any Error).self) { try TokenizerFile.load(path: "/nonexistent/tokenizer.json") }
    }

    @Test func truncationKeepsSpecialTokensAndOnlyWhenAsked() throws {
        let template =
            #""truncation":{"max_length":2},"padding":{"pad_id":5,"strategy":{"Fixed":9}},"#
            + #""post_processor":{"type":"BertProcessing","cls":["[CLS]",1],"sep":["[SEP]",2]},"#
        let tokenizer = try load(file(rest: template))
        #expect(tokenizer.encode("a a a c") == [1, 3, 3, 3, 5, 2])
        #expect(tokenizer.encode("a a a c", maximumLength: 4) == [1, 3, 3, 2])
        #expect(tokenizer.encode("a a a c", maximumLength: 2) == [1, 2])
        #expect(tokenizer.encode("a a a c", maximumLength: 1) == [1, 2])
        #expect(tokenizer.encode("a a a c", maximumLength: 3, addSpecialTokens: false) == [3, 3, 3])
        #expect(tokenizer.encode("a", maximumLength: 0, addSpecialTokens: false) == [])
        #expect(tokenizer.padID == 5)
    }

    @Test func theFingerprintChangesWithWhatChangesIDs() throws {
        let one = try load(file()).fingerprint
        #expect(one == (try load(file(rest: #""truncation":{"max_length":9},"#)).fingerprint))
        #expect(one != (try load(file(rest: #""normalizer":{"type":"BertNormalizer"},"#)).fingerprint))
        let swapped = ###"{"[UNK]":0,"[CLS]":1,"[SEP]":2,"c":3,"##b":4,"a":5}"###
        #expect(one != (try load(file(vocabulary: swapped)).fingerprint))
    }

    @Test func tenMegabytesInOneWordTakeLinearTime() throws {
        let tokenizer = try load(file(rest: #""normalizer":{"type":"BertNormalizer"},"#))
        #expect(tokenizer.encode(String(repeating: "a", count: 10_000_000)) == [0])
        #expect(tokenizer.encode(String(repeating: "a ", count: 1_000_000), maximumLength: 5) == [3, 3, 3, 3, 3])
    }
}
