import AttarStorage

/// The header of a `.npy` file: magic, version, length, and a Python dictionary in one line.
struct NumpyHeader {
    /// The type of the elements as NumPy writes it, such as `<f4`.
    let type: String
    /// Whether columns lie together in place of rows.
    let isFortranOrder: Bool
    /// The extents; none for a single value.
    let shape: [Int]
    /// Where the elements begin.
    let dataStart: Int

    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// - Throws: `TensorError.corrupt` when the bytes do not begin as such a file.
    init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
        guard bytes.count >= 12, bytes.prefix(6).elementsEqual(Self.magic), (1...3).contains(bytes[6]) else {
            throw TensorError.file(
                .corrupt, path: path, "no .npy file: it does not begin with NumPy's magic and version.")
        }
        let short = bytes[6] == 1
        let length =
            short
            ? Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
            : Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
        dataStart = (short ? 10 : 12) + length
        guard length <= 1 << 16, dataStart <= bytes.count else {
            throw TensorError.file(
                .corrupt, path: path, "its header claims \(length) bytes, the file has \(bytes.count).")
        }
        let text = String(decoding: bytes[(dataStart - length)..<dataStart], as: UTF8.self)
        guard let type = Self.value(of: "'descr': '", until: "'", in: text),
            let order = Self.value(of: "'fortran_order': ", until: ",", in: text),
            let shape = Self.value(of: "'shape': (", until: ")", in: text).flatMap(Self.extents)
        else {
            throw TensorError.file(
                .corrupt, path: path, "its header does not tell the type, the order and the shape of one plain array.")
        }
        self.type = String(type)
        isFortranOrder = order != "False"
        self.shape = shape
    }

    private static func value(of key: String, until end: Character, in text: String) -> Substring? {
        guard let found = text.firstRange(of: key), let stop = text[found.upperBound...].firstIndex(of: end) else {
            return nil
        }
        return text[found.upperBound..<stop]
    }

    private static func extents(in text: Substring) -> [Int]? {
        let parts = text.split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
        let extents = parts.compactMap { Int($0) }
        return extents.count == parts.count && extents.allSatisfy { $0 >= 0 } ? extents : nil
    }

    /// Refuses all but 32-bit floats, a row after the other, and says how to make them.
    func requireFloatsInRows(path: String) throws {
        guard type == "<f4" else {
            throw TensorError.file(
                .mismatch, path: path,
                "its numbers have NumPy's type \"\(type)\", 32-bit floats \"<f4\" were expected; save the array with "
                    + ".astype('float32').")
        }
        // One row or column lies in memory as in the other order.
        guard !isFortranOrder || shape.count < 2 || shape.contains(1) else {
            throw TensorError.file(
                .mismatch, path: path,
                "its columns lie together (Fortran order), rows were expected; save numpy.ascontiguousarray(array).")
        }
    }

    /// The elements, in the order of the file.
    ///
    /// - Throws: `TensorError.corrupt` when the file does not hold exactly as many as the shape says.
    func elements<Element: BitwiseCopyable>(
        in bytes: UnsafeRawBufferPointer, as _: Element.Type = Element.self, path: String
    ) throws -> [Element] {
        let size = MemoryLayout<Element>.stride
        let available = bytes.count - dataStart
        var (count, overflow) = (1, false)
        for extent in shape where !overflow { (count, overflow) = count.multipliedReportingOverflow(by: extent) }
        guard !overflow, available % size == 0, count == available / size else {
            throw TensorError.file(
                .corrupt, path: path,
                "\(shape.map(String.init).joined(separator: " x ")) numbers of \(size) bytes were announced, "
                    + "\(available) bytes of them are there.")
        }
        return [Element](unsafeUninitializedCapacity: count) { target, initialized in
            UnsafeMutableRawBufferPointer(target).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[dataStart...]))
            initialized = count
        }
    }

    /// A header, filled with spaces so that the data begins at a multiple of 64 bytes.
    static func bytes(type: String, shape: [Int]) -> [UInt8] {
        // A tuple of one has a comma behind it.
        let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var text = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }".utf8)
        while (10 + text.count + 1) % 64 != 0 { text.append(UInt8(ascii: " ")) }
        text.append(UInt8(ascii: "\n"))
        return magic + [1, 0, UInt8(text.count & 255), UInt8(text.count >> 8)] + text
    }
}
