import AttarIndex
import AttarModels
import AttarStorage
import AttarText

/// One repair under way.
struct Repairer {
    let path: String
    let fileSystem: any FileSystem
    var manifest: CollectionManifest
    var report = CollectionRepair()

    init(path: String, fileSystem: any FileSystem, manifest: CollectionManifest) {
        self.path = path
        self.fileSystem = fileSystem
        self.manifest = manifest
    }

    /// A repair that begins with a manifest made anew.
    ///
    /// - Parameters:
    ///   - damage: what is wrong with the one that is there.
    ///   - unmeasured: gets the vector files whose indexes' candidates have to be measured anew.
    /// - Throws: `CollectionError`, `StorageError` when the rows cannot be read.
    init(
        rebuilding damage: CollectionProblem, path: String, fileSystem: any FileSystem, unmeasured: inout [String]
    ) throws {
        let file = path + "/" + CollectionManifest.fileName
        let remains = try fileSystem.exists(file) ? fileSystem.read(file, maximumBytes: 1 << 26) : []
        var rebuilder = try ManifestRebuilder(path: path, fileSystem: fileSystem, remains: remains)
        self.init(path: path, fileSystem: fileSystem, manifest: try rebuilder.rebuild())
        unmeasured = rebuilder.unmeasured
        report.problems = [damage]
        report.guesses = rebuilder.guesses
        if !remains.isEmpty || !rebuilder.leftOut.isEmpty {
            let aside = try folderAside()
            try move(file, to: aside + "/" + CollectionManifest.fileName)
            for number in rebuilder.leftOut {
                let name = SegmentRecord.folderName(number)
                try move(SegmentBuilder.folder(of: number, in: path), to: aside + "/" + name)
                report.losses.append("segment \(number): its folder, which belongs to no commit")
            }
        }
        try Collection.write(manifest, to: path, on: fileSystem)
    }

    /// Takes out what is broken.
    mutating func run() throws {
        let found = try Collection.problems(at: path)
        report.problems += found
        if !found.isEmpty {
            try dropDamagedFiles()
            try dropDamagedRows()
            report.remaining = try Collection.problems(at: path)
        }
        report.documents = manifest.liveDocumentCount
    }

    /// Files that are missing or have other bytes than were committed.
    mutating func dropDamagedFiles() throws {
        for record in manifest.segments {
            let folder = SegmentBuilder.folder(of: record.number, in: path)
            let damaged = try record.allFiles.filter { file in
                guard try fileSystem.information(at: folder + "/" + file.name)?.kind == .file else { return true }
                return try FileRecord(hashing: file.name, in: folder) != file
            }
            try drop(Set(damaged.map(\.name)), of: record)
        }
        try Collection.write(manifest, to: path, on: fileSystem)
    }

    /// Rows and indexes that contradict what was committed, now that the files are sound.
    mutating func dropDamagedRows() throws {
        guard let collection = try? Collection(path: path, on: fileSystem) else { return }
        for segment in collection.segments {
            for encoder in manifest.encoders {
                guard let record = encoder.index, let index = segment.ownIndex(of: encoder) else { continue }
                let problems = try Collection.listing(path) {
                    try index.verify()
                    return []
                }
                if !problems.isEmpty { try drop([record.fileName], of: segment.record) }
            }
            for record in manifest.learnedIndexes {
                let problems = try Collection.listing(path) {
                    try segment.learned.verify(record)
                    return []
                }
                if !problems.isEmpty { try drop([record.fileName], of: segment.record) }
            }
            let files = Set(try Collection.listing(path) { try collection.rowProblems(of: segment) }.map(\.file))
            if files.contains(where: { !$0.hasSuffix("/" + MetadataIndex.fileName) }) {
                try drop([Segment.textFileName], of: segment.record)
            } else if !files.isEmpty {
                try drop([MetadataIndex.fileName], of: segment.record)
            }
        }
        try Collection.write(manifest, to: path, on: fileSystem)
    }

