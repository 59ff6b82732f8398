import AttarStorage
import AttarTensor
import Foundation
import Synchronization

/// Builds a graph over vectors as they arrive, and writes it to a file.
///
///     let builder = HNSWBuilder(dimension: 384, fingerprint: json)
///     for batch in batches { try builder.append(batch) }
///     try builder.write(to: "minilm.hnsw")
///
/// The graph is that of Malkov & Yashunin 2018, over int8 codes; where it is to be walked by signs, they are made of
/// these codes when it is written, and links are still those of the better codes. Vectors are inserted in groups: those
/// of a group find their neighbours at the same time, in the graph as it was before and among themselves, and are linked
/// afterwards. So the result does not depend on the number of threads.
public final class HNSWBuilder {
    /// The length of a vector.
    public var dimension: Int { graph.dimension }
    /// The number of vectors so far; the next one gets it as its ordinal.
    public var count: Int { graph.count }
    /// How the graph is built.
    public var parameters: HNSWParameters { graph.parameters }
    /// What searches will walk by.
    public let codes: HNSWCodes
    let fingerprint: String
    let graph: GraphMemory
    private var generator: SeededGenerator
    let workers = WorkspacePool { GraphWorker() }
    /// Vectors that are inserted together.
    private static let groupSize = 64

    /// An empty graph.
    ///
    /// - Precondition: `dimension` lies in 1 … 65536, `parameters.links` in 2 … 256, `parameters.candidates` in 1 …
    ///   10000.
    public init(
        dimension: Int, parameters: HNSWParameters = .init(), codes: HNSWCodes = .int8, fingerprint: String
    ) {
        precondition((1...65536).contains(dimension), "vectors of \(dimension) numbers")
        precondition(parameters.areValid, "\(parameters)")
        graph = GraphMemory(dimension: dimension, parameters: parameters)
        self.codes = codes
        self.fingerprint = fingerprint
        generator = SeededGenerator(seed: parameters.seed)
    }

    /// Inserts the rows of `[rows, dimension]`.
    ///
    /// - Parameter threads: over how many the search for neighbours is shared; the graph does not depend on it.
    /// - Throws: `IndexError.dimension`, `.notFinite` (the position counts through the matrix) and `.tooManyPassages`,
    ///   before anything is inserted.
    /// - Complexity: O(rows · candidates · links · log(count)) byte products of `dimension`, about.
    public func append(_ vectors: Matrix, threads: Int = 1) throws {
        guard vectors.columns == dimension || vectors.rows == 0 else {
            throw IndexError.dimension(expected: dimension, found: vectors.columns)
        }
        guard count + vectors.rows < HNSWFormat.maximumCount else {
            throw IndexError.tooManyPassages(count + vectors.rows)
        }
        try requireFinite(vectors.values)
        for start in stride(from: 0, to: vectors.rows, by: Self.groupSize) {
            insert(vectors, start..<min(start + Self.groupSize, vectors.rows), threads: threads)
        }
    }

    private func insert(_ vectors: Matrix, _ rows: Range<Int>, threads: Int) {
        let before = graph.levels.map(\.count)
        let firstOrdinal = UInt32(count)
        vectors.values.withUnsafeBufferPointer { values in
            guard let start = values.baseAddress else { return }
            for row in rows { graph.appendCode(start + row * dimension) }
        }
        let group = rows.indices.map { index in
            let ordinal = firstOrdinal + UInt32(index - rows.lowerBound)
            return NewVector(ordinal: ordinal, places: graph.appendPlaces(ordinal, upTo: drawLevel()))
        }
        let plan = InsertionPlan(graph: graph.view, parameters: parameters, group: group, before: before)
        link(plan, threads: threads)
    }

    /// Draws other numbers for the vectors that come than for those that are there.
    func reseed() {
        generator = SeededGenerator(seed: parameters.seed &+ UInt64(count) &* 0x9E37_79B9_7F4A_7C15)
    }

    /// The highest level of a new vector: each has a share of 1 / links of the places below.
    private func drawLevel() -> Int {
        let level = -log(1 - generator.uniform()) / log(Double(parameters.links))
        return min(Int(level), HNSWFormat.maximumLevels - 1)
    }

