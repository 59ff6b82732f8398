import AttarStorage

/// The sparse matrices of the Big-ANN benchmarks (NeurIPS 2023), which other tools call CSR or SMAT: little-endian, i64
/// rows, columns, entries; i64 starts, one more than rows; i32 columns and f32 values of the entries.
extension SparseMatrix {
    private static let headerBytes = 24

    /// Reads such a file.
    ///
    /// - Throws: `StorageError` when it cannot be read; `TensorError` when its numbers contradict each other or its
    ///   length.
    public init(csrFile path: String) throws {
        let file = try MappedFile(path: path)
        self = try file.withBytes { try Self.parse($0, path: path) }
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer, path: String) throws -> SparseMatrix {
        func refused(_ what: String) -> TensorError {
            .file(.corrupt, path: path, "\(what); a sparse matrix of i64 rows, columns, entries was expected.")
        }
        guard bytes.count >= headerBytes else { throw refused("the file has \(bytes.count) bytes") }
        let sizes = (0..<3).map { Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
        let (rows, columns, entries) = (sizes[0], sizes[1], sizes[2])
        let rest = Int64(bytes.count - headerBytes)
        // Each bound by the file's length, so that the sum cannot overflow.
        guard rows >= 0, columns >= 0, entries >= 0, rows < rest / 8, entries <= rest / 8,
            8 * (rows + 1) + 8 * entries == rest
        else {
            throw refused("\(rows) rows, \(columns) columns and \(entries) entries do not make \(bytes.count) bytes")
        }
        func array<Element: BitwiseCopyable>(_ count: Int64, at offset: Int64) -> [Element] {
            [Element](unsafeUninitializedCapacity: Int(count)) { target, initialized in
                let start = headerBytes + Int(offset)
                let source = bytes[start..<start + Int(count) * MemoryLayout<Element>.stride]
                UnsafeMutableRawBufferPointer(target).copyMemory(from: UnsafeRawBufferPointer(rebasing: source))
                initialized = Int(count)
            }
        }
        let starts: [Int] = array(rows + 1, at: 0)
        guard let width = Int(exactly: columns),
            let matrix = SparseMatrix(
                columns: width, starts: starts, columns: array(entries, at: 8 * (rows + 1)),
                values: array(entries, at: 8 * (rows + 1) + 4 * entries))
        else { throw refused("its starts or its columns do not ascend, or leave the \(columns) columns") }
        return matrix
    }

    /// Writes such a file; it appears whole or not at all.
    ///
    /// - Throws: `StorageError`.
    public func writeCSR(to path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerBytes + 8 * starts.count + 8 * entryCount)
        for size in [rowCount, columnCount, entryCount] + starts {
            withUnsafeBytes(of: Int64(size).littleEndian) { bytes.append(contentsOf: $0) }
        }
        columns.withUnsafeBytes { bytes.append(contentsOf: $0) }
        values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        try AtomicFile.write(bytes, to: path, on: fileSystem)
    }
}
