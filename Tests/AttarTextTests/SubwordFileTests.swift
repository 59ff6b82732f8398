import AttarText
import Foundation
import Testing

/// What files of Unigram and BPE must say, and what is refused by name.
struct SubwordFileTests {
    private static let pieces = #"[["<unk>",0],["▁a",-1],["b",-2.5],["▁",-3],["a",-4]]"#
    private static let tokens = #"{"a":0,"b":1,"ab":2,"Ġ":3,"c":4,"abc":5}"#

    private func unigram(
        _ vocabulary: String = pieces, model: String = #""unk_id":0"#, rest: String = ""
    ) -> String {
        #"{\#(rest)"pre_tokenizer":{"type":"Metaspace","replacement":"▁","add_prefix_space":true},"#
            + #""model":{"type":"Unigram",\#(model),"vocab":\#(vocabulary)}}"#
    }

    private func bytePair(
        _ merges: String = #"["a b","ab c"]"#, vocabulary: String = tokens, model: String = "", rest: String = "",
        pre: String = #"{"type":"ByteLevel","add_prefix_space":false}"#
    ) -> String {
        #"{\#(rest)"pre_tokenizer":\#(pre),"#
            + #""model":{"type":"BPE",\#(model)"vocab":\#(vocabulary),"merges":\#(merges)}}"#
    }

    private func load(_ text: String) throws -> any Tokenizer {
        try TokenizerFile.parse(Array(text.utf8), path: "m/tokenizer.json")
    }

    /// The message with which a file is refused.
    private func refusal(_ text: String) -> String {
        Fixture.error { _ = try load(text) }?.description ?? "was accepted"
    }

    @Test func smallFilesWork() throws {
        let tokenizer = try load(unigram())
        #expect(tokenizer.encode("ab a") == [1, 2, 1])
        #expect(tokenizer.encode("xyz") == [3, 0])
        #expect(tokenizer.encode("") == [])
        #expect(tokenizer.vocabularySize == 5)
        #expect(tokenizer.token(for: 1) == "▁a")
        #expect(tokenizer.id(for: "b") == 2)
        #expect(try load(bytePair()).encode("abc ab") == [5, 3, 2])
        #expect(try load(bytePair(#"[["a","b"],["ab","c"]]"#)).encode("abcab") == [5, 2])
        #expect(try load(bytePair()).unknownID == nil)
    }

    @Test func brokenUnigramVocabulariesAreRefused() {
        #expect(refusal(unigram("{}")).contains("\"model.vocab\" is an object"))
        #expect(refusal(unigram(#"[["a"]]"#)).contains("\"model.vocab[0]\" must be a pair"))
        #expect(refusal(unigram(#"[["a","b"]]"#)).contains("must be a pair"))
        #expect(refusal(unigram(#"[["a",0],["a",1]]"#)).contains("\"model.vocab[1]\" holds the piece \"a\""))
        #expect(refusal(unigram("[]")).contains("holds 0 pieces"))
        #expect(refusal(unigram(model: #""unk_id":5"#)).contains("\"model.unk_id\" is 5"))
        #expect(refusal(unigram(model: #""unk_id":-1"#)).contains("no token id"))
        #expect(refusal(unigram(model: #""unk_id":null"#)).contains("names no unk_id"))
    }

    @Test func brokenMergesAreRefused() {
        #expect(refusal(bytePair(#"["a b","a b"]"#)).contains("\"model.merges[1]\" joins two tokens that an earlier"))
        #expect(refusal(bytePair(#"["a c"]"#)).contains("\"model.merges[0]\" joins"))
        #expect(refusal(bytePair(#"["a x"]"#)).contains("does not hold all three"))
        #expect(refusal(bytePair(#"["a"]"#)).contains("must be a pair of tokens"))
        #expect(refusal(bytePair(#"[["a","b","c"]]"#)).contains("must be a pair of tokens"))
        #expect(refusal(bytePair(#"[["","a"]]"#, vocabulary: #"{"":0,"a":1}"#)).contains("must be a pair of tokens"))
        #expect(refusal(bytePair("3")).contains("\"model.merges\" is a number"))
        #expect(refusal(bytePair(vocabulary: #"{"a":0,"b":0}"#)).contains("\"model.vocab.b\" has the id 0"))
    }

