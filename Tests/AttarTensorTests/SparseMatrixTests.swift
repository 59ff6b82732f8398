import AttarStorage
import AttarTensor
import AttarTestSupport
import Testing

@Suite struct SparseMatrixTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private var sample: SparseMatrix {
        var matrix = SparseMatrix(columns: 10)
        matrix.append(columns: [1, 4, 9], values: [0.5, -2, 3])
        matrix.append(columns: [], values: [])
        matrix.append(columns: [0], values: [1])
        return matrix
    }

    @Test func aMatrixComesBackFromItsFile() throws {
        for matrix in [sample, SparseMatrix(columns: 0), SparseMatrix(columns: 7)] {
            try matrix.writeCSR(to: folder.file("m.csr"))
            #expect(try SparseMatrix(csrFile: folder.file("m.csr")) == matrix)
        }
        #expect(sample.row(0).columns == [1, 4, 9] && sample.row(1).values == [] && sample.entryCount == 4)
    }

    /// The layout as other tools write it: numpy's tofile of int64 (3, 10, 4), indptr, int32 indices, float32 data.
    @Test func theBytesAreThoseOfTheFormat() throws {
        try sample.writeCSR(to: folder.file("m.csr"))
        let words: [Int64] = [3, 10, 4, 0, 3, 3, 4]
        let columns: [Int32] = [1, 4, 9, 0]
        let values: [Float] = [0.5, -2, 3, 1]
        let bytes = words.withUnsafeBytes { Array($0) } + columns.withUnsafeBytes { Array($0) }
            + values.withUnsafeBytes { Array($0) }
        #expect(try LocalFileSystem().read(folder.file("m.csr")) == bytes)
    }

    @Test func damagedFilesAreRefusedOrWellFormed() throws {
        try sample.writeCSR(to: folder.file("m.csr"))
        let whole = try LocalFileSystem().read(folder.file("m.csr"))
        var mutator = ByteMutator(seed: 5)
        for _ in 0..<2000 {
            try folder.write(mutator.damaged(whole), to: "damaged.csr")
            do {
                let matrix = try SparseMatrix(csrFile: folder.file("damaged.csr"))
                for row in 0..<matrix.rowCount {
                    #expect(matrix.row(row).columns.allSatisfy { $0 >= 0 && Int($0) < matrix.columnCount })
                }
            } catch let error as TensorError {
                #expect(error.kind == .corrupt)
            }
        }
    }
}
