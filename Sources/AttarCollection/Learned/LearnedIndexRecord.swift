import AttarIndex
import AttarModels
import AttarStorage

/// A learned index of passages that is not one vector each: weights of vocabulary tokens, or vectors of their tokens.
public struct LearnedIndexRecord: Codable, Sendable, Equatable {
    /// What is kept of a passage.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// Weights of vocabulary tokens (`SparseIndex`).
        case weights
        /// A vector for each token (`MultiVectorIndex`).
        case tokens
    }

    /// What is kept of a passage.
    public let kind: Kind
    /// Who made it.
    public let fingerprint: EncoderFingerprint
    /// How token vectors are kept, as `TokenCodec` names it; nil for weights.
    public let codec: String?
    /// The name of the file in each segment's folder.
    public let fileName: String

    /// The name of the model, as far as its fingerprint tells it.
    public var modelName: String {
        let name = fingerprint.name
        return kind == .tokens && name.hasSuffix(" tokens") ? String(name.dropLast(" tokens".count)) : name
    }

    /// A record of weights.
    static func weights(of fingerprint: EncoderFingerprint) -> Self {
        Self(kind: .weights, fingerprint: fingerprint, codec: nil, fileName: "\(stem(fingerprint)).sparse")
    }

    /// A record of token vectors.
    static func tokens(of fingerprint: EncoderFingerprint, as codec: TokenCodec) -> Self {
        Self(
            kind: .tokens, fingerprint: fingerprint, codec: codec.description,
            fileName: "\(stem(fingerprint)).\(codec).mvx")
    }

    /// The digest stands for the id, which may be any text; the file's name does not matter otherwise.
    private static func stem(_ fingerprint: EncoderFingerprint) -> Substring {
        SHA256Digest.hex(of: fingerprint.id).prefix(16)
    }
}

/// The learned indexes of one segment, mapped.
struct LearnedIndexes: Sendable {
    private var weights: [String: SparseIndex] = [:]
    private var tokens: [String: MultiVectorIndex] = [:]

    /// Opens what the segment has of some records.
    ///
    /// - Throws: `CollectionError.corrupt` for an index of another number of passages; `StorageError`.
    init(_ records: [LearnedIndexRecord], of segment: SegmentRecord, in folder: String) throws {
        for record in records where segment.file(named: record.fileName) != nil {
            let path = folder + "/" + record.fileName
            let count: Int
            switch record.kind {
            case .weights:
                let index = try SparseIndex(path: path)
                weights[record.fileName] = index
                count = index.passages
            case .tokens:
                let index = try MultiVectorIndex(path: path)
                tokens[record.fileName] = index
                count = index.count
            }
            guard count == segment.passageCount else {
                throw CollectionError.corrupt(path, "it has \(count) passages instead of \(segment.passageCount)")
            }
        }
    }

    func weights(of record: LearnedIndexRecord) -> SparseIndex? { weights[record.fileName] }
    func tokens(of record: LearnedIndexRecord) -> MultiVectorIndex? { tokens[record.fileName] }

    /// Reads every byte of one of them.
    ///
    /// - Throws: `StorageError.corrupt` naming what was altered.
    func verify(_ record: LearnedIndexRecord) throws {
        try weights(of: record)?.verify()
        try tokens(of: record)?.verify()
    }

    /// Writes one index of those of several segments, without the passages that were deleted.
    ///
    /// - Parameter order: the passages that stay, in their new order; nil for that of the segments.
    static func merge(
        _ record: LearnedIndexRecord, of segments: [Segment], to path: String, order: [UInt32]?, threads: Int,
        on fileSystem: any FileSystem
    ) throws {
        switch record.kind {
        case .weights:
            let sources = segments.compactMap { segment in segment.weights(of: record).map { ($0, segment.live) } }
            try SparseIndexMerger(sources).write(to: path, order: order, on: fileSystem)
        case .tokens:
            let sources = segments.compactMap { segment in segment.tokens(of: record).map { ($0, segment.live) } }
            try MultiVectorMerger(sources).write(to: path, order: order, threads: threads, on: fileSystem)
        }
    }
}
