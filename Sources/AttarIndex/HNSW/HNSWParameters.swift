/// What a graph is walked by.
public enum HNSWCodes: String, Sendable, Codable, CaseIterable {
    /// Bytes with one scale a vector.
    case int8
    /// Signs, 8 numbers a byte: an eighth of the codes' memory, for more candidates.
    case binary
}

/// How a graph is built. The defaults are those of hnswlib.
public struct HNSWParameters: Sendable, Codable, Equatable {
    /// The most links of a vector on an upper level, and those that a new vector makes on each level; the lowest level
    /// holds up to twice as many a vector. The paper's M.
    public var links = 16
    /// How many near vectors are found for a new one before its links are chosen among them. The paper's
    /// efConstruction.
    public var candidates = 200
    /// Decides on which levels the vectors stand.
    public var seed: UInt64 = 1

    /// Parameters.
    public init(links: Int = 16, candidates: Int = 200, seed: UInt64 = 1) {
        self.links = links
        self.candidates = candidates
        self.seed = seed
    }

    static let linkRange = 2...256
    static let candidateRange = 1...10_000

    var areValid: Bool { Self.linkRange.contains(links) && Self.candidateRange.contains(candidates) }

    /// The room for links of a vector on a level; level 0 is the lowest.
    func degree(level: Int) -> Int { level == 0 ? 2 * links : links }
}

/// How much is looked at for a query.
public struct HNSWSearchOptions: Sendable, Equatable {
    /// How many of the nearest vectors met so far are kept and gone on from, at least k: more find more. The paper's
    /// ef.
    public var candidates: Int
    /// How many of them are scored again by the stored vectors, at least k.
    public var rescored: Int

    /// Options; what is nil follows from `k` and the codes.
    public init(candidates: Int? = nil, rescored: Int? = nil, k: Int) {
        self.candidates = max(k, candidates ?? max(64, 2 * k))
        self.rescored = min(max(k, rescored ?? 2 * k + 4), self.candidates)
    }
}
