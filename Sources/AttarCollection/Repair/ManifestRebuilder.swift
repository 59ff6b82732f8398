import AttarIndex
import AttarModels
import AttarStorage
import AttarText

/// Makes a manifest out of the segments' files and the rows, for a collection that has lost its own.
///
/// Nothing but the manifest says which segments count. Those that do not are told from the others by this: a commit
/// makes its rows durable before the manifest, so a segment without rows belongs to no commit; and no document stands in
/// two segments, unless one is a merge of others that are still there, or the older one was replaced.
struct ManifestRebuilder {
    let path: String
    let fileSystem: any FileSystem
    /// What the damaged manifest still says.
    let remains: ManifestRemains
    let store: DocumentStore
    /// What was assumed where nothing says it, a sentence each.
    private(set) var guesses: [String] = []
    /// The folders that belong to no commit.
    private(set) var leftOut: [Int] = []
    /// Indexes over vectors whose candidates have to be measured anew, by the vectors' file names.
    private(set) var unmeasured: [String] = []

    /// - Throws: `CollectionError`, `StorageError` when the rows cannot be read: then there is nothing to rebuild.
    init(path: String, fileSystem: any FileSystem, remains: [UInt8]) throws {
        (self.path, self.fileSystem) = (path, fileSystem)
        self.remains = ManifestRemains(remains)
        store = try DocumentStore(path: path + "/" + DocumentTable.fileName)
    }

    /// - Complexity: O(bytes of the collection).
    mutating func rebuild() throws -> CollectionManifest {
        let numbers = try fileSystem.list(path + "/" + CollectionLayout.segments)
            .filter { name in Int(name).map { $0 > 0 && SegmentRecord.folderName($0) == name } ?? false }
            .compactMap { Int($0) }.sorted()
        let segments = try listedSegments(numbers) ?? foundSegments(numbers)
        let used = Set(segments.map(\.number))
        leftOut = numbers.filter { !used.contains($0) }
        let encoders = self.encoders(of: segments)
        var manifest = CollectionManifest(configuration: configuration(of: segments))
        manifest.encoders = encoders
        let learned = learned(in: segments)
        if !learned.isEmpty { manifest.learned = learned }
        manifest.segments = try segments.map {
            try $0.record(encoders: encoders, learned: learned, store: store, on: fileSystem)
        }
        manifest.nextSegment = (numbers.last ?? 0) + 1
        return manifest
    }

    // ------------------------------------------------------------------------------------------------------- segments

    /// The segments that the damaged manifest lists, if all are there.
    private func listedSegments(_ numbers: [Int]) throws -> [SegmentRemains]? {
        guard let listed = remains.segments, listed.allSatisfy({ numbers.contains($0.number) }) else { return nil }
        return try listed.map {
            try SegmentRemains(
                number: $0.number, in: path, generation: $0.deletions?.generation ?? 0, on: fileSystem)
        }
    }

    private mutating func foundSegments(_ numbers: [Int]) throws -> [SegmentRemains] {
        var segments = try numbers.map { try SegmentRemains(number: $0, in: path, generation: nil, on: fileSystem) }
        let isWithoutRows = try segments.map { try !$0.living.isEmpty && rowCount(of: $0.number) == 0 }
        let unfinished = zip(segments, isWithoutRows).filter(\.1).map(\.0.number)
        if !unfinished.isEmpty {
            guesses.append("Segments without rows belong to no commit: \(Self.list(unfinished)).")
            // The commit that did not come to its end also wrote the newest deletions.
            segments = try segments.filter { !unfinished.contains($0.number) }.map(withoutLastDeletions)
        } else if segments.contains(where: { SegmentRemains.generations($0.names).count > 1 }) {
            guesses.append("The newest file of deletions counts in each segment.")
        }
        try resolve(&segments)
        segments.removeAll { $0.documentCount > 0 && $0.living.isEmpty }
        if segments.count > 1 { guesses.append("The segments stand in the order of their numbers.") }
        return segments
    }

