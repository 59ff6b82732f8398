import AttarStorage
import AttarTensor
import CAttarKernels

/// Vectors in a mapped file, searched exactly by looking at each.
///
/// Scores are inner products; of vectors of length 1 they are cosines. With int8 codes the query is quantised as the
/// vectors were, and the search is exact for the codes' inner products; those differ from the floats' by about 0.4 %.
public final class FlatVectorIndex: VectorIndex {
    private let file: SectionFile
    private let header: VectorHeader
    /// fp32 rows or int8 codes, `[count, dimension]`.
    let floats: MappedArray<Float>?
    let codes: MappedArray<Int8>?
    let scales: MappedArray<Float>?

    /// Opens an index.
    ///
    /// - Throws: `StorageError`: `corrupt`, `newerVersion`, and what `MappedFile` throws.
    public init(path: String) throws {
        file = try SectionFile(path: path, kind: VectorFormat.kind, newestVersion: VectorFormat.version)
        header = try file.decoded("header")
        guard (0..<Int(UInt32.max)).contains(header.count), (1...65536).contains(header.dimension) else {
            throw StorageError(
                .corrupt, path: path,
                "the header speaks of \(header.count) vectors of \(header.dimension) numbers; build the index again.")
        }
        // At most 2³² · 2¹⁶, far below overflow.
        let numbers = header.count * header.dimension
        floats = header.precision == .float32 ? try file.array("vectors", count: numbers) : nil
        codes = header.precision == .int8 ? try file.array("vectors", count: numbers) : nil
        scales = header.precision == .int8 ? try file.array("scales", count: header.count) : nil
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

    /// One vector, `[dimension]`; of int8 codes what they stand for.
    ///
    /// - Precondition: the ordinal is below `count`.
    public func vector(_ ordinal: UInt32) -> [Float] {
        precondition(ordinal < count, "vector \(ordinal) of \(count)")
        let range = (Int(ordinal) * dimension)..<((Int(ordinal) + 1) * dimension)
        if let floats { return floats.withUnsafeBufferPointer { Array($0[range]) } }
        guard let codes, let scales else { return [] }
        let scale = scales[Int(ordinal)]
        return codes.withUnsafeBufferPointer { $0[range].map { Float($0) * scale } }
    }

    /// Reads every byte and compares every checksum.
    public func verify() throws { try file.verify() }
}
