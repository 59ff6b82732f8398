/// Where each passage of several indexes comes to stand in the one that they are merged into.
struct PassagePlaces {
    /// The number of passages of an index, and those that stay; nil when all do.
    typealias Source = (passages: Int, live: OrdinalSet?)

    /// The place of a passage that does not stay.
    static let gone = UInt32.max
    /// For each index, the new ordinal of each of its passages.
    let ordinals: [[UInt32]]
    /// The number of passages that stay.
    let count: Int

    /// How many passages stay.
    ///
    /// - Throws: `IndexError` when they do not fit one index.
    /// - Precondition: each set has the capacity of its index.
    static func count(_ sources: [Source]) throws -> Int {
        var count = 0
        for (passages, live) in sources {
            precondition(
                live.map { $0.capacity == passages } ?? true,
                "a set of \(live?.capacity ?? 0) ordinals for \(passages) passages")
            count += live?.count ?? passages
        }
        guard count < Int(UInt32.max) else { throw IndexError.tooManyPassages(count) }
        return count
    }

    /// - Parameter order: which passage becomes passage 0, 1, 2 …, where those that stay are numbered through all
    ///   indexes; nil leaves them in that order.
    /// - Precondition: `order` holds the number of each passage once.
    init(_ sources: [Source], order: [UInt32]? = nil) {
        var next: UInt32 = 0
        let numbered = sources.map { passages, live in
            (0..<UInt32(passages)).map { ordinal -> UInt32 in
                guard live?.contains(ordinal) ?? true else { return Self.gone }
                next += 1
                return next - 1
            }
        }
        count = Int(next)
        let inverse = order.map { Self.inverse(of: $0, count: Int(next)) }
        ordinals = inverse.map { inverse in
            numbered.map { $0.map { $0 == Self.gone ? $0 : inverse[Int($0)] } }
        } ?? numbered
    }

    private static func inverse(of order: [UInt32], count: Int) -> [UInt32] {
        precondition(order.count == count, "an order of \(order.count) passages for \(count)")
        var inverse = [UInt32](repeating: gone, count: count)
        for (place, passage) in order.enumerated() {
            precondition(Int(passage) < count && inverse[Int(passage)] == gone, "\(passage) is no passage, or twice")
            inverse[Int(passage)] = UInt32(place)
        }
        return inverse
    }
}
