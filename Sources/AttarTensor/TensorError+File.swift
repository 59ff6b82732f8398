extension TensorError {
    /// An error about a file, or about one tensor in it: "path: tensor "name": detail".
    static func file(_ kind: Kind, path: String, tensor: String? = nil, _ detail: String) -> TensorError {
        TensorError(kind, path + ": " + (tensor.map { "tensor \"\($0)\": " } ?? "") + detail)
    }

    /// Refuses numbers that are not finite. One in the weights makes every vector that it touches worthless, mostly
    /// without being noticed.
    ///
    /// - Parameter first: the place in the tensor of the first of the numbers.
    /// - Complexity: O(count).
    static func requireFinite(
        _ values: UnsafeBufferPointer<Float>, path: String, tensor: String, first: Int = 0
    ) throws {
        // Without a branch in the loop it runs as fast as memory can be read.
        var exceptions: UInt32 = 0
        for value in values { exceptions |= value.bitPattern & 0x7F80_0000 == 0x7F80_0000 ? 1 : 0 }
        guard exceptions != 0, let position = values.firstIndex(where: { !$0.isFinite }) else { return }
        throw TensorError.file(
            .corrupt, path: path, tensor: tensor,
            "its number \(first + position) is \(values[position]), where weights must be finite. Fetch the file again, "
                + "or train it anew.")
    }

    /// The same for numbers in bfloat16.
    static func requireFinite(brainFloats bits: UnsafeBufferPointer<UInt16>, path: String, tensor: String) throws {
        var exceptions: UInt16 = 0
        for value in bits { exceptions |= value & 0x7F80 == 0x7F80 ? 1 : 0 }
        guard exceptions != 0 else { return }
        let values = bits.map { Float(bitPattern: UInt32($0) << 16) }
        try values.withUnsafeBufferPointer { try requireFinite($0, path: path, tensor: tensor) }
    }
}
