/// Opens whatever encoder a model folder holds.
public enum EncoderLoader {
    /// Loads the encoder in a folder: a transformer or a static table.
    ///
    /// - Parameter precision: of a transformer's linear layers; nil for the folder's own.
    /// - Throws: `ModelError`, `TensorError`, `TextError` or `StorageError`, each naming the file.
    public static func load(path: String, precision: Precision? = nil) throws -> any TextEncoder {
        let folder = try ModelFolder(path: path)
        switch folder.backbone {
        case .bert: return try BertEncoder(folder, precision: precision)
        case .staticTable: return try StaticEncoder(folder)
        }
    }
}
