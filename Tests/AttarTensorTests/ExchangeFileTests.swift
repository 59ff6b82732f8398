import AttarStorage
import AttarTestSupport
import Foundation
import Testing

@testable import AttarTensor

/// Files that vectors and sparse matrices leave and enter by. `ATTAR_FUZZ_MINUTES=10 swift test … --filter
/// ExchangeFileTests` goes on damaging files for 10 minutes each.
@Suite struct ExchangeFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private var sparse: SparseMatrix {
        var matrix = SparseMatrix(columns: 10)
        matrix.append(columns: [1, 4, 9], values: [0.5, -2, 3])
        matrix.append(columns: [], values: [])
        matrix.append(columns: [0], values: [1])
        return matrix
    }

    @Test func sparseMatricesComeBackFromSciPysFile() throws {
        for matrix in [sparse, SparseMatrix(columns: 0), SparseMatrix(columns: 7)] {
            try matrix.writeSciPy(to: folder.file("m.npz"))
            #expect(try SparseMatrix(sciPyFile: folder.file("m.npz")) == matrix)
        }
    }

    /// As `scipy.sparse.save_npz` wrote it (SciPy 1.17.1, compressed), from [[0, 0.5, 0], [2, 0, 0]] in 64-bit floats.
    @Test func sciPysOwnFileIsRead() throws {
        let bytes = try #require(Data(base64Encoded: Self.sciPyFile))
        try folder.write([UInt8](bytes), to: "scipy.npz")
        var expected = SparseMatrix(columns: 3)
        expected.append(columns: [1], values: [0.5])
        expected.append(columns: [0], values: [2])
        #expect(try SparseMatrix(sciPyFile: folder.file("scipy.npz")) == expected)
    }

    static let sciPyFile = """
        UEsDBC0AAAAIAAAAIQCAMaOH//////////8LABQAaW5kaWNlcy5ucHkBABAAiAAAAAAAAABIAAAAAAAAAJvsF+obEMnIUMZQrZ6S\
        WpxcpG6loG6TaaKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6mjoKtQoUAC5GBggAAFBLAwQtAAAACAAAACEAAuy9\
        qf//////////CgAUAGluZHB0ci5ucHkBABAAjAAAAAAAAABMAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaKuo6Cell9U\
        UpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6mjoKtQoUAC4GIGAEYiYgBgBQSwMELQAAAAgAAAAhAKPDdJf//////////woAFABm\
        b3JtYXQubnB5AQAQAIMAAAAAAAAARQAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBeE2ysrqOgnpZfVFKUmBefX5SSChJ3S8wp\
        TgWKF2ckFqQC+RqaOgq1ChQBruTiIgBQSwMELQAAAAgAAAAhAGBIfgz//////////wkAFABzaGFwZS5ucHkBABAAkAAAAAAAAABK\
        AAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6mjoKtQoUAC4m\
        BghghtIAUEsDBC0AAAAIAAAAIQCM2gSY//////////8IABQAZGF0YS5ucHkBABAAkAAAAAAAAABMAAAAAAAAAJvsF+obEMnIUMZQ\
        rZ6SWpxcpG6loG6TZqGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6mjoKtQoUAC4GMHhgD6EZHABQSwECLQMtAAAA\
        CAAAACEAgDGjh0gAAACIAAAACwAAAAAAAAAAAAAAgAEAAAAAaW5kaWNlcy5ucHlQSwECLQMtAAAACAAAACEAAuy9qUwAAACMAAAA\
        CgAAAAAAAAAAAAAAgAGFAAAAaW5kcHRyLm5weVBLAQItAy0AAAAIAAAAIQCjw3SXRQAAAIMAAAAKAAAAAAAAAAAAAACAAQ0BAABm\
        b3JtYXQubnB5UEsBAi0DLQAAAAgAAAAhAGBIfgxKAAAAkAAAAAkAAAAAAAAAAAAAAIABjgEAAHNoYXBlLm5weVBLAQItAy0AAAAI\
        AAAAIQCM2gSYTAAAAJAAAAAIAAAAAAAAAAAAAACAARMCAABkYXRhLm5weVBLBQYAAAAABQAFABYBAACZAgAAAAA=
        """

    @Test func otherFormatsOfSciPyAreRefusedWithAMend() throws {
        func write(format: String, type: String, data: [UInt8]) throws {
            func array(_ type: String, _ shape: [Int], _ bytes: [UInt8]) -> [UInt8] {
                NumpyHeader.bytes(type: type, shape: shape) + bytes
            }
            let one = withUnsafeBytes(of: Int64(1).littleEndian) { Array($0) }
            try ZipFile.write(
                [
                    ("indices.npy", array("<i8", [1], [UInt8](repeating: 0, count: 8))),
                    ("indptr.npy", array("<i8", [2], [UInt8](repeating: 0, count: 8) + one)),
                    ("format.npy", array("|S3", [], Array(format.utf8))), ("shape.npy", array("<i8", [2], one + one)),
                    ("data.npy", array(type, [1], data)),
                ], to: folder.file("x.npz"))
        }
        try write(format: "csr", type: "<f4", data: [0, 0, 0x80, 0x3F])
        #expect(try SparseMatrix(sciPyFile: folder.file("x.npz")).row(0).values == [1])
        try write(format: "csc", type: "<f4", data: [0, 0, 0x80, 0x3F])
        #expect(throws: TensorError.self) { try SparseMatrix(sciPyFile: folder.file("x.npz")) }
        try write(format: "csr", type: "<f2", data: [0, 0x3C])
        let error = #expect(throws: TensorError.self) { try SparseMatrix(sciPyFile: folder.file("x.npz")) }
        #expect(error?.description.contains("<f2") == true && error?.description.contains("float32") == true)
    }

    @Test func vectorsComeBackFromTheirRecords() throws {
        let matrix = Matrix(rows: 3, columns: 2, values: [1, -2, .infinity, 0.5, 0, 7])
        try VectorRecordFile.write(matrix, to: folder.file("v.fvecs"))
        #expect(try VectorRecordFile.readFloats(folder.file("v.fvecs")) == matrix)
        let start = try LocalFileSystem().read(folder.file("v.fvecs")).prefix(12)
        #expect(Array(start) == [2, 0, 0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0])
        let neighbours: [[Int32]] = [[3, 1, 2], [0, -1, .max]]
        try VectorRecordFile.write(neighbours, to: folder.file("v.ivecs"))
        #expect(try VectorRecordFile.readIntegers(folder.file("v.ivecs")) == neighbours)
        try VectorRecordFile.write([[0, 255], [7, 9]] as [[UInt8]], to: folder.file("v.bvecs"))
        #expect(try VectorRecordFile.readBytes(folder.file("v.bvecs")).values == [0, 255, 7, 9])
        try VectorRecordFile.write(Matrix(rows: 0, columns: 4), to: folder.file("none.fvecs"))
        #expect(try VectorRecordFile.readFloats(folder.file("none.fvecs")).rows == 0)
    }

    @Test func recordsOfTwoLengthsAreRefused() throws {
        var bytes: [UInt8] = [2, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        bytes += [1, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        try folder.write(bytes, to: "v.fvecs")
        let error = #expect(throws: TensorError.self) { try VectorRecordFile.readFloats(folder.file("v.fvecs")) }
        #expect(error?.description.contains("vector 2 has 1") == true)
    }

    @Test(arguments: [("|i1", "float32"), ("<f2", "float32"), ("<f8", "float32"), (">f4", "float32")])
    func arraysOfOtherTypesAreRefusedWithAMend(type: String, mend: String) throws {
        try folder.write(NumpyHeader.bytes(type: type, shape: [1, 1]) + [0, 0, 0, 0], to: "a.npy")
        let error = #expect(throws: TensorError.self) { try NumpyFile.read(folder.file("a.npy")) }
        #expect(error?.kind == .mismatch)
        #expect(error?.description.contains(type) == true && error?.description.contains(mend) == true)
    }

    @Test func columnsThatLieTogetherAreRefusedWithAMend() throws {
        let header = String(decoding: NumpyHeader.bytes(type: "<f4", shape: [2, 2]).dropFirst(10), as: UTF8.self)
        let fortran = header.replacingOccurrences(of: "False, ", with: "True,  ")
        let start = Array(NumpyHeader.bytes(type: "<f4", shape: [2, 2])[..<10])
        try folder.write(start + Array(fortran.utf8) + [UInt8](repeating: 0, count: 16), to: "a.npy")
        let error = #expect(throws: TensorError.self) { try NumpyFile.read(folder.file("a.npy")) }
        #expect(error?.description.contains("ascontiguousarray") == true)
    }

    // ------------------------------------------------------------------------------------------------------- damage

    private func fuzz(_ name: String, minimum: Int = 20, use: (String) throws -> Void) throws {
        let whole = try LocalFileSystem().read(folder.file(name))
        let outcome = FuzzBudget.outcome(of: name, rounds: 3000) { seed in
            var mutator = ByteMutator(seed: seed)
            return try folder.write(mutator.damaged(whole), to: "damaged")
        } use: {
            try use($0)
        } isRefusal: {
            $0 is StorageError || $0 is TensorError
        }
        #expect(outcome.otherErrors == [])
        #expect(outcome.used > minimum && outcome.refused > minimum)
    }

    private func check(_ matrix: SparseMatrix) {
        for row in 0..<min(1000, matrix.rowCount) {
            #expect(matrix.row(row).columns.allSatisfy { $0 >= 0 && Int($0) < matrix.columnCount })
        }
    }

    @Test func damagedSciPyFiles() throws {
        try sparse.writeSciPy(to: folder.file("m.npz"))
        try fuzz("m.npz") { check(try SparseMatrix(sciPyFile: $0)) }
        try folder.write([UInt8](try #require(Data(base64Encoded: Self.sciPyFile))), to: "deflated.npz")
        try fuzz("deflated.npz") { check(try SparseMatrix(sciPyFile: $0)) }
    }

    /// Damage inside of the arrays, which the checksums of the zip file would tell of.
    @Test func damagedArraysInSciPyFiles() throws {
        try sparse.writeSciPy(to: folder.file("m.npz"))
        let archive = try ZipFile(path: folder.file("m.npz"))
        let members = try archive.names.map { ($0, try archive.read($0) ?? []) }
        let outcome = FuzzBudget.outcome(of: "npz arrays", rounds: 2000) { seed in
            var mutator = ByteMutator(seed: seed)
            let victim = Int(seed % UInt64(members.count))
            var damaged = members
            damaged[victim].1 = mutator.damaged(damaged[victim].1)
            try ZipFile.write(damaged, to: folder.file("lies.npz"))
            return folder.file("lies.npz")
        } use: {
            check(try SparseMatrix(sciPyFile: $0))
        } isRefusal: {
            $0 is StorageError || $0 is TensorError
        }
        #expect(outcome.otherErrors == [])
        #expect(outcome.used > 20 && outcome.refused > 20)
    }

    @Test func damagedSparseMatrices() throws {
        try sparse.writeCSR(to: folder.file("m.csr"))
        try fuzz("m.csr") { check(try SparseMatrix(csrFile: $0)) }
    }

    @Test func damagedNumPyArrays() throws {
        try NumpyFile.write(Matrix(rows: 3, columns: 4, values: (0..<12).map(Float.init)), to: folder.file("m.npy"))
        try fuzz("m.npy") { _ = try NumpyFile.read($0) }
    }

    @Test func damagedVectorRecords() throws {
        try VectorRecordFile.write(Matrix(rows: 5, columns: 3), to: folder.file("m.fvecs"))
        try fuzz("m.fvecs") {
            // As each of the three types; what one refuses another may take.
            let readers: [(String) throws -> Void] = [
                { _ = try VectorRecordFile.readBytes($0) }, { _ = try VectorRecordFile.readIntegers($0) },
                { _ = try VectorRecordFile.readFloats($0) },
            ]
            for reader in readers.dropLast() { try? reader($0) }
            try readers[2]($0)
        }
    }
}
