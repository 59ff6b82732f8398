import CAttarKernels

/// One parameter of a checkpoint, in bytes that have been checked.
struct SavedParameter {
    let name: String
    let shape: [Int]
    let isRowSparse: Bool
    /// Steps, or nil when the optimiser had not met the parameter.
    let steps: Int?
    /// The met rows of a row-sparse parameter and their steps.
    let rows: [(row: Int, steps: UInt32)]
    let values: ArraySlice<UInt8>
    let first: ArraySlice<UInt8>
    let second: ArraySlice<UInt8>

    /// Puts values and moments back.
    func restore(_ parameter: Parameter, _ optimizer: AdamW) {
        copyFloats(values, to: parameter.tensor.storage.pointer)
        parameter.tensor.zeroGradient()
        optimizer.moments[name] = nil
        guard let steps else { return }
        let moments = optimizer.momentsOf(parameter)
        moments.steps = steps
        guard let dim = parameter.tensor.rowGradient?.dimension else {
            copyFloats(first, to: moments.first.pointer)
            copyFloats(second, to: moments.second.pointer)
            return
        }
        let size = dim * MemoryLayout<Float>.stride
        for (slot, (row, steps)) in rows.enumerated() {
            moments.rowSteps[row] = steps
            copyFloats(first.dropFirst(slot * size).prefix(size), to: moments.first.pointer + row * dim)
            copyFloats(second.dropFirst(slot * size).prefix(size), to: moments.second.pointer + row * dim)
        }
    }
}

/// Copies the bytes of floats as they are: every platform of Attar is little-endian.
private func copyFloats(_ bytes: ArraySlice<UInt8>, to pointer: UnsafeMutablePointer<Float>) {
    bytes.withUnsafeBytes { UnsafeMutableRawPointer(pointer).copyMemory(from: $0) }
}

extension UnsafeMutableRawPointer {
    fileprivate func copyMemory(from source: UnsafeRawBufferPointer) {
        if let base = source.baseAddress { copyMemory(from: base, byteCount: source.count) }
    }
}

/// Appends numbers to bytes.
struct StateWriter {
    var bytes: [UInt8] = []

    mutating func append(_ word: UInt64) {
        withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(blob: [UInt8]) {
        append(UInt64(blob.count))
        bytes.append(contentsOf: blob)
    }

    mutating func append(_ pointer: UnsafePointer<Float>, _ count: Int) {
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: pointer, count: count * MemoryLayout<Float>.stride))
    }

    mutating func append(_ parameter: Parameter, _ moments: Moments?) {
        append(blob: Array(parameter.name.utf8))
        append(UInt64(parameter.shape.count))
        for size in parameter.shape { append(UInt64(size)) }
        append(parameter.tensor.storage.pointer, parameter.count)
        let sparse = parameter.tensor.rowGradient
        append(UInt64((sparse == nil ? 0 : 1) + (moments == nil ? 0 : 2)))
        guard let moments else { return }
        append(UInt64(moments.steps))
        guard let dim = sparse?.dimension else {
            append(moments.first.pointer, parameter.count)
            append(moments.second.pointer, parameter.count)
            return
        }
        let rows = moments.rowSteps.indices.filter { moments.rowSteps[$0] > 0 }
        append(UInt64(rows.count))
        for row in rows { append(UInt64(row) << 32 | UInt64(moments.rowSteps[row])) }
        for row in rows { append(moments.first.pointer + row * dim, dim) }
        for row in rows { append(moments.second.pointer + row * dim, dim) }
    }

    /// The bytes with their checksum.
    mutating func finished() -> [UInt8] {
        append(UInt64(attar_crc32c(0, bytes, bytes.count)))
        return bytes
    }
}

