/// An array of 32-bit floats with a shape, and on demand a gradient of the same shape.
///
/// Elements are row-major. Operations see a tensor as a matrix: `columns` is the last dimension, `rows` the product of
/// all others. Tensors made by a `Tape` take their memory from its pool; tensors made here own theirs.
///
/// A tensor belongs to the one thread that drives its tape.
///
///     let tensor = Tensor(shape: [2, 3], values: [1, 2, 3, 4, 5, 6])
///     tensor.rows        // 2
///     tensor.values[4]   // 5
public final class Tensor {
    /// The size of each dimension; empty for a single number.
    public let shape: [Int]
    /// The number of elements.
    public let count: Int
    /// Whether a backward pass should bring a gradient here.
    public var requiresGradient: Bool

    let storage: Storage
    let pool: BufferPool?
    var gradientStorage: Storage?
    /// Whether a gradient has arrived since it was last zeroed.
    public internal(set) var hasGradient = false
    /// Where a row-sparse gradient collects, or nil when the gradient is dense.
    public let rowGradient: RowSparseGradient?

    /// A tensor over pooled memory with arbitrary content.
    init(shape: [Int], pool: BufferPool, requiresGradient: Bool) {
        self.shape = shape
        count = Self.elementCount(shape)
        self.requiresGradient = requiresGradient
        storage = Storage(count: count, pool: pool)
        self.pool = pool
        rowGradient = nil
    }

    /// A tensor of zeros.
    ///
    /// - Parameters:
    ///   - shape: The size of each dimension, none negative.
    ///   - requiresGradient: Whether a backward pass should bring a gradient here.
    ///   - rowSparse: Whether the gradient keeps touched rows only. Such a tensor may be used as the table of
    ///     `embedding` and `embeddingBag` and nowhere else.
    public init(zeros shape: [Int], requiresGradient: Bool = false, rowSparse: Bool = false) {
        self.shape = shape
        count = Self.elementCount(shape)
        self.requiresGradient = requiresGradient
        storage = Storage(zeros: count)
        pool = nil
        let dimension = shape.count > 1 ? shape[shape.count - 1] : 1
        rowGradient =
            rowSparse
            ? RowSparseGradient(rowCount: dimension == 0 ? 0 : count / dimension, dimension: dimension) : nil
    }

    /// A tensor with given elements.
    ///
    /// - Precondition: `values.count` is the product of `shape`.
    public convenience init(
        shape: [Int], values: [Float], requiresGradient: Bool = false, rowSparse: Bool = false
    ) {
        self.init(zeros: shape, requiresGradient: requiresGradient, rowSparse: rowSparse)
        assign(values)
    }

    /// A tensor `[rows, columns]` with the elements of a matrix.
    public convenience init(_ matrix: Matrix, requiresGradient: Bool = false) {
        self.init(shape: [matrix.rows, matrix.columns], values: matrix.values, requiresGradient: requiresGradient)
    }

    /// The last dimension; 1 for a single number.
    public var columns: Int { shape.last ?? 1 }

    /// The product of all dimensions but the last.
    public var rows: Int { shape.dropLast().reduce(1, *) }

    /// The elements, copied.
    public var values: [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let base = buffer.baseAddress { base.initialize(from: storage.pointer, count: count) }
            initialized = count
        }
    }

    /// The elements as a matrix `[rows, columns]`, copied.
    public var matrix: Matrix { Matrix(rows: rows, columns: columns, values: values) }

    /// The only element.
    ///
    /// - Precondition: `count == 1`.
    public var scalar: Float {
        precondition(count == 1, "a tensor of shape \(shape) is not a single number")
        return storage.pointer[0]
    }

    /// Overwrites all elements.
    ///
    /// - Precondition: `values.count == count`.
    public func assign(_ values: [Float]) {
        precondition(values.count == count, "\(values.count) values for a tensor of shape \(shape)")
        values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { storage.pointer.update(from: base, count: count) }
        }
    }

    /// Reads the elements in place.
    public func withUnsafeBufferPointer<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows
        -> Result
    {
        try body(UnsafeBufferPointer(start: storage.pointer, count: count))
    }

    /// Reads and writes the elements in place.
    public func withUnsafeMutableBufferPointer<Result>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        try body(UnsafeMutableBufferPointer(start: storage.pointer, count: count))
    }

    private static func elementCount(_ shape: [Int]) -> Int {
        precondition(shape.allSatisfy { $0 >= 0 }, "a tensor cannot have the shape \(shape)")
        return shape.reduce(1, *)
    }
}
