import AttarTestSupport
import AttarText
import Testing

/// Damaged tokenizer files are refused with the path, or read into a tokenizer that works; nothing crashes.
///
/// `ATTAR_FUZZ_MINUTES=10 swift test … --filter TokenizerFuzzTests` goes on for 10 minutes.
struct TokenizerFuzzTests {
    private static let sound = Array(
        (###"{"version":"1.0","truncation":null,"padding":null,"added_tokens":["###
            + ###"{"id":0,"content":"[UNK]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},"###
            + ###"{"id":7,"content":"xy","special":false,"normalized":true}],"normalizer":{"type":"BertNormalizer","###
            + ###""clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},"###
            + ###""pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"WordPiece","unk_token":"[UNK]","###
            + ###""continuing_subword_prefix":"##","max_input_chars_per_word":100,"###
            + ###""vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"a":3,"##b":4,"\u00e9":5,"c":6}}}"###).utf8)

    @Test func damagedTokenizerFilesNeverCrash() throws {
        #expect(try TokenizerFile.parse(Self.sound, path: "t.json").encode("ab c") == [3, 4, 6])
        var read = 0
        let rounds = FuzzBudget.run(rounds: 3000) { seed in
            var mutator = ByteMutator(seed: seed)
            let bytes = mutator.damaged(Self.sound)
            do {
                _ = try TokenizerFile.parse(bytes, path: "t.json").encode("ab xy é c. [UNK]")
                read += 1
            } catch let error as TextError {
                #expect(error.description.contains("t.json"), "seed \(seed): \(error)")
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
        if FuzzBudget.minutes != nil { print("tokenizer.json: \(rounds) damaged files, \(read) of them read") }
    }
}
