@testable import AttarModels
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

struct JSONSchemaConstraintTests {
    private static func parsed(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)) }

    /// The vocabulary of the tiny decoders, with some tokens that span the parts of a JSON text.
    private static func maker(_ more: [String] = []) throws -> ConstraintMaker {
        let alphabet = (UInt8.min...UInt8.max).map { String(Self.character($0)) }
        let spanning = ["\",", "\",Ġ\"", "\":", "\":Ġ\"", "{\"", "\"}", "},", "]}", "abc", "12", "tru", "ull", "\\\"", "Ġa"]
        let tables = BytePairTables(
            tokens: ["<end>"] + alphabet + spanning + more, specialIDs: [0], merges: [], splitting: .gpt2)
        return ConstraintMaker(try SubwordTokenizer(tables, path: "test"), endIDs: [0])
    }

    /// Text drawn under a constraint, each allowed token as likely as any other but the end more so, and whether it
    /// ended.
    private func draw(
        _ constraint: JSONSchemaConstraint, _ generator: inout SeededGenerator, limit: Int
    ) -> (bytes: [UInt8], isFinished: Bool) {
        var constraint = constraint
        var bytes: [UInt8] = []
        for _ in 0..<limit {
            var logits = [Float](repeating: 0, count: constraint.vocabularyBytes.count)
            logits.withUnsafeMutableBufferPointer { constraint.mask($0) }
            let allowed = logits.indices.filter { logits[$0] == 0 }
            guard let token = allowed.contains(0) && Int.random(in: 0..<2, using: &generator) == 0
                ? 0 : choose(allowed, constraint, &generator)
            else {
                Issue.record("nothing may follow \(String(decoding: bytes, as: UTF8.self))")
                return (bytes, false)
            }
            if token == 0 { return (bytes, true) }
            bytes += constraint.vocabularyBytes[token]
            constraint.accept(Int32(token))
        }
        return (bytes, false)
    }

    /// Quotes, commas and brackets more often than letters, so that strings end.
    private func choose(
        _ allowed: [Int], _ constraint: JSONSchemaConstraint, _ generator: inout SeededGenerator
    ) -> Int? {
        let structure = allowed.filter { token in
            constraint.vocabularyBytes[token].contains { "\"}],".utf8.contains($0) }
        }
        let half = !structure.isEmpty && Int.random(in: 0..<3, using: &generator) > 0
        return (half ? structure : allowed).randomElement(using: &generator)
    }

    @Test func randomTextUnderRandomSchemasParsesAndValidates() throws {
        let maker = try Self.maker()
        var generator = SeededGenerator(seed: 1)
        var finished = 0
        for _ in 0..<150 {
            let schema = RandomSchema.schema(&generator, depth: 3)
            let constraint = try maker.constraint(schema: schema)
            for _ in 0..<4 {
                let (bytes, isFinished) = draw(constraint, &generator, limit: 600)
                guard isFinished else { continue }
                finished += 1
                let value = try JSONParser.parse(bytes)
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(String(validating: bytes, as: UTF8.self) != nil)
                #expect(SchemaValidation.isValid(value, schema), "\(text) by \(String(decoding: schema.json, as: UTF8.self))")
            }
        }
        #expect(finished > 400)
    }

    /// Every text that a token-wise walk allows, byte-wise too: the masks of strings, which are put together from sets,
    /// and those of the whole tree are the same.
    @Test func masksOfStringsAreThoseOfTheWholeTree() throws {
        let maker = try Self.maker(["é", "éé", "\"}x", "a\"", "漢字\""].map { text in
            text.utf8.map { byte in String(Self.character(byte)) }.joined()
        })
        for schema in [
            #"{"type": "string"}"#, #"{"type": "string", "maxLength": 3}"#, #"{"type": "string", "minLength": 2, "maxLength": 4}"#,
            #"{"type": "object", "properties": {"a": {"type": "string", "maxLength": 2}}, "required": ["a"]}"#,
        ] {
            var constraint = try maker.constraint(schema: Self.parsed(schema))
            for byte in Array((schema.contains("object") ? "{\"a\":\"" : "\"").utf8) + [0x61] {
                constraint.accept(Int32(byte) + 1)
            }
            let allowed = constraint.allowed()
            for (token, bytes) in constraint.vocabularyBytes.enumerated() where !bytes.isEmpty {
                var copy = constraint
                for byte in bytes { copy.accept(Int32(byte) + 1) }
                #expect(allowed.contains(Int32(token)) == copy.canGoOn, "\(schema) \(bytes)")
            }
        }
    }

    private static func character(_ byte: UInt8) -> Unicode.Scalar {
        switch byte {
        case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: Unicode.Scalar(byte)
        case 0...0x20: Unicode.Scalar(UInt16(0x100) + UInt16(byte)) ?? "?"
        case 0x7F...0xA0: Unicode.Scalar(UInt16(0x121) + UInt16(byte - 0x7F)) ?? "?"
        default: "\u{143}"
        }
    }

    private func accepts(_ schema: String, _ text: String) throws -> Bool {
        var constraint = try Self.maker().constraint(schema: Self.parsed(schema))
        for byte in text.utf8 { constraint.accept(Int32(byte) + 1) }
        return constraint.isComplete
    }

    @Test func whatIsAllowedIsAllowedAndNothingElse() throws {
        let person = #"""
            {"type": "object", "properties": {"name": {"type": "string", "maxLength": 3}, "age": {"type": "integer"},
             "tags": {"type": "array", "items": {"enum": ["a", "ab", 1, 12, null]}, "minItems": 1, "maxItems": 2}},
             "required": ["name", "tags"], "additionalProperties": false}
            """#
        for text in [
            #"{"name":"é漢😀","tags":["a"]}"#, #"{"name": "", "age": -7, "tags": ["ab", 12]}"#, #"{"name":"\n\u00e9","tags":[1]}"#,
        ] {
            #expect(try accepts(person, text), "\(text)")
        }
        for text in [
            #"{"name":"abcd","tags":["a"]}"#, #"{"tags":["a"],"name":"a"}"#, #"{"name":"a"}"#, #"{"name":"a","tags":[]}"#,
            #"{"name":"a","tags":[1,1,1]}"#, #"{"name":"a","age":1.5,"tags":[1]}"#, #"{"name":"a","age":01,"tags":[1]}"#,
            #"{"name":"a","tags":["abc"]}"#, #"{"name":"a","tags":[1]}x"#, #"{"name":"\ud83d","tags":[1]}"#, "", "{",
        ] {
            #expect(try !accepts(person, text), "\(text)")
        }
        for text in ["0", "-0", "12.5", "1e5", "-1.25E-07"] { #expect(try accepts(#"{"type": "number"}"#, text)) }
        for text in ["01", "1.", ".5", "1e", "+1", "-", "1e999", "NaN"] { #expect(try !accepts(#"{"type": "number"}"#, text)) }
        #expect(try accepts(#"{"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "boolean"}}]}"#, "[true, false]"))
        #expect(try accepts(#"{"type": ["string", "null"]}"#, "null"))
        #expect(try accepts(#"{"const": {"a": [1, "x"]}}"#, #"{"a":[1,"x"]}"#))
    }

    @Test func schemasMayContainThemselvesUpToADepth() throws {
        let tree = ##"{"type": "object", "properties": {"l": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["l"]}"##
        #expect(try accepts(tree, #"{"l":{"l":null}}"#))
        let deep = String(repeating: "{\"l\":", count: 100) + "null" + String(repeating: "}", count: 100)
        #expect(try !accepts(tree, deep))
        var generator = SeededGenerator(seed: 8)
        let constraint = try Self.maker().constraint(schema: Self.parsed(tree))
        for _ in 0..<20 { #expect(draw(constraint, &generator, limit: 4000).isFinished) }
        let endless = ##"{"type": "object", "properties": {"l": {"$ref": "#"}}, "required": ["l"]}"##
        #expect(throws: TextError.self) { try Self.maker().constraint(schema: Self.parsed(endless)) }
    }

    @Test(arguments: [
        (#"{"type": "string", "pattern": "a+"}"#, "pattern"), (#"{"type": "integer", "minimum": 1}"#, "minimum"),
        (#"{"oneOf": []}"#, "anyOf"), (#"{"type": "object"}"#, "properties"), (#"{"type": "array"}"#, "items"),
        (#"{"type": "thing"}"#, "type"), (#"{"$ref": "http://x"}"#, "$defs"), (##"{"$ref": "#/$defs/x"}"##, "#/$defs/x"),
        (#"{"type": "string", "minLength": 3, "maxLength": 2}"#, "maxLength"), (#"{"enum": []}"#, "no value"),
        (#"{"enum": ["a"], "type": "integer"}"#, "no value"), ("[]", "object"), (#"{}"#, "type"),
        (#"{"type": "array", "items": {"type": "null"}, "maxItems": -1}"#, "maxItems"),
        (#"{"type": "object", "properties": {"a": {"type": "null"}}, "required": ["b"]}"#, "b"),
    ])
    func whatOutputCannotBeHeldToIsRefusedByName(schema: String, name: String) throws {
        let error = #expect(throws: TextError.self) { try Self.maker().constraint(schema: Self.parsed(schema)) }
        #expect(error?.description.contains(name) == true, "\(error.map(String.init(describing:)) ?? "")")
    }

    @Test func numbersThatJSONCannotWriteAreRefused() throws {
        let schema = JSONValue.object([.init(key: "enum", value: .array([.number(.infinity)]))])
        #expect(throws: TextError.self) { try Self.maker().constraint(schema: schema) }
    }

    @Test(.enabled(if: RealDecoderTests.smollm2 != nil, "needs the model smollm2"))
    func aRealModelAnswersInTheSchemasForm() throws {
        let decoder = try TextDecoder(path: #require(RealDecoderTests.smollm2))
        let schema = try Self.parsed(#"""
            {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}, "population": {"type": "integer"},
             "isCapital": {"type": "boolean"}}, "required": ["city", "population", "isCapital"], "additionalProperties": false}
            """#)
        let constraint = try ConstraintMaker(decoder).constraint(schema: schema)
        let prompt = try decoder.prompt(for: [.user("Describe Paris as JSON.")])
        for seed in 0..<3 {
            let sampling = SamplingOptions(temperature: 1, seed: UInt64(seed))
            let text = try TextGenerator(decoder, threads: 2).generate(
                prompt, options: .init(sampling: sampling, maximumTokens: 200), constraint: constraint)
            #expect(text.finish == .stop)
            #expect(SchemaValidation.isValid(try JSONParser.parse(Array(text.text.utf8)), schema), "\(text.text)")
        }
    }
}
