import CAttarKernels

/// A graph that is being built.
final class GraphMemory: Sendable {
    let dimension: Int
    let stride: Int
    let parameters: HNSWParameters
    let codes = GrowingMemory<Int8>()
    let scales = GrowingMemory<Float>()
    /// Level 0 and, once they have a place, the levels above.
    nonisolated(unsafe) private(set) var levels: [Level]

    /// One level.
    final class Level: Sendable {
        let degree: Int
        let links = GrowingMemory<UInt32>()
        /// Empty on level 0.
        let ordinals = GrowingMemory<UInt32>()
        let below = GrowingMemory<UInt32>()

        init(degree: Int) { self.degree = degree }

        var count: Int { links.count / degree }

        /// Adds a place without links.
        func append() { links.grow(by: degree, filledWith: HNSWFormat.noPlace) }

        /// The links of a place.
        func row(_ place: UInt32) -> UnsafeMutableBufferPointer<UInt32> {
            precondition(place < count, "place \(place) of \(count)")
            return UnsafeMutableBufferPointer(start: links.start + Int(place) * degree, count: degree)
        }

        /// How many links a place has.
        func linkCount(_ place: UInt32) -> Int {
            let row = row(place)
            return row.firstIndex(of: HNSWFormat.noPlace) ?? degree
        }

        /// Replaces the links of a place.
        func setLinks(_ place: UInt32, _ targets: [UInt32]) {
            let row = row(place)
            precondition(targets.count <= degree, "\(targets.count) links for \(degree)")
            for index in row.indices { row[index] = index < targets.count ? targets[index] : HNSWFormat.noPlace }
        }

        /// The vector at a place.
        func ordinal(_ place: UInt32) -> UInt32 { ordinals.count == 0 ? place : ordinals[Int(place)] }

        var view: LevelView {
            LevelView(
                links: links.start, degree: degree, count: count, ordinals: ordinals.count == 0 ? nil : ordinals.start,
                below: below.count == 0 ? nil : below.start)
        }
    }

    init(dimension: Int, parameters: HNSWParameters) {
        self.dimension = dimension
        stride = HNSWFormat.stride(dimension: dimension)
        self.parameters = parameters
        levels = [Level(degree: parameters.degree(level: 0))]
    }

    /// The number of vectors.
    var count: Int { scales.count }

    /// Valid until something is appended.
    var view: GraphView {
        let codes = CodeView(
            rows: codes.start, scales: scales.start, stride: stride, count: count, dimension: dimension)
        return GraphView(codes: codes, levels: levels.map(\.view))
    }

    /// Adds a vector's code; its places come by `appendPlaces`.
    func appendCode(_ vector: UnsafePointer<Float>) {
        let ordinal = count
        codes.grow(by: stride, filledWith: 0)
        scales.append(1)
        attar_quantize_i8(vector, 1, dimension, codes.start + ordinal * stride, scales.start + ordinal)
    }

    /// Adds the code of a vector of another graph of this dimension; signs become numbers of one size.
    func appendCode(_ code: VectorCode, areSigns: Bool) {
        guard areSigns else { return append(code) }
        let ordinal = count
        codes.grow(by: stride, filledWith: 0)
        scales.append(1 / Float(dimension).squareRoot())
        for d in 0..<dimension {
            codes.start[ordinal * stride + d] = UInt8(bitPattern: code.bytes[d >> 3]) >> UInt8(d & 7) & 1 == 1 ? 1 : -1
        }
    }

    private func append(_ code: VectorCode) {
        codes.append(contentsOf: UnsafeBufferPointer(start: code.bytes, count: stride))
        scales.append(code.scale)
    }

    /// Gives a vector its places, without links, on the levels up to `level`.
    ///
    /// - Returns: its place on each.
    func appendPlaces(_ ordinal: UInt32, upTo level: Int) -> [UInt32] {
        var places: [UInt32] = []
        for number in 0...level { places.append(appendPlace(level: number, ordinal: ordinal, places.last)) }
        return places
    }

    /// Adds a place without links.
    ///
    /// - Parameters:
    ///   - ordinal: which vector stands there; without meaning on level 0.
    ///   - below: its place on the level below; nil on level 0.
    func appendPlace(level number: Int, ordinal: UInt32?, _ below: UInt32?) -> UInt32 {
        if number == levels.count { levels.append(Level(degree: parameters.degree(level: number))) }
        let level = levels[number]
        if let ordinal, let below {
            level.ordinals.append(ordinal)
            level.below.append(below)
        }
        level.append()
        return UInt32(level.count - 1)
    }
}
