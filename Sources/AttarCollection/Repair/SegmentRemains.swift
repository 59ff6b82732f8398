import AttarIndex
import AttarModels
import AttarStorage
import Foundation

/// A numbered folder among the segments of a collection whose manifest is lost, and what its files and rows say.
///
/// Files that cannot be read get a record that no file fits, so that a repair takes them, or the segment, out.
struct SegmentRemains {
    let number: Int
    let folder: String
    /// The names in the folder.
    let names: [String]
    /// Nil when it cannot be read.
    let map: SegmentMap?
    private(set) var generation = 0
    /// The deleted documents, by their ordinals.
    private(set) var deleted = OrdinalSet(capacity: 0)
    /// Whether the file of deletions cannot be read.
    private(set) var deletionsAreDamaged = false
    /// Documents deleted beyond those that the file names.
    private(set) var furtherDeleted: Set<Int> = []

    /// - Parameter generation: which file of deletions counts, 0 for none; nil for the newest.
    init(number: Int, in path: String, generation wanted: Int?, on fileSystem: any FileSystem) throws {
        self.number = number
        folder = SegmentBuilder.folder(of: number, in: path)
        names = try fileSystem.list(folder)
        map = Self.map(folder + "/" + SegmentMap.fileName)
        let generations = Self.generations(names)
        let isThere = wanted.map { $0 == 0 || generations.contains($0) } ?? false
        guard let generation = isThere ? wanted : generations.last, generation > 0 else { return }
        self.generation = generation
        guard let map, let found = try? Deletions.read(generation: generation, in: folder, documentCount: map.documentCount)
        else {
            deletionsAreDamaged = true
            deleted = OrdinalSet(capacity: documentCount)
            return
        }
        deleted = found
    }

    /// The generations of files of deletions among some names, oldest first.
    static func generations(_ names: [String]) -> [Int] {
        names.compactMap { Deletions.generation(ofFile: $0) }.sorted()
    }

    private static func map(_ path: String) -> SegmentMap? {
        guard let map = try? SegmentMap(path: path), map.firstProblem() == nil else { return nil }
        return map
    }

    var documentCount: Int { map?.documentCount ?? 0 }

    func isDeleted(_ document: Int) -> Bool {
        guard (0..<documentCount).contains(document) else { return false }
        return furtherDeleted.contains(document) || generation > 0 && deleted.contains(UInt32(document))
    }

    /// The ids of documents that are not deleted, with their ordinals.
    var living: [(id: String, ordinal: Int)] {
        guard let map else { return [] }
        return (0..<documentCount).compactMap { isDeleted($0) ? nil : (map.identifier(of: $0), $0) }
    }

    mutating func delete(_ document: Int) { furtherDeleted.insert(document) }

    // -------------------------------------------------------------------------------------------------------- a record

    /// The segment as a manifest names it.
    ///
    /// - Parameter encoders: whose files, if they are there, belong to it, as do those of learned indexes.
    func record(
        encoders: [EncoderRecord], learned: [LearnedIndexRecord], store: DocumentStore, on fileSystem: any FileSystem
    ) throws -> SegmentRecord {
        var (all, gone) = (DocumentHashes(), DocumentHashes())
        try? store.forEachDocument(ofSegment: number) { key, document in
            try all.content.add(document)
            if isDeleted(key.ordinal) { try gone.content.add(document) }
        }
        try? store.forEachPassage(ofSegment: number) { passage in
            all.add(passage)
            if isDeleted(passage.documentOrdinal) { gone.add(passage) }
        }
        var names = [SegmentMap.fileName, Segment.textFileName]
        if self.names.contains(MetadataIndex.fileName) { names.append(MetadataIndex.fileName) }
        var files = try names.map { try file($0, isSound: isSound($0)) }
        for encoder in encoders where self.names.contains(encoder.fileName) {
            let vectors = vectors(encoder.fileName)
            files.append(try file(encoder.fileName, isSound: vectors?.count == map?.passageCount))
            guard let index = encoder.index, self.names.contains(index.fileName) else { continue }
            let isSound = vectors.flatMap { try? index.open(folder + "/" + index.fileName, over: $0) } != nil
            files.append(try file(index.fileName, isSound: isSound))
        }
        for record in learned where self.names.contains(record.fileName) {
            files.append(try file(record.fileName, isSound: learnedIndex(record.fileName) == record))
        }
        return SegmentRecord(
            number: number, documentCount: documentCount, passageCount: map?.passageCount ?? 0,
            contentHash: all.content, passageHash: all.passages, files: files,
            deletions: try deletions(gone, on: fileSystem))
    }

    private func file(_ name: String, isSound: Bool) throws -> FileRecord {
        isSound ? try FileRecord(hashing: name, in: folder) : FileRecord(name: name, bytes: 0, sha256: "")
    }

    private func isSound(_ name: String) -> Bool {
        guard let map, names.contains(name) else { return false }
        let path = folder + "/" + name
        switch name {
        case Segment.textFileName:
            guard let index = try? InvertedIndex(path: path), (try? index.verify()) != nil else { return false }
            return index.passages == map.passageCount
        case MetadataIndex.fileName: return (try? MetadataIndex(path: path, documentCount: map.documentCount)) != nil
        default: return true
        }
    }

    /// The vectors in a file, when it can be read.
    func vectors(_ name: String) -> FlatVectorIndex? {
        guard let vectors = try? FlatVectorIndex(path: folder + "/" + name), (try? vectors.verify()) != nil else { return nil }
        return vectors
    }

    /// What a file says of itself as a learned index; nil for other files, and for those that cannot be read.
    func learnedIndex(_ name: String) -> LearnedIndexRecord? {
        let path = folder + "/" + name
        switch name.split(separator: ".").last {
        case "sparse":
            guard let index = try? SparseIndex(path: path), index.passages == map?.passageCount,
                let fingerprint = Self.fingerprint(index.attributes["encoder"] ?? "")
            else { return nil }
            return LearnedIndexRecord(kind: .weights, fingerprint: fingerprint, codec: nil, fileName: name)
        case "mvx":
            guard let index = try? MultiVectorIndex(path: path), index.count == map?.passageCount,
                let fingerprint = Self.fingerprint(index.fingerprint)
            else { return nil }
            return LearnedIndexRecord(
                kind: .tokens, fingerprint: fingerprint, codec: index.codec.description, fileName: name)
        default: return nil
        }
    }

    static func fingerprint(_ json: String) -> EncoderFingerprint? {
        try? JSONDecoder().decode(EncoderFingerprint.self, from: Data(json.utf8))
    }

    private func deletions(_ gone: DocumentHashes, on fileSystem: any FileSystem) throws -> DeletionRecord? {
        guard let map, generation > 0 || !furtherDeleted.isEmpty else { return nil }
        let members = (0..<map.documentCount).filter(isDeleted)
        var deletions = Deletions(documents: deleted, generation: generation)
        deletions.replace(
            by: members, gone, passageCount: members.reduce(0) { $0 + map.passages(of: $1).count })
        return try furtherDeleted.isEmpty
            ? deletions.record(in: folder, isSound: !deletionsAreDamaged)
            : deletions.write(in: folder, documentCount: map.documentCount, on: fileSystem)
    }
}
