import CAttarKernels

/// How an inverted file of codes is built.
public struct IVFParameters: Sendable, Codable, Equatable {
    /// The number of lists, each of the vectors nearest to one centroid. Some 2 to 8 times the root of the number of
    /// vectors serve well.
    public var lists: Int
    /// The subspaces of a code: its bytes, or with 16 codewords its half bytes. Must divide the dimension.
    public var subspaces: Int
    /// The codewords of each subspace: 16, which searches are several times faster with, or 256, which lose less a
    /// byte.
    public var codewords: Int
    /// Whether a code stands for what a vector differs from its list's centroid, or for the vector.
    public var codesResiduals: Bool
    /// Whether vectors are rotated so that the codes lose least (OPQ).
    public var rotates: Bool
    /// Draws the vectors that the quantisers are trained on, and their first centroids.
    public var seed: UInt64

    /// Parameters.
    public init(
        lists: Int, subspaces: Int, codewords: Int = 16, codesResiduals: Bool = true, rotates: Bool = false,
        seed: UInt64 = 1
    ) {
        self.lists = lists
        self.subspaces = subspaces
        self.codewords = codewords
        self.codesResiduals = codesResiduals
        self.rotates = rotates
        self.seed = seed
    }

    static let mostLists = 1 << 20

    /// Why vectors of a dimension cannot be kept so, and what to do; nil when they can.
    public func problem(dimension: Int) -> String? {
        guard (1...Self.mostLists).contains(lists) else {
            return "\(lists) lists were asked for; 1 to \(Self.mostLists) are possible."
        }
        guard codewords == 16 || codewords == 256 else {
            return "\(codewords) codewords were asked for; 16 and 256 are possible."
        }
        guard subspaces > 0, dimension % subspaces == 0 else {
            return "\(subspaces) subspaces do not divide \(dimension) dimensions; choose a divisor."
        }
        let most = ATTAR_SCAN_MOST_SUBSPACES
        guard codewords == 256 || subspaces <= most else {
            return "Codes of \(subspaces) half bytes are too long for sums of 16 bits; use at most \(most)."
        }
        return nil
    }
}

/// How much is looked at for a query.
public struct IVFSearchOptions: Sendable, Equatable {
    /// How many lists are searched, those with the best centroids; more when they do not hold enough vectors. The
    /// usual name is nprobe.
    public var lists: Int
    /// How many of the best by their codes are scored again by the stored vectors, at least k.
    public var rescored: Int
    /// Lists whose centroid's score is below the best one's by more are not searched; nil for any. A query that sits
    /// close to one centroid needs fewer lists than one between many: with a margin, and twice the lists as the most,
    /// a quarter less is scanned at equal recall. In the units of scores, so of cosines for vectors of length 1. With a
    /// filter it does not count.
    public var margin: Float?

    /// Options; what is nil follows from `k`.
    public init(lists: Int? = nil, rescored: Int? = nil, margin: Float? = nil, k: Int) {
        self.lists = max(1, lists ?? 32)
        self.rescored = max(k, rescored ?? 10 * k)
        self.margin = margin
    }
}