/// Reads numbers from bytes; every length is checked before it is believed.
struct StateReader {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    init(_ bytes: [UInt8], magic: [UInt8]) throws {
        self.bytes = bytes
        position = magic.count
        end = bytes.count - 8
        guard bytes.count >= magic.count + 8, bytes.starts(with: magic.dropLast()) else {
            throw TensorError(.corrupt, "These \(bytes.count) bytes are not a training checkpoint of Attar.")
        }
        guard bytes[magic.count - 1] == magic[magic.count - 1] else {
            let version = String(decoding: bytes[(magic.count - 1)..<magic.count], as: UTF8.self)
            throw TensorError(
                .newerVersion,
                "The training checkpoint has format version \(version); this Attar reads version 1. "
                    + "Resume with the Attar that wrote it, or start anew.")
        }
        let expected = Self.word(bytes, at: end)
        guard UInt64(attar_crc32c(0, bytes, end)) == expected else {
            throw TensorError(
                .corrupt, "The training checkpoint is damaged: its checksum differs. Delete it to start anew.")
        }
    }

    /// No run takes so many steps, and counting on from them overflows nowhere.
    static let mostSteps = 1 << 31

    mutating func word(_ what: String) throws -> UInt64 {
        try require(8, what)
        defer { position += 8 }
        return Self.word(bytes, at: position)
    }

    mutating func count(_ what: String, limit: Int = Int.max) throws -> Int {
        let value = try word(what)
        guard value <= UInt64(limit) else {
            throw TensorError(.corrupt, "The training checkpoint is damaged: \(value) as \(what).")
        }
        return Int(value)
    }

    mutating func blob(_ what: String) throws -> [UInt8] {
        Array(try slice(count(what, limit: bytes.count), what))
    }

    mutating func parameter() throws -> SavedParameter {
        let name = String(decoding: try blob("name"), as: UTF8.self)
        let shape = try (0..<count("rank", limit: 8)).map { _ in try count("dimension", limit: bytes.count) }
        let size = try product(shape)
        let values = try slice(size, name)
        let flags = try count("flags", limit: 3)
        let (isSparse, hasMoments) = (flags & 1 == 1, flags & 2 == 2)
        let steps = hasMoments ? try count("steps", limit: Self.mostSteps) : nil
        var rows: [(row: Int, steps: UInt32)] = []
        var momentBytes = hasMoments ? size : 0
        if isSparse, hasMoments {
            let (rowCount, dim) = (shape.first ?? 0, shape.dropFirst().reduce(1, *))
            rows = try (0..<count("rows", limit: rowCount)).map { _ in try row(below: rowCount) }
            momentBytes = rows.count * dim * MemoryLayout<Float>.stride
        }
        return SavedParameter(
            name: name, shape: shape, isRowSparse: isSparse, steps: steps, rows: rows, values: values,
            first: try slice(momentBytes, name), second: try slice(momentBytes, name))
    }

    func requireEnd() throws {
        guard position == end else {
            throw TensorError(.corrupt, "The training checkpoint is damaged: \(end - position) bytes are left over.")
        }
    }

    private mutating func row(below limit: Int) throws -> (row: Int, steps: UInt32) {
        let word = try word("row")
        let (row, steps) = (word >> 32, word & 0xFFFF_FFFF)
        guard row < UInt64(limit), steps <= UInt64(Self.mostSteps) else {
            throw TensorError(
                .corrupt, "The training checkpoint is damaged: row \(row) of \(limit) with \(steps) steps.")
        }
        return (Int(row), UInt32(steps))
    }

    /// The bytes of a tensor of floats.
    private func product(_ shape: [Int]) throws -> Int {
        var size = MemoryLayout<Float>.stride
        for dimension in shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
            guard !overflow, product <= bytes.count else {
                throw TensorError(.corrupt, "The training checkpoint is damaged: a parameter of shape \(shape).")
            }
            size = product
        }
        return size
    }

    private mutating func slice(_ count: Int, _ what: String) throws -> ArraySlice<UInt8> {
        try require(count, what)
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    private func require(_ count: Int, _ what: String) throws {
        guard count <= end - position else {
            throw TensorError(.corrupt, "The training checkpoint is damaged: it ends within \(what).")
        }
    }

    private static func word(_ bytes: [UInt8], at position: Int) -> UInt64 {
        bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: UInt64.self)) }
    }
}
