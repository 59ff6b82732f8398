import AttarStorage
import Foundation

/// NumPy's `.npy` files of 32-bit floats, format 1.0: how vectors leave and enter Attar.
public enum NumpyFile {
    /// Reads a matrix; a one-dimensional array becomes one row.
    ///
    /// - Throws: `StorageError` when the file cannot be read, `TensorError` when it is no such array.
    public static func read(_ path: String) throws -> Matrix {
        let file = try MappedFile(path: path)
        let header = try NumpyHeader(file: file.bytes, path: path)
        let (count, overflow) = header.rows.multipliedReportingOverflow(by: header.columns)
        let available = file.count - header.dataStart
        guard !overflow, available % 4 == 0, count == available / 4 else {
            throw TensorError.file(
                .corrupt, path: path,
                "\(header.rows) x \(header.columns) floats were announced, \(available) bytes of them are there.")
        }
        let data = UnsafeRawBufferPointer(rebasing: file.bytes[header.dataStart...])
        let values = [Float](unsafeUninitializedCapacity: count) { target, initialized in
            UnsafeMutableRawBufferPointer(target).copyMemory(from: data)
            initialized = count
        }
        return Matrix(rows: header.rows, columns: header.columns, values: values)
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

/// Writes a `.npy` matrix row by row, for more vectors than memory holds.
///
/// The rows go to a temporary file; `finish` gives it its name. A writer that is released before leaves nothing.
public final class NumpyWriter {
    private let path: String
    /// Nil when the rows go to the standard output.
    private let temporary: String?
    private let rows: Int
    private let columns: Int
    private let fileSystem: any FileSystem
    private let file: any WritableFile
    private var written = 0
    private var finished = false

    /// Begins a file of `rows` rows and `columns` columns.
    ///
    /// - Parameter path: the file, or `-` for the standard output.
    /// - Throws: `StorageError`.
    public init(path: String, rows: Int, columns: Int, on fileSystem: any FileSystem = LocalFileSystem()) throws {
        self.path = path
        self.rows = rows
        self.columns = columns
        self.fileSystem = fileSystem
        if path == "-" {
            temporary = nil
            file = StandardStream.output
        } else {
            try AtomicFile.requireDestination(path, on: fileSystem)
            let name = AtomicFile.temporaryName(for: path)
            temporary = name
            file = try fileSystem.openForWriting(name, mode: .createNew)
        }
        try file.write(NumpyHeader.bytes(rows: rows, columns: columns))
    }

    /// Adds rows at the end.
    ///
    /// - Precondition: the width is the file's, and there are not more rows than announced.
    /// - Throws: `StorageError`.
    public func append(_ matrix: Matrix) throws {
        precondition(matrix.columns == columns, "\(matrix.columns) columns for a file of \(columns)")
        precondition(written + matrix.rows <= rows, "\(written + matrix.rows) rows for a file of \(rows)")
        try matrix.values.withUnsafeBytes { try file.write($0) }
        written += matrix.rows
    }

    /// Gives the file its name.
    ///
    /// - Precondition: as many rows were added as announced.
    /// - Throws: `StorageError`.
    public func finish() throws {
        precondition(written == rows, "\(written) of \(rows) rows were written")
        try file.synchronize()
        try file.close()
        finished = true
        guard let temporary else { return }
        do {
            try fileSystem.rename(temporary, to: path)
        } catch {
            try? fileSystem.remove(temporary)
            throw error
        }
        try fileSystem.synchronizeDirectory(LocalFileSystem.folder(of: path))
    }

    deinit {
        if !finished, let temporary {
            try? file.close()
            try? fileSystem.remove(temporary)
        }
    }
}

/// The header of a `.npy` file: magic, version, length, and a Python dictionary in one line.
struct NumpyHeader {
    let rows: Int
    let columns: Int
    let dataStart: Int

    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    init(file: UnsafeRawBufferPointer, path: String) throws {
        guard file.count >= 12, file.prefix(6).elementsEqual(Self.magic), (1...3).contains(file[6]) else {
            throw TensorError.file(
                .corrupt, path: path, "no .npy file: it does not begin with NumPy's magic and version.")
        }
        let short = file[6] == 1
        let length =
            short
            ? Int(UInt16(littleEndian: file.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
            : Int(UInt32(littleEndian: file.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
        dataStart = (short ? 10 : 12) + length
        guard length <= 1 << 16, dataStart <= file.count else {
            throw TensorError.file(
                .corrupt, path: path, "its header claims \(length) bytes, the file has \(file.count).")
        }
        let text = String(decoding: file[(dataStart - length)..<dataStart], as: UTF8.self)
        guard text.contains("'<f4'"), text.contains("'fortran_order': False") else {
            throw TensorError.file(
                .mismatch, path: path,
                "little-endian 32-bit floats in row order were expected (save it with .astype('float32')).")
        }
        guard let shape = Self.shape(in: text), (1...2).contains(shape.count) else {
            throw TensorError.file(.mismatch, path: path, "an array of one or two dimensions was expected.")
        }
        rows = shape.count == 2 ? shape[0] : 1
        columns = shape[shape.count - 1]
    }

    private static func shape(in text: String) -> [Int]? {
        guard let key = text.range(of: "'shape': ("), let end = text[key.upperBound...].firstIndex(of: ")") else {
            return nil
        }
        let parts = text[key.upperBound..<end].split(separator: ",").map { $0.filter { $0 != " " } }.filter {
            !$0.isEmpty
        }
        let extents = parts.compactMap { Int($0) }
        return extents.count == parts.count && extents.allSatisfy { $0 >= 0 } ? extents : nil
    }

    /// The header, filled with spaces so that the data begins at a multiple of 64 bytes.
    static func bytes(rows: Int, columns: Int) -> [UInt8] {
        var text = Array("{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), \(columns)), }".utf8)
        while (10 + text.count + 1) % 64 != 0 { text.append(UInt8(ascii: " ")) }
        text.append(UInt8(ascii: "\n"))
        return magic + [1, 0, UInt8(text.count & 255), UInt8(text.count >> 8)] + text
    }
}
