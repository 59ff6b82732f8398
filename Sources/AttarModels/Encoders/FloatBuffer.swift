import Foundation

/// Floats at an address that does not change: what packed weights and work areas are made of.
///
/// Arrays would do, but for three things: alignment to cache lines, huge pages for weights (they save a tenth of the time
/// at query size), and growth without copying. Whoever holds a buffer that is shared only reads it.
final class FloatBuffer: @unchecked Sendable {
    /// The first float.
    let start: UnsafeMutablePointer<Float>
    /// How many there are.
    let count: Int
    private let raw: UnsafeMutableRawPointer

    private static let hugePage = 2 << 20

    /// Floats, not initialised.
    init(count: Int) {
        let bytes = max(64, count * MemoryLayout<Float>.stride)
        let isLarge = bytes >= Self.hugePage
        raw = .allocate(byteCount: bytes, alignment: isLarge ? Self.hugePage : 64)
        #if os(Linux)
            if isLarge { _ = madvise(raw, bytes, MADV_HUGEPAGE) }
        #endif
        start = raw.bindMemory(to: Float.self, capacity: count)
        self.count = count
    }

    /// A copy of an array.
    convenience init(_ values: [Float]) {
        self.init(count: values.count)
        values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { start.update(from: base, count: source.count) }
        }
    }

    deinit { raw.deallocate() }
}
