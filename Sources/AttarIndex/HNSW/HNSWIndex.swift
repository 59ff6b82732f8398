import AttarStorage
import AttarTensor

/// A graph over vectors in a mapped file, walked by int8 codes or signs; what it finds is scored again by the vectors
/// themselves.
///
/// This is the hierarchical navigable small world of Malkov & Yashunin 2018. What a search reads all the time are codes
/// and links, a good third of the vectors' size; of the vectors only the rows of what was found.
///
///     let index = try HNSWIndex(path: "minilm.hnsw", vectors: FlatVectorIndex(path: "minilm.vec"))
///     let hits = try index.search(query, k: 10)
public final class HNSWIndex: Sendable {
    let file: SectionFile
    let header: HNSWHeader
    let sections: GraphSections
    let vectors: FlatVectorIndex?
    let candidates: (@Sendable (_ k: Int) -> Int)?
    let walks = WorkspacePool { GraphWalk() }

    /// Opens a graph.
    ///
    /// - Parameters:
    ///   - vectors: the vectors of the graph, to score results by; nil to be content with the codes' scores.
    ///   - candidates: how many candidates a search for k results keeps when it is not told; nil for a number that
    ///     follows from k.
    /// - Throws: `StorageError`: `corrupt`, `newerVersion`, and what `MappedFile` throws; `IndexError.otherVectors`
    ///   when the vectors are not the graph's.
    public init(
        path: String, vectors: FlatVectorIndex? = nil, candidates: (@Sendable (_ k: Int) -> Int)? = nil
    ) throws {
        file = try SectionFile(path: path, kind: HNSWFormat.kind, newestVersion: HNSWFormat.newestVersion)
        header = try file.header()
        sections = try GraphSections(file, header)
        self.vectors = vectors
        self.candidates = candidates
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
    /// How the graph was built.
    public var parameters: HNSWParameters { header.parameters }
    /// What the graph is walked by.
    public var codes: HNSWCodes { header.codes ?? .int8 }
    /// False.
    public var isExact: Bool { false }
    /// The number of places on each level, the lowest first.
    public var levelCounts: [Int] { header.count == 0 ? [] : [header.count] + header.upperPlaces }
}

/// The mapped sections of a graph.
struct GraphSections: Sendable {
    let codes: MappedArray<Int8>
    /// Nil for signs.
    let scales: MappedArray<Float>?
    let links: [MappedArray<UInt32>]
    let ordinals: [MappedArray<UInt32>]
    let below: [MappedArray<UInt32>]
    /// Valid while the arrays live.
    let view: GraphView

    init(_ file: SectionFile, _ header: HNSWHeader) throws {
        let isBinary = header.codes == .binary
        let stride = HNSWFormat.stride(dimension: header.dimension, header.codes ?? .int8)
        // Counts are below 2³¹, strides at most 2¹⁶, degrees at most 2⁹: far below overflow.
        codes = try file.array("codes", count: header.count * stride)
        scales = isBinary ? nil : try file.array("scales", count: header.count)
        let counts = [header.count] + header.upperPlaces
        links = try counts.enumerated().map { level, count in
            try file.array("links.\(level)", count: count * header.parameters.degree(level: level))
        }
        ordinals = try header.upperPlaces.enumerated().map { try file.array("ordinals.\($0 + 1)", count: $1) }
        below = try header.upperPlaces.enumerated().map { try file.array("below.\($0 + 1)", count: $1) }
        view = try Self.view(file, header, codes, scales, links, ordinals, below)
    }

    private static func view(
        _ file: SectionFile, _ header: HNSWHeader, _ codes: MappedArray<Int8>, _ scales: MappedArray<Float>?,
        _ links: [MappedArray<UInt32>], _ ordinals: [MappedArray<UInt32>], _ below: [MappedArray<UInt32>]
    ) throws -> GraphView {
        let steps = scales?.elements.baseAddress
        guard let rows = codes.elements.baseAddress, (steps == nil) == (scales == nil) else {
            throw StorageError(.corrupt, path: file.path, "a graph without memory cannot be read.")
        }
        let levels = links.indices.compactMap { level -> LevelView? in
            guard let start = links[level].elements.baseAddress else { return nil }
            let degree = header.parameters.degree(level: level)
            return LevelView(
                links: start, degree: degree, count: links[level].count / degree,
                ordinals: level == 0 ? nil : ordinals[level - 1].elements.baseAddress,
                below: level == 0 ? nil : below[level - 1].elements.baseAddress)
        }
        let codes = CodeView(
            rows: rows, scales: steps, stride: HNSWFormat.stride(dimension: header.dimension, header.codes ?? .int8),
            count: header.count, dimension: header.dimension)
        return GraphView(codes: codes, levels: levels)
    }
}
