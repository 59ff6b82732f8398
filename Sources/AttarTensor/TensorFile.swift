/// A file of named tensors whose header has been read and checked: what Safetensors and GGUF have in common.
public protocol TensorFile {
    /// What the header says of one tensor.
    associatedtype Entry: TensorFileEntry

    /// The file.
    var path: String { get }
    /// The tensors by name.
    var entries: [String: Entry] { get }

    /// The numbers of a tensor, as 32-bit floats in row-major order.
    ///
    /// - Parameter shape: the shape that the caller needs; nil takes any.
    /// - Throws: `TensorError`: `missing`, `mismatch` (shape, or a type that is not read as floats), or `corrupt` for
    ///   numbers that are not finite.
    /// - Complexity: O(elements).
    func floats(named name: String, shape: [Int]?) throws -> [Float]
}

/// What the header of a file says of one tensor.
public protocol TensorFileEntry {
    /// Its extents, outermost first; a scalar has none.
    var shape: [Int] { get }
}

extension TensorFile {
    /// The names of all tensors, sorted.
    public var names: [String] { entries.keys.sorted() }

    /// What the header says of a tensor.
    ///
    /// - Parameter shape: the shape that the caller needs; nil takes any.
    /// - Throws: `TensorError` of the kind `missing`, naming some that are there, or `mismatch` for another shape.
    public func entry(named name: String, shape: [Int]? = nil) throws -> Entry {
        guard let entry = entries[name] else {
            let some = names.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
            throw TensorError.file(
                .missing, path: path, tensor: name, "there is none of this name among \(entries.count): \(some) …")
        }
        if let shape, shape != entry.shape {
            throw TensorError.file(
                .mismatch, path: path, tensor: name, "the shape \(shape) was expected, it is \(entry.shape).")
        }
        return entry
    }

    /// A tensor with its shape, as 32-bit floats.
    ///
    /// - Throws: as `floats(named:shape:)`.
    public func tensor(named name: String) throws -> TensorValues {
        TensorValues(shape: try entry(named: name).shape, values: try floats(named: name, shape: nil))
    }

    /// A tensor of two dimensions.
    ///
    /// - Throws: as `floats(named:shape:)`.
    public func matrix(named name: String) throws -> Matrix {
        let shape = try entry(named: name).shape
        guard shape.count == 2 else {
            throw TensorError.file(.mismatch, path: path, tensor: name, "a matrix was expected, its shape is \(shape).")
        }
        return Matrix(rows: shape[0], columns: shape[1], values: try floats(named: name, shape: nil))
    }
}
