/// Elements at one end of memory that grows, for structures that kernels read while they are built.
///
/// Its owner sees to it that nobody reads while it grows or is written to at the same place.
final class GrowingMemory<Element: BitwiseCopyable>: @unchecked Sendable {
    /// The elements; another address after `grow` and `append`.
    private(set) var start: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 0) {
        self.capacity = max(1, capacity)
        start = .allocate(capacity: self.capacity)
    }

    deinit { start.deallocate() }

    /// Adds so many elements of one value.
    func grow(by more: Int, filledWith value: Element) {
        reserve(count + more)
        (start + count).initialize(repeating: value, count: more)
        count += more
    }

    func append(_ element: Element) { grow(by: 1, filledWith: element) }

    func append(contentsOf elements: UnsafeBufferPointer<Element>) {
        guard let source = elements.baseAddress else { return }
        reserve(count + elements.count)
        (start + count).initialize(from: source, count: elements.count)
        count += elements.count
    }

    private func reserve(_ needed: Int) {
        guard needed > capacity else { return }
        capacity = max(needed, 2 * capacity)
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        larger.initialize(from: start, count: count)
        start.deallocate()
        start = larger
    }

    subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count, "element \(index) of \(count)")
            return start[index]
        }
        set {
            precondition(index >= 0 && index < count, "element \(index) of \(count)")
            start[index] = newValue
        }
    }

    /// The elements as they are now.
    var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: start, count: count) }
}
