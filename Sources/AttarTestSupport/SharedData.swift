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
        modelFile(name, "model.safetensors").map { _ in modelsFolder + "/" + name }
    }

    /// The path of one file of a real model, or nil when it has not been fetched.
    public static func modelFile(_ name: String, _ file: String) -> String? {
        let path = modelsFolder + "/" + name + "/" + file
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    private static var modelsFolder: String {
        ProcessInfo.processInfo.environment["ATTAR_MODELS"] ?? NSHomeDirectory() + "/.cache/attar/models"
    }

    /// Whether the default model (MiniLM-L6) has been fetched.
    public static var hasMiniLM: Bool { model("minilm") != nil }
}
