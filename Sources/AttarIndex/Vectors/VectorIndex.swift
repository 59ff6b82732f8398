import AttarStorage

/// Anything that finds the k vectors nearest to a query vector by inner product.
public protocol VectorIndex: Sendable {
    /// The number of vectors; ordinals are below it.
    var count: Int { get }
    /// The length of a vector.
    var dimension: Int { get }
    /// Who made the vectors: the encoder's fingerprint as JSON.
    var fingerprint: String { get }
    /// Whether the search finds the true k best of the stored vectors.
    var isExact: Bool { get }

    /// The k best, and what it took to find them.
    ///
    /// - Parameters:
    ///   - query: `[dimension]`.
    ///   - allowed: which ordinals may be found; nil for all. Members at or above `count` mean nothing.
    /// - Returns: k hits whenever so many vectors are allowed.
    /// - Throws: `IndexError` for a query of another length or with a number that is not finite.
    func respond(to query: [Float], k: Int, allowed: OrdinalSet?) throws -> VectorSearchResponse

    /// Reads every byte of the index's own file: checksums first, then what they cannot tell.
    ///
    /// - Throws: `StorageError.corrupt` naming what was altered.
    func verify() throws
}

extension VectorIndex {
    /// The k best: score descending, then ordinal ascending.
    public func search(_ query: [Float], k: Int, allowed: OrdinalSet? = nil) throws -> [SearchHit] {
        try respond(to: query, k: k, allowed: allowed).hits
    }

    /// - Throws: `IndexError` when the query cannot be compared with the vectors.
    func require(_ query: [Float]) throws {
        guard query.count == dimension else { throw IndexError.dimension(expected: dimension, found: query.count) }
        try requireFinite(query)
    }
}

/// What a vector search found, and what it took.
public struct VectorSearchResponse: Sendable, Equatable {
    /// Score descending, then ordinal ascending.
    public var hits: [SearchHit]
    /// How many were asked for.
    public var requested: Int
    /// How many vectors were scored, by codes or by the vectors themselves.
    public var scanned: Int

    /// How many were found: as many as asked for, unless fewer vectors are allowed.
    public var returned: Int { hits.count }

    /// A response.
    public init(hits: [SearchHit], requested: Int, scanned: Int) {
        self.hits = hits
        self.requested = requested
        self.scanned = scanned
    }
}

/// How the numbers of stored vectors are kept.
public enum VectorPrecision: String, Sendable, Codable, CaseIterable {
    /// 32-bit floats, 4 bytes a number.
    case float32
    /// The upper halves of 32-bit floats, 2 bytes a number.
    case bfloat16
    /// 8-bit integers with one scale a vector, 1 byte a number.
    case int8
    /// Signs, 8 numbers a byte.
    case binary

    /// The bytes of one vector, without its scale.
    public func bytes(dimension: Int) -> Int {
        switch self {
        case .float32: 4 * dimension
        case .bfloat16: 2 * dimension
        case .int8: dimension
        case .binary: (dimension + 7) / 8
        }
    }
}

/// The layout of a flat vector file, kind "vectors": version 1 for float32 and int8, version 2 for the others.
///
/// Sections: `vectors` (rows one behind the other), `scales` (f32 a row, int8 only), `header` (JSON, at the end because
/// the number of rows is known only then). A binary row has the sign of number i in bit i % 8 of byte i / 8, 1 for
/// numbers above zero; bits behind the dimension are 0.
enum VectorFormat {
    static let kind = "vectors"
    static let newestVersion = 2

    static func version(of precision: VectorPrecision) -> Int {
        switch precision {
        case .float32, .int8: 1
        case .bfloat16, .binary: 2
        }
    }
}

/// What the file says of itself.
struct VectorHeader: Codable {
    var count: Int
    var dimension: Int
    var precision: VectorPrecision
    var fingerprint: String
}

/// The signs of a vector, as binary rows hold them.
func signBits<Number: Comparable & ExpressibleByIntegerLiteral>(_ vector: some Collection<Number>) -> [UInt8] {
    var bits = [UInt8](repeating: 0, count: (vector.count + 7) / 8)
    for (index, number) in vector.enumerated() where number > 0 { bits[index >> 3] |= 1 << UInt8(index & 7) }
    return bits
}
