import AttarModels
import AttarStorage
import AttarTestSupport
import Foundation
import Testing

/// A copy of a model of some kilobytes, of which one file after another is damaged.
///
/// JSON is damaged in its bytes or in what it says, weights in their bytes or in their header; a tokenizer has tests of
/// its own (`TokenizerFuzzTests`).
final class DamagedModel {
    private let folder: TemporaryFolder
    private let files: [String: [UInt8]]
    private let victims: [String]
    private var damaged: String?

    /// The path of the copy.
    var path: String { folder.path }

    /// - Parameter source: a folder, which is copied.
    init(copyOf source: String) throws {
        folder = try TemporaryFolder()
        let names = FileManager.default.enumerator(atPath: source)?.compactMap { $0 as? String } ?? []
        var files: [String: [UInt8]] = [:]
        for name in names where try LocalFileSystem().information(at: source + "/" + name)?.kind == .file {
            files[name] = try LocalFileSystem().read(source + "/" + name)
        }
        self.files = files
        victims = files.keys.filter { $0 != "tokenizer.json" && ($0.hasSuffix(".json") || $0.hasSuffix(".safetensors")) }
            .sorted()
        for (name, bytes) in files {
            if let slash = name.lastIndex(of: "/") { try LocalFileSystem().makeDirectory(folder.file(String(name[..<slash]))) }
            try folder.write(bytes, to: name)
        }
    }

    /// Mends what the last call damaged, and damages another file.
    ///
    /// - Returns: the path of the model.
    func damage(seed: UInt64) throws -> String {
        if let damaged { try folder.write(files[damaged] ?? [], to: damaged) }
        let name = victims[Int(seed / 2 % UInt64(victims.count))]
        let bytes = files[name] ?? []
        damaged = name
        var (mutator, hostile) = (ByteMutator(seed: seed), JSONMutator(seed: seed))
        if seed % 2 == 0 {
            try folder.write(mutator.damaged(bytes), to: name)
        } else if name.hasSuffix(".json") {
            try folder.write(hostile.damaged(bytes), to: name)
        } else {
            try folder.write(Self.withHeader(of: bytes) { hostile.damaged($0) }, to: name)
        }
        return path
    }

    /// A safetensors file with another header, and the length that it then has.
    private static func withHeader(of bytes: [UInt8], _ change: ([UInt8]) -> [UInt8]) -> [UInt8] {
        let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = change(Array(bytes[8..<(8 + length)]))
        return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + bytes[(8 + length)...]
    }

    /// Uses the model as it is, then with one damage after another: it works, or there is an error that names the file.
    func fuzz(_ name: String, rounds: Int = 300, use: (String) throws -> Void) throws {
        try use(path)
        let outcome = FuzzBudget.outcome(of: name, rounds: rounds, make: damage, use: use) {
            Self.isRefusal($0, of: path)
        }
        #expect(outcome.otherErrors == [])
        #expect(outcome.used > rounds / 30 && outcome.refused > rounds / 10)
        // A model here has a quarter of a megabyte at most.
        #expect(outcome.growth ?? 0 < 64 << 20)
    }

    /// Whether an error is one that the owner of a model can act on.
    static func isRefusal(_ error: any Error, of path: String) -> Bool {
        switch error {
        // Damaged weights can be numbers like others until they are multiplied.
        case ModelError.notFinite, ModelError.noNextToken: true
        case let error as any AttarError: error.category == .input && error.description.contains(path)
        default: false
        }
    }
}