    private static func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ", ") }

    private func rowCount(of segment: Int) throws -> Int {
        var count = 0
        try store.forEachMetadata(ofSegment: segment) { _, _ in count += 1 }
        return count
    }

    private func withoutLastDeletions(_ segment: SegmentRemains) throws -> SegmentRemains {
        let generations = SegmentRemains.generations(segment.names)
        guard generations.count > 1 else { return segment }
        return try SegmentRemains(
            number: segment.number, in: path, generation: generations[generations.count - 2], on: fileSystem)
    }

    /// Sees to it that no document stands in two segments.
    private mutating func resolve(_ segments: inout [SegmentRemains]) throws {
        for position in segments.indices.reversed() where position > 0 {
            let newer = segments[position]
            let older = places(in: segments[..<position])
            let twice = newer.living.compactMap { entry in older[entry.id].map { (entry.ordinal, $0) } }
            guard let (ordinal, place) = twice.first else { continue }
            if try isCopy(newer, ordinal, of: segments[place.segment], place.ordinal) {
                try withdraw(newer, older, &segments)
                segments.remove(at: position)
            } else {
                for (_, place) in twice { segments[place.segment].delete(place.ordinal) }
                guesses.append(
                    "\(twice.count) documents stand in segment \(newer.number) and with other texts in older ones, which "
                        + "were taken to be replaced.")
            }
        }
    }

    private typealias Place = (segment: Int, ordinal: Int)

    private func places(in segments: ArraySlice<SegmentRemains>) -> [String: Place] {
        var places: [String: Place] = [:]
        for (position, segment) in zip(segments.indices, segments) {
            for (id, ordinal) in segment.living { places[id] = (position, ordinal) }
        }
        return places
    }

    private func isCopy(
        _ newer: SegmentRemains, _ ordinal: Int, of older: SegmentRemains, _ place: Int
    ) throws -> Bool {
        let document = try store.document(RowKey(segment: newer.number, ordinal: ordinal))
        return try document != nil && document == store.document(RowKey(segment: older.number, ordinal: place))
    }

    /// The sources of a merge are still there, so they count; what was deleted of the merged segment is deleted of them.
    private mutating func withdraw(
        _ merged: SegmentRemains, _ places: [String: Place], _ segments: inout [SegmentRemains]
    ) throws {
        guard let map = merged.map else { return }
        var deleted = 0
        for ordinal in 0..<merged.documentCount where merged.isDeleted(ordinal) {
            guard let place = places[map.identifier(of: ordinal)] else { continue }
            segments[place.segment].delete(place.ordinal)
            deleted += 1
        }
        guesses.append(
            "Segment \(merged.number) is a merge of others that are still there and count instead"
                + (deleted > 0 ? "; \(deleted) documents that were deleted of it are deleted of them." : "."))
    }

    // ------------------------------------------------------------------------------------------------------- encoders

    private mutating func encoders(of segments: [SegmentRemains]) -> [EncoderRecord] {
        let known = Dictionary(
            (remains.encoders ?? []).map { ($0.fileName, $0) }, uniquingKeysWith: { first, _ in first })
        let names = Set(segments.flatMap(\.names)).filter { $0.hasSuffix(".vec") && CollectionManifest.isSafeName($0) }
        let order = (remains.encoders ?? []).map(\.fileName)
        return names.sorted { (order.firstIndex(of: $0) ?? .max, $0) < (order.firstIndex(of: $1) ?? .max, $1) }
            .compactMap { encoder($0, in: segments, known[$0]) }
    }

    /// The encoder whose vectors have a file name: its fingerprint stands in each of these files.
    private mutating func encoder(_ name: String, in segments: [SegmentRemains], _ known: EncoderRecord?) -> EncoderRecord? {
        let found = segments.lazy.filter { $0.names.contains(name) }.compactMap { $0.vectors(name) }.first
        guard let found, let fingerprint = SegmentRemains.fingerprint(found.fingerprint),
            fingerprint.dimension == found.dimension
        else {
            guesses.append("Nothing says whose vectors \(name) holds; it was left out.")
            return nil
        }
        var record = EncoderRecord(fingerprint: fingerprint, precision: found.precision, fileName: name, index: nil)
        if let known, known.fingerprint == fingerprint, known.precision == found.precision {
            record.index = known.index.flatMap { $0.isPlausible && CollectionManifest.isSafeName($0.fileName) ? $0 : nil }
        }
        if record.index == nil { record.index = index(over: record, in: segments) }
        return record
    }

    /// The index over an encoder's vectors, by its file's name. How many candidates it needs stood in the manifest only.
    private mutating func index(over encoder: EncoderRecord, in segments: [SegmentRemains]) -> VectorIndexRecord? {
        let stem = encoder.fileName.dropLast(".vec".count) + "."
        let names = Set(segments.flatMap(\.names))
            .filter { $0.hasPrefix(stem) && $0 != encoder.fileName && CollectionManifest.isSafeName($0) }
        for name in names.sorted(by: >) {
            guard let kind = name.split(separator: ".").last.flatMap({ VectorIndexRecord.Kind(rawValue: String($0)) })
            else { continue }
            let folders = segments.lazy.filter { $0.names.contains(name) }.map(\.folder)
            guard let choice = folders.compactMap({ Self.choice(kind, ofFile: $0 + "/" + name) }).first else { continue }
            unmeasured.append(encoder.fileName)
            return VectorIndexRecord(choice, target: 0, fileName: name)
        }
        return nil
    }

    /// What an index was asked to be, as far as its file tells; nil when it cannot be read.
    private static func choice(_ kind: VectorIndexRecord.Kind, ofFile path: String) -> VectorIndexChoice? {
        switch kind {
        case .codes: (try? FlatVectorIndex(path: path)).map { .index(.codes, codes: $0.precision) }
        case .hnsw: (try? HNSWIndex(path: path)).map { .index(.hnsw, codes: $0.codes == .binary ? .binary : .int8) }
        case .ivf: .lists(InvertedListsShape())
        }
    }

    /// The learned indexes: their files tell who made them.
    private func learned(in segments: [SegmentRemains]) -> [LearnedIndexRecord] {
        var records: [String: LearnedIndexRecord] = [:]
        for segment in segments {
            for name in segment.names where records[name] == nil && CollectionManifest.isSafeName(name) {
                records[name] = segment.learnedIndex(name)
            }
        }
        return records.keys.sorted().compactMap { records[$0] }
    }

    // -------------------------------------------------------------------------------------------------- configuration

    private static let samplesPerSegment = 32

    private mutating func configuration(of segments: [SegmentRemains]) -> CollectionConfiguration {
        var samples: [ConfigurationGuess.Sample] = []
        var positions: Bool?
        for segment in segments {
            guard let index = try? InvertedIndex(path: segment.folder + "/" + Segment.textFileName) else { continue }
            positions = index.hasPositions
            samples += (try? self.samples(of: segment, index)) ?? []
        }
        var guess = ConfigurationGuess(samples)
        if samples.isEmpty { guesses.append("No document says how texts are cut and analysed; the standard is taken.") }
        if samples.isEmpty, let known = remains.configuration { return known }
        let found = guess.configuration(remains.configuration, positions: positions ?? true)
        guesses += guess.guesses
        return found
    }

    /// Some documents that are spread over a segment.
    private func samples(of segment: SegmentRemains, _ index: InvertedIndex) throws -> [ConfigurationGuess.Sample] {
        guard let map = segment.map, index.passages == map.passageCount else { return [] }
        let living = segment.living
        return try stride(from: 0, to: living.count, by: max(1, living.count / Self.samplesPerSegment)).compactMap {
            (position: Int) -> ConfigurationGuess.Sample? in
            let passages = map.passages(of: living[position].ordinal)
            let key = RowKey(segment: segment.number, ordinal: living[position].ordinal)
            guard let document = try store.document(key) else { return nil }
            var rows: [PassageRecord] = []
            try store.forEachPassage(RowKey.range(ofSegment: segment.number, passages)) { rows.append($0) }
            let isSound = rows.allSatisfy { 0 <= $0.start && $0.start <= $0.end && $0.end <= $0.textLength }
            guard isSound, rows.count == passages.count else { return nil }
            return .init(
                document: document, passages: rows, lengths: passages.map { index.length(of: UInt32($0)) },
                hasTerm: { index.documentFrequency(of: $0) > 0 })
        }
    }
}
