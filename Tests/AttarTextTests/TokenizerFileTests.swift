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

    @Test func absurdCountsAreRefused() {
        func with(_ tokens: String) -> String {
            file(rest: #""added_tokens":[\#(tokens)],"#).replacing(#""added_tokens":[],"#, with: "")
        }
        let million = (6..<1_000_006).map { #"{"id":\#($0),"content":"t\#($0)"}"# }.joined(separator: ",")
        #expect(refusal(with(million)).contains("\"added_tokens\" holds 1000000 tokens; the limit is 100000"))
        let values = Array(repeating: "[]", count: 14_000_000).joined(separator: ",")
        #expect(refusal(#"{"x":[\#(values)]}"#).contains("more values than are allowed"))
        let huge = #"{"[UNK]":0,"a":9223372036854775807}"#
        #expect(refusal(file(vocabulary: huge)).contains("no token id"))
        // An id far out would make the table of texts as long: sixteen million entries are the limit.
        #expect(refusal(file(vocabulary: #"{"[UNK]":0,"a":16777216}"#)).contains("no token id"))
    }

    /// Few bytes that claim much: ids far out, tokens that stand for many ids, texts that grow.
    @Test func smallFilesThatClaimMuchAreRefused() {
        #expect(refusal(file(vocabulary: #"{"[UNK]":0,"a":100005}"#)).contains("\"model.vocab.a\" is 100005"))
        #expect(refusal(file(vocabulary: #"{"[UNK]":0,"a":100003}"#)) == "was accepted")
        func template(_ single: String, ids: Int, pair: String = "[]") -> String {
            let many = Array(repeating: "1", count: ids).joined(separator: ",")
            return file(
                rest: #""post_processor":{"type":"TemplateProcessing","single":[\#(single),{"Sequence":{"id":"A"}}],"#
                    + #""pair":\#(pair),"special_tokens":{"C":{"ids":[\#(many)]}}},"#)
        }
        let special = #"{"SpecialToken":{"id":"C"}}"#
        let repeated = Array(repeating: special, count: 1000).joined(separator: ",")
        #expect(refusal(template(special, ids: 1024)) == "was accepted")
        #expect(refusal(template(special, ids: 1025)).contains("adds more tokens than the limit"))
        #expect(refusal(template(repeated, ids: 1000)).contains("adds more tokens than the limit"))
        #expect(refusal(template(special, ids: 1000, pair: "[\(repeated)]")).contains("adds more tokens than the limit"))
        let boundary = #"{"type":"BertProcessing","cls":["[CLS]",1],"sep":["[SEP]",2]}"#
        let boundaries = Array(repeating: boundary, count: 2000).joined(separator: ",")
        let sequence = #""post_processor":{"type":"Sequence","processors":[\#(boundaries)]},"#
        #expect(refusal(file(rest: sequence)).contains("adds more tokens than the limit"))
    }

    /// More text than a trie takes nodes, in one added token and in many.
    @Test func addedTokensOfTooMuchTextAreRefused() {
        func with(_ tokens: String) -> String {
            file(rest: #""added_tokens":[\#(tokens)],"#).replacing(#""added_tokens":[],"#, with: "")
        }
        let long = String(repeating: "x", count: 17_000_000)
        #expect(refusal(with(#"{"id":6,"content":"\#(long)"}"#)).contains("more text than 16777216 bytes"))
        let part = String(repeating: "x", count: 2000)
        let many = (6..<9006).map { #"{"id":\#($0),"content":"\#($0)\#(part)"}"# }.joined(separator: ",")
        #expect(refusal(with(many)).contains("more text than 16777216 bytes"))
    }

    @Test func sequencesInsideEachOtherAreRefusedWhenTheyAreDeep() {
        func nested(_ inner: String, _ key: String, depth: Int) -> String {
            (0..<depth).reduce(inner) { text, _ in #"{"type":"Sequence","\#(key)":[\#(text)]}"# }
        }
        let processors = nested(#"{"type":"BertProcessing","cls":["[CLS]",1],"sep":["[SEP]",2]}"#, "processors", depth: 50)
        #expect(refusal(file(rest: #""post_processor":\#(processors),"#)).contains("nested too deeply"))
        let brackets = String(repeating: "[", count: 1_000_000)
        #expect(refusal(brackets).contains("nested"))
    }

    @Test func pairTemplatesAreReadAndStrangeOnesAreNone() throws {
        func template(_ pair: String) throws -> PairTemplate? {
            let special = #""special_tokens":{"C":{"ids":[1]},"S":{"ids":[2]}}"#
            let single = #""single":[{"SpecialToken":{"id":"C"}},{"Sequence":{"id":"A"}}]"#
            return try load(
                file(rest: #""post_processor":{"type":"TemplateProcessing",\#(single),"pair":\#(pair),\#(special)},"#)
            ).pairTemplate
        }
        let (a, b) = (#"{"Sequence":{"id":"A","type_id":0}}"#, #"{"Sequence":{"id":"B","type_id":1}}"#)
        let s = #"{"SpecialToken":{"id":"S","type_id":0}}"#
        let sound = try #require(try template("[\(a),\(s),\(b)]"))
        let joined = sound.joined([3, 3, 3], [5], maximumLength: 3)
        #expect(joined.ids == [3, 2, 5] && joined.secondSegment == 2..<3)
        for strange in ["[]", "[\(b),\(a)]", "[\(a)]", "[\(a),\(b),\(b)]", "[\(a),\(a)]"] {
            #expect(try template(strange) == nil, "\(strange)")
        }
        // Segment 1 on both sides of segment 0.
        #expect(try template(#"[{"SpecialToken":{"id":"C","type_id":1}},\#(a),\#(b)]"#) == nil)
        #expect(throws: TextError.self) { try template(#"[\#(a),{"SpecialToken":{"id":"X"}},\#(b)]"#) }
        #expect(try load(file()).pairTemplate == nil)
    }

    @Test func ofTwoLongTextsTheLongerOneGivesFirst() throws {
        let processing = #""post_processor":{"type":"BertProcessing","cls":["[CLS]",1],"sep":["[SEP]",2]},"#
        let template = try #require(try load(file(rest: processing)).pairTemplate)
        func counts(_ first: Int, _ second: Int, _ limit: Int?) -> [Int] {
            let ids = template.joined(
                Array(repeating: 3, count: first), Array(repeating: 5, count: second), maximumLength: limit).ids
            return [ids.count { $0 == 3 }, ids.count { $0 == 5 }]
        }
        #expect(counts(9, 9, nil) == [9, 9])
        // Room for 7 texts' ids beside three special tokens; checked with the reference tokenizers.
        #expect(counts(9, 9, 10) == [3, 4])
        #expect(counts(2, 9, 10) == [2, 5])
        #expect(counts(9, 2, 10) == [5, 2])
        #expect(counts(9, 9, 3) == [0, 0] && counts(9, 9, 0) == [0, 0])
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
