import AttarStorage

/// Writes safetensors files, so that equal tensors give equal bytes: wide elements first, which keeps all aligned, and
/// tensors of equal width sorted by name.
public enum SafetensorsWriter {
    /// A tensor as it will stand in the file; its bytes are made when their turn comes.
    public struct Tensor {
        /// How its numbers are written.
        public let type: Safetensors.ElementType
        /// Its extents, outermost first.
        public let shape: [Int]
        let bytes: () throws -> [UInt8]

        /// - Parameter bytes: gives the elements in row-major order, little-endian.
        public init(type: Safetensors.ElementType, shape: [Int], bytes: @escaping () throws -> [UInt8]) {
            self.type = type
            self.shape = shape
            self.bytes = bytes
        }

        var byteCount: Int { shape.reduce(type.width, *) }
    }

    /// Writes tensors of floats as F32; the file appears whole or not at all.
    ///
    /// - Throws: `StorageError`.
    public static func write(
        _ tensors: [String: TensorValues], metadata: [String: String] = [:], to path: String,
        on fileSystem: any FileSystem = LocalFileSystem()
    ) throws {
        let encoded = tensors.mapValues { tensor in
            Tensor(type: .float32, shape: tensor.shape) { tensor.values.withUnsafeBytes { Array($0) } }
        }
        try write(encoded, metadata: metadata, to: path, on: fileSystem)
    }

    /// Writes tensors of any type; the file appears whole or not at all.
    ///
    /// - Throws: `StorageError`, and what making the bytes throws.
    /// - Complexity: the memory of the largest tensor beyond what the makers hold.
    /// - Precondition: every tensor gives as many bytes as its type and shape need.
    public static func write(
        _ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String,
        on fileSystem: any FileSystem = LocalFileSystem()
    ) throws {
        let sorted = tensors.sorted {
            guard $0.value.type.width == $1.value.type.width else { return $0.value.type.width > $1.value.type.width }
            return Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8))
        }
        let temporary = AtomicFile.temporaryName(for: path)
        do {
            let file = try fileSystem.openForWriting(temporary, mode: .createNew)
            try file.write(header(sorted, metadata))
            for (name, tensor) in sorted {
                let bytes = try tensor.bytes()
                precondition(bytes.count == tensor.byteCount, "\(name): \(bytes.count) bytes, not \(tensor.byteCount)")
                try file.write(bytes)
            }
            try file.synchronize()
            try file.close()
            try fileSystem.rename(temporary, to: path)
        } catch {
            try? fileSystem.remove(temporary)
            throw error
        }
        try fileSystem.synchronizeDirectory(LocalFileSystem.folder(of: path))
    }

    /// Length and JSON, filled with spaces so that the data begins at a multiple of 8 bytes.
    private static func header(_ tensors: [(key: String, value: Tensor)], _ metadata: [String: String]) -> [UInt8] {
        var entries: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { quoted($0.key) + ":" + quoted($0.value) }
            entries.append("\"__metadata__\":{" + pairs.joined(separator: ",") + "}")
        }
        var offset = 0
        for (name, tensor) in tensors {
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            let end = offset + tensor.byteCount
            entries.append(
                quoted(name) + ":{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var json = Array(("{" + entries.joined(separator: ",") + "}").utf8)
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case let control where control.value < 0x20:
                let digits = String(control.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
