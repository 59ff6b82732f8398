import AttarStorage
import AttarTensor
import Testing

struct NumpyFileTests {
    @Test func matricesComeBackAsTheyWereWritten() throws {
        try withFolder { folder in
            for matrix in [
                Matrix(rows: 2, columns: 3, values: [1, 2, 3, -4, .infinity, 6.5]), Matrix(rows: 0, columns: 384),
                Matrix(rows: 1, columns: 1, values: [9]),
            ] {
                try NumpyFile.write(matrix, to: folder + "/m.npy")
                #expect(try NumpyFile.read(folder + "/m.npy") == matrix)
            }
        }
    }

    @Test func theHeaderIsWhatNumPyWrites() throws {
        try withFolder { folder in
            try NumpyFile.write(Matrix(rows: 2, columns: 1, values: [1, 2]), to: folder + "/m.npy")
            let bytes = try LocalFileSystem().read(folder + "/m.npy")
            #expect(Array(bytes[..<10]) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0])
            let header = String(decoding: bytes[10..<128], as: UTF8.self)
            #expect(header.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }"))
            #expect(header.hasSuffix(" \n") && bytes.count == 128 + 8)
        }
    }

    @Test func rowsWrittenPieceByPieceGiveTheSameFile() throws {
        try withFolder { folder in
            let matrix = Matrix(rows: 5, columns: 4, values: (0..<20).map(Float.init))
            try NumpyFile.write(matrix, to: folder + "/whole.npy")
            let writer = try NumpyWriter(path: folder + "/parts.npy", rows: 5, columns: 4)
            try writer.append(matrix.gathered([0, 1]))
            #expect(try !LocalFileSystem().exists(folder + "/parts.npy"))
            try writer.append(matrix.gathered([2, 3, 4]))
            try writer.finish()
            #expect(try LocalFileSystem().read(folder + "/parts.npy") == LocalFileSystem().read(folder + "/whole.npy"))
        }
    }

    @Test func anUnfinishedFileLeavesNothing() throws {
        try withFolder { folder in
            var writer: NumpyWriter? = try NumpyWriter(path: folder + "/m.npy", rows: 5, columns: 4)
            try writer?.append(Matrix(rows: 1, columns: 4))
            writer = nil
            #expect(try LocalFileSystem().list(folder).isEmpty)
        }
    }

    @Test func aPlaceWhereNoFileCanStandIsRefusedBeforeTheWork() throws {
        try withFolder { folder in
            for path in [folder, folder + "/none/m.npy"] {
                #expect(throws: StorageError.self) { try NumpyWriter(path: path, rows: 1, columns: 1) }
            }
            let left = try LocalFileSystem().list(folder)
            #expect(left.isEmpty)
        }
    }

    @Test func truncatedAndForeignFilesAreRefused() throws {
        try withFolder { folder in
            let path = folder + "/m.npy"
            try NumpyFile.write(Matrix(rows: 3, columns: 2), to: path)
            let whole = try LocalFileSystem().read(path)
            for length in 0..<whole.count {
                try AtomicFile.write(Array(whole[..<length]), to: path)
                #expect(throws: TensorError.self) { try NumpyFile.read(path) }
            }
            let doubles = String(decoding: whole[10..<128], as: UTF8.self).replacing("<f4", with: "<f8")
            try AtomicFile.write(Array(whole[..<10]) + Array(doubles.utf8) + whole[128...], to: path)
            #expect(throws: TensorError.self) { try NumpyFile.read(path) }
            let huge = String(decoding: whole[10..<128], as: UTF8.self).replacing(
                "(3, 2), }    ", with: "(4611686018427387904, 4)}")
            try AtomicFile.write(Array(whole[..<10]) + Array(huge.utf8.prefix(118)) + whole[128...], to: path)
            #expect(throws: TensorError.self) { try NumpyFile.read(path) }
        }
    }
}
