/// Who made a vector: the identity that travels with models, signals and indexes.
///
/// Two vectors may be compared only if their `space` is equal. Equal dimension says nothing: two models of 384 numbers
/// have two spaces.
public struct EncoderFingerprint: Codable, Hashable, Sendable {
    /// SHA-256, in hexadecimal, over weights, tokenizer, pooling, prompts and normalisation.
    public let id: String
    /// A name for people; it has no influence on equality of spaces.
    public let name: String
    /// The width of the vectors.
    public let dimension: Int
    /// The fingerprint id of the model in whose space the vectors live; nil for a model with a space of its own.
    public let teacher: String?

    /// A fingerprint.
    public init(id: String, name: String, dimension: Int, teacher: String? = nil) {
        self.id = id
        self.name = name
        self.dimension = dimension
        self.teacher = teacher
    }

    /// The id of the space: the teacher's for a student, else the model's own.
    public var space: String { teacher ?? id }

    /// Whether vectors of both encoders may be compared.
    public func sharesSpace(with other: EncoderFingerprint) -> Bool {
        space == other.space && dimension == other.dimension
    }
}
