@testable import AttarCollection
import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// Expressions and JSON of filters.
@Suite struct FilterSyntaxTests {
    typealias Filter = MetadataFilter

    @Test func theExampleOfTheHelpIsRead() throws {
        let filter = try Filter(parsing: #"year >= 2000 and lang in ("en", "de") and not draft = true"#)
        #expect(
            filter
                == .and([
                    .value(of: "year", .compared(.greaterOrEqual, .number(2000))),
                    .value(of: "lang", .oneOf([.string("en"), .string("de")])),
                    .not(.equals("draft", .bool(true))),
                ]))
    }

    @Test(arguments: [
        ("a = 1 or b = 2 and c = 3", "a = 1 or (b = 2 and c = 3)"),
        ("(a = 1 or b = 2) and c = 3", "(a = 1 or b = 2) and c = 3"),
        ("NOT a EXISTS And b != 'x'", #"not a exists and not b = "x""#),
        (#"[page count] not in (1, -2.5e0, "a\"b")"#, #"not [page count] in (1, -2.5, "a\"b")"#),
        ("[in] == FALSE", "[in] = false"),
        (#"[a\]b\\c] < '2024-05'"#, #"[a\]b\\c] < "2024-05""#),
        ("größe<=.5", "größe <= 0.5"),
    ])
    func expressionsMeanWhatTheyAreWrittenAs(_ text: String, _ canonical: String) throws {
        let filter = try Filter(parsing: text)
        #expect(filter.description == canonical)
        #expect(try Filter(parsing: canonical) == filter)
    }

    @Test(arguments: [
        ("", 1, "a key of the metadata"),
        ("year", 5, "a condition on year was expected"),
        ("year >=", 8, "a value was expected"),
        ("year >= abc", 9, "a text stands in quotes: \"abc\""),
        ("year >= 2000 lang = 1", 14, "\"and\", \"or\" or the end was expected, found \"lang\""),
        ("größe = 'x", 9, "' is missing"),
        ("[größe = 1", 1, "] is missing"),
        ("(a = 1", 7, "\"and\", \"or\" or \")\" was expected, found the end"),
        ("a in 3", 6, "values in parentheses"),
        ("a in (1 2)", 9, "\",\" or \")\" was expected"),
        ("a in ()", 7, "a value was expected"),
        ("a = 2024-05-01", 5, "is no number; texts, also dates, stand in quotes"),
        ("a = 1e999", 5, "is no number"),
        ("a = inf", 5, "a value was expected"),
        ("a < true", 5, "have no order"),
        ("a not 3", 7, "\"in\" was expected"),
        ("a = 1 & b = 2", 7, "\"&\" means nothing here"),
        ("and = 1", 1, "a key of that name is [and]"),
        ("a = \"b\\", 5, "\" is missing"),
    ])
    func errorsSayWhereAndWhat(_ text: String, _ position: Int, _ reason: String) {
        let error = #expect(throws: FilterSyntaxError.self) { try Filter(parsing: text) }
        #expect(error?.position == position, "\(text): \(error?.description ?? "")")
        #expect(error?.reason.contains(reason) ?? false, "\(text): \(error?.description ?? "")")
        #expect(error?.category == .usage)
    }

    @Test func nestingAndLengthAreCapped() throws {
        let within = String(repeating: "(", count: Filter.maximumDepth - 1)
        #expect(try Filter(parsing: within + "a = 1" + within.replacing("(", with: ")")) == .equals("a", .number(1)))
        for start in [String(repeating: "(", count: 60_000), String(repeating: "not ", count: 15_000)] {
            #expect(throws: FilterSyntaxError.self) { try Filter(parsing: start + "a = 1") }
        }
        #expect(throws: FilterSyntaxError.self) { try Filter(parsing: "a = \"" + String(repeating: "x", count: 1 << 17)) }
        var json = #"{"field":"a","=":1}"#
        for _ in 0..<Filter.maximumDepth { json = #"{"not":\#(json)}"# }
        #expect(try JSONDecoder().decode(Filter.self, from: Data(json.utf8)).description.hasPrefix("not not"))
        for _ in 0..<100 { json = #"{"and":[\#(json)]}"# }
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Filter.self, from: Data(json.utf8)) }
    }

    @Test func jsonComesBack() throws {
        let text = #"""
            {"and":[{"field":"year",">=":2000,"<":2010.5},{"or":[{"field":"lang","in":["en","de",3,true]},
            {"not":{"field":"draft","=":true}},{"field":"x","exists":false},{"field":"y","!=":"z"}]}]}
            """#
        let filter = try JSONDecoder().decode(Filter.self, from: Data(text.utf8))
        #expect(
            filter.description
                == #"(year < 2010.5 and year >= 2000) and (lang in ("en", "de", 3, true) or not draft = true or "#
                + #"not x exists or not y = "z")"#)
        #expect(try JSONDecoder().decode(Filter.self, from: JSONEncoder().encode(filter)) == filter)
    }

    @Test(arguments: [
        "{}", "[]", "3", #"{"field":"a"}"#, #"{"and":[]}"#, #"{"and":[{"field":"a","=":1}],"or":[]}"#,
        #"{"field":"a","~":1}"#, #"{"field":"a","<":true}"#, #"{"field":"a","=":null}"#, #"{"field":"a","=":[1]}"#,
        #"{"field":3,"=":1}"#,
    ])
    func jsonThatIsNoFilterIsRefused(_ text: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Filter.self, from: Data(text.utf8)) }
    }

    /// A combining mark makes one character of itself and what closes, which must be escaped nevertheless.
    @Test(arguments: ["]\u{301}", "\"\u{301}", "\\\u{301}", "a b]\u{301}\u{327}c"])
    func marksBehindCombiningOnesAreEscaped(_ text: String) throws {
        let filter = Filter.value(of: text, .oneOf([.string(text)]))
        #expect(try Filter(parsing: filter.description) == filter)
    }

    /// What is printed is read as the same filter; any bytes either are one or give an error.
    @Test func printedFiltersAreReadAgain() throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<300 {
            let filter = RandomMetadata.filter(&generator, depth: 4)
            #expect(try Filter(parsing: filter.description) == filter)
            #expect(try JSONDecoder().decode(Filter.self, from: JSONEncoder().encode(filter)) == filter)
        }
        let seeds = (0..<20).map { _ in Array(RandomMetadata.filter(&generator, depth: 5).description.utf8) }
        let rounds = FuzzBudget.run(rounds: 3000) { seed in
            var mutator = ByteMutator(seed: seed)
            let text = String(decoding: mutator.damaged(seeds[Int(seed % 20)]), as: UTF8.self)
            if let filter = try? Filter(parsing: text) {
                #expect((try? Filter(parsing: filter.description)) == filter)
            }
        }
        #expect(rounds > 0)
    }
}
