import AttarStorage

extension HNSWBuilder {
    /// Writes the graph; the file appears whole or not at all.
    ///
    /// - Returns: its size in bytes.
    /// - Throws: `StorageError`.
    @discardableResult
    public func write(to path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws -> Int {
        let writer = try SectionFileWriter(
            path: path, kind: HNSWFormat.kind, version: HNSWFormat.version, on: fileSystem)
        try writer.add("codes", graph.codes.elements)
        try writer.add("scales", graph.scales.elements)
        for (number, level) in graph.levels.enumerated() {
            try writer.add("links.\(number)", level.links.elements)
            guard number > 0 else { continue }
            try writer.add("ordinals.\(number)", level.ordinals.elements)
            try writer.add("below.\(number)", level.below.elements)
        }
        let header = HNSWHeader(
            count: count, dimension: dimension, fingerprint: fingerprint, parameters: parameters,
            upperPlaces: graph.levels.dropFirst().map(\.count))
        try writer.add("header", json: header)
        return try writer.finish()
    }
}

extension SectionFileWriter {
    /// Adds a section of fixed-size elements, wherever they lie.
    fileprivate func add<Element: BitwiseCopyable>(_ name: String, _ elements: UnsafeBufferPointer<Element>) throws {
        try add(name) { try $0.append(UnsafeRawBufferPointer(elements)) }
    }
}
