import AttarIndex
import AttarModels
import AttarStorage
import AttarTensor
import Foundation

/// Times the ways to search an encoder's vectors on a sample of them, and picks one for a recall.
public struct VectorIndexTrial: Sendable, Encodable {
    /// One way to search.
    public struct Candidate: Sendable, Encodable {
        /// Its name.
        public let name: String
        /// How many candidates are looked at closely; nil where all are.
        public let candidates: Int?
        /// How many inverted lists are looked at; nil for other kinds.
        public let probes: Int?
        /// The recall@10 in the sample.
        public let recall: Double
        /// The microseconds of a query in the sample.
        public let microseconds: Double
        /// What a query takes in all vectors, about: in proportion to their number where all are looked at, to its
        /// logarithm in graphs, to its root in lists.
        public let estimate: Double
        /// The bytes of a vector that this needs besides the vectors themselves.
        public let extraBytes: Double
        /// Whether the recall is reached.
        public let suffices: Bool
    }

    /// How many vectors were tried.
    public let sample: Int
    /// How many there are.
    public let total: Int
    /// Whether queries were given; passages of the collection otherwise.
    public let hasQueries: Bool
    /// The recall@10 that was asked for.
    public let recall: Double
    /// All ways that were tried.
    public let candidates: [Candidate]
    /// The name of the one that was chosen.
    public let chosen: String
    /// Why.
    public let reason: String
    /// What was chosen.
    public let choice: VectorIndexChoice

    private enum CodingKeys: String, CodingKey {
        case sample, total, hasQueries, recall, candidates, chosen, reason
    }

    /// The most vectors of a sample, and the passages that serve as queries.
    static let largestSample = 30_000
    private static let sampledQueries = 200

    /// Tries all ways.
    ///
    /// - Parameters:
    ///   - encoder: one of the collection's `encoders`.
    ///   - recall: recall@10 against looking at each vector as it is stored.
    ///   - queries: vectors of queries, `[queries, dimension]`; nil for passages as queries.
    ///   - say: told what is tried.
    /// - Throws: `StorageError`, `CollectionError` when there are no vectors.
    public init(
        _ collection: Collection, encoder: EncoderRecord, recall: Double, queries: Matrix? = nil,
        say: (String) -> Void = { _ in }
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "attar-trial-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let sample = try Self.sample(collection, encoder, to: folder.appending(path: "sample.vec").path)
        let measure = try queries.map { queries in
            try RecallMeasure((0..<queries.rows).map { Array(queries.row($0)) }, in: sample)
        } ?? RecallMeasure(sampling: Self.sampledQueries, of: sample)
        let job = TrialJob(
            sample: sample, measure: measure, recall: recall, total: collection.passageCount, folder: folder.path)
        var tried: [(VectorIndexChoice, Candidate)] = [(.flat, try job.flat())]
        let codes: [VectorPrecision] = [.bfloat16, .int8, .binary]
        let choices = codes.map { VectorIndexChoice.index(.codes, codes: $0) }
            + [.index(.hnsw, codes: .int8), .index(.hnsw, codes: .binary), .lists(InvertedListsShape())]
        for choice in choices where choice.problem(encoder) == nil && job.suits(choice) {
            say(choice.name)
            tried.append((choice, try job.run(choice)))
        }
        self.init(tried, sample: sample.count, total: collection.passageCount, queries != nil, recall: recall)
    }

    /// Picks the fastest that reaches the recall; flat is exact, so there is always one.
    private init(
        _ tried: [(VectorIndexChoice, Candidate)], sample: Int, total: Int, _ hasQueries: Bool, recall: Double
    ) {
        (self.sample, self.total, self.hasQueries, self.recall) = (sample, total, hasQueries, recall)
        candidates = tried.map { $0.1 }
        let flat = tried[0]
        let fastest = tried.filter { $0.1.suffices }.min { $0.1.estimate < $1.1.estimate } ?? flat
        if total < VectorIndexRecord.fewestPassages {
            (choice, chosen) = (.flat, flat.1.name)
            reason = "\(total) vectors are looked at one by one in no time; indexes begin at "
                + "\(VectorIndexRecord.fewestPassages)"
        } else if fastest.1.estimate > Self.worthwhile * flat.1.estimate {
            (choice, chosen) = (.flat, flat.1.name)
            reason = "it is exact and needs no further file, and nothing else takes less than "
                + "\(Int(100 * Self.worthwhile)) % of its time at recall \(recall)"
        } else {
            (choice, chosen) = (fastest.0, fastest.1.name)
            reason = String(
                format: "of those that reach recall %g it takes least time, %.2g %% of that of looking at each vector",
                recall, 100 * fastest.1.estimate / max(1e-9, flat.1.estimate))
        }
    }

