import AttarStorage

/// Files that are added to segments which are there: vectors, indexes over them, learned indexes.
extension Collection {
    /// Writes one file for each of some segments; when that fails, none of them is left.
    ///
    /// - Parameter write: writes the file of a segment at a path.
    /// - Returns: the files by segment number.
    static func writeFiles(
        named name: String, for segments: [Segment], on fileSystem: any FileSystem,
        _ write: (_ segment: Segment, _ path: String) throws -> Void
    ) throws -> [Int: FileRecord] {
        var files: [Int: FileRecord] = [:]
        do {
            for segment in segments {
                try write(segment, segment.folder + "/" + name)
                files[segment.record.number] = try FileRecord(hashing: name, in: segment.folder)
            }
            return files
        } catch {
            for segment in segments { try? fileSystem.remove(segment.folder + "/" + name) }
            throw error
        }
    }

    /// Calls `body` with the passages of a segment that are not deleted, some at a time, and the collection's ordinals
    /// that these and deleted ones between them have.
    ///
    /// - Throws: `CollectionError`, `CancellationError`, and what `body` throws.
    func forEachBatch(
        of segment: Segment, count: Int, _ body: ([StoredPassage], Range<Int>) throws -> Void
    ) throws {
        let end = segment.firstPassage + segment.record.passageCount
        var next = segment.firstPassage
        while next < end {
            try Task.checkCancellation()
            let (passages, after) = try batch(from: next, count: count)
            try body(passages, next..<after)
            next = after
        }
    }
}

extension CollectionManifest {
    /// Adds files by segment number.
    mutating func add(_ files: [Int: FileRecord]) {
        for index in segments.indices {
            if let file = files[segments[index].number] { segments[index].files.append(file) }
        }
    }
}
