import AttarStorage
import AttarTensor
import Synchronization

extension HNSWBuilder {
    /// Goes on with a graph from a file, without some of its vectors; more can be appended.
    ///
    /// The vectors that stay are numbered anew, in their old order. Who was linked to one that goes chooses links anew
    /// among what is left and what the one that goes was linked to (algorithm 4 of Singh et al. 2021, FreshDiskANN), so
    /// that ways do not end where vectors were deleted. Unlike there, the chosen ones get links back, as at an insertion:
    /// without them places would lose more ways that lead to them than they get, and recall with each generation. A
    /// graph over signs chooses links by its vectors where it was opened with them, and by the signs otherwise.
    ///
    /// - Parameters:
    ///   - kept: which vectors stay; nil for all.
    ///   - threads: over how many the repair is shared; the graph does not depend on it.
    /// - Throws: `StorageError.corrupt` when places of the file contradict each other.
    /// - Complexity: O(bytes of the graph), and O(links³) byte products for each vector that loses a neighbour, at
    ///   most.
    public convenience init(continuing index: HNSWIndex, keeping kept: OrdinalSet? = nil, threads: Int = 1) throws {
        self.init(
            dimension: index.dimension, parameters: index.parameters, codes: index.codes,
            fingerprint: index.fingerprint)
        try withExtendedLifetime(index) {
            let places = try copyPlaces(of: index, kept)
            for number in graph.levels.indices where graph.levels[number].count > 0 {
                let repair = LevelRepair(
                    old: index.sections.view.levels[number], new: graph.levels[number], places: places[number],
                    codes: graph.view.codes)
                let backward = Mutex<[Link]>([])
                workers.forEach(count: repair.places.count, chunk: 256, threads: threads) { worker, place in
                    let new = repair.link(UInt32(place), worker)
                    if !new.isEmpty { backward.withLock { $0 += new } }
                }
                let level = graph.levels[number]
                let missing = backward.withLock { $0 }.filter { !level.row($0.from).contains($0.to) }
                enter(missing, level, view: level.view, codes: graph.view.codes, threads: threads)
            }
        }
        reseed()
    }

    /// Copies codes and makes places without links.
    ///
    /// - Returns: for each level its old places' new places, `noPlace` for those that go.
    private func copyPlaces(of index: HNSWIndex, _ kept: OrdinalSet?) throws -> [[UInt32]] {
        let view = index.sections.view
        var maps: [[UInt32]] = []
        for (number, level) in view.levels.enumerated() {
            var map = [UInt32](repeating: HNSWFormat.noPlace, count: level.count)
            for place in 0..<UInt32(level.count) {
                let ordinal = level.ordinal(place)
                guard ordinal < index.count else { throw index.corrupt("a place of level \(number)") }
                guard kept?.contains(ordinal) ?? true else { continue }
                var below: UInt32?
                if let table = level.below {
                    let old = Int(table[Int(place)])
                    guard let lower = maps.last, old < lower.count, lower[old] != HNSWFormat.noPlace else {
                        throw index.corrupt("a place of level \(number)")
                    }
                    below = lower[old]
                } else if index.codes == .binary, let vectors = index.vectors {
                    graph.appendCode(vectors.vector(ordinal))
                } else {
                    graph.appendCode(view.codes.code(ordinal), areSigns: index.codes == .binary)
                }
                map[Int(place)] = graph.appendPlace(level: number, ordinal: maps.first.map { $0[Int(ordinal)] }, below)
            }
            maps.append(map)
        }
        return maps
    }
}

/// How the places of one level get their links when some are gone.
private struct LevelRepair: Sendable {
    let old: LevelView
    let new: GraphMemory.Level
    /// Old places' new places, or `noPlace`.
    let places: [UInt32]
    /// The new graph's.
    let codes: CodeView

    /// Links the new place of an old one, if it stays.
    ///
    /// - Returns: the ways back from places that it was not linked to before.
    func link(_ place: UInt32, _ worker: GraphWorker) -> [Link] {
        let target = places[Int(place)]
        guard target != HNSWFormat.noPlace else { return [] }
        var found: [UInt32] = []
        var gone: [UInt32] = []
        worker.met.reset(old.count)
        _ = worker.met.insert(place)
        collect(place, &found, &gone, worker)
        guard !gone.isEmpty else {
            new.setLinks(target, found)
            return []
        }
        let (before, stayed) = (found.count + gone.count, Set(found))
        // One ring of those that go is usual; more where a whole neighbourhood goes.
        repeat {
            let ring = gone
            gone = []
            for place in ring { collect(place, &found, &gone, worker) }
        } while found.isEmpty && !gone.isEmpty
        worker.selection.addSorted(found, around: codes.code(new.ordinal(target)), new.view, codes)
        let chosen = worker.selection.select(new.degree, fillingUpTo: before, codes)
        new.setLinks(target, chosen)
        return chosen.filter { !stayed.contains($0) }.map { Link(from: $0, to: target) }
    }

    /// Adds the neighbours of an old place that were not met before: new places of those that stay, and those that go.
    private func collect(_ place: UInt32, _ found: inout [UInt32], _ gone: inout [UInt32], _ worker: GraphWorker) {
        let row = old.row(place)
        for index in 0..<old.degree {
            guard row[index] < old.count else { break }
            guard worker.met.insert(row[index]) else { continue }
            let target = places[Int(row[index])]
            if target == HNSWFormat.noPlace { gone.append(row[index]) } else { found.append(target) }
        }
    }
}
