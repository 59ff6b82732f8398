import AttarTensor
import Foundation

/// Damages files in many small ways, each from a seed, for tests that a reader survives all of them.
public struct ByteMutator {
    private var generator: SeededGenerator

    /// One seed gives one sequence of damages.
    public init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// The bytes with one to four damages: flipped bits, bytes and words of extreme values, pieces cut, copied,
    /// removed.
    public mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !result.isEmpty { damage(&result) }
        return result
    }

    private mutating func damage(_ bytes: inout [UInt8]) {
        let at = Int.random(in: 0..<bytes.count, using: &generator)
        let length = min(Int.random(in: 1...64, using: &generator), bytes.count - at)
        switch Int.random(in: 0..<10, using: &generator) {
        case 0, 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: bytes[at] = UInt8.random(in: 0...255, using: &generator)
        case 3: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x5B, 0x7B].randomElement(using: &generator) ?? 0
        case 4, 5: overwrite(&bytes, at: at, with: extremeWord())
        case 6: bytes.removeSubrange(at..<(at + length))
        case 7: bytes.insert(contentsOf: Array(bytes[at..<(at + length)]), at: at)
        case 8:
            let target = Int.random(in: 0..<bytes.count, using: &generator)
            overwrite(&bytes, at: target, with: Array(bytes[at..<(at + length)]))
        default: bytes.removeSubrange(at...)
        }
    }

    /// Numbers of 32 or 64 bits where counts, lengths and offsets break: about zero, about powers of two, the largest.
    private mutating func extremeWord() -> [UInt8] {
        let power = UInt64(1) << UInt64.random(in: 0..<64, using: &generator)
        let word = [power, power &- 1, 0 &- power, power &+ 1, .max, 0].randomElement(using: &generator) ?? 0
        let bytes = withUnsafeBytes(of: word.littleEndian) { Array($0) }
        return Bool.random(using: &generator) ? bytes : Array(bytes[..<4])
    }

    private func overwrite(_ bytes: inout [UInt8], at start: Int, with piece: [UInt8]) {
        for (offset, byte) in piece.enumerated() where start + offset < bytes.count { bytes[start + offset] = byte }
    }
}

/// How long tests that damage files go on: a few thousand rounds, or ATTAR_FUZZ_MINUTES minutes each.
public enum FuzzBudget {
    /// The minutes asked for, or nil.
    public static let minutes = ProcessInfo.processInfo.environment["ATTAR_FUZZ_MINUTES"].flatMap { Double($0) }

    /// Calls `body` with 0, 1, 2 … as seeds, `rounds` times or as long as was asked for; returns how often.
    @discardableResult
    public static func run(rounds: Int, _ body: (UInt64) throws -> Void) rethrows -> Int {
        guard let minutes else {
            for seed in 0..<rounds { try body(UInt64(seed)) }
            return rounds
        }
        let end = Date(timeIntervalSinceNow: 60 * minutes)
        var seed = 0
        while Date() < end {
            try body(UInt64(seed))
            seed += 1
        }
        return seed
    }

    /// Uses damaged things, and counts what becomes of them; with `minutes` prints it, and by how much the address space
    /// grew after the first ones.
    ///
    /// - Parameters:
    ///   - make: the damaged thing of a seed; one that cannot be made does not count.
    ///   - isRefusal: whether an error is one that a user can act on.
    public static func outcome<Thing>(
        of name: String, rounds: Int, make: (UInt64) throws -> Thing, use: (Thing) throws -> Void,
        isRefusal: (any Error) -> Bool
    ) -> FuzzOutcome {
        var outcome = FuzzOutcome()
        var before: Int?
        run(rounds: rounds) { seed in
            if seed == warmUp { before = peakAddressSpace }
            guard let thing = try? make(seed) else { return }
            outcome.tried += 1
            do {
                try use(thing)
                outcome.used += 1
            } catch {
                outcome.refused += 1
                if !isRefusal(error), outcome.otherErrors.count < 10 {
                    outcome.otherErrors.append("seed \(seed): \(error)")
                }
            }
        }
        if minutes != nil {
            if let before, let peak = peakAddressSpace { outcome.growth = peak - before }
            print(
                "\(name): \(outcome.tried) tried, \(outcome.used) used, \(outcome.refused) refused; address space grew by "
                    + "\(outcome.growth ?? 0) bytes")
        }
        return outcome
    }

    /// After so many damaged things all that is allocated once is there.
    private static let warmUp: UInt64 = 1000

    /// The most address space that this process ever had, in bytes, so that also memory asked for and never touched
    /// counts; nil where the system does not tell.
    public static var peakAddressSpace: Int? {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmPeak:") }),
            let kilobytes = line.split(whereSeparator: { !$0.isNumber }).first.flatMap({ Int($0) })
        else { return nil }
        return 1024 * kilobytes
    }
}

/// What became of damaged things.
public struct FuzzOutcome: Sendable, Equatable {
    /// How many there were.
    public internal(set) var tried = 0
    /// Those found sound enough to be used.
    public internal(set) var used = 0
    /// Those that gave an error.
    public internal(set) var refused = 0
    /// The first errors that no user can act on; there should be none.
    public internal(set) var otherErrors: [String] = []
    /// By how many bytes the address space grew; nil without `FuzzBudget.minutes`.
    public internal(set) var growth: Int?
}
