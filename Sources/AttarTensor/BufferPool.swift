import Foundation

/// Memory for tensors that is reused from step to step.
///
/// A buffer goes back to the pool when the last tensor that uses it dies, and the next tensor of a similar size takes
/// it: after the first steps a training loop asks the system for nothing, so it meets no page faults. Sizes are rounded
/// up to classes (four to each power of two), because ragged batches differ a little from step to step.
///
/// All functions may be called from any thread.
public final class BufferPool: @unchecked Sendable {
    private let lock = NSLock()
    private var free: [Int: [UnsafeMutablePointer<Float>]] = [:]
    private var allocated = 0

    /// An empty pool.
    public init() {}

    deinit {
        for buffers in free.values {
            for buffer in buffers { UnsafeMutableRawPointer(buffer).deallocate() }
        }
    }

    /// The bytes the pool has taken from the system so far, lent out or free.
    public var allocatedBytes: Int { lock.withLock { allocated } }

    /// The floats that a buffer for `count` floats really has: a multiple of 64 with two significant bits after the
    /// first, at most a quarter more than asked.
    static func capacity(for count: Int) -> Int {
        guard count > 64 else { return 64 }
        let quarter = max(16, 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount - 3))
        return (count + quarter - 1) / quarter * quarter
    }

    /// A buffer of at least `count` floats with arbitrary content.
    func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        let capacity = Self.capacity(for: count)
        let reused: UnsafeMutablePointer<Float>? = lock.withLock {
            if let buffer = free[capacity]?.popLast() { return buffer }
            allocated += capacity * MemoryLayout<Float>.stride
            return nil
        }
        if let reused { return reused }
        let bytes = capacity * MemoryLayout<Float>.stride
        return UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            .bindMemory(to: Float.self, capacity: capacity)
    }

    /// Takes back a buffer that was asked for with the same `count`.
    func giveBack(_ buffer: UnsafeMutablePointer<Float>, count: Int) {
        lock.withLock { free[Self.capacity(for: count), default: []].append(buffer) }
    }
}

/// A run of floats, aligned to 64 bytes, that lives as long as someone refers to it.
final class Storage {
    let pointer: UnsafeMutablePointer<Float>
    let count: Int
    private let pool: BufferPool?
    private let allocation: UnsafeMutableRawPointer?

    /// Memory from a pool, with arbitrary content.
    init(count: Int, pool: BufferPool) {
        self.count = count
        self.pool = pool
        allocation = nil
        pointer = pool.take(count)
    }

    /// Memory of its own, filled with zeros. Pages that nobody touches cost nothing: `calloc` maps them on demand,
    /// which matters for the moments of a large table of which a training run meets a tenth.
    init(zeros count: Int) {
        self.count = count
        pool = nil
        let bytes = max(1, count) * MemoryLayout<Float>.stride + 64
        guard let memory = calloc(bytes, 1) else { preconditionFailure("no memory for a tensor of \(count) floats") }
        allocation = memory
        pointer = memory.alignedUp(toMultipleOf: 64).bindMemory(to: Float.self, capacity: max(1, count))
    }

    deinit {
        if let pool { pool.giveBack(pointer, count: count) }
        free(allocation)
    }

    /// Sets every float to zero.
    func clear() {
        pointer.update(repeating: 0, count: count)
    }
}
