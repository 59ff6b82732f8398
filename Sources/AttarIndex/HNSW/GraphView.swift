import CAttarKernels

/// The codes that a graph is walked by, where they lie in memory: rows of bytes with one scale a row, or rows of signs.
///
/// Valid only while their owner lives, which whoever makes one sees to.
struct CodeView: @unchecked Sendable {
    /// `[count, stride]`.
    let rows: UnsafePointer<Int8>
    /// `[count]`; nil for signs.
    let scales: UnsafePointer<Float>?
    let stride: Int
    let count: Int
    /// The length of a vector.
    let dimension: Int

    /// The code of a stored vector.
    func code(_ ordinal: UInt32) -> VectorCode {
        precondition(ordinal < count, "code \(ordinal) of \(count)")
        return VectorCode(bytes: rows + Int(ordinal) * stride, scale: scales?[Int(ordinal)] ?? 1)
    }

    /// Writes the code of a vector to `target`, which takes `stride` bytes.
    ///
    /// - Returns: its scale.
    func encode(_ vector: [Float], to target: UnsafeMutablePointer<Int8>) -> Float {
        target.initialize(repeating: 0, count: stride)
        var scale: Float = 1
        if scales == nil {
            for (index, byte) in signBits(vector).enumerated() { target[index] = Int8(bitPattern: byte) }
        } else {
            attar_quantize_i8(vector, 1, vector.count, target, &scale)
        }
        return scale
    }

    /// scores[i] = the inner product of `code` with the vector `ordinals[i]`.
    ///
    /// - Precondition: the ordinals are below `count`.
    @inline(__always)
    func score(_ code: VectorCode, _ batch: ScoreBatch) {
        guard let scales else { return scoreSigns(code, batch) }
        attar_dot_i8(code.bytes, rows, stride, batch.ordinals, batch.count, stride, batch.products)
        for index in 0..<batch.count {
            let scale = code.scale * scales[Int(batch.ordinals[index])]
            batch.scores[index] = Float(batch.products[index]) * scale
        }
    }

    /// The same for signs, which stand for numbers of one size as in `FlatVectorIndex`.
    private func scoreSigns(_ code: VectorCode, _ batch: ScoreBatch) {
        let (bits, all) = (UnsafeRawPointer(code.bytes), UnsafeRawPointer(rows))
        attar_hamming(
            bits.assumingMemoryBound(to: UInt8.self), all.assumingMemoryBound(to: UInt8.self), stride, batch.ordinals,
            batch.count, stride, batch.products)
        for index in 0..<batch.count {
            batch.scores[index] = Float(dimension - 2 * Int(batch.products[index])) / Float(dimension)
        }
    }
}

/// One vector's code: `stride` bytes, zeros behind the dimension.
struct VectorCode {
    let bytes: UnsafePointer<Int8>
    let scale: Float
}

/// Vectors that are to be scored together, and room for their scores.
struct ScoreBatch {
    let ordinals: UnsafePointer<UInt32>
    let products: UnsafeMutablePointer<Int32>
    let scores: UnsafeMutablePointer<Float>
    let count: Int
}

/// One level of a graph where it lies in memory.
struct LevelView: @unchecked Sendable {
    /// `[count, degree]`.
    let links: UnsafePointer<UInt32>
    let degree: Int
    let count: Int
    /// Which vector stands at a place; nil on level 0, where it is the one of that number.
    let ordinals: UnsafePointer<UInt32>?
    /// Its place on the level below.
    let below: UnsafePointer<UInt32>?

    /// The links of a place.
    @inline(__always)
    func row(_ place: UInt32) -> UnsafePointer<UInt32> { links + Int(place) * degree }

    /// Asks for the links of a place, which will be read soon; the hardware fetches what is behind the second line.
    @inline(__always)
    func prefetchRow(_ place: UInt32) {
        attar_prefetch(row(place))
        attar_prefetch(row(place) + 16)
    }

    @inline(__always)
    func ordinal(_ place: UInt32) -> UInt32 { ordinals.map { $0[Int(place)] } ?? place }
}

/// A graph where it lies in memory: that of a mapped file, or one that is being built.
struct GraphView: @unchecked Sendable {
    let codes: CodeView
    /// The lowest first; none is empty.
    let levels: [LevelView]
}
