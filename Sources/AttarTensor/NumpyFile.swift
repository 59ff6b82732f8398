import AttarStorage

/// NumPy's `.npy` files of 32-bit floats, format 1.0: how vectors leave and enter Attar.
public enum NumpyFile {
    /// Reads a matrix; a one-dimensional array becomes one row.
    ///
    /// - Throws: `StorageError` when the file cannot be read, `TensorError` when it is no such array.
    public static func read(_ path: String) throws -> Matrix {
        let file = try MappedFile(path: path)
        return try file.withBytes { bytes in
            let header = try NumpyHeader(bytes, path: path)
            try header.requireFloatsInRows(path: path)
            guard (1...2).contains(header.shape.count), let columns = header.shape.last else {
                throw TensorError.file(.mismatch, path: path, "an array of one or two dimensions was expected.")
            }
            let rows = header.shape.count == 2 ? header.shape[0] : 1
            return Matrix(rows: rows, columns: columns, values: try header.elements(in: bytes, path: path))
        }
    }

    /// Writes a matrix; the file appears whole or not at all.
    ///
    /// - Throws: `StorageError`.
    public static func write(
        _ matrix: Matrix, to path: String, on fileSystem: any FileSystem = LocalFileSystem()
    ) throws {
        let writer = try NumpyWriter(path: path, rows: matrix.rows, columns: matrix.columns, on: fileSystem)
        try writer.append(matrix)
        try writer.finish()
    }
}

/// Writes vectors as they come, in one format or another; the file appears whole, with `finish`, or not at all.
public protocol MatrixWriter {
    /// Adds rows at the end.
    func append(_ matrix: Matrix) throws
    /// Gives the file its name.
    func finish() throws
}

/// Writes a `.npy` matrix row by row, for more vectors than memory holds.
///
/// The rows go to a temporary file; `finish` gives it its name. A writer that is released before leaves nothing.
public final class NumpyWriter: MatrixWriter {
    private let rows: Int
    private let columns: Int
    private let file: AtomicFileWriter
    private var written = 0

    /// Begins a file of `rows` rows and `columns` columns.
    ///
    /// - Parameter path: the file, or `-` for the standard output.
    /// - Throws: `StorageError`.
    public init(path: String, rows: Int, columns: Int, on fileSystem: any FileSystem = LocalFileSystem()) throws {
        self.rows = rows
        self.columns = columns
        file = try AtomicFileWriter(path: path, on: fileSystem)
        try file.append(NumpyHeader.bytes(type: "<f4", shape: [rows, columns]))
    }

    /// Adds rows at the end.
    ///
    /// - Precondition: the width is the file's, and there are not more rows than announced.
    /// - Throws: `StorageError`.
    public func append(_ matrix: Matrix) throws {
        precondition(matrix.columns == columns, "\(matrix.columns) columns for a file of \(columns)")
        precondition(written + matrix.rows <= rows, "\(written + matrix.rows) rows for a file of \(rows)")
        try matrix.values.withUnsafeBytes { try file.append($0) }
        written += matrix.rows
    }

    /// Gives the file its name.
    ///
    /// - Precondition: as many rows were added as announced.
    /// - Throws: `StorageError`.
    public func finish() throws {
        precondition(written == rows, "\(written) of \(rows) rows were written")
        try file.finish()
    }
}
