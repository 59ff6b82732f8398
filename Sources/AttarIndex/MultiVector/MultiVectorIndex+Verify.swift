import AttarStorage

extension MultiVectorIndex {
    /// Reads every byte: all checksums, then that every number is finite, every token has a centroid, and every list
    /// has the documents whose tokens are near its centroid.
    ///
    /// - Throws: `corrupt` naming what was altered.
    /// - Complexity: O(bytes of the file), and 4 bytes of memory a centroid.
    public func verify() throws {
        try file.verify()
        let ordinals = 0..<UInt32(count)
        guard ordinals.count(where: { tokenRange(of: $0).isEmpty }) == header.emptyDocuments else {
            throw StorageError.altered("the number of documents without tokens", of: path)
        }
        try verifyNumbers()
        guard let coarse else { return }
        guard coarse.centroids.allSatisfy(\.isFinite) else { throw StorageError.altered("a centroid", of: path) }
        try requireAssignments(of: 0..<tokenCount)
        try verifyLists(coarse)
    }

    private func verifyNumbers() throws {
        let areSound =
            switch tokens {
            case .halves(let all): all.allSatisfy { $0 & 0x7F80 != 0x7F80 }
            case .bytes(_, let scales, let zeros):
                scales.allSatisfy(\.isFinite) && zeros.allSatisfy { (-255...255).contains($0) }
            case .codes(_, let codebooks, _): codebooks.allSatisfy(\.isFinite)
            }
        guard areSound else { throw StorageError.altered("a token's vector", of: path) }
    }

    private func verifyLists(_ coarse: CoarseTokens) throws {
        let lists = try (0..<centroidCount).map { try coarse.list(of: $0, path: path) }
        guard lists.last?.upperBound ?? 0 == coarse.lists.count else {
            throw StorageError.altered("a centroid's list", of: path)
        }
        // Documents come ascending, so that each list is met from front to back.
        var next = lists.map(\.lowerBound)
        for document in 0..<UInt32(count) {
            for token in tokenRange(of: document) {
                let centroid = Int(coarse.assignments[token])
                let place = next[centroid]
                if place > lists[centroid].lowerBound, coarse.lists[place - 1] == document { continue }
                guard place < lists[centroid].upperBound, coarse.lists[place] == document else {
                    throw StorageError.altered("a centroid's list", of: path)
                }
                next[centroid] = place + 1
            }
        }
        guard zip(next, lists).allSatisfy({ $0 == $1.upperBound }) else {
            throw StorageError.altered("a centroid's list", of: path)
        }
    }
}
