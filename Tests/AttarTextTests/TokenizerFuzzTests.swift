import AttarTestSupport
import AttarText
import Testing

/// Damaged tokenizer files are refused with the path, or read into a tokenizer that works; nothing crashes.
///
/// `ATTAR_FUZZ_MINUTES=10 swift test … --filter TokenizerFuzzTests` goes on for 10 minutes, and watches the address
/// space. A failure names its seed.
struct TokenizerFuzzTests {
    private static let wordPiece = Array(
        (###"{"version":"1.0","truncation":null,"padding":null,"added_tokens":["###
            + ###"{"id":0,"content":"[UNK]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},"###
            + ###"{"id":7,"content":"xy","special":false,"normalized":true}],"normalizer":{"type":"BertNormalizer","###
            + ###""clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},"###
            + ###""pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece","unk_token":"[UNK]","###
            + ###""continuing_subword_prefix":"##","max_input_chars_per_word":100,"###
            + ###""vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"a":3,"##b":4,"\u00e9":5,"c":6}}}"###).utf8)

    private static let unigram = Array(
        (###"{"added_tokens":[{"id":5,"content":"<s>","special":true}],"normalizer":{"type":"Sequence","normalizers":["###
            + ###"{"type":"NFKC"},{"type":"Lowercase"},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}]},"###
            + ###""pre_tokenizer":{"type":"Metaspace","replacement":"▁","add_prefix_space":true},"post_processor":"###
            + ###"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},"###
            + ###"{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},"###
            + ###"{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"###
            + ###""special_tokens":{"<s>":{"id":"<s>","ids":[5],"tokens":["<s>"]}}},"###
            + ###""model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["▁a",-1],["b",-2.5],["▁",-3],["a",-4e0]]}}"###)
            .utf8)

    private static let bytePair = Array(
        (###"{"added_tokens":[],"normalizer":{"type":"NFC"},"pre_tokenizer":{"type":"Sequence","pretokenizers":["###
            + ###"{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"###
            + ###" ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false},"###
            + ###"{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]},"###
            + ###""post_processor":{"type":"ByteLevel","trim_offsets":false},"model":{"type":"BPE","ignore_merges":true,"###
            + ###""vocab":{"a":0,"b":1,"ab":2,"\u0120":3,"c":4,"abc":5},"merges":["a b",["ab","c"]]}}"###).utf8)

    @Test func damagedTokenizerFilesNeverCrash() throws {
        let sound: [(bytes: [UInt8], ids: [Int32])] = [
            (Self.wordPiece, [3, 4, 6]), (Self.unigram, [5, 1, 2, 3, 0]), (Self.bytePair, [2, 3, 4]),
        ]
        for (bytes, ids) in sound { #expect(try TokenizerFile.parse(bytes, path: "t.json").encode("ab c") == ids) }
        var read = 0
        func round(_ seed: UInt64) {
            let bytes = Self.damaged(sound[Int(seed % 3)].bytes, seed: seed)
            do {
                let tokenizer = try TokenizerFile.parse(bytes, path: "t.json")
                _ = tokenizer.encode("ab xy é c. [UNK]")
                _ = tokenizer.pairTemplate?.joined([0], [1], maximumLength: 4)
                read += 1
            } catch let error as TextError {
                #expect(error.description.contains("t.json"), "seed \(seed): \(error)")
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
        for seed in 0..<3000 { round(UInt64(seed)) }
        let before = FuzzBudget.peakAddressSpace
        let rounds = FuzzBudget.run(rounds: 3000) { round($0 + 3000) }
        guard FuzzBudget.minutes != nil else { return }
        let growth = try #require(FuzzBudget.peakAddressSpace) - (before ?? 0)
        print("tokenizer.json: \(rounds) damaged files, \(read) of them read; address space grew by \(growth) bytes")
        // A file here has a quarter of a megabyte at most, and its values take some ten times as much in memory.
        #expect(growth < 64 << 20)
    }

    /// One file in three is damaged in its bytes, the others in what their JSON says.
    private static func damaged(_ bytes: [UInt8], seed: UInt64) -> [UInt8] {
        if seed / 3 % 3 == 0 {
            var mutator = ByteMutator(seed: seed)
            return mutator.damaged(bytes)
        }
        var mutator = JSONMutator(seed: seed)
        return mutator.damaged(bytes)
    }
}
