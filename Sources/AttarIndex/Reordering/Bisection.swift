import Foundation

/// The halving itself: see `GraphBisection`.
struct Bisection {
    /// The documents in the order reached.
    private(set) var order: [UInt32]
    private let graph: DocumentGraph
    private let rounds: Int
    private let leafSize: Int
    /// log₂(i + 1).
    private let logarithms: [Float]
    /// For each term, how many documents of either half hold it; zeros between two halvings.
    private var left: [Int32]
    private var right: [Int32]
    /// What is gained when a document that holds the term goes to the other half, as of the round `stamp`.
    private var leaving: [Float]
    private var coming: [Float]
    private var stamp: [Int32]
    private var round: Int32 = 0

    init(_ graph: DocumentGraph, rounds: Int, leafSize: Int) {
        self.graph = graph
        self.rounds = rounds
        self.leafSize = leafSize
        order = (0..<UInt32(graph.documents)).map { $0 }
        logarithms = (0...graph.documents + 1).map { log2(Float($0 + 1)) }
        left = [Int32](repeating: 0, count: graph.terms)
        right = left
        stamp = left
        leaving = [Float](repeating: 0, count: graph.terms)
        coming = leaving
    }

    /// Orders a part of the documents.
    mutating func split(_ range: Range<Int>) {
        guard range.count > leafSize else {
            // What is left is in no particular order.
            order[range].sort()
            return
        }
        let middle = range.lowerBound + range.count / 2
        for place in range { count(order[place], inLeft: place < middle, by: 1) }
        for _ in 0..<rounds {
            round += 1
            guard exchange(range.lowerBound..<middle, middle..<range.upperBound) else { break }
        }
        for place in range { count(order[place], inLeft: place < middle, by: -1) }
        split(range.lowerBound..<middle)
        split(middle..<range.upperBound)
    }

    private func terms(of document: UInt32) -> Range<Int> {
        graph.starts[Int(document)]..<graph.starts[Int(document) + 1]
    }

    private mutating func count(_ document: UInt32, inLeft: Bool, by step: Int32) {
        for edge in terms(of: document) {
            let term = Int(graph.edges[edge])
            if inLeft { left[term] += step } else { right[term] += step }
        }
    }

    /// Exchanges the documents that gain most, pair by pair, as long as both together gain.
    ///
    /// - Returns: whether any went over.
    private mutating func exchange(_ leftRange: Range<Int>, _ rightRange: Range<Int>) -> Bool {
        let leaving = candidates(leftRange, areLeft: true, count: leftRange.count, others: rightRange.count)
        let coming = candidates(rightRange, areLeft: false, count: leftRange.count, others: rightRange.count)
        var exchanged = false
        for (one, other) in zip(leaving, coming) {
            // A rounding error must not send a pair to and fro.
            guard one.gain + other.gain > 1e-4 else { break }
            exchanged = true
            (order[one.place], order[other.place]) = (order[other.place], order[one.place])
            for (place, isLeft) in [(one.place, true), (other.place, false)] {
                count(order[place], inLeft: !isLeft, by: -1)
                count(order[place], inLeft: isLeft, by: 1)
            }
        }
        return exchanged
    }

    private typealias Candidate = (gain: Float, place: Int)

    /// Places by descending gain of going over, of equal ones the first first.
    private mutating func candidates(
        _ range: Range<Int>, areLeft: Bool, count leftSize: Int, others rightSize: Int
    ) -> [Candidate] {
        var candidates: [Candidate] = []
        candidates.reserveCapacity(range.count)
        for place in range {
            var gain: Float = 0
            for edge in terms(of: order[place]) {
                let term = Int(graph.edges[edge])
                if stamp[term] != round { computeGains(of: term, leftSize, rightSize) }
                gain += areLeft ? leaving[term] : coming[term]
            }
            candidates.append((gain, place))
        }
        return candidates.sorted { ($1.gain, $0.place) < ($0.gain, $1.place) }
    }

    private mutating func computeGains(of term: Int, _ leftSize: Int, _ rightSize: Int) {
        stamp[term] = round
        let (here, there) = (Int(left[term]), Int(right[term]))
        let now = bits(here, of: leftSize) + bits(there, of: rightSize)
        if here > 0 { leaving[term] = now - bits(here - 1, of: leftSize) - bits(there + 1, of: rightSize) }
        if there > 0 { coming[term] = now - bits(here + 1, of: leftSize) - bits(there - 1, of: rightSize) }
    }

    /// d · log₂(n / (d + 1)).
    private func bits(_ holders: Int, of size: Int) -> Float {
        Float(holders) * (logarithms[size - 1] - logarithms[holders])
    }
}
