import AttarStorage

extension HNSWIndex {
    /// Reads every byte: all checksums, then every place and link against the sizes of the levels.
    ///
    /// - Throws: `corrupt` naming what was altered.
    /// - Complexity: O(bytes of the file).
    public func verify() throws {
        try file.verify()
        try withExtendedLifetime(self) {
            guard sections.scales?.allSatisfy({ $0.isFinite && $0 > 0 }) ?? hasSoundSigns() else {
                throw corrupt(codes == .int8 ? "a scale" : "a code")
            }
            let levels = sections.view.levels
            for (number, level) in levels.enumerated() {
                guard (0..<UInt32(level.count)).allSatisfy({ hasSoundLinks(level, $0) }) else {
                    throw corrupt("a link of level \(number)")
                }
                guard number == 0 || hasSoundPlaces(level, above: levels[number - 1]) else {
                    throw corrupt("a place of level \(number)")
                }
            }
        }
    }

    /// Bits behind the dimension are 0.
    private func hasSoundSigns() -> Bool {
        let (stride, used) = (HNSWFormat.stride(dimension: dimension, .binary), dimension / 8)
        let rest = UInt8(truncatingIfNeeded: 0xFF << (dimension % 8))
        return (0..<count).allSatisfy { row in
            (used..<stride).allSatisfy { byte in
                let unused: UInt8 = byte == used ? rest : 0xFF
                return UInt8(bitPattern: sections.codes[row * stride + byte]) & unused == 0
            }
        }
    }

    /// Links lead to other places of the level, each to another one, and nothing stands behind the last.
    private func hasSoundLinks(_ level: LevelView, _ place: UInt32) -> Bool {
        let row = UnsafeBufferPointer(start: level.row(place), count: level.degree)
        let links = row.prefix { $0 != HNSWFormat.noPlace }
        return links.allSatisfy { $0 < level.count && $0 != place } && Set(links).count == links.count
            && row[links.count...].allSatisfy { $0 == HNSWFormat.noPlace }
    }

    /// Ordinals ascend, and the place below is that of the same vector.
    private func hasSoundPlaces(_ level: LevelView, above lower: LevelView) -> Bool {
        guard let ordinals = level.ordinals, let below = level.below else { return false }
        return (0..<level.count).allSatisfy { place in
            below[place] < lower.count && ordinals[place] < count && (place == 0 || ordinals[place - 1] < ordinals[place])
                && lower.ordinal(below[place]) == ordinals[place]
        }
    }

    func corrupt(_ what: String) -> StorageError {
        StorageError(.corrupt, path: path, "\(what) of the graph was altered; build the index again.")
    }
}
