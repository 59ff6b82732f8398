import Foundation

/// Work-sharing over a fixed number of threads (see `WorkPool`).
///
/// Work is divided by index, never by thread, so a result cannot depend on the number of threads: each index writes its
/// own output, and sums over indices are taken by the caller in index order.
public enum Parallel {
    /// The number of processors this process may use.
    public static let processorCount = ProcessInfo.processInfo.activeProcessorCount

    /// Calls `body` once for each index in `0 ..< count`, on at most `threads` threads, and returns when all are done.
    ///
    /// Indices are handed out in order, one at a time: give each some ten microseconds of work or more, and sort long
    /// work first. May be called from inside `body`, and from several threads at once.
    public static func forEach(count: Int, threads: Int = processorCount, _ body: @Sendable (Int) -> Void) {
        WorkPool.shared.forEach(count: count, threads: threads, body)
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
