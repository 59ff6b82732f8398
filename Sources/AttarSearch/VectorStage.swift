import AttarCollection
import AttarIndex
import AttarModels

/// Vector search over all segments of a collection: exact, unless the encoder's vectors have an index.
struct VectorStage: Sendable {
    private let name: String
    private let encoder: any TextEncoder
    private let record: EncoderRecord
    private let indexes: [any VectorIndex]
    private let vectors: [FlatVectorIndex]
    private let firstPassages: [UInt32]

    init(_ collection: Collection, name: String, encoder: any TextEncoder, record: EncoderRecord) throws {
        self.name = name
        self.encoder = encoder
        self.record = record
        indexes = collection.segments.compactMap { $0.vectorIndex(of: record) }
        vectors = collection.segments.compactMap { $0.vectors(of: record) }
        guard indexes.count == collection.segments.count else {
            throw SearchError.incompleteVectors(encoder: record.fingerprint.name)
        }
        firstPassages = collection.segments.map { UInt32($0.firstPassage) }
    }

    /// The vector of a query, on the calling thread.
    func vector(_ query: String) throws -> [Float] {
        let vector = try encoder.encodeOne(query, role: .query)
        guard vector.count == record.fingerprint.dimension else {
            throw SearchError.badQueryVector(
                encoder: encoder.fingerprint.name,
                detail: "it has \(vector.count) numbers instead of \(record.fingerprint.dimension)")
        }
        return vector
    }

    /// The best passages of a selection, by the collection's ordinals.
    func passages(_ vector: [Float], count: Int, in selection: Selection?) throws -> PassageHits {
        try PassageHits(best: count, firstPassages: firstPassages) { index, _ in
            let response = try indexes[index].respond(to: vector, k: count, allowed: selection?.passages[index])
            return (response.hits, response.scanned)
        }
    }

    func explain(_ query: String, _ hit: DocumentHit) throws -> Explanation {
        let index = firstPassages.lastIndex { $0 <= hit.passage } ?? 0
        let ordinal = hit.passage - firstPassages[index]
        let vector = try vector(query)
        let product = Double(try vectors[index].score(vector, ordinal: ordinal))
        return Explanation(
            pipeline: name, score: product,
            similarity: .init(
                queryEncoder: encoder.fingerprint.name, passageEncoder: record.fingerprint.name, product: product,
                cosine: Self.cosine(vector, vectors[index].vector(ordinal)),
                index: indexes[index] is FlatVectorIndex ? nil : record.index?.choice.name))
    }

    private static func cosine(_ one: [Float], _ other: [Float]) -> Double {
        var (product, first, second) = (0.0, 0.0, 0.0)
        for (a, b) in zip(one, other) {
            product += Double(a) * Double(b)
            first += Double(a) * Double(a)
            second += Double(b) * Double(b)
        }
        let lengths = (first * second).squareRoot()
        return lengths > 0 ? product / lengths : 0
    }
}
