import AttarTensor
import CAttarKernels
import Foundation
import Testing

/// Every kernel, at every level that this processor can run, against double precision.
///
/// Levels are forced on the test's own thread (tests are synchronous, so they stay on it): other tests in the process
/// keep the level they began with.
@Suite(.serialized) struct KernelTests {
    /// One instruction set, named in the test's output.
    struct Level: CustomTestStringConvertible, Sendable {
        let rawValue: UInt32

        var cpuLevel: attar_cpu_level { attar_cpu_level(rawValue: numericCast(rawValue)) }
        var testDescription: String { String(cString: attar_cpu_name(cpuLevel)) }
        var isScalar: Bool { rawValue == UInt32(ATTAR_CPU_SCALAR.rawValue) }

        /// The levels that can run here.
        static let all: [Level] = (0..<5).map { Level(rawValue: $0) }.filter { attar_cpu_supports($0.cpuLevel) }

        /// Runs the body with this level's kernels.
        func run<Result>(_ body: () throws -> Result) rethrows -> Result {
            #expect(attar_cpu_force_thread(cpuLevel))
            defer { attar_cpu_release_thread() }
            return try body()
        }
    }

    /// Floats in memory of their own, deliberately off any alignment, between guards that an overrun would change.
    final class Buffer {
        private let memory: UnsafeMutablePointer<Float>
        private static let guardValue: Float = -12345.678
        /// None under an address sanitizer (scripts/sanitize), which finds reads outside as well as writes, but only
        /// outside of what was allocated.
        private static let guardCount = ProcessInfo.processInfo.environment["ATTAR_TEST_EXACT_BUFFERS"] == nil ? 17 : 0
        let count: Int

        init(_ values: [Float]) {
            count = values.count
            memory = .allocate(capacity: count + 2 * Self.guardCount)
            memory.initialize(repeating: Self.guardValue, count: count + 2 * Self.guardCount)
            for (index, value) in values.enumerated() { memory[Self.guardCount + index] = value }
        }

        convenience init(repeating value: Float, count: Int) { self.init([Float](repeating: value, count: count)) }

        deinit { memory.deallocate() }

        var start: UnsafeMutablePointer<Float> { memory + Self.guardCount }
        var values: [Float] { Array(UnsafeBufferPointer(start: start, count: count)) }
        subscript(index: Int) -> Float { start[index] }

        /// Whether nothing was written outside.
        var isIntact: Bool {
            (0..<Self.guardCount).allSatisfy {
                memory[$0] == Self.guardValue && memory[Self.guardCount + count + $0] == Self.guardValue
            }
        }
    }

    /// Numbers of any type in memory of exactly their size, off any alignment: the address sanitizer (scripts/sanitize)
    /// sees the slightest read behind them.
    final class Exactly<Number> {
        private let memory: UnsafeMutableRawPointer
        let start: UnsafeMutablePointer<Number>
        let count: Int

        init(_ values: [Number]) {
            count = values.count
            let size = MemoryLayout<Number>.stride
            memory = .allocate(byteCount: size * (count + 1), alignment: 1)
            start = (memory + size).bindMemory(to: Number.self, capacity: count)
            start.initialize(from: values, count: count)
        }

        deinit { memory.deallocate() }

        subscript(index: Int) -> Number { start[index] }
    }

    /// Whether nothing was written outside of any of the buffers.
    static func areIntact(_ buffers: [Buffer]) -> Bool { buffers.allSatisfy(\.isIntact) }

    /// Numbers in −1…1 from a seed.
    static func numbers(_ count: Int, seed: UInt64, scale: Float = 1) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float.random(in: -scale...scale, using: &generator) }
    }

    /// Lengths around the widths of vectors, their tails, and nothing at all.
    static let awkwardCounts = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 65, 100]

    /// Whether two arrays hold the same bits, NaN and the sign of zero included.
    static func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern }
    }
}
