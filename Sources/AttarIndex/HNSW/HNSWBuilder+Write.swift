import AttarStorage

extension HNSWBuilder {
    /// Writes the graph; the file appears whole or not at all.
    ///
    /// - Returns: its size in bytes.
    /// - Throws: `StorageError`.
    @discardableResult
    public func write(to path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws -> Int {
        let writer = try SectionFileWriter(
            path: path, kind: HNSWFormat.kind, version: HNSWFormat.version(of: codes), on: fileSystem)
        switch codes {
        case .int8:
            try writer.add("codes", graph.codes.elements)
            try writer.add("scales", graph.scales.elements)
        case .binary: try writer.add("codes") { section in try writeSigns(to: section) }
        }
        for (number, level) in graph.levels.enumerated() {
            try writer.add("links.\(number)", level.links.elements)
            guard number > 0 else { continue }
            try writer.add("ordinals.\(number)", level.ordinals.elements)
            try writer.add("below.\(number)", level.below.elements)
        }
        let header = HNSWHeader(
            count: count, dimension: dimension, fingerprint: fingerprint, parameters: parameters,
            upperPlaces: graph.levels.dropFirst().map(\.count), codes: codes == .int8 ? nil : codes)
        try writer.add("header", json: header)
        return try writer.finish()
    }

    /// The signs of the codes, row by row; a step of 0 counts as below zero, as a number of 0 does.
    private func writeSigns(to section: SectionFileWriter.Sink) throws {
        let stride = HNSWFormat.stride(dimension: dimension, .binary)
        let padding = stride - VectorPrecision.binary.bytes(dimension: dimension)
        for ordinal in 0..<count {
            let row = UnsafeBufferPointer(start: graph.codes.start + ordinal * graph.stride, count: dimension)
            try section.append(signBits(row) + [UInt8](repeating: 0, count: padding))
        }
    }
}

extension SectionFileWriter {
    /// Adds a section of fixed-size elements, wherever they lie.
    fileprivate func add<Element: BitwiseCopyable>(_ name: String, _ elements: UnsafeBufferPointer<Element>) throws {
        try add(name) { try $0.append(UnsafeRawBufferPointer(elements)) }
    }
}
