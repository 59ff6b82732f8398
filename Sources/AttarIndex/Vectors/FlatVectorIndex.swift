import AttarStorage
import AttarTensor
import CAttarKernels

/// Vectors in a mapped file, searched exactly by looking at each.
///
/// Scores are inner products; of vectors of length 1 they are cosines. With int8 codes the query is quantised as the
/// vectors were, and the search is exact for the codes' inner products; those differ from the floats' by about 0.4 %.
/// Binary vectors stand for numbers of one size, ±1 / √dimension, and so does the query then: from such a search one
/// takes many candidates, and scores them again (`RescoredVectorIndex`).
public final class FlatVectorIndex: VectorIndex {
    private let file: SectionFile
    private let header: VectorHeader
    let rows: VectorRows

    /// Opens an index.
    ///
    /// - Throws: `StorageError`: `corrupt`, `newerVersion`, and what `MappedFile` throws.
    public init(path: String) throws {
        file = try SectionFile(path: path, kind: VectorFormat.kind, newestVersion: VectorFormat.newestVersion)
        header = try file.decoded("header")
        guard (0..<Int(UInt32.max)).contains(header.count), (1...65536).contains(header.dimension) else {
            throw StorageError(
                .corrupt, path: path,
                "the header speaks of \(header.count) vectors of \(header.dimension) numbers; build the index again.")
        }
        rows = try VectorRows(file, header)
    }

    /// The path of the file.
    public var path: String { file.path }
    /// The size of the file in bytes.
    public var byteCount: Int { file.byteCount }
    /// The number of vectors.
    public var count: Int { header.count }
    /// The length of a vector.
    public var dimension: Int { header.dimension }
    /// How the numbers are kept.
    public var precision: VectorPrecision { header.precision }
    /// Who made the vectors: the encoder's fingerprint as JSON.
    public var fingerprint: String { header.fingerprint }
    /// True.
    public var isExact: Bool { true }

    /// One vector, `[dimension]`; of codes what they stand for.
    ///
    /// - Precondition: the ordinal is below `count`.
    public func vector(_ ordinal: UInt32) -> [Float] {
        precondition(ordinal < count, "vector \(ordinal) of \(count)")
        return rows.vector(Int(ordinal), dimension: dimension)
    }

    /// Reads every byte and compares every checksum.
    public func verify() throws { try file.verify() }
}

/// What quantisers are trained on and make codes of.
extension FlatVectorIndex: VectorSource {
    /// Copies one vector; of codes what they stand for.
    public func copy(_ row: Int, to target: UnsafeMutablePointer<Float>) {
        precondition(row >= 0 && row < count, "vector \(row) of \(count)")
        rows.copy(row, dimension: dimension, to: target)
    }
}
