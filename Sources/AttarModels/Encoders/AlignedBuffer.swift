import Foundation

/// Numbers at an address that does not change: what packed weights and work areas are made of.
///
/// Arrays would do, but for three things: alignment to cache lines, huge pages for weights (they save a tenth of the
/// time at query size), and growth without copying. Whoever holds a buffer that is shared only reads it.
final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
    /// The first number.
    let start: UnsafeMutablePointer<Element>
    /// How many there are.
    let count: Int
    private let raw: UnsafeMutableRawPointer

    /// Numbers, not initialised.
    init(count: Int) {
        let hugePage = 2 << 20
        let bytes = max(64, count * MemoryLayout<Element>.stride)
        let isLarge = bytes >= hugePage
        raw = .allocate(byteCount: bytes, alignment: isLarge ? hugePage : 64)
        #if os(Linux)
            if isLarge { _ = madvise(raw, bytes, MADV_HUGEPAGE) }
        #endif
        start = raw.bindMemory(to: Element.self, capacity: count)
        self.count = count
    }

    /// A copy of an array.
    convenience init(_ values: [Element]) {
        self.init(count: values.count)
        values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { start.update(from: base, count: source.count) }
        }
    }

    /// All of them; valid only while this object lives.
    var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: start, count: count) }

    deinit { raw.deallocate() }
}

typealias FloatBuffer = AlignedBuffer<Float>