    /// Finds the neighbours of a group's vectors, then enters the links both ways.
    private func link(_ plan: InsertionPlan, threads: Int) {
        let found = Mutex([[[UInt32]]](repeating: [], count: plan.group.count))
        workers.forEach(count: plan.group.count, threads: threads) { worker, index in
            let neighbours = plan.neighbours(of: index, worker)
            found.withLock { $0[index] = neighbours }
        }
        let neighbours = found.withLock { $0 }
        for number in graph.levels.indices {
            let level = graph.levels[number]
            var backward: [Link] = []
            for (vector, lists) in zip(plan.group, neighbours) where number < lists.count {
                level.setLinks(vector.places[number], lists[number])
                backward += lists[number].map { Link(from: $0, to: vector.places[number]) }
            }
            enter(backward, level, view: plan.graph.levels[number], codes: plan.graph.codes, threads: threads)
        }
    }

    /// Adds links to places that have links already; those that have too many choose anew.
    func enter(
        _ links: [Link], _ level: GraphMemory.Level, view: LevelView, codes: CodeView, threads: Int
    ) {
        let sorted = links.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
        var starts = sorted.indices.filter { $0 == 0 || sorted[$0 - 1].from != sorted[$0].from }
        starts.append(sorted.count)
        let runs = zip(starts, starts.dropFirst()).map { $0..<$1 }
        workers.forEach(count: runs.count, chunk: 16, threads: threads) { worker, run in
            let place = sorted[runs[run].lowerBound].from
            let old = level.row(place).prefix(level.linkCount(place))
            let all = Array(old) + sorted[runs[run]].map(\.to)
            if all.count <= level.degree {
                level.setLinks(place, all)
            } else {
                let base = codes.code(level.ordinal(place))
                worker.selection.addSorted(all, around: base, view, codes)
                level.setLinks(place, worker.selection.select(level.degree, codes))
            }
        }
    }
}

/// A vector that is being inserted, and its place on each of its levels.
struct NewVector: Sendable {
    let ordinal: UInt32
    let places: [UInt32]
}

/// One direction of a link between places of a level.
struct Link: Sendable {
    let from: UInt32
    let to: UInt32
}

/// How a group of new vectors finds its neighbours.
struct InsertionPlan: Sendable {
    let graph: GraphView
    let parameters: HNSWParameters
    let group: [NewVector]
    /// How many places the levels had before the group; a level that is new is not among them.
    let before: [Int]

    /// The links of one of the group on each of its levels, the lowest first.
    func neighbours(of index: Int, _ worker: GraphWorker) -> [[UInt32]] {
        let vector = group[index]
        let code = graph.codes.code(vector.ordinal)
        var result = [[UInt32]](repeating: [], count: vector.places.count)
        let top = before.lastIndex { $0 > 0 }
        var place: UInt32 = 0
        for number in stride(from: max(top ?? 0, vector.places.count - 1), through: 0, by: -1) {
            let level = graph.levels[number]
            let exists = top.map { number <= $0 } ?? false
            if number >= vector.places.count {
                place = worker.walk.climb(from: place, level, graph.codes, code)
            } else {
                if exists {
                    worker.walk.search(
                        from: place, capacity: parameters.candidates, level, graph.codes, code)
                    // Scales of a broken file, or numbers near the largest, give scores that are none: nothing is found.
                    if worker.walk.pool.count > 0 { place = worker.walk.pool[0] }
                } else {
                    worker.walk.empty(capacity: parameters.candidates)
                }
                for other in group[..<index] where other.places.count > number {
                    worker.walk.offer(other.places[number], level, graph.codes, code)
                }
                result[number] = select(level, worker)
            }
            if exists, number > 0, let below = level.below { place = below[Int(place)] }
        }
        return result
    }

    private func select(_ level: LevelView, _ worker: GraphWorker) -> [UInt32] {
        worker.selection.begin()
        let pool = worker.walk.pool
        for rank in 0..<pool.count {
            worker.selection.add(pool[rank], ordinal: level.ordinal(pool[rank]), score: pool.score(rank))
        }
        return worker.selection.select(parameters.links, graph.codes)
    }
}
