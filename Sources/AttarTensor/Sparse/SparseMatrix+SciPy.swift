import AttarStorage

extension SparseMatrix {
    /// Whether a file of that name holds a sparse matrix: `.csr`, or `.npz` of SciPy.
    public static func isFileName(_ path: String) -> Bool { path.hasSuffix(".csr") || path.hasSuffix(".npz") }

    /// Reads a sparse matrix: SciPy's from `.npz`, otherwise that of the Big-ANN benchmarks.
    ///
    /// - Throws: `StorageError`, `TensorError`.
    public init(path: String) throws {
        self = try path.hasSuffix(".npz") ? SparseMatrix(sciPyFile: path) : SparseMatrix(csrFile: path)
    }

    /// Writes a sparse matrix, in the format of the name.
    ///
    /// - Throws: `StorageError`.
    public func write(to path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws {
        try path.hasSuffix(".npz") ? writeSciPy(to: path, on: fileSystem) : writeCSR(to: path, on: fileSystem)
    }
}

/// SciPy's `.npz` of a sparse matrix (`scipy.sparse.save_npz`): a zip file of NumPy arrays "format", "shape", "data",
/// "indices", "indptr".
extension SparseMatrix {
    /// Reads such a file; entries of a row are put into the order of their columns.
    ///
    /// - Throws: `StorageError` when it is no zip file, `TensorError` when it holds no such matrix.
    /// - Complexity: O(entries · log(entries of a row)).
    public init(sciPyFile path: String) throws {
        let archive = try SciPyArchive(path: path)
        let shape = try archive.integers("shape")
        let starts = try archive.integers("indptr")
        let columns = try archive.integers("indices")
        let values = try archive.floats("data")
        guard shape.count == 2, starts.count - 1 == shape[0], starts.last == columns.count,
            columns.count == values.count, (0...Int(Int32.max)).contains(shape[1])
        else { throw archive.refused("its arrays do not belong together") }
        self.init(columns: shape[1])
        for (start, end) in zip(starts, starts.dropFirst()) {
            guard 0 <= start, start <= end, end <= columns.count else { throw archive.refused("\"indptr\" descends") }
            let row = zip(columns[start..<end], values[start..<end]).sorted { $0.0 < $1.0 }
            guard (row.first?.0 ?? 0) >= 0, (row.last?.0 ?? 0) < max(1, shape[1]), row.isEmpty || shape[1] > 0,
                zip(row, row.dropFirst()).allSatisfy({ $0.0 < $1.0 })
            else { throw archive.refused("a row has a column twice, or one outside of the width \(shape[1])") }
            append(columns: row.map { Int32($0.0) }, values: row.map(\.1))
        }
    }

    /// Writes such a file, which `scipy.sparse.load_npz` reads; it appears whole or not at all.
    ///
    /// - Throws: `StorageError`.
    public func writeSciPy(to path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws {
        func array(_ type: String, _ shape: [Int], _ values: [some BitwiseCopyable]) -> [UInt8] {
            NumpyHeader.bytes(type: type, shape: shape) + values.withUnsafeBytes { Array($0) }
        }
        try ZipFile.write(
            [
                ("indices.npy", array("<i4", [entryCount], columns)),
                ("indptr.npy", array("<i8", [starts.count], starts.map(Int64.init))),
                ("format.npy", array("|S3", [], Array("csr".utf8))),
                ("shape.npy", array("<i8", [2], [Int64(rowCount), Int64(columnCount)])),
                ("data.npy", array("<f4", [entryCount], values)),
            ], to: path, on: fileSystem)
    }
}

/// The arrays of SciPy's file.
private struct SciPyArchive {
    private let archive: ZipFile
    private let path: String

    /// - Throws: `TensorError.mismatch` when the matrix is kept by columns, or not as rows otherwise.
    init(path: String) throws {
        archive = try ZipFile(path: path)
        self.path = path
        let format = try array("format") { header, bytes in
            String(decoding: bytes[header.dataStart...].filter { $0 != 0 }, as: UTF8.self)
        }
        guard format == "csr" else {
            throw TensorError.file(
                .mismatch, path: path,
                "the matrix has the format \"\(format)\", \"csr\" was expected; save it with .tocsr().")
        }
    }

    /// An array of whole numbers of 4 or 8 bytes.
    func integers(_ name: String) throws -> [Int] {
        try array(name) { header, bytes in
            switch header.type {
            case "<i4": try header.elements(in: bytes, as: Int32.self, path: path).map(Int.init)
            case "<i8": try header.elements(in: bytes, as: Int64.self, path: path).map(Int.init)
            default: throw refused("\"\(name)\" has the type \"\(header.type)\"")
            }
        }
    }

    /// An array of floats of 4 or 8 bytes.
    func floats(_ name: String) throws -> [Float] {
        try array(name) { header, bytes in
            switch header.type {
            case "<f4": try header.elements(in: bytes, path: path)
            case "<f8": try header.elements(in: bytes, as: Double.self, path: path).map { Float($0) }
            default:
                throw TensorError.file(
                    .mismatch, path: path,
                    "the matrix has numbers of type \"\(header.type)\"; save it with .astype('float32').")
            }
        }
    }

    func refused(_ what: String) -> TensorError {
        .file(.corrupt, path: path, "\(what); a file of scipy.sparse.save_npz was expected.")
    }

    private func array<Value>(
        _ name: String, _ body: (NumpyHeader, UnsafeRawBufferPointer) throws -> Value
    ) throws -> Value {
        guard let bytes = try archive.read(name + ".npy") else { throw refused("there is no array \"\(name)\"") }
        return try bytes.withUnsafeBytes { try body(NumpyHeader($0, path: path), $0) }
    }
}
