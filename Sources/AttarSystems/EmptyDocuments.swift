import AttarStorage
import Foundation

/// The ids of documents that were given to a collection but had no text: `empty.json` in its folder.
///
/// They cannot be found, but they are not unknown: judgements that name them belong to the collection.
enum EmptyDocuments {
    private static func path(_ collection: String) -> String { collection + "/empty.json" }

    /// The ids of a collection's empty documents.
    static func read(collection: String) throws -> Set<String> {
        let path = path(collection)
        guard try LocalFileSystem().exists(path) else { return [] }
        let bytes = try LocalFileSystem().read(path, maximumBytes: 1 << 28)
        guard let ids = try? JSONDecoder().decode([String].self, from: Data(bytes)) else {
            throw StorageError(.corrupt, path: path, "this is no list of ids. Remove it; it only lists empty documents.")
        }
        return Set(ids)
    }

    /// Remembers further empty documents.
    static func add(_ ids: [String], to collection: String) throws {
        guard !ids.isEmpty else { return }
        let all = try read(collection: collection).union(ids).sorted()
        try AtomicFile.write([UInt8](JSONEncoder().encode(all)), to: path(collection))
    }
}
