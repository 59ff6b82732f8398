import AttarModels
import AttarStorage
import Foundation

/// Which model folders belong to a collection, so that a search need not name them: `models.json` in its folder.
public struct CollectionModels: Codable, Sendable, Equatable {
    /// The teacher's folder.
    public var teacher: String
    /// The students' folders by name.
    public var students: [String: String]
    /// The student to use when none is named.
    public var preferred: String?
    /// The pipeline that the last verdict recommends, if it could decide.
    public var recommendedPipeline: PipelineChoice?

    /// The models of a collection.
    public init(
        teacher: String, students: [String: String] = [:], preferred: String? = nil, recommendedPipeline: PipelineChoice? = nil
    ) {
        self.teacher = teacher
        self.students = students
        self.preferred = preferred
        self.recommendedPipeline = recommendedPipeline
    }

    /// Reads a collection's models; nil when nothing was distilled for it yet.
    public static func read(collection: String) throws -> CollectionModels? {
        let path = Self.path(collection)
        guard try LocalFileSystem().exists(path) else { return nil }
        let bytes = try LocalFileSystem().read(path, maximumBytes: 1 << 20)
        do {
            return try JSONDecoder().decode(CollectionModels.self, from: Data(bytes))
        } catch {
            throw StorageError(.corrupt, path: path, "this is no list of models (\(error)). Remove it and distil again.")
        }
    }

    /// Replaces a collection's models atomically.
    public func write(collection: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write([UInt8](encoder.encode(self)), to: Self.path(collection))
    }

    private static func path(_ collection: String) -> String { collection + "/models.json" }
}
