import AttarStorage
import CAttarKernels

/// The vectors of a sparse index, passage by passage.
struct SparseVectors: Sendable {
    let columns: MappedArray<UInt32>
    let codes: MappedArray<UInt16>
    private let ends: MappedArray<UInt64>
    /// The number of columns.
    let width: Int
    private let path: String

    /// The vectors of a file.
    ///
    /// - Throws: `corrupt` when the sections' lengths do not belong together.
    init(_ file: SectionFile, passages: Int, count: Int, width: Int) throws {
        ends = try file.array("ends", count: passages)
        columns = try file.array("columns", count: count)
        codes = try file.array("codes", count: count)
        self.width = width
        path = file.path
    }

    /// Where a passage's vector lies.
    ///
    /// - Precondition: the ordinal is below the number of passages.
    /// - Throws: `corrupt` when that is outside of the file.
    func range(of ordinal: UInt32) throws -> Range<Int> {
        let start = ordinal == 0 ? 0 : ends[Int(ordinal) - 1], end = ends[Int(ordinal)]
        guard start <= end, end <= UInt64(columns.count) else { throw StorageError.altered("a vector", of: path) }
        return Int(start)..<Int(end)
    }

    /// The inner product with a query of `width` + 1 weights, the last of them 0, rounded as scores of postings are.
    func score(of ordinal: UInt32, query: UnsafePointer<Float>, grid: ScoreGrid) throws -> Float {
        let range = try range(of: ordinal)
        guard let column = columns.elements.baseAddress, let code = codes.elements.baseAddress else { return 0 }
        return attar_sparse_dot(
            column + range.lowerBound, code + range.lowerBound, range.count, query, UInt32(width), grid.step)
    }
}
