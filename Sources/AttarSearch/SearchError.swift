import AttarCollection
import AttarModels
import AttarStorage

/// A query or a pipeline that a collection cannot serve.
public enum SearchError: AttarError, Equatable {
    /// No vectors in the collection live in the query encoder's space.
    case foreignEncoder(query: String, queryID: String, indexes: [String])
    /// `dense` was asked for, but the collection has only vectors of another encoder of the same space.
    case onlyAsymmetric(query: String, indexes: [String])
    /// `asymmetric` was asked for, but the only vectors of the space are the query encoder's own.
    case onlyDense(query: String)
    /// The collection has no vectors at all.
    case noVectors(collection: String, query: String)
    /// The collection has no weights, or no token vectors, by the query's encoder.
    case noLearnedIndex(kind: LearnedIndexRecord.Kind, query: String, indexes: [String])
    /// Documents were added since the encoder encoded the collection.
    case incompleteVectors(encoder: String)
    /// The encoder gave another number of values than its fingerprint says, or some that are no numbers.
    case badQueryVector(encoder: String, detail: String)
    /// A batch holds two queries of one id.
    case duplicateQuery(String)
    /// A query in boolean syntax makes no sense at a character, counted from 1.
    case badQuery(String, column: Int)
    /// The pipeline contradicts itself.
    case badPipeline(String)

    /// A pipeline or a query that does not make sense is a wrong command; all else is wrong input.
    public var category: ErrorCategory {
        switch self {
        case .badPipeline, .badQuery: .usage
        default: .input
        }
    }

    /// One or two sentences: what was asked, what is there, what to do.
    public var description: String {
        switch self {
        case .foreignEncoder(let query, let id, let indexes):
            "The query encoder \(query) (\(id.prefix(12))) does not belong to this collection, whose vectors were made by "
                + "\(indexes.joined(separator: ", ")): vectors of different models cannot be compared. Use that encoder or "
                + "a student of it, or encode the collection with `attar index --encoder`."
        case .onlyAsymmetric(let query, let indexes):
            "The collection has no vectors of \(query) itself, only of \(indexes.joined(separator: ", ")) in the same "
                + "space. Search with the pipeline `asymmetric`, or encode the collection with \(query) first."
        case .onlyDense(let query):
            "The only vectors of this space are those of \(query) itself, so nothing is asymmetric. "
                + "Search with the pipeline `dense`."
        case .noVectors(let collection, let query):
            "The collection \(collection) has no vectors to compare those of \(query) with. "
                + "Encode it with `attar index --encoder`, or search with the pipeline `bm25`."
        case .noLearnedIndex(let kind, let query, let indexes):
            "The collection has no \(kind == .weights ? "sparse weights" : "token vectors") by \(query)"
                + (indexes.isEmpty ? "" : ", only by \(indexes.joined(separator: ", "))")
                + ". Use an encoder that it has, or run `attar index --encoder` with this one"
                + (kind == .weights ? "." : " and `--kind multivector`.")
        case .incompleteVectors(let encoder):
            "Documents were added after \(encoder) encoded the collection. "
                + "Bring its vectors up to date with `attar index --encoder`."
        case .badQueryVector(let encoder, let detail):
            "The encoder \(encoder) gave a query vector that cannot be used: \(detail)."
        case .duplicateQuery(let id):
            "Two queries have the id \"\(id)\", so a run could not tell them apart. Rename one of them."
        case .badQuery(let problem, let column):
            "The query makes no sense at character \(column): \(problem)."
        case .badPipeline(let detail):
            detail
        }
    }
}
