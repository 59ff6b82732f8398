import AttarStorage

/// The files of the TEXMEX corpora (`.fvecs`, `.ivecs`, `.bvecs`), which FAISS and the ANN benchmarks read: for each
/// vector an i32 dimension, then its numbers as f32, i32 or u8, little-endian. A file has one dimension.
public enum VectorRecordFile {
    /// Reads vectors of 32-bit floats.
    ///
    /// - Throws: `StorageError` when the file cannot be read, `TensorError` when it is no such file.
    public static func readFloats(_ path: String) throws -> Matrix {
        let (rows, columns, values) = try read(path, as: Float.self)
        return Matrix(rows: rows, columns: columns, values: values)
    }

    /// Reads vectors of bytes, as floats 0 … 255.
    public static func readBytes(_ path: String) throws -> Matrix {
        let (rows, columns, values) = try read(path, as: UInt8.self)
        return Matrix(rows: rows, columns: columns, values: values.map { Float($0) })
    }

    /// Reads vectors of 32-bit integers, such as the true neighbours of queries.
    public static func readIntegers(_ path: String) throws -> [[Int32]] {
        let (rows, columns, values) = try read(path, as: Int32.self)
        return (0..<rows).map { Array(values[($0 * columns)..<(($0 + 1) * columns)]) }
    }

    private static func read<Element: BitwiseCopyable>(
        _ path: String, as _: Element.Type
    ) throws -> (rows: Int, columns: Int, values: [Element]) {
        let file = try MappedFile(path: path)
        return try file.withBytes { bytes in
            guard !bytes.isEmpty else { return (0, 0, []) }
            func dimension(at offset: Int) -> Int {
                Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
            }
            let columns = bytes.count >= 4 ? dimension(at: 0) : 0
            let size = columns * MemoryLayout<Element>.stride
            guard columns > 0, bytes.count % (4 + size) == 0 else {
                throw refused(path, "\(bytes.count) bytes are no whole number of vectors of \(columns) numbers")
            }
            let rows = bytes.count / (4 + size)
            if let row = (0..<rows).first(where: { dimension(at: $0 * (4 + size)) != columns }) {
                throw refused(path, "vector \(row + 1) has \(dimension(at: row * (4 + size))) numbers, not \(columns)")
            }
            let values = [Element](unsafeUninitializedCapacity: rows * columns) { target, initialized in
                let target = UnsafeMutableRawBufferPointer(target)
                for row in 0..<rows {
                    let start = row * (4 + size) + 4
                    UnsafeMutableRawBufferPointer(rebasing: target[(row * size)..<((row + 1) * size)])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + size)]))
                }
                initialized = rows * columns
            }
            return (rows, columns, values)
        }
    }

    private static func refused(_ path: String, _ what: String) -> TensorError {
        .file(
            .corrupt, path: path, "\(what); an i32 dimension before each vector was expected, one for the whole file.")
    }

    /// Writes vectors as `.fvecs`; the file appears whole or not at all.
    ///
    /// - Throws: `StorageError`.
    public static func write(
        _ matrix: Matrix, to path: String, on fileSystem: any FileSystem = LocalFileSystem()
    ) throws {
        let writer = try VectorRecordWriter(path: path, on: fileSystem)
        try writer.append(matrix)
        try writer.finish()
    }

    /// Writes rows of equal length as `.ivecs`.
    ///
    /// - Precondition: all rows have the same, positive length.
    public static func write(
        _ rows: [[Int32]], to path: String, on fileSystem: any FileSystem = LocalFileSystem()
    ) throws {
        try writeRows(rows, to: path, on: fileSystem)
    }

    /// Writes rows of equal length as `.bvecs`.
    ///
    /// - Precondition: all rows have the same, positive length.
    public static func write(
        _ rows: [[UInt8]], to path: String, on fileSystem: any FileSystem = LocalFileSystem()
    ) throws {
        try writeRows(rows, to: path, on: fileSystem)
    }

    private static func writeRows(
        _ rows: [[some BitwiseCopyable]], to path: String, on fileSystem: any FileSystem
    ) throws {
        var bytes: [UInt8] = []
        for row in rows {
            precondition(row.count == rows[0].count && !row.isEmpty, "rows of \(rows[0].count) and \(row.count)")
            withUnsafeBytes(of: Int32(row.count).littleEndian) { bytes.append(contentsOf: $0) }
            row.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        try AtomicFile.write(bytes, to: path, on: fileSystem)
    }
}

/// Writes `.fvecs` row by row, for more vectors than memory holds.
///
/// The rows go to a temporary file; `finish` gives it its name. A writer that is released before leaves nothing.
public final class VectorRecordWriter: MatrixWriter {
    private let file: AtomicFileWriter
    private var columns: Int?

    /// Begins a file.
    ///
    /// - Parameter path: the file, or `-` for the standard output.
    /// - Throws: `StorageError`.
    public init(path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws {
        file = try AtomicFileWriter(path: path, on: fileSystem)
    }

    /// Adds rows at the end.
    ///
    /// - Precondition: all rows of a file have the same, positive width.
    /// - Throws: `StorageError`.
    public func append(_ matrix: Matrix) throws {
        guard matrix.rows > 0 else { return }
        precondition(matrix.columns > 0 && columns ?? matrix.columns == matrix.columns, "\(matrix.columns) columns")
        columns = matrix.columns
        for row in 0..<matrix.rows {
            try withUnsafeBytes(of: Int32(matrix.columns).littleEndian) { try file.append($0) }
            try matrix.row(row).withUnsafeBytes { try file.append($0) }
        }
    }

    /// Gives the file its name.
    ///
    /// - Throws: `StorageError`.
    public func finish() throws { try file.finish() }
}
