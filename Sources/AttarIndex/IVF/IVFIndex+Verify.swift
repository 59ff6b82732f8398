import AttarStorage

extension IVFIndex {
    /// Reads every byte: all checksums, then every number and ordinal.
    ///
    /// - Throws: `corrupt` naming what was altered.
    /// - Complexity: O(bytes of the file).
    public func verify() throws {
        try file.verify()
        for (name, numbers) in [("centroids", sections.centroids), ("codebooks", sections.codebooks)] {
            guard numbers.allSatisfy(\.isFinite) else { throw corrupt("a number of the \(name)") }
        }
        guard sections.rotation?.allSatisfy(\.isFinite) ?? true else { throw corrupt("a number of the rotation") }
        var met = OrdinalSet(capacity: count)
        for list in 0..<parameters.lists {
            var previous: UInt32?
            for entry in sections.offsets[list]..<sections.offsets[list + 1] {
                let ordinal = sections.ordinals[entry]
                guard ordinal < count, previous.map({ $0 < ordinal }) ?? true, !met.contains(ordinal) else {
                    throw corrupt("an ordinal of list \(list)")
                }
                met.insert(ordinal)
                previous = ordinal
            }
        }
    }

    private func corrupt(_ what: String) -> StorageError {
        StorageError(.corrupt, path: path, "\(what) was altered; build the index again.")
    }
}