    @Test func otherKindsOfBPEAreRefused() {
        #expect(refusal(bytePair(pre: #"{"type":"Metaspace"}"#)).contains("\"pre_tokenizer\" does not end in"))
        #expect(refusal(bytePair(pre: "null")).contains("does not end in ByteLevel"))
        #expect(refusal(bytePair(model: #""byte_fallback":true,"#)).contains("byte_fallback"))
        #expect(refusal(bytePair(model: #""dropout":0.1,"#)).contains("\"model.dropout\""))
        #expect(refusal(bytePair(model: #""end_of_word_suffix":"</w>","#)).contains("end_of_word_suffix"))
        #expect(refusal(bytePair(model: #""continuing_subword_prefix":"@@","#)).contains("continuing_subword_prefix"))
        #expect(refusal(bytePair(model: #""unk_token":"?","#)).contains("unknown token \"?\""))
        #expect(refusal(bytePair(model: #""dropout":0,"continuing_subword_prefix":"","#)) == "was accepted")
    }

    @Test func unknownPartsAreRefusedByName() {
        func normalized(_ node: String) -> String { refusal(unigram(rest: #""normalizer":\#(node),"#)) }
        #expect(normalized(#"{"type":"Nmt"}"#).contains("\"normalizer\" has the type \"Nmt\""))
        #expect(
            normalized(#"{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Mystery"}]}"#)
                .contains("\"normalizer.normalizers[1]\" has the type \"Mystery\""))
        #expect(normalized(#"{"type":"Replace","pattern":{"Regex":"a+"},"content":""}"#).contains("\"a+\""))
        #expect(normalized(#"{"type":"Precompiled","precompiled_charsmap":"?"}"#).contains("no base64"))
        #expect(normalized(#"{"type":"Precompiled","precompiled_charsmap":"/////w=="}"#).contains("says its trie has"))
        #expect(refusal(unigram().replacing("Metaspace", with: "Punctuation")).contains("type \"Punctuation\""))
        #expect(refusal(unigram().replacing("Metaspace", with: "ByteLevel")).contains("type \"ByteLevel\""))
        #expect(refusal(unigram(rest: #""post_processor":{"type":"ByteLevel"},"#)).contains("\"post_processor\""))
        let split =
            #"{"type":"Sequence","pretokenizers":[{"type":"Split","behavior":"Isolated","#
            + #""pattern":{"Regex":"\\d+"}},{"type":"ByteLevel"}]}"#
        #expect(refusal(bytePair(pre: split)).contains(#"regular expression "\d+""#))
        #expect(refusal(bytePair(pre: split.replacing("Isolated", with: "Removed"))).contains("Removed"))
    }

    @Test func hostileNormalizersAreRefused() {
        let doubling = #"{"type":"Replace","pattern":{"String":"a"},"content":"aa"}"#
        let steps = Array(repeating: doubling, count: 40).joined(separator: ",")
        let sequence = #""normalizer":{"type":"Sequence","normalizers":[\#(steps)]},"#
        #expect(refusal(unigram(rest: sequence)).contains("times as long"))
        let long = String(repeating: "p", count: 5000)
        #expect(refusal(unigram(rest: #""normalizer":{"type":"Prepend","prepend":"\#(long)"},"#)).contains("times as long"))
        // A trie of one unit, and one replacement of 5,000 bytes.
        let map = Data([4, 0, 0, 0, 0, 0, 0, 0] + Array(long.utf8)).base64EncodedString()
        let precompiled = #""normalizer":{"type":"Precompiled","precompiled_charsmap":"\#(map)"},"#
        #expect(refusal(unigram(rest: precompiled)).contains("times as long"))
        // Twenty thousand tokens of 3,000 bytes each when normalized.
        let added = (5..<20_005).map { #"{"id":\#($0),"content":"a\#($0)"}"# }.joined(separator: ",")
        let growing = #""normalizer":{"type":"Replace","pattern":{"String":"a"},"content":"\#(long.prefix(3000))"},"#
        #expect(refusal(unigram(rest: growing + #""added_tokens":[\#(added)],"#)).contains("more text than 16777216"))
        let open = String(repeating: #"{"type":"Sequence","normalizers":["#, count: 40)
        let nested = open + #"{"type":"NFC"}"# + String(repeating: "]}", count: 40)
        #expect(refusal(unigram(rest: #""normalizer":\#(nested),"#)).contains("nested too deeply"))
    }

    @Test func tenMegabytesInOneWordTakeLinearTime() throws {
        let long = String(repeating: "a", count: 10_000_000)
        #expect(try load(unigram()).encode(long).count == 10_000_000)
        let merges = try load(bytePair(#"["a a","aa aa"]"#, vocabulary: #"{"a":0,"aa":1,"aaaa":2}"#))
        #expect(merges.encode(long).count == 2_500_000)
        let pattern = #"{"type":"ByteLevel","add_prefix_space":false}"#
        let spaces = try load(bytePair("[]", vocabulary: #"{"Ġ":0}"#, pre: pattern))
        #expect(spaces.encode(String(repeating: " ", count: 1_000_000)).count == 1_000_000)
    }
}
