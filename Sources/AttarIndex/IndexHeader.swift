import AttarStorage

/// What the file of an index says of itself, in its section "header" as JSON.
protocol IndexHeader: Decodable {
    /// Whether its numbers can all be true; whoever opens the file computes with them.
    var isPlausible: Bool { get }
}

extension SectionFile {
    /// The header of an index.
    ///
    /// - Throws: `StorageError.corrupt` when it cannot be read or its numbers contradict each other.
    func header<Header: IndexHeader>() throws -> Header {
        let header: Header = try decoded("header")
        guard header.isPlausible else {
            throw StorageError(
                .corrupt, path: path, "the header's numbers contradict each other; build the index again.")
        }
        return header
    }
}

extension FlatVectorIndex {
    /// - Throws: `IndexError.otherVectors` when an index over other vectors stands at the path.
    func requireSame(count: Int, dimension: Int, fingerprint: String, asAt path: String) throws {
        guard count == self.count, dimension == self.dimension, fingerprint == self.fingerprint else {
            throw IndexError.otherVectors(graph: path, vectors: self.path)
        }
    }
}
