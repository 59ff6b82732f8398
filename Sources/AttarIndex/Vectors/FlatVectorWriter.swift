import AttarStorage
import AttarTensor
import CAttarKernels

/// Writes vectors to a flat index file as they arrive, in bounded memory.
///
///     let writer = try FlatVectorWriter(path: "minilm.vec", dimension: 384, precision: .int8, fingerprint: json)
///     for batch in batches { try writer.append(batch) }
///     try writer.finish()
public final class FlatVectorWriter {
    /// The length of a vector.
    public let dimension: Int
    /// The number of vectors so far.
    public private(set) var count = 0
    private let precision: VectorPrecision
    private let fingerprint: String
    private let writer: SectionFileWriter
    private let section: SectionFileWriter.Sink
    private var scales: [Float] = []

    /// Starts a file; it gets its name only when `finish()` succeeds.
    ///
    /// - Precondition: `dimension` lies in 1 … 65536.
    public init(
        path: String, dimension: Int, precision: VectorPrecision = .float32, fingerprint: String,
        on fileSystem: any FileSystem = LocalFileSystem()
    ) throws {
        precondition((1...65536).contains(dimension), "vectors of \(dimension) numbers")
        self.dimension = dimension
        self.precision = precision
        self.fingerprint = fingerprint
        writer = try SectionFileWriter(
            path: path, kind: VectorFormat.kind, version: VectorFormat.version(of: precision), on: fileSystem)
        section = try writer.begin("vectors")
    }

    /// Appends the rows of `[rows, dimension]`.
    ///
    /// - Throws: `IndexError.dimension` and `.notFinite` (the position counts through the matrix), before anything is
    ///   written; `StorageError` when writing fails, after which the writer is of no use.
    public func append(_ vectors: Matrix) throws {
        guard vectors.columns == dimension || vectors.rows == 0 else {
            throw IndexError.dimension(expected: dimension, found: vectors.columns)
        }
        guard count + vectors.rows < Int(UInt32.max) else { throw IndexError.tooManyPassages(count + vectors.rows) }
        try requireFinite(vectors.values)
        switch precision {
        case .float32: try section.append(vectors.values)
        case .bfloat16:
            var halves = [UInt16](repeating: 0, count: vectors.values.count)
            attar_f32_to_bf16(vectors.values, &halves, halves.count)
            try section.append(halves)
        case .int8: try appendQuantised(vectors)
        case .binary: for row in 0..<vectors.rows { try section.append(signBits(vectors.row(row))) }
        }
        count += vectors.rows
    }

    /// Appends rows of another index as they are stored, bit for bit.
    ///
    /// - Throws: `StorageError` when writing fails, after which the writer is of no use; `IndexError` when there are
    ///   too many.
    /// - Precondition: the index has these rows, and the writer's dimension and precision.
    public func append(_ ordinals: Range<Int>, of index: FlatVectorIndex) throws {
        precondition(index.dimension == dimension && index.precision == precision, "vectors of another kind")
        precondition(ordinals.lowerBound >= 0 && ordinals.upperBound <= index.count, "rows \(ordinals)")
        guard count + ordinals.count < Int(UInt32.max) else { throw IndexError.tooManyPassages(count + ordinals.count) }
        let bytes = precision.bytes(dimension: dimension)
        let range = (ordinals.lowerBound * bytes)..<(ordinals.upperBound * bytes)
        try index.rows.withBytes { try section.append(UnsafeRawBufferPointer(rebasing: $0[range])) }
        if case .int8(_, let rowScales) = index.rows { for row in ordinals { scales.append(rowScales[row]) } }
        count += ordinals.count
    }

    private func appendQuantised(_ vectors: Matrix) throws {
        var codes = [Int8](repeating: 0, count: vectors.values.count)
        var rowScales = [Float](repeating: 0, count: vectors.rows)
        attar_quantize_i8(vectors.values, vectors.rows, dimension, &codes, &rowScales)
        try section.append(codes)
        scales.append(contentsOf: rowScales)
    }

    /// Completes the file.
    ///
    /// - Returns: its size in bytes.
    @discardableResult
    public func finish() throws -> Int {
        writer.end()
        if precision == .int8 { try writer.add("scales", scales) }
        let header = VectorHeader(count: count, dimension: dimension, precision: precision, fingerprint: fingerprint)
        try writer.add("header", json: header)
        return try writer.finish()
    }
}

/// Throws `IndexError.notFinite` for the first number that is infinite or NaN.
func requireFinite(_ values: [Float]) throws {
    // A sum of products with 0 is 0 unless one of the numbers is not finite; it needs no branch per number.
    guard values.reduce(0, { $0 + $1 * 0 }) != 0 else { return }
    if let position = values.firstIndex(where: { !$0.isFinite }) { throw IndexError.notFinite(position: position) }
}
