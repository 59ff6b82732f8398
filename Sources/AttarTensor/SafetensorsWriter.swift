import AttarStorage

/// Writes safetensors files: F32, tensors sorted by name, so that equal tensors give equal bytes.
public enum SafetensorsWriter {
    /// Writes the tensors; the file appears whole or not at all.
    ///
    /// - Throws: `StorageError`.
    public static func write(
        _ tensors: [String: TensorValues], metadata: [String: String] = [:], to path: String,
        on fileSystem: any FileSystem = LocalFileSystem()
    ) throws {
        let sorted = tensors.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
        let temporary = AtomicFile.temporaryName(for: path)
        do {
            let file = try fileSystem.openForWriting(temporary, mode: .createNew)
            try file.write(header(sorted.map { ($0.key, $0.value.shape, $0.value.values.count) }, metadata))
            for (_, tensor) in sorted {
                try tensor.values.withUnsafeBytes { try file.write($0) }
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
    private static func header(_ tensors: [(name: String, shape: [Int], count: Int)], _ metadata: [String: String])
        -> [UInt8]
    {
        var entries: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { quoted($0.key) + ":" + quoted($0.value) }
            entries.append("\"__metadata__\":{" + pairs.joined(separator: ",") + "}")
        }
        var offset = 0
        for tensor in tensors {
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            let end = offset + 4 * tensor.count
            entries.append(
                quoted(tensor.name) + ":{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
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
