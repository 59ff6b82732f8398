import AttarStorage

/// What was wrong with a query or with what was to be indexed. Broken files throw `StorageError`.
public enum IndexError: AttarError, Equatable {
    /// A vector's length is not the index's dimension.
    case dimension(expected: Int, found: Int)
    /// A vector holds a number that is not finite, at this position.
    case notFinite(position: Int)
    /// Columns that do not ascend, or leave the index's width.
    case columns(found: Int, width: Int)
    /// More passages than 32-bit ordinals can count.
    case tooManyPassages(Int)
    /// Two indexes that cannot become one, as what was kept with them differs.
    case otherAttributes(String, String)
    /// A quantiser cannot be trained so, and what to do instead.
    case quantizer(String)
    /// A query that cannot be answered, and what to do instead.
    case query(String)
    /// An ordinal that no document has.
    case ordinal(UInt32, count: Int)
    /// Candidates cannot be scored again so, and what to do instead.
    case cascade(String)
    /// Two indexes that are searched together hold different documents.
    case otherDocuments(String, String)
    /// A graph was opened with vectors that are not its own.
    case otherVectors(graph: String, vectors: String)

    /// Always the input.
    public var category: ErrorCategory { .input }

    /// One sentence.
    public var description: String {
        switch self {
        case .dimension(let expected, let found):
            "The vector has \(found) numbers, the index holds vectors of \(expected); use the encoder that made the index."
        case .notFinite(let position):
            "The vector's number at position \(position) is not finite, so nothing can be compared with it; check the encoder."
        case .columns(let found, let width):
            "The sparse vector's column \(found) is not above the one before it, or not below the width \(width); use the encoder that made the index."
        case .tooManyPassages(let count):
            "\(count) passages do not fit one index of at most \(UInt32.max); split the collection."
        case .otherAttributes(let one, let other):
            "\(one) and \(other) were made in different ways, so they cannot become one index; build both again alike."
        case .quantizer(let problem), .query(let problem), .cascade(let problem): problem
        case .otherDocuments(let first, let second):
            "\(first) and \(second) do not hold the same documents in the same order; build both from one collection."
        case .ordinal(let ordinal, let count):
            "There is no document \(ordinal) in an index of \(count); candidates must come from an index of the same documents."
        case .otherVectors(let graph, let vectors):
            "\(vectors) does not hold the vectors that the graph \(graph) was built over; build the graph again."
        }
    }
}