    /// Drops files of a segment, or the segment when it cannot be without them.
    private mutating func drop(_ names: Set<String>, of record: SegmentRecord) throws {
        guard !names.isEmpty, let position = manifest.segments.firstIndex(where: { $0.number == record.number })
        else { return }
        let essential = [SegmentMap.fileName, Segment.textFileName] + (record.deletions.map { [$0.file.name] } ?? [])
        guard names.isDisjoint(with: essential) else { return try dropSegment(at: position) }
        var names = names
        // An index is over vectors.
        for encoder in manifest.encoders where names.contains(encoder.fileName) {
            if let index = encoder.index, record.file(named: index.fileName) != nil { names.insert(index.fileName) }
        }
        let aside = try folderAside() + "/" + record.folderName
        try fileSystem.makeDirectory(aside)
        for name in names.sorted() {
            try move(SegmentBuilder.folder(of: record.number, in: path) + "/" + name, to: aside + "/" + name)
            manifest.segments[position].files.removeAll { $0.name == name }
            report.losses.append("segment \(record.number): \(name)\(remedy(for: name, of: record))")
        }
    }

    private func remedy(for name: String, of record: SegmentRecord) -> String {
        if let encoder = manifest.encoders.first(where: { $0.fileName == name || $0.index?.fileName == name }) {
            let what = encoder.fileName == name ? "the vectors" : "the index over the vectors"
            return ", \(what) of \(record.passageCount) passages by \(encoder.fingerprint.name); "
                + "`attar index --encoder` makes them again"
        }
        if let learned = manifest.learnedIndexes.first(where: { $0.fileName == name }) {
            return ", the \(learned.kind.rawValue) of \(record.passageCount) passages by \(learned.fingerprint.name); "
                + "`attar index --encoder` makes them again"
        }
        return name == MetadataIndex.fileName ? ", the table of metadata; filters read the documents instead" : ""
    }

    private mutating func dropSegment(at position: Int) throws {
        let record = manifest.segments[position]
        let aside = try folderAside()
        let file = aside + "/" + record.folderName + ".jsonl"
        let saved = try saveDocuments(of: record, to: file)
        try move(SegmentBuilder.folder(of: record.number, in: path), to: aside + "/" + record.folderName)
        manifest.segments.remove(at: position)
        report.losses.append(
            "segment \(record.number): \(record.liveDocumentCount) documents, \(record.livePassageCount) passages"
                + (saved > 0 ? "; the texts of \(saved) are in \(file): `attar ingest` brings them back" : ""))
    }

    /// Writes the documents of a segment that can be read, but for those that are known to be deleted.
    ///
    /// - Returns: how many.
    private func saveDocuments(of record: SegmentRecord, to file: String) throws -> Int {
        let folder = SegmentBuilder.folder(of: record.number, in: path)
        let deleted = record.deletions.flatMap { deletions in
            try? Deletions.read(deletions, in: folder, documentCount: record.documentCount)
        }
        guard let store = try? DocumentStore(path: path + "/" + DocumentTable.fileName) else { return 0 }
        let writer = try AtomicFileWriter(path: file, on: fileSystem)
        var count = 0
        do {
            try store.forEachDocument(ofSegment: record.number) { key, document in
                guard deleted?.contains(UInt32(clamping: key.ordinal)) != true else { return }
                try writer.append(Array((try JSONText.encode(DocumentLine(document: document)) + "\n").utf8))
                count += 1
            }
        } catch is CollectionError {
            // The rows end where they cannot be read any more.
        }
        if count > 0 { try writer.finish() }
        return count
    }

    private func move(_ source: String, to destination: String) throws {
        guard try fileSystem.entry(at: source) != nil else { return }
        try fileSystem.rename(source, to: destination)
    }

    /// The folder for what is taken out, made when it is first needed.
    private mutating func folderAside() throws -> String {
        if let name = report.keptIn { return path + "/" + name }
        var number = 1
        while try fileSystem.entry(at: path + "/damaged-\(number)") != nil { number += 1 }
        report.keptIn = "damaged-\(number)"
        try fileSystem.makeDirectory(path + "/damaged-\(number)")
        try fileSystem.synchronizeDirectory(path)
        return path + "/damaged-\(number)"
    }
}
