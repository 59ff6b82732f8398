import AttarStorage
import AttarTensor

/// A vector for each token: in the file where that is possible, else a converted copy.
struct TokenTable: Sendable {
    private let mapped: MappedFloats?
    private let copied: FloatBuffer?
    /// The number of tokens.
    let rows: Int
    /// The width of a vector.
    let columns: Int
    private nonisolated(unsafe) let start: UnsafePointer<Float>

    /// A table in a weights file.
    ///
    /// - Throws: `TensorError`.
    init(_ file: Safetensors, named name: String, shape: [Int]) throws {
        rows = shape[0]
        columns = shape[1]
        mapped = try file.mapped(named: name, shape: shape)
        copied = mapped == nil ? FloatBuffer(try file.floats(named: name, shape: shape)) : nil
        start =
            mapped?.elements.baseAddress ?? copied.map { UnsafePointer($0.start) }
            ?? UnsafePointer(emptyFloats.start)
    }

    /// The first vector's first number; `rows * columns` follow it.
    var base: UnsafePointer<Float> { start }
}

/// Where tables without rows point.
let emptyFloats = FloatBuffer(count: 0)
