import Synchronization

/// The rows of a result that several threads fill, each its own.
struct SharedRows: @unchecked Sendable {
    let start: UnsafeMutablePointer<Float>
    let columns: Int

    func row(_ index: Int) -> UnsafeMutablePointer<Float> { start + index * columns }
}

/// Counts finished texts and tells the caller, one call at a time.
final class ProgressCounter: Sendable {
    private let done = Mutex(0)
    private let total: Int
    private let report: (@Sendable (Int, Int) -> Void)?

    init(total: Int, _ report: (@Sendable (Int, Int) -> Void)?) {
        self.total = total
        self.report = report
    }

    func add(_ count: Int) {
        guard let report else { return }
        done.withLock {
            $0 += count
            report($0, total)
        }
    }
}

/// One result a text, set from several threads.
final class PerText<Value: Sendable>: Sendable {
    private let values: Mutex<[Value?]>

    init(count: Int) {
        values = Mutex(Array(repeating: nil, count: count))
    }

    func set(_ text: Int, _ value: Value) {
        values.withLock { $0[text] = value }
    }

    /// All results, in the order of the texts; every one must have been set.
    var all: [Value] { values.withLock { $0.compactMap { $0 } } }
}
