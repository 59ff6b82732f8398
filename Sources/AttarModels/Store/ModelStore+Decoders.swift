import AttarStorage

extension ModelStore {
    /// The path of the decoder that a user's word stands for: a GGUF file, a folder, or the name of a model in the
    /// store.
    ///
    /// - Throws: as `resolve`.
    public func resolveDecoder(_ nameOrPath: String) throws -> String {
        if try LocalFileSystem().information(at: nameOrPath)?.kind == .file { return nameOrPath }
        return try resolve(nameOrPath)
    }
}
