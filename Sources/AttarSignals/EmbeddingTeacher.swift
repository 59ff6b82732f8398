import AttarModels
import AttarTensor
import Foundation

/// An embedding model as a teacher: slow, asked once a text, remembered for ever.
public final class EmbeddingTeacher {
    /// The model that answers.
    public let encoder: any TextEncoder
    /// Where its answers are kept.
    public let store: SignalStore
    /// What this object's callers have cost so far.
    public private(set) var account = Account()

    /// How many texts were asked for, how many of them the model had to encode, and how long that took.
    public struct Account: Sendable, Equatable {
        /// Texts asked for.
        public var requested = 0
        /// Texts that the model had to encode because the store did not know them.
        public var encoded = 0
        /// Seconds the model took.
        public var seconds = 0.0
    }

    /// A teacher over a model and a store.
    public init(encoder: any TextEncoder, store: SignalStore) {
        self.encoder = encoder
        self.store = store
    }

    /// The teacher's vectors, from the store where it knows them.
    ///
    /// New answers are stored after every `batch` texts, each batch in one transaction; a cancelled or killed call has
    /// lost at most the batch it was working on.
    ///
    /// - Parameters:
    ///   - progress: called with the number of texts done, of all.
    /// - Returns: `[texts, dimension]`, in the order of `texts`.
    /// - Throws: `SignalError`, what the encoder throws, `CancellationError` when the task is cancelled.
    public func vectors(
        for texts: [String], role: TextRole, options: EncodingOptions, batch: Int = 256,
        progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) throws -> Matrix {
        let limit = min(options.maximumLength ?? encoder.maximumLength, encoder.maximumLength)
        let asked = DistinctKeys(texts.map {
            SignalKey(teacher: encoder.fingerprint, role: role, maximumLength: limit, text: $0)
        })
        account.requested += texts.count
        var distinct = Matrix(rows: asked.keys.count, columns: encoder.dimension)
        let missing = try fill(&distinct, from: asked.keys)
        progress(asked.keys.count - missing.count, asked.keys.count)
        for start in stride(from: 0, to: missing.count, by: batch) {
            try Task.checkCancellation()
            let indices = Array(missing[start..<min(missing.count, start + batch)])
            let vectors = try ask(
                indices.map { texts[asked.firstUse[$0]] }, keys: indices.map { asked.keys[$0] }, role, options)
            for (row, index) in indices.enumerated() { distinct.setRow(index, to: vectors.row(row)) }
            progress(asked.keys.count - missing.count + start + indices.count, asked.keys.count)
        }
        return asked.keys.count == texts.count ? distinct : distinct.gathered(asked.slots)
    }

    /// Copies what the store knows, and returns the indices of the rest.
    private func fill(_ result: inout Matrix, from keys: [SignalKey]) throws -> [Int] {
        var missing: [Int] = []
        for start in stride(from: 0, to: keys.count, by: 4096) {
            let range = start..<min(keys.count, start + 4096)
            for (index, vector) in zip(range, try store.vectors(Array(keys[range]))) {
                guard let vector else {
                    missing.append(index)
                    continue
                }
                guard vector.count == result.columns else {
                    throw SignalError.widthChanged(
                        teacher: encoder.fingerprint.name, expected: vector.count, found: result.columns)
                }
                result.setRow(index, to: vector[...])
            }
        }
        return missing
    }

    private func ask(
        _ texts: [String], keys: [SignalKey], _ role: TextRole, _ options: EncodingOptions
    ) throws -> Matrix {
        let clock = ContinuousClock()
        let start = clock.now
        let vectors = try encoder.encode(texts, role: role, options: options)
        let seconds = (clock.now - start).seconds
        let name = encoder.fingerprint.name
        guard vectors.rows == texts.count, vectors.columns == encoder.dimension else {
            throw SignalError.badAnswer(
                teacher: name,
                detail: "\(vectors.rows) vectors of \(vectors.columns) numbers for \(texts.count) texts, "
                    + "where \(encoder.dimension) numbers a text were expected")
        }
        guard vectors.values.allSatisfy(\.isFinite) else {
            throw SignalError.badAnswer(teacher: name, detail: "it contains infinity or not-a-number")
        }
        try store.store(vectors, for: keys, teacher: encoder.fingerprint, seconds: seconds)
        account.encoded += texts.count
        account.seconds += seconds
        return vectors
    }
}

/// The distinct keys of a list, in order of first use, so that a text which stands twice is asked once.
private struct DistinctKeys {
    /// The distinct keys.
    private(set) var keys: [SignalKey] = []
    /// For each distinct key, the first position that uses it.
    private(set) var firstUse: [Int] = []
    /// For each position, the index of its key in `keys`.
    private(set) var slots: [Int] = []

    init(_ all: [SignalKey]) {
        var index: [SignalKey: Int] = [:]
        for (position, key) in all.enumerated() {
            let slot = index[key] ?? keys.count
            if slot == keys.count {
                index[key] = slot
                keys.append(key)
                firstUse.append(position)
            }
            slots.append(slot)
        }
    }
}

extension Duration {
    /// The duration in seconds.
    public var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
