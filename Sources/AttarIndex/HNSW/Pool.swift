import AttarTensor
import Synchronization

/// Memory to work with, which one thread at a time takes and gives back: after the first few uses nothing is allocated.
final class Pool<Element>: Sendable {
    private struct Item: @unchecked Sendable {
        let element: Element
    }

    private let items = Mutex<[Item]>([])
    private let make: @Sendable () -> Element

    /// - Parameter make: called when all elements are in use.
    init(_ make: @escaping @Sendable () -> Element) { self.make = make }

    /// Calls `body` with an element that no one else uses meanwhile.
    func withOne<Result>(_ body: (Element) throws -> Result) rethrows -> Result {
        let item = items.withLock { $0.popLast() } ?? Item(element: make())
        defer { items.withLock { $0.append(item) } }
        return try body(item.element)
    }

    /// Calls `body` once for each index in `0 ..< count`, `chunk` of them in a row, on at most `threads` threads.
    func forEach(count: Int, chunk: Int = 1, threads: Int, _ body: @Sendable (Element, Int) -> Void) {
        Parallel.forEachRange(count: count, chunk: chunk, threads: threads) { range in
            withOne { element in for index in range { body(element, index) } }
        }
    }
}

/// What one thread that builds a graph works with.
final class GraphWorker {
    let walk = GraphWalk()
    let selection = NeighbourSelection()
    var met = VisitedSet()

    deinit { met.deallocate() }
}
