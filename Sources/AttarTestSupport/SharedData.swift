import Foundation

/// Where the real data and models of development stand; tests that need them skip by name when they are absent.
public enum SharedData {
    /// The folder beside the project that holds data sets, or nil outside the project's own machines.
    public static let folder: String? = {
        let beside = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../shared/data").standardized
        let path = ProcessInfo.processInfo.environment["ATTAR_SHARED_DATA"] ?? beside.path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()

    /// Whether real data sets are at hand.
    public static var isAvailable: Bool { folder != nil }

    /// The path of one data set.
    public static func path(_ name: String) -> String { (folder ?? "") + "/" + name }

    /// The folder of a real model by name, or nil when it has not been fetched.
    public static func model(_ name: String) -> String? {
        let root = ProcessInfo.processInfo.environment["ATTAR_MODELS"] ?? NSHomeDirectory() + "/.cache/attar/models"
        let path = root + "/" + name
        return FileManager.default.fileExists(atPath: path + "/model.safetensors") ? path : nil
    }

    /// Whether the default model (MiniLM-L6) has been fetched.
    public static var hasMiniLM: Bool { model("minilm") != nil }
}
