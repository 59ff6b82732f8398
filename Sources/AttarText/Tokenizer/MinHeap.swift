/// A binary heap of numbers that gives the smallest one first.
struct MinHeap {
    private var keys: [UInt64] = []

    /// Takes all numbers out.
    mutating func removeAll() {
        keys.removeAll(keepingCapacity: true)
    }

    /// Adds a number.
    ///
    /// - Complexity: O(log n).
    mutating func insert(_ key: UInt64) {
        var index = keys.count
        keys.append(key)
        while index > 0 {
            let parent = (index - 1) / 2
            if keys[parent] <= key { break }
            keys[index] = keys[parent]
            index = parent
        }
        keys[index] = key
    }

    /// The smallest number, which is taken out; nil when there is none.
    ///
    /// - Complexity: O(log n).
    mutating func popMin() -> UInt64? {
        guard let least = keys.first, let last = keys.popLast() else { return nil }
        guard !keys.isEmpty else { return least }
        var index = 0
        while true {
            var child = 2 * index + 1
            if child >= keys.count { break }
            if child + 1 < keys.count && keys[child + 1] < keys[child] { child += 1 }
            if keys[child] >= last { break }
            keys[index] = keys[child]
            index = child
        }
        keys[index] = last
        return least
    }
}
