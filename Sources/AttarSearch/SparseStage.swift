import AttarCollection
import AttarIndex
import AttarModels
import AttarText

/// Search by learned sparse weights over all segments of a collection.
struct SparseStage: Sendable {
    private let name: String
    private let encoder: SparseEncoder
    private let indexes: [SparseIndex]
    private let firstPassages: [UInt32]

    /// - Throws: `SearchError` when the collection has no weights by the encoder.
    init(_ collection: Collection, name: String, encoder: SparseEncoder) throws {
        self.name = name
        self.encoder = encoder
        let record = try collection.learnedIndex(.weights, by: encoder.fingerprint)
        indexes = collection.segments.compactMap { $0.weights(of: record) }
        firstPassages = collection.segments.map { UInt32($0.firstPassage) }
    }

    /// The weights of a query, on the calling thread.
    func weights(_ query: String) -> SparseVector { encoder.encodeOne(query, role: .query) }

    /// The best passages of a selection, by the collection's ordinals.
    func passages(_ query: SparseVector, count: Int, in selection: Selection?) throws -> PassageHits {
        try PassageHits(best: count, firstPassages: firstPassages) { index, _ in
            try indexes[index].respond(
                columns: query.ids, weights: query.weights, k: count, allowed: selection?.passages[index])
        }
    }

    /// The most tokens that are named.
    private static let mostNamed = 20

    func explain(_ query: String, _ hit: DocumentHit) throws -> Explanation {
        let index = firstPassages.lastIndex { $0 <= hit.passage } ?? 0
        let (columns, values) = try indexes[index].vector(hit.passage - firstPassages[index])
        let passage = Dictionary(zip(columns, values)) { first, _ in first }
        let weights = weights(query)
        let common = zip(weights.ids, weights.weights).compactMap { id, weight in
            passage[id].map { own in
                Explanation.Weight(
                    token: encoder.tokenizer.token(for: id) ?? "\(id)", query: Double(weight), passage: Double(own),
                    contribution: Double(weight) * Double(own))
            }
        }
        let sorted = common.sorted { ($1.contribution, $0.token) < ($0.contribution, $1.token) }
        return Explanation(pipeline: name, score: hit.score, weights: Array(sorted.prefix(Self.mostNamed)))
    }
}

extension Collection {
    /// The complete index of a kind by an encoder.
    ///
    /// - Throws: `SearchError` saying which there are.
    func learnedIndex(_ kind: LearnedIndexRecord.Kind, by encoder: EncoderFingerprint) throws -> LearnedIndexRecord {
        if let record = learnedIndexes.first(where: { $0.kind == kind && $0.fingerprint.id == encoder.id }) {
            return record
        }
        let all = manifest.learnedIndexes.filter { $0.kind == kind }
        if all.contains(where: { $0.fingerprint.id == encoder.id }) {
            throw SearchError.incompleteVectors(encoder: encoder.name)
        }
        throw SearchError.noLearnedIndex(kind: kind, query: encoder.name, indexes: all.map(\.fingerprint.name))
    }
}
