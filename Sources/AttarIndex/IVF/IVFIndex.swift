import AttarStorage
import AttarTensor
import CAttarKernels

/// An inverted file of codes in a mapped file: a query looks at the lists of the centroids that are best for it, by
/// codes of product quantisation, and what is best there is scored again by the vectors themselves (Jégou, Douze &
/// Schmid 2011).
///
///     let index = try IVFIndex(path: "minilm.ivf", vectors: FlatVectorIndex(path: "minilm.vec"))
///     let hits = try index.search(query, k: 10)
///
/// With 16 codewords, codes are looked up in registers (André, Kermarrec & Le Scouarnec 2015).
public final class IVFIndex: Sendable {
    let file: SectionFile
    let header: IVFHeader
    let sections: IVFSections
    let vectors: FlatVectorIndex?
    let options: (@Sendable (_ k: Int) -> IVFSearchOptions)?
    let scans = WorkspacePool { ListScan() }

    /// Opens an index.
    ///
    /// - Parameters:
    ///   - vectors: the vectors of the codes, to score results by; nil to be content with the codes' scores.
    ///   - options: how much a search for k results looks at when it is not told; nil for what follows from k.
    /// - Throws: `StorageError`: `corrupt`, `newerVersion`, and what `MappedFile` throws; `IndexError.otherVectors`
    ///   when the vectors are not those that were coded.
    public init(
        path: String, vectors: FlatVectorIndex? = nil, options: (@Sendable (_ k: Int) -> IVFSearchOptions)? = nil
    ) throws {
        file = try SectionFile(path: path, kind: IVFFormat.kind, newestVersion: IVFFormat.version)
        header = try file.header()
        sections = try IVFSections(file, header)
        self.vectors = vectors
        self.options = options
        try vectors?.requireSame(
            count: header.count, dimension: header.dimension, fingerprint: header.fingerprint, asAt: path)
    }

    /// The path of the file.
    public var path: String { file.path }
    /// The size of the file in bytes.
    public var byteCount: Int { file.byteCount }
    /// The number of vectors; ordinals are below it.
    public var count: Int { header.count }
    /// The length of a vector.
    public var dimension: Int { header.dimension }
    /// Who made the vectors: the encoder's fingerprint as JSON.
    public var fingerprint: String { header.fingerprint }
    /// How the index was built.
    public var parameters: IVFParameters { header.parameters }
    /// False.
    public var isExact: Bool { false }
}

/// The mapped sections of an inverted file, and what is made of them at the start.
struct IVFSections: Sendable {
    let centroids: MappedArray<Float>
    let rotation: MappedArray<Float>?
    let codebooks: MappedArray<Float>
    let ordinals: MappedArray<UInt32>
    let codes: MappedArray<UInt8>
    /// Where each list's entries begin, and where the last ends; ascending, from 0 to the number of vectors.
    let offsets: [Int]
    /// The entries of the longest list.
    let longestList: Int
    /// Where each list's codes begin, in bytes.
    let codeOffsets: [Int]
    /// The codebooks with the codewords side by side, `[subspaces][width][codewords]`: what a dimension of the query
    /// adds to all of a table is a multiple of one row.
    let columns: [Float]
    /// The centroids as bytes, and a scale for each: a query chooses its lists by them. Their scores are off by some
    /// 0.1 % of the lengths, far less than those of half bytes, and a quarter of the memory is read.
    let centroidCodes: [Int8]
    let centroidScales: [Float]

    init(_ file: SectionFile, _ header: IVFHeader) throws {
        let (parameters, dimension) = (header.parameters, header.dimension)
        // Lists are at most 2²⁰, dimensions 2¹⁶, vectors 2³²: far below overflow.
        centroids = try file.array("centroids", count: parameters.lists * dimension)
        rotation = parameters.rotates ? try file.array("rotation", count: dimension * dimension) : nil
        codebooks = try file.array("codebooks", count: parameters.codewords * dimension)
        ordinals = try file.array("ordinals", count: header.count)
        let starts: MappedArray<UInt64> = try file.array("offsets", count: parameters.lists + 1)
        let ascends = zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 }
        guard ascends, starts.first == 0, starts.last == UInt64(header.count) else {
            throw StorageError(
                .corrupt, path: file.path,
                "the lists do not hold \(header.count) vectors one after another; build the index again.")
        }
        offsets = starts.map(Int.init)
        longestList = zip(offsets, offsets.dropFirst()).map { $1 - $0 }.max() ?? 0
        var codeOffsets = [0]
        for list in 0..<parameters.lists {
            let entries = offsets[list + 1] - offsets[list]
            codeOffsets.append(codeOffsets[list] + IVFFormat.codeBytes(entries: entries, parameters))
        }
        codes = try file.array("codes", count: codeOffsets[parameters.lists])
        self.codeOffsets = codeOffsets
        columns = Self.columns(codebooks, parameters, dimension: dimension)
        (centroidCodes, centroidScales) = Self.bytes(of: centroids, dimension: dimension)
    }

    /// Which entries a list has.
    func entries(of list: UInt32) -> Range<Int> { offsets[Int(list)]..<offsets[Int(list) + 1] }

    private static func bytes(of centroids: MappedArray<Float>, dimension: Int) -> (codes: [Int8], scales: [Float]) {
        let lists = centroids.count / dimension
        var codes = [Int8](repeating: 0, count: centroids.count)
        var scales = [Float](repeating: 1, count: lists)
        centroids.withUnsafeBufferPointer { attar_quantize_i8($0.baseAddress, lists, dimension, &codes, &scales) }
        return (codes, scales)
    }

    private static func columns(
        _ codebooks: MappedArray<Float>, _ parameters: IVFParameters, dimension: Int
    ) -> [Float] {
        let (codewords, width) = (parameters.codewords, dimension / parameters.subspaces)
        var columns = [Float](repeating: 0, count: codebooks.count)
        codebooks.withUnsafeBufferPointer { codebooks in
            for subspace in 0..<parameters.subspaces {
                let first = subspace * codewords * width
                for codeword in 0..<codewords {
                    for d in 0..<width {
                        columns[first + d * codewords + codeword] = codebooks[first + codeword * width + d]
                    }
                }
            }
        }
        return columns
    }
}
