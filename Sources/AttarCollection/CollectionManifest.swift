import AttarIndex
import AttarModels
import AttarStorage
import AttarText
import Foundation

/// What belongs to a collection at one moment: the content of `collection.json`.
///
/// Everything else in the folder is either named here or does not count. The file is replaced atomically, as the last
/// step of every commit, so a collection is always at some commit.
public struct CollectionManifest: Codable, Sendable, Equatable {
    /// The newest format that this Attar reads. Format 2 is 1 with deleted documents, which readers of format 1 would
    /// still find; format 3 has kinds of indexes that they do not know. What has none of these is written as format 1.
    public static let currentVersion = 3
    /// The name of the file in the collection's folder.
    public static let fileName = "collection.json"

    /// The format of the folder.
    public var formatVersion: Int
    /// How texts are cut and analysed; fixed when the collection is made.
    public var configuration: CollectionConfiguration
    /// The number that the next segment gets; numbers are never used twice.
    public var nextSegment: Int
    /// The segments, in the order of their ordinals.
    public var segments: [SegmentRecord]
    /// The encoders that have vectors in at least one segment.
    public var encoders: [EncoderRecord]
    /// The learned indexes that stand in at least one segment; nil where there was never one.
    var learned: [LearnedIndexRecord]?
    /// SHA-256 of the file's bytes, with zeros in the place of these digits.
    var checksum: String

    init(configuration: CollectionConfiguration) {
        formatVersion = 1
        self.configuration = configuration
        nextSegment = 1
        segments = []
        encoders = []
        checksum = ""
    }

    /// The number of documents in all segments, deleted ones included.
    public var documentCount: Int { segments.reduce(0) { $0 + $1.documentCount } }

    /// The number of passages in all segments, those of deleted documents included.
    public var passageCount: Int { segments.reduce(0) { $0 + $1.passageCount } }

    /// A hash of all ids, titles, texts, headings and metadata: 64 hexadecimal digits.
    ///
    /// It depends on the documents only, not on their order or their division into segments: see `ContentHash`.
    public var contentHash: String {
        var sum = ContentHash()
        for segment in segments { sum.add(segment.liveContentHash) }
        return sum.hex
    }
}

/// A file of a segment.
public struct FileRecord: Codable, Sendable, Equatable {
    /// The name in the segment's folder.
    public let name: String
    /// The size.
    public let bytes: Int
    /// The hash of its bytes, 64 hexadecimal digits.
    public let sha256: String
}

/// An immutable part of a collection.
public struct SegmentRecord: Codable, Sendable, Equatable {
    /// The segment's number; rows of `documents.sqlite` carry it.
    public internal(set) var number: Int
    /// The number of documents.
    public let documentCount: Int
    /// The number of passages.
    public let passageCount: Int
    /// The hash of the segment's documents.
    public let contentHash: ContentHash
    /// The hash of the places and headings of its passages; nil where it was not yet recorded.
    public let passageHash: ContentHash?
    /// The files in the segment's folder, but for that of `deletions`.
    public var files: [FileRecord]
    /// What is deleted of it; nil when nothing is.
    public var deletions: DeletionRecord?

    /// The number of documents that are not deleted.
    public var liveDocumentCount: Int { documentCount - (deletions?.documentCount ?? 0) }
    /// The number of their passages.
    public var livePassageCount: Int { passageCount - (deletions?.passageCount ?? 0) }

    /// The hash of the documents that are not deleted.
    var liveContentHash: ContentHash {
        var hash = contentHash
        if let deletions { hash.subtract(deletions.contentHash) }
        return hash
    }

    /// The hash of their passages; nil where it was not yet recorded.
    var livePassageHash: ContentHash? {
        guard var hash = passageHash, let deletions else { return passageHash }
        hash.subtract(deletions.passageHash)
        return hash
    }

    /// All files in the segment's folder.
    var allFiles: [FileRecord] { files + (deletions.map { [$0.file] } ?? []) }

    /// The name of the segment's folder below `segments`.
    public var folderName: String { Self.folderName(number) }

    static func folderName(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    func file(named name: String) -> FileRecord? { files.first { $0.name == name } }
}

/// An encoder whose vectors stand in the collection.
public struct EncoderRecord: Codable, Sendable, Equatable {
    /// Who made the vectors.
    public let fingerprint: EncoderFingerprint
    /// How each number is kept.
    public let precision: VectorPrecision
    /// The name of the vector file in each segment's folder.
    public let fileName: String
    /// How its vectors are searched; nil when each is looked at.
    public var index: VectorIndexRecord?
}

extension CollectionManifest {
    /// The number of documents that are not deleted.
    public var liveDocumentCount: Int { segments.reduce(0) { $0 + $1.liveDocumentCount } }
    /// The number of their passages.
    public var livePassageCount: Int { segments.reduce(0) { $0 + $1.livePassageCount } }

