import AttarStorage
import AttarText
import Foundation

/// What Attar knows of a model beyond what other programs need: the file `attar.json` in its folder.
public struct AttarFacts: Codable, Sendable, Equatable {
    /// The newest form of the file that this version reads.
    public static let currentVersion = 1

    /// The form of the file.
    public var formatVersion = AttarFacts.currentVersion
    /// The model's name for people.
    public var name: String
    /// The encoder in whose space the vectors live; nil for a model with a space of its own.
    public var teacher: EncoderFingerprint?
    /// The system that trained the model, such as "S36".
    public var system: String?
    /// The width of the vectors.
    public var dimension: Int
    /// Whether the vectors have length 1.
    public var normalized: Bool
    /// The prompts, by name.
    public var prompts: [String: String]
    /// The numbers in which the model is meant to be computed; nil for fp32.
    public var precision: Precision?
    /// The configuration of the training, and whatever else its author wants to be known.
    public var training: [String: MetadataValue]

    /// Facts about a model.
    public init(
        name: String, teacher: EncoderFingerprint? = nil, system: String? = nil, dimension: Int, normalized: Bool,
        prompts: [String: String] = [:], precision: Precision? = nil, training: [String: MetadataValue] = [:]
    ) {
        self.name = name
        self.teacher = teacher
        self.system = system
        self.dimension = dimension
        self.normalized = normalized
        self.prompts = prompts
        self.precision = precision
        self.training = training
    }

    /// The facts in a model folder; nil when the model is not of Attar's making.
    ///
    /// - Throws: `ModelError` when the file is newer than this version, or broken.
    static func read(folder: String) throws -> AttarFacts? {
        let path = folder + "/attar.json"
        guard try LocalFileSystem().exists(path) else { return nil }
        struct Version: Decodable { var formatVersion: Int }
        let data = Data(try LocalFileSystem().read(path, maximumBytes: 16 << 20))
        do {
            let version = try JSONDecoder().decode(Version.self, from: data).formatVersion
            guard version <= currentVersion else {
                throw ModelError.badConfiguration(
                    file: path,
                    detail: "its version is \(version); this Attar reads up to \(currentVersion). Update Attar.")
            }
            return try JSONDecoder().decode(AttarFacts.self, from: data)
        } catch let error as DecodingError {
            throw ModelError.badConfiguration(file: path, detail: "\(error).")
        }
    }

    func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}
