import AttarStorage

/// The layout of a multi-vector file, kind "multivector", version 1: the token vectors of documents, of which each has
/// its own number. A token's number counts through all documents. Sections:
///
///     offsets      u64 [documents + 1]: the first token of each document, and at the end the number of all tokens
///     assignments  u32 [tokens]: the nearest centroid; only with centroids
///     tokens       bfloat16: u16 [tokens][dimension rounded up to 2]
///                  int8: u8 [tokens][dimension rounded up to 4]
///                  else: u8 [tokens][subspaces], codes of what is left when the centroid is taken away
///     scales       f32 [tokens], zeros i32 [tokens]: a number is scale · (byte − zero); only int8
///     codebooks    f32 [subspaces][256][dimension / subspaces]: what codes stand for; only residual and product codes
///     centroids    f32 [centroids][dimension]; only with centroids
///     ends         u64 [centroids]: where each centroid's list ends; only with centroids
///     lists        u32: documents of each centroid, ascending, none twice; only with centroids
///     header       JSON `MultiVectorHeader`
enum MultiVectorFormat {
    static let kind = "multivector"
    static let version = 1
    /// More than any list of documents can make use of; keeps products of sizes below 2⁶³.
    static let maximumTokens = 1 << 40
    static let maximumCentroids = 1 << 22
}

/// What the file says of itself.
struct MultiVectorHeader: Codable, IndexHeader {
    var documents: Int
    var tokens: Int
    var dimension: Int
    var codec: TokenCodec
    var centroids: Int
    var fingerprint: String
    /// Documents without tokens, which no search finds.
    var emptyDocuments: Int
    /// Free facts of the writer, such as which documents these are.
    var attributes: [String: String] = [:]

    var isPlausible: Bool {
        (0..<Int(UInt32.max)).contains(documents) && (0...MultiVectorFormat.maximumTokens).contains(tokens)
            && (1...65536).contains(dimension) && (0...MultiVectorFormat.maximumCentroids).contains(centroids)
            && (0...documents).contains(emptyDocuments) && codec.problem(dimension: dimension) == nil
            && (!codec.needsCentroids || centroids > 0 || tokens == 0)
    }
}

/// How the vectors of tokens are kept.
public enum TokenCodec: Sendable, Hashable, Codable {
    /// 2 bytes a number.
    case bfloat16
    /// A byte a number, and 8 bytes a token.
    case int8
    /// The number of the nearest centroid (4 bytes), and of the rest each number in 1, 2 or 4 bits (ColBERTv2;
    /// Santhanam et al. 2022): its buckets are the same in all dimensions.
    case residual(bits: Int)
    /// The number of the nearest centroid (4 bytes), and of the rest a byte for each subspace: the two-level quantiser
    /// of Martinico et al. 2026.
    case product(subspaces: Int)

    /// Whether tokens are kept as what differs from a centroid.
    public var needsCentroids: Bool {
        switch self {
        case .bfloat16, .int8: false
        case .residual, .product: true
        }
    }

    /// Subspaces of the codes of residuals; nil without such codes.
    ///
    /// Eight divided by `bits` neighbouring dimensions share a byte, so a byte of residual bits is a code like that of
    /// a product quantiser, whose codewords are all combinations of the buckets.
    func subspaces(dimension: Int) -> Int? {
        switch self {
        case .bfloat16, .int8: nil
        case .residual(let bits): dimension * bits / 8
        case .product(let subspaces): subspaces
        }
    }

    /// The elements of a token in the section `tokens`.
    func stride(dimension: Int) -> Int {
        switch self {
        case .bfloat16: dimension + dimension % 2
        case .int8: (dimension + 3) / 4 * 4
        case .residual, .product: subspaces(dimension: dimension) ?? 0
        }
    }

    /// Bytes that a token takes in the file, without lists and offsets.
    public func bytes(dimension: Int, centroids: Bool = false) -> Int {
        let number = needsCentroids || centroids ? 4 : 0
        switch self {
        case .bfloat16: return 2 * stride(dimension: dimension) + number
        case .int8: return stride(dimension: dimension) + 8 + number
        case .residual, .product: return stride(dimension: dimension) + number
        }
    }

    /// Why vectors of this length cannot be kept so; nil when they can.
    func problem(dimension: Int) -> String? {
        switch self {
        case .bfloat16, .int8: return nil
        case .residual(let bits):
            guard [1, 2, 4].contains(bits) else { return "Residuals of \(bits) bits are not known; use 1, 2 or 4." }
            guard dimension % (8 / bits) == 0 else {
                return "Residuals of \(bits) bits need a dimension that \(8 / bits) divides, not \(dimension)."
            }
        case .product(let subspaces):
            guard subspaces > 0, dimension % subspaces == 0 else {
                return "\(subspaces) subspaces do not divide \(dimension) dimensions; choose a divisor."
            }
        }
        return nil
    }
}

extension TokenCodec: CustomStringConvertible {
    /// `bf16`, `int8`, `residual2`, `pq32`.
    public var description: String {
        switch self {
        case .bfloat16: "bf16"
        case .int8: "int8"
        case .residual(let bits): "residual\(bits)"
        case .product(let subspaces): "pq\(subspaces)"
        }
    }

    /// The codec of a name as `description` writes it; nil for any other.
    public init?(name: String) {
        func number(after prefix: String) -> Int? {
            name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count)).flatMap { $0 > 0 ? $0 : nil } : nil
        }
        if name == "bf16" {
            self = .bfloat16
        } else if name == "int8" {
            self = .int8
        } else if let bits = number(after: "residual") {
            self = .residual(bits: bits)
        } else if let subspaces = number(after: "pq") {
            self = .product(subspaces: subspaces)
        } else {
            return nil
        }
    }
}
