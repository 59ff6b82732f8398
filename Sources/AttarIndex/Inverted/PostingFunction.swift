import AttarStorage

/// How the number that is kept with a posting becomes what it adds to a score.
///
/// A number and what divides it give a strength, a strength and a term's weight give a score; each rounded operation is
/// monotone, so that the score of the largest strength of a block is a bound that no posting of it exceeds.
enum PostingFunction {
    /// BM25: the strength is frequency / norm, the score weight − weight / (1 + strength). The reciprocals of the
    /// norms, a passage each; nil stands for 1.
    case saturating(inverseNorms: UnsafePointer<Float>?)
    /// Learned weights: the strength is the number itself, the score weight · strength.
    case linear

    /// What a posting adds before it is rounded to the grid.
    @inline(__always)
    func score(weight: Float, strength: Float) -> Float {
        switch self {
        case .saturating: weight - weight / (1 + strength)
        case .linear: weight * strength
        }
    }

    /// The strength of a posting.
    @inline(__always)
    func strength(of number: Float, at ordinal: UInt32) -> Float {
        switch self {
        case .saturating(let inverseNorms?): number * inverseNorms[Int(ordinal)]
        case .saturating(nil), .linear: number
        }
    }
}

/// What all cursors of one search read. Pointers are valid only inside the closure that is given it.
struct PostingsReader {
    let postings: UnsafeRawBufferPointer
    let blocks: UnsafeBufferPointer<BlockRecord>
    /// The largest strength in each block; as many as blocks, or none where no search is bounded.
    let strengths: UnsafeBufferPointer<Float>
    /// Every ordinal must be below this.
    let passages: UInt32
    let function: PostingFunction
    let grid: ScoreGrid
    /// The file, for messages.
    let path: String

    /// What a posting adds to the passage's score.
    @inline(__always)
    func score(weight: Float, number: Float, ordinal: UInt32) -> Float {
        score(weight: weight, strength: function.strength(of: number, at: ordinal))
    }

    /// What a posting of that strength adds: the same bits as the kernels give.
    @inline(__always)
    func score(weight: Float, strength: Float) -> Float {
        grid.rounded(function.score(weight: weight, strength: strength))
    }

    /// Calls `body` with the ordinals and numbers of a list, ascending, in pieces of up to 128.
    ///
    /// - Throws: `corrupt` when an ordinal is not below `passages` or not above the one before; what `body` throws.
    func forEachBlock(
        of record: TermRecord, _ scratch: SearchScratch,
        _ body: (UnsafeBufferPointer<UInt32>, UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        scratch.reserve(terms: 1)
        let term = PlannedTerm(record: record, weight: 1, strength: 0)
        var cursor = PostingsCursor(term, buffers: scratch.buffers(0))
        try cursor.validate(self)
        try cursor.forEachBlock(self, body)
    }

    func corrupt(_ what: String) -> StorageError { .altered(what, of: path) }
}

extension StorageError {
    static func altered(_ what: String, of path: String) -> StorageError {
        StorageError(.corrupt, path: path, "\(what) of the index was altered; build the index again.")
    }
}

/// A term of a query, bound to a list.
struct PlannedTerm {
    let record: TermRecord
    /// What the strengths of its postings are weighed with.
    var weight: Float
    /// The largest strength in the list.
    let strength: Float
    /// What at least `ImpactFloor.passages` postings of the list reach; 0 when that is not known.
    var floor: Float = 0
}
