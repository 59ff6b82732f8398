import AttarModels
import AttarStorage
import AttarTestSupport
import Foundation
import Testing

/// Decoders of some kilobytes, and what transformers computes with them (see make_golden.py).
enum TinyDecoders {
    struct Case: Decodable {
        let text: String
        let ids: [Int32]
        let greedy: [Int32]
        /// `[tokens, vocabulary]`
        let logProbabilities: [Double]
        /// `[layers + 1][tokens, hidden]`
        let states: [[Float]]
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").path
    static let names = ["llama", "qwen2", "gguf"]

    static func path(_ name: String) -> String { folder + (name == "gguf" ? "/tiny.gguf" : "/" + name) }

    static func decoder(_ name: String, precision: Precision = .float32) throws -> TextDecoder {
        try TextDecoder(path: path(name), precision: precision)
    }

    static func golden(_ name: String) throws -> [Case] {
        let data = try Data(contentsOf: URL(filePath: folder + "/tiny.json"))
        return try #require(try JSONDecoder().decode([String: [Case]].self, from: data)[name])
    }

    /// The bytes of the tiny GGUF file with one change, in a folder of its own.
    static func withChangedGGUF<Result>(
        _ change: (inout [UInt8]) throws -> Void, _ body: (String) throws -> Result
    ) throws -> Result {
        var bytes = try LocalFileSystem().read(path("gguf"))
        try change(&bytes)
        return try withFolder { folder in
            try AtomicFile.write(bytes, to: folder + "/changed.gguf")
            return try body(folder + "/changed.gguf")
        }
    }

    /// Overwrites the number behind a metadata key: a type of four bytes, then the value.
    static func set(_ key: String, to value: UInt32, in bytes: inout [UInt8]) throws {
        let place = try #require(bytes.firstRange(of: Array(key.utf8)))
        let number = withUnsafeBytes(of: value.littleEndian) { Array($0) }
        bytes.replaceSubrange((place.upperBound + 4)..<(place.upperBound + 8), with: number)
    }

    /// Replaces the first occurrence of a text by another of the same length.
    static func replace(_ text: String, by other: String, in bytes: inout [UInt8]) throws {
        precondition(text.utf8.count == other.utf8.count, "\(text) and \(other) differ in length")
        let place = try #require(bytes.firstRange(of: Array(text.utf8)))
        bytes.replaceSubrange(place, with: Array(other.utf8))
    }
}
