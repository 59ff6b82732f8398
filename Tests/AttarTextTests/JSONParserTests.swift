import AttarText
import Testing

struct JSONParserTests {
    private func parse(_ text: String) throws -> JSONValue {
        try JSONParser.parse(Array(text.utf8))
    }

    private func failure(_ text: String) -> JSONParser.Failure? {
        do {
            _ = try parse(text)
            return nil
        } catch {
            return error as? JSONParser.Failure
        }
    }

    @Test func valuesOfAllKindsAreRead() throws {
        let value = try parse(
            #" {"a": [1, -2.5e1, true, false, null], "b": "x\n\"\\\/\u00e9\ud83d\ude00", "a": 9223372036854775807} "#)
        #expect(value["b"]?.string == "x\n\"\\/é😀")
        #expect(value["a"]?.integer == Int.max)
        #expect(value.members?.map(\.key) == ["a", "b", "a"])
        #expect(value.members?[0].value == .array([.integer(1), .number(-25), .bool(true), .bool(false), .null]))
        #expect(try parse("\u{FEFF}{}") == .object([]))
        #expect(try parse("[]") == .array([]))
        #expect(try parse("18446744073709551616") == .number(18446744073709551616))
    }

    @Test func loneSurrogatesBecomeReplacementCharacters() throws {
        #expect(try parse(#""\ud800x""#).string == "\u{FFFD}x")
        #expect(try parse(#""\udc00""#).string == "\u{FFFD}")
        #expect(try parse(#""\ud83d\u0041""#).string == "\u{FFFD}A")
    }

    @Test(arguments: [
        "", "{", "[", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "'a'", "01", "1.", "-", "1e", "+1",
        ".5", "nul", "truee",
        "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12zz\"", "\"a\tb\"", "[1] 2", "NaN", "1e999", "{\"a\":1 \"b\":2}", "\"\\",
    ])
    func brokenTextsFail(_ text: String) {
        #expect(failure(text) != nil)
    }

    @Test func failuresNameTheByte() throws {
        #expect(failure(#"{"a": 1, "b" 2}"#)?.offset == 13)
        #expect(failure(#"{"a": 1, "b" 2}"#)?.description.contains("byte 14") == true)
        let bytes: [UInt8] = [0x22, 0x61, 0xFF, 0x22]
        do {
            _ = try JSONParser.parse(bytes)
            Issue.record("accepted invalid UTF-8")
        } catch {
            #expect(error.isInvalidUTF8)
        }
    }

    @Test func nestingIsCapped() {
        #expect(failure(String(repeating: "[", count: 100_000))?.reason.contains("nested") == true)
        let fine = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(failure(fine) == nil)
    }
}