    /// What saves less time than this is not worth a further file and a loss of exactness.
    private static let worthwhile = 0.7

    /// Writes vectors that are evenly spread over the collection to a file of their own.
    private static func sample(
        _ collection: Collection, _ encoder: EncoderRecord, to path: String
    ) throws -> FlatVectorIndex {
        let indexes = collection.segments.compactMap { $0.vectors(of: encoder) }
        let total = indexes.reduce(0) { $0 + $1.count }
        guard total > 0 else { throw CollectionError.unsuitable("There are no vectors of \(encoder.fingerprint.name).") }
        let writer = try FlatVectorWriter(
            path: path, dimension: encoder.fingerprint.dimension, precision: encoder.precision, fingerprint: "sample")
        let size = min(total, largestSample)
        var (segment, first) = (0, 0)
        for number in 0..<size {
            let ordinal = number * total / size
            while ordinal >= first + indexes[segment].count {
                first += indexes[segment].count
                segment += 1
            }
            let vector = indexes[segment].vector(UInt32(ordinal - first))
            try writer.append(Matrix(rows: 1, columns: vector.count, values: vector))
        }
        try writer.finish()
        return try FlatVectorIndex(path: path)
    }
}

/// Tries one way after the other on a sample.
private struct TrialJob {
    let sample: FlatVectorIndex
    let measure: RecallMeasure
    let recall: Double
    let total: Int
    let folder: String

    /// Codes are trained on at least one vector for each codeword.
    func suits(_ choice: VectorIndexChoice) -> Bool {
        if case .lists = choice { return sample.count >= Self.fewestForLists }
        return true
    }

    private static let fewestForLists = 256

    func flat() throws -> VectorIndexTrial.Candidate {
        let time = try microseconds(sample)
        return .init(
            name: "flat \(sample.precision.rawValue)", candidates: nil, probes: nil, recall: 1, microseconds: time,
            estimate: time * Double(total) / Double(sample.count), extraBytes: 0, suffices: true)
    }

    func run(_ choice: VectorIndexChoice) throws -> VectorIndexTrial.Candidate {
        let path = "\(folder)/\(UUID().uuidString)"
        guard let record = VectorIndexRecord(choice, target: recall, fileName: "trial") else { return try flat() }
        try record.write(sample, to: path, on: LocalFileSystem(), threads: Parallel.processorCount) { _ in }
        let last = try RecallMeasure.first(of: record.ladder(over: [sample])) {
            try measure.recall(of: $0.open(path, over: sample))
        } ?? record
        let time = try microseconds(last.open(path, over: sample))
        let (all, few) = (Double(total), Double(sample.count))
        let growth = switch record.kind {
        case .codes: all / few
        case .hnsw: max(1, log(all) / log(max(2, few)))
        case .ivf: (all / few).squareRoot()
        }
        return .init(
            name: choice.name, candidates: last.candidates, probes: last.probes, recall: last.recall, microseconds: time,
            estimate: time * growth, extraBytes: Double(try LocalFileSystem().size(path)) / few,
            suffices: last.recall >= recall)
    }

    /// The median of three rounds.
    private func microseconds(_ index: any VectorIndex) throws -> Double {
        let clock = ContinuousClock()
        try measure.askAll(index)
        let times = try (0..<3).map { _ in try clock.measure { try measure.askAll(index) } }.sorted()
        let (seconds, attoseconds) = times[1].components
        return (Double(seconds) * 1e6 + Double(attoseconds) * 1e-12) / Double(max(1, measure.count))
    }
}
