import AttarIndex
import AttarStorage
import AttarText

/// Gathers the files of one segment.
struct SegmentBuilder {
    let number: Int
    private var map = SegmentMapBuilder()
    private var text: InvertedIndexBuilder
    private var metadata = MetadataIndexBuilder()
    private var contentHash = ContentHash()
    private var passageHash = ContentHash()

    /// - Parameter positions: whether the word index says where words stand.
    init(number: Int, positions: Bool) {
        self.number = number
        text = InvertedIndexBuilder(keepsPositions: positions)
    }

    var documentCount: Int { map.documentCount }
    var passageCount: Int { map.passageCount }

    static func folder(of number: Int, in path: String) -> String {
        path + "/" + CollectionLayout.segments + "/" + SegmentRecord.folderName(number)
    }

    /// The ordinals of a document's passages.
    func passages(ofDocument ordinal: Int) -> Range<Int> { map.passages(of: ordinal) }

    mutating func add(_ document: Document, passages: [Passage], analyzer: Analyzer) throws {
        for passage in passages {
            let headings = StoredPassage.headings(of: document, passage: passage.heading)
            let words = Self.words(
                PassageText.parts(headings: headings, title: document.title, text: passage.text), analyzer)
            try text.add(terms: words.terms, positions: words.positions)
            let range = passage.utf8Range
            passageHash.add(
                passageOf: map.documentCount, utf8Range: range.lowerBound, range.upperBound, heading: passage.heading)
        }
        map.add(document: document.id, passages: passages.count)
        metadata.add(document.metadata)
        try contentHash.add(document)
    }

    /// How many positions lie between headings, title and text, so that no phrase with less slop begins in one and ends
    /// in the next.
    private static let gap: UInt32 = 16

    /// The terms of texts one after another, and where they stand.
    private static func words(_ parts: [String], _ analyzer: Analyzer) -> (terms: [String], positions: [UInt32]) {
        var (terms, positions): ([String], [UInt32]) = ([], [])
        var start: UInt32 = 0
        for part in parts {
            var last = start
            analyzer.forEachToken(of: part) { token in
                last = start + UInt32(truncatingIfNeeded: token.position)
                terms.append(token.term)
                positions.append(last)
            }
            start = last + gap
        }
        return (terms, positions)
    }

    /// Writes the files and makes them durable.
    func write(in path: String, on fileSystem: any FileSystem) throws -> SegmentRecord {
        let folder = Self.folder(of: number, in: path)
        try fileSystem.makeDirectory(folder)
        try map.write(to: folder + "/" + SegmentMap.fileName, on: fileSystem)
        try text.finish(to: folder + "/" + Segment.textFileName, on: fileSystem)
        try metadata.write(to: folder + "/" + MetadataIndex.fileName, on: fileSystem)
        try fileSystem.synchronizeDirectory(folder)
        return SegmentRecord(
            number: number, documentCount: documentCount, passageCount: passageCount, contentHash: contentHash,
            passageHash: passageHash,
            files: [
                try FileRecord(hashing: SegmentMap.fileName, in: folder),
                try FileRecord(hashing: Segment.textFileName, in: folder),
                try FileRecord(hashing: MetadataIndex.fileName, in: folder),
            ])
    }
}

extension FileRecord {
    /// Describes a file as it is now.
    init(hashing name: String, in folder: String) throws {
        let path = folder + "/" + name
        self.init(name: name, bytes: try LocalFileSystem().size(path), sha256: try SHA256Digest.hex(ofFile: path))
    }
}

extension ContentHash {
    /// Adds a document: all that it says, but not where it came from (`url`), which differs from machine to machine.
    mutating func add(_ document: Document) throws {
        add(fields: [
            document.id, document.title, document.text,
            document.headings.isEmpty ? "" : try JSONText.encode(document.headings),
            document.metadata.isEmpty ? "" : try JSONText.encode(document.metadata),
        ])
    }
}

extension ContentHash {
    /// Adds a passage: where it stands, and under what heading. Its text is the document's.
    mutating func add(passageOf document: Int, utf8Range start: Int, _ end: Int, heading: String?) {
        add(fields: ["\(document)", "\(start)", "\(end)"] + (heading.map { [$0] } ?? []))
    }
}

/// What killed writers leave in a collection's folder.
enum Leftovers {
    /// Removes all that no commit names: segments, files of segments, temporary files. To be called under the lock.
    ///
    /// Segments that a reader of an older commit has open stay as they are, because it may still read their rows. Files
    /// of segments are removed also when a reader has them mapped, and stay readable for it. So does the folder in
    /// which a merge is under way.
    ///
    /// - Returns: the numbers of the segments that stay for readers of older commits.
    @discardableResult
    static func remove(
        from path: String, keeping manifest: CollectionManifest, on fileSystem: any FileSystem
    ) throws -> [Int] {
        // What a power cut could still take back is no reason to remove what came before it.
        try fileSystem.synchronizeDirectory(path)
        let segments = path + "/" + CollectionLayout.segments
        try fileSystem.makeDirectory(segments)
        let live = Dictionary(uniqueKeysWithValues: manifest.segments.map { ($0.folderName, $0) })
        var held: [Int] = []
        for folder in try fileSystem.list(segments) {
            if folder == CollectionLayout.merging {
                try removeMerge(from: path, on: fileSystem)
                continue
            }
            guard let record = live[folder] else {
                if let number = Int(folder), number > 0, FileLease.isHeld("\(segments)/\(folder)/\(SegmentMap.fileName)") {
                    held.append(number)
                    continue
                }
                try fileSystem.removeTree(segments + "/" + folder)
                continue
            }
            let names = Set(record.allFiles.map(\.name))
            for name in try fileSystem.list(segments + "/" + folder) where !names.contains(name) {
                try fileSystem.removeTree(segments + "/" + folder + "/" + name)
            }
        }
        for name in try fileSystem.list(path) where name.hasSuffix(AtomicFile.temporarySuffix) {
            try fileSystem.remove(path + "/" + name)
        }
        return held
    }

    /// Removes what a killed merge left; one that is under way holds the lock.
    private static func removeMerge(from path: String, on fileSystem: any FileSystem) throws {
        do {
            let lock = try Collection.lock(path, CollectionLayout.mergeLock, on: fileSystem)
            defer { lock.unlock() }
            try fileSystem.removeTree(path + "/" + CollectionLayout.segments + "/" + CollectionLayout.merging)
        } catch let error as CollectionError where error.kind == .locked {
            return
        }
    }
}
