import Dispatch
import Foundation

/// Work-sharing over a fixed number of threads.
///
/// Work is divided by index, never by thread, so a result cannot depend on the number of threads: each index writes its
/// own output, and sums over indices are taken by the caller in index order.
public enum Parallel {
    /// The number of processors this process may use.
    public static let processorCount = ProcessInfo.processInfo.activeProcessorCount

    /// Calls `body` once for each index in `0 ..< count`, on at most `threads` threads, and returns when all are done.
    ///
    /// Indices are handed out in order, one at a time: give each a millisecond of work or so, and sort long work first.
    public static func forEach(count: Int, threads: Int = processorCount, _ body: @Sendable (Int) -> Void) {
        guard count > 1, threads > 1 else {
            for index in 0..<count { body(index) }
            return
        }
        let next = Counter()
        DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
            while let index = next.take(below: count) { body(index) }
        }
    }

    /// Calls `body` for consecutive ranges that cover `0 ..< count`, each of `chunk` indices (the last may be shorter).
    public static func forEachRange(
        count: Int, chunk: Int, threads: Int = processorCount, _ body: @Sendable (Range<Int>) -> Void
    ) {
        precondition(chunk > 0, "a chunk of \(chunk) indices")
        forEach(count: (count + chunk - 1) / chunk, threads: threads) { index in
            body((index * chunk)..<min(count, (index + 1) * chunk))
        }
    }
}

/// The next index to hand out.
private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0

    func take(below limit: Int) -> Int? {
        lock.withLock {
            guard value < limit else { return nil }
            defer { value += 1 }
            return value
        }
    }
}