    /// The number of the next segment, above those whose files readers of older commits hold in place.
    func freeSegment(held: [Int]) -> Int { max(nextSegment, (held.max() ?? 0) + 1) }
}

extension CollectionManifest {
    private static let blankChecksum = String(repeating: "0", count: 64)

    /// Only the version, which every later format keeps in its place.
    private struct VersionOnly: Decodable { let formatVersion: Int }

    /// The oldest format that can say all this.
    private var neededVersion: Int {
        if !learnedIndexes.isEmpty || encoders.contains(where: { $0.index?.isOfFormat3 ?? false }) { return 3 }
        return segments.contains { $0.deletions != nil } ? 2 : 1
    }

    /// The bytes of the file, checksum included.
    func encoded() throws -> [UInt8] {
        var blank = self
        blank.checksum = Self.blankChecksum
        blank.formatVersion = neededVersion
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        var bytes = [UInt8](try encoder.encode(blank))
        bytes.append(UInt8(ascii: "\n"))
        let digest = SHA256Digest.hex(of: bytes)
        Self.replaceChecksum(Self.blankChecksum, by: digest, in: &bytes)
        return bytes
    }

    /// Reads the file's bytes.
    ///
    /// - Throws: `CollectionError`: newer version, or damage.
    static func decoded(_ bytes: [UInt8], path: String) throws -> Self {
        let decoder = JSONDecoder()
        guard let version = try? decoder.decode(VersionOnly.self, from: Data(bytes)).formatVersion else {
            throw CollectionError.corrupt(path, "it is no JSON object with a format version")
        }
        guard version <= currentVersion else {
            throw CollectionError.newerVersion(path, found: version, known: currentVersion)
        }
        let manifest: Self
        do {
            manifest = try decoder.decode(Self.self, from: Data(bytes))
        } catch {
            throw CollectionError.corrupt(path, "a field is missing or of another kind (\(error))")
        }
        var blank = bytes
        replaceChecksum(manifest.checksum, by: blankChecksum, in: &blank)
        guard SHA256Digest.hex(of: blank) == manifest.checksum else {
            throw CollectionError.corrupt(path, "its bytes do not fit its checksum")
        }
        try manifest.check(path: path)
        return manifest
    }

    /// Names come from a file and become paths: they may not lead anywhere else. Numbers are checked before use.
    private func check(path: String) throws {
        guard configuration.chunking.isValid else { throw CollectionError.corrupt(path, "its chunking makes no sense") }
        let language = configuration.analyzer.language
        guard Language.isKnown(language) else {
            throw CollectionError.corrupt(path, "its language \"\(language)\" is not known to the analyzer")
        }
        let names = segments.flatMap { $0.allFiles.map(\.name) } + encoders.map(\.fileName)
            + encoders.compactMap(\.index?.fileName) + learnedIndexes.map(\.fileName)
        for name in names where !Self.isSafeName(name) {
            throw CollectionError.corrupt(path, "the file name \"\(name)\" is not allowed")
        }
        let numbers = segments.map(\.number)
        guard Set(numbers).count == numbers.count, numbers.allSatisfy({ $0 >= 1 && $0 < nextSegment }),
            nextSegment < 1 << 31
        else {
            throw CollectionError.corrupt(path, "its segment numbers contradict each other")
        }
        let counts = segments.flatMap { [$0.documentCount, $0.passageCount, $0.liveDocumentCount, $0.livePassageCount] }
        guard counts.allSatisfy({ (0...1 << 32).contains($0) }) else {
            throw CollectionError.corrupt(path, "a count is out of range")
        }
        for index in encoders.compactMap(\.index) where !index.isPlausible {
            throw CollectionError.corrupt(
                path, "an index of vectors with \(index.candidates) candidates makes no sense")
        }
    }

    static func isSafeName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && !name.hasPrefix(".")
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
            }
    }

    /// Puts other digits in the checksum's place; the field is found by its key, which occurs once.
    private static func replaceChecksum(_ old: String, by new: String, in bytes: inout [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard old.utf8.count == new.utf8.count,
            let range = text.range(of: "\"checksum\" : \"" + old + "\"")
        else { return }
        bytes = Array(text.replacingCharacters(in: range, with: "\"checksum\" : \"" + new + "\"").utf8)
    }
}
