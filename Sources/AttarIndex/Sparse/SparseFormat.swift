import AttarStorage

/// The layout of a sparse index file, kind "sparse", version 1: lists by column, and the vectors themselves.
///
/// A column's postings are parted into two lists: the strong ones, which are the largest weights, and the weak ones,
/// the rest. A search adds up the strong ones, knows from the largest weak ones how much can be missing, and completes
/// the few passages that matter from their vectors (see `LayeredSearch`).
///
/// Sections:
///
///     header    JSON `SparseHeader`
///     records   `TermRecord`, two a column: its strong list, its weak list; as in `InvertedFormat`
///     blocks    `BlockRecord` a block, for lists of more than one block
///     postings  the blocks' bytes (see `PostingBlock`); the numbers beside the ordinals are codes of weights
///     ends      u64 a passage: where its vector ends in the two sections that follow
///     columns   u32 a weight
///     codes     u16 a weight
///
/// A weight w is kept as the code round(w / step), at least 1, where the step is the largest weight of all divided by
/// 65,534: what is kept differs by at most half a step, about 1 / 131,000 of the largest weight, from what was given;
/// of a weight below half a step, by at most one.
enum SparseFormat {
    static let kind = "sparse"
    static let version = 1
    /// One below the number that stands for any in an `ImpactBound`.
    static let largestCode: UInt32 = 65_534

    /// How many postings of a column are strong: 16 blocks, or a fiftieth of the passages when that is more.
    static func strongPostings(passages: Int) -> Int { max(16 * InvertedFormat.blockSize, passages / 50) }
}

/// What the file says of itself.
struct SparseHeader: Codable, IndexHeader {
    var passages: Int
    var columns: Int
    var postings: Int
    /// What the codes are multiplied with.
    var step: Float
    /// Free facts of the writer, such as who made the weights.
    var attributes: [String: String] = [:]

    var isPlausible: Bool {
        passages >= 0 && passages < UInt32.max && (0...Int(Int32.max)).contains(columns) && postings >= 0 && step > 0
            && step.isFinite
    }
}
