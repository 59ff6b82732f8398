extension TensorError {
    /// An error about a file, or about one tensor in it: "path: tensor "name": detail".
    static func file(_ kind: Kind, path: String, tensor: String? = nil, _ detail: String) -> TensorError {
        TensorError(kind, path + ": " + (tensor.map { "tensor \"\($0)\": " } ?? "") + detail)
    }
}
