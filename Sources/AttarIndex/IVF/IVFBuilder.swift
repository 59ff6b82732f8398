import AttarStorage
import AttarTensor
import CAttarKernels

/// Builds an inverted file of codes over vectors as they arrive, and writes it.
///
///     let quantizer = try IVFQuantizer(flat, parameters: IVFParameters(lists: 1024, subspaces: 96))
///     let builder = IVFBuilder(quantizer: quantizer, fingerprint: flat.fingerprint)
///     for batch in batches { try builder.append(batch) }
///     try builder.write(to: "minilm.ivf")
///
/// What is held are the codes and 4 bytes a vector, never the vectors.
public final class IVFBuilder {
    /// What makes vectors lists and codes.
    public let quantizer: IVFQuantizer
    private let fingerprint: String
    private let seed: UInt64
    /// Of each vector.
    private var lists: [UInt32] = []
    /// `[count, subspaces]`; two to a byte would halve them, but they are packed when they are written.
    private var codes: [UInt8] = []

    /// Vectors that are encoded at a time.
    private static let partRows = 16_384

    /// A builder without vectors.
    ///
    /// - Parameter seed: that the quantiser was trained with, for the file's header.
    public init(quantizer: IVFQuantizer, fingerprint: String, seed: UInt64 = 1) {
        self.quantizer = quantizer
        self.fingerprint = fingerprint
        self.seed = seed
    }

    /// The number of vectors so far.
    public var count: Int { lists.count }

    /// Appends the rows of `[rows, dimension]`.
    ///
    /// - Throws: `IndexError.dimension` and `.notFinite` (the position counts through the matrix), before anything is
    ///   added.
    /// - Complexity: O(rows · dimension · (lists + codewords)), and O(rows · dimension²) with a rotation.
    public func append(_ vectors: Matrix, threads: Int = Parallel.processorCount) throws {
        guard vectors.columns == quantizer.dimension || vectors.rows == 0 else {
            throw IndexError.dimension(expected: quantizer.dimension, found: vectors.columns)
        }
        guard count + vectors.rows < Int(UInt32.max) else { throw IndexError.tooManyPassages(count + vectors.rows) }
        try requireFinite(vectors.values)
        for first in stride(from: 0, to: vectors.rows, by: Self.partRows) {
            let part = vectors.gathered(first..<min(first + Self.partRows, vectors.rows))
            let encoded = quantizer.encode(part, threads: threads)
            lists += encoded.lists
            codes += encoded.codes
        }
    }

    /// Appends all vectors of a source, part by part.
    ///
    /// - Throws: as `append(_:threads:)`, and what `progress` throws.
    public func append(
        _ source: some VectorSource, threads: Int = Parallel.processorCount, progress: (Int) throws -> Void = { _ in }
    ) throws {
        for first in stride(from: 0, to: source.count, by: Self.partRows) {
            let rows = Array(first..<min(first + Self.partRows, source.count))
            try append(SampledVectors(source, rows: rows).gathered(), threads: threads)
            try progress(first + rows.count)
        }
    }

    /// Writes the file; it appears whole or not at all.
    ///
    /// - Returns: its size in bytes.
    /// - Throws: `StorageError`.
    @discardableResult
    public func write(to path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws -> Int {
        let writer = try SectionFileWriter(path: path, kind: IVFFormat.kind, version: IVFFormat.version, on: fileSystem)
        let product = quantizer.product
        let parameters = IVFParameters(
            lists: quantizer.lists, subspaces: product.subspaces, codewords: product.codewords,
            codesResiduals: quantizer.codesResiduals, rotates: quantizer.rotation != nil, seed: seed)
        try writer.add("centroids", quantizer.centroids.values)
        if let rotation = quantizer.rotation { try writer.add("rotation", rotation.values) }
        try writer.add("codebooks", product.codebooks.flatMap(\.values))
        let (offsets, ordinals) = sorted()
        try writer.add("offsets", offsets)
        try writer.add("ordinals", ordinals)
        try writer.add("codes") { section in
            for list in 0..<quantizer.lists {
                try section.append(packed(ordinals[Int(offsets[list])..<Int(offsets[list + 1])], parameters))
            }
        }
        let header = IVFHeader(
            count: count, dimension: quantizer.dimension, fingerprint: fingerprint, parameters: parameters)
        try writer.add("header", json: header)
        return try writer.finish()
    }

    /// Where each list begins, and the ordinals list by list, ascending within each.
    private func sorted() -> (offsets: [UInt64], ordinals: [UInt32]) {
        var offsets = [UInt64](repeating: 0, count: quantizer.lists + 1)
        for list in lists { offsets[Int(list) + 1] += 1 }
        for list in 0..<quantizer.lists { offsets[list + 1] += offsets[list] }
        var next = offsets
        var ordinals = [UInt32](repeating: 0, count: count)
        for (ordinal, list) in lists.enumerated() {
            ordinals[Int(next[Int(list)])] = UInt32(ordinal)
            next[Int(list)] += 1
        }
        return (offsets, ordinals)
    }

    /// The codes of some vectors as the file has them.
    private func packed(_ ordinals: ArraySlice<UInt32>, _ parameters: IVFParameters) -> [UInt8] {
        let subspaces = parameters.subspaces
        var rows: [UInt8] = []
        rows.reserveCapacity(ordinals.count * subspaces)
        for ordinal in ordinals {
            rows.append(contentsOf: codes[(Int(ordinal) * subspaces)..<((Int(ordinal) + 1) * subspaces)])
        }
        guard parameters.codewords == 16 else { return rows }
        var blocks = [UInt8](repeating: 0, count: attar_scan_codes_size(ordinals.count, subspaces))
        attar_pack_scan_codes(rows, ordinals.count, subspaces, &blocks)
        return blocks
    }
}
