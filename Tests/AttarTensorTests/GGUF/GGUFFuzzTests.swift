import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// Damaged files are refused or read; whatever they say, nothing crashes and nothing is read beyond the file.
///
/// `ATTAR_FUZZ_MINUTES=10 swift test … --filter FuzzTests` goes on for 10 minutes each, and watches the address space,
/// which other tests would disturb. A failure names its seed.
@Suite(.serialized) struct FuzzTests {
    @Test func damagedGGUFFilesNeverCrash() throws {
        let sound = [GGUFBytes.everything().bytes, GGUFHostileTests.small().bytes]
        let damage = { (bytes: [UInt8], seed: UInt64) in
            var mutator = ByteMutator(seed: seed)
            return mutator.damaged(bytes)
        }
        try open(sound, as: "GGUF", damage) { path, size in
            let file = try GGUF(path: path)
            for (name, entry) in file.entries {
                #expect(entry.bytes.lowerBound >= 0 && entry.bytes.upperBound <= size)
                guard let values = try? file.floats(named: name) else { continue }
                #expect(values.count == entry.shape.reduce(1, *) && 4 * values.count <= 8 * size)
                #expect(try file.floats(named: name, rows: (entry.rows - 1)..<entry.rows).count == entry.columns)
            }
        }
    }

    @Test func damagedSafetensorsFilesNeverCrash() throws {
        let header =
            #"{"__metadata__":{"format":"pt","é\n\u00e9":"x"},"#
            + #""a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"#
            + #""b":{"dtype":"F16","shape":[4],"data_offsets":[16,24]},"#
            + #""c":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}"#
        let data = [UInt8](repeating: 0x3C, count: 32)
        let sound = GGUFBytes.little(UInt64(header.utf8.count)) + Array(header.utf8) + data
        // One file in three is damaged in its bytes, the others in what their JSON says, with the length it then has.
        let damage = { (bytes: [UInt8], seed: UInt64) in
            var mutator = ByteMutator(seed: seed), json = JSONMutator(seed: seed)
            guard seed % 3 > 0 else { return mutator.damaged(bytes) }
            let damaged = json.damaged(Array(header.utf8))
            return GGUFBytes.little(UInt64(damaged.count)) + damaged + data
        }
        try open([sound], as: "safetensors", damage) { path, size in
            let file = try Safetensors(path: path)
            for (name, entry) in file.entries {
                #expect(entry.bytes.lowerBound >= 0 && entry.bytes.upperBound <= size)
                _ = try? file.floats(named: name)
                _ = try? file.integers(named: name)
                _ = try? file.mapped(named: name)
            }
        }
    }

    /// Opens damaged copies of the sound files, one after another; errors other than `TensorError` are failures.
    private func open(
        _ sound: [[UInt8]], as format: String, _ damage: ([UInt8], UInt64) -> [UInt8],
        _ open: (String, Int) throws -> Void
    ) throws {
        try withFolder(inMemory: true) { folder in
            var read = 0
            func round(_ seed: UInt64) throws {
                let bytes = damage(sound[Int(seed % UInt64(sound.count))], seed)
                // A new file for each: one that is still mapped must not be shortened.
                let path = folder + "/\(seed)"
                try Data(bytes).write(to: URL(filePath: path))
                defer { try? FileManager.default.removeItem(atPath: path) }
                do {
                    try open(path, bytes.count)
                    read += 1
                } catch is TensorError {
                } catch {
                    Issue.record("\(format), seed \(seed): \(error)")
                }
            }
            for seed in 0..<1000 { try round(UInt64(seed)) }
            let before = FuzzBudget.peakAddressSpace
            let rounds = try FuzzBudget.run(rounds: 3000, round)
            guard FuzzBudget.minutes != nil else { return }
            let growth = try #require(FuzzBudget.peakAddressSpace) - (before ?? 0)
            print("\(format): \(rounds) damaged files, \(read) of them read; address space grew by \(growth) bytes")
            #expect(growth < 1 << 20)
        }
    }
}
