import AttarIndex
import AttarModels

/// How vectors are to be searched.
public enum VectorIndexChoice: Sendable, Equatable {
    /// Every vector is looked at.
    case flat
    /// An index of a kind that finds candidates by codes of a precision: `codes` by any, `hnsw` by int8 or signs.
    case index(VectorIndexRecord.Kind, codes: VectorPrecision)
    /// Inverted lists of short codes.
    case lists(InvertedListsShape)

    /// The kind of index; nil for none.
    var kind: VectorIndexRecord.Kind? {
        switch self {
        case .flat: nil
        case .index(let kind, _): kind
        case .lists: .ivf
        }
    }

    /// How it is called.
    public var name: String {
        switch self {
        case .flat: "flat"
        case .index(.codes, let codes): "flat \(codes.rawValue), rescored"
        case .index(let kind, let codes): "\(kind.rawValue) \(codes.rawValue), rescored"
        case .lists(let shape): "ivf\(shape.bytes.map { " of \($0) bytes" } ?? ""), rescored"
        }
    }

    /// Why vectors of an encoder cannot be searched so, and what to do instead; nil when they can.
    func problem(_ encoder: EncoderRecord) -> String? {
        let dimension = encoder.fingerprint.dimension
        switch self {
        case .flat: return nil
        case .index(.codes, let codes):
            guard codes.bytes(dimension: 64) >= encoder.precision.bytes(dimension: 64) else { return nil }
            return "Codes of \(codes.rawValue) are not smaller than vectors of \(encoder.precision.rawValue); "
                + "choose smaller ones."
        case .index(.hnsw, let codes):
            guard HNSWCodes(codes) == nil else { return nil }
            return "A graph is walked by codes of int8 or binary, not \(codes.rawValue); choose one of these."
        case .index(.ivf, _): return "Inverted lists have codes of their own; say how many bytes instead."
        case .lists(let shape): return shape.problem(dimension: dimension)
        }
    }
}

extension HNSWCodes {
    /// Nil where graphs have no such codes.
    init?(_ precision: VectorPrecision) {
        switch precision {
        case .int8: self = .int8
        case .binary: self = .binary
        case .float32, .bfloat16: return nil
        }
    }
}

/// What inverted lists of codes look like; what is nil follows from the vectors.
public struct InvertedListsShape: Codable, Sendable, Equatable {
    /// The number of lists; nil for the power of 2 nearest to 4 times the root of the number of vectors, or fewer where a
    /// list would hold less than 32: centroids then follow single vectors.
    public var lists: Int?
    /// The bytes of a code; nil for one to 8 dimensions, or the next fewer that is possible.
    public var bytes: Int?

    /// A shape.
    public init(lists: Int? = nil, bytes: Int? = nil) { (self.lists, self.bytes) = (lists, bytes) }

    /// How the lists of some vectors are built: with half bytes, which are looked up in registers.
    func parameters(count: Int, dimension: Int) -> IVFParameters {
        var usual = 1
        while Double(usual) * 2.0.squareRoot() < 4 * Double(count).squareRoot(), 64 * usual <= count { usual *= 2 }
        return IVFParameters(
            lists: max(1, min(lists ?? usual, count)),
            subspaces: bytes.map { 2 * $0 } ?? Self.usualSubspaces(dimension))
    }

    private static func usualSubspaces(_ dimension: Int) -> Int {
        possibleSubspaces(dimension).last { $0 <= max(1, dimension / 4) } ?? 1
    }

    /// Ascending.
    private static func possibleSubspaces(_ dimension: Int) -> [Int] {
        (1...dimension).filter {
            IVFParameters(lists: 1, subspaces: $0).problem(dimension: dimension) == nil
        }
    }

    /// Why vectors of a dimension cannot be kept so, and what to do; nil when they can.
    func problem(dimension: Int) -> String? {
        if let lists, !(1...(1 << 20)).contains(lists) {
            return "\(lists) lists were asked for; 1 to \(1 << 20) are possible."
        }
        guard let bytes else { return nil }
        let possible = Self.possibleSubspaces(dimension).filter { $0 % 2 == 0 }.map { $0 / 2 }
        guard !possible.contains(bytes) else { return nil }
        return "Codes of \(bytes) bytes do not fit vectors of \(dimension) numbers; possible are "
            + (possible.isEmpty ? "none, leave the bytes out" : possible.map(String.init).joined(separator: ", ")) + "."
    }
}
