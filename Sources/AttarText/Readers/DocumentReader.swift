import AttarStorage
import Foundation

/// Reads documents from files and folders; the format is told by the name.
///
/// - BEIR folder (`corpus.jsonl` or `corpus.jsonl.gz` in it), JSONL, CSV, TSV, plain text, Markdown, HTML; each also
///   compressed with gzip (`.gz` behind the name); compressed pages and texts only where they are named themselves.
/// - A folder of these is walked in sorted order. Symbolic links below it are not followed; the path that the user gave
///   may itself be one. Files with other extensions are counted and left out, as are hidden files and folders and the
///   folders in which Sphinx keeps copies (`_sources`, `_static`, `_images`, `_downloads`, `_modules`).
///
/// ```swift
/// let report = try DocumentReader.read(paths: ["docs/"]) { document in print(document.id, document.title) }
/// ```
public enum DocumentReader {
    /// Calls `body` with every document, in the order of the paths and inside them in sorted order.
    ///
    /// Documents without title and text are skipped and counted.
    ///
    /// - Returns: what was read and what was left out.
    /// - Throws: `TextError` naming file and line for broken input, duplicate ids (both places) and when nothing at all
    ///   was found; `StorageError` for paths that cannot be read; whatever `body` throws.
    @discardableResult
    public static func read(
        paths: [String], options: ReaderOptions = ReaderOptions(), body: (Document) throws -> Void
    ) throws -> ReadingReport {
        try read(paths: paths, options: options) { document, _ in try body(document) }
    }

    /// Calls `body` with every document and the place it comes from: the file and, where there is one, the line, as in
    /// `corpus.jsonl:17`.
    @discardableResult
    public static func read(
        paths: [String], options: ReaderOptions = ReaderOptions(), body: (Document, _ place: String) throws -> Void
    ) throws -> ReadingReport {
        try withoutActuallyEscaping(body) { body in
            let session = ReadingSession(options: options, body: body)
            for path in paths { try SourceWalk(session: session).read(path: path) }
            guard session.report.documents > 0 || options.allowsEmptyCorpus else {
                throw TextError(
                    .empty, path: paths.first,
                    problem: "No documents were found: \(session.report.summary).",
                    mend: "Give a BEIR folder, or files ending in \(SourceFormat.extensions.joined(separator: ", ")).")
            }
            return session.report
        }
    }
}

/// How documents are read.
public struct ReaderOptions: Sendable, Equatable {
    /// Whether finding no document is fine.
    public var allowsEmptyCorpus = false
    /// Larger files (decompressed) are refused; JSONL, CSV and TSV are streamed and have no limit.
    public var maximumFileBytes = 1 << 30
    /// Whether a text file, HTML page or Markdown file that cannot be decoded stops everything, or is counted and left
    /// out.
    public var skipsUndecodableFiles = false

    /// Strict reading.
    public init() {}
}

/// What a reading found and what it left out.
public struct ReadingReport: Sendable, Equatable, Codable {
    /// Documents given to the caller.
    public var documents = 0
    /// Documents and sections without text.
    public var skippedEmpty = 0
    /// The ids of the first of them: judgements may name them, and are not wrong in that.
    public var emptyIDs: [String] = []
    static let emptyIDLimit = 100_000
    /// Pages and sections that are only lists of links: indexes, tables of contents.
    public var skippedIndexes = 0
    /// Files that were read.
    public var filesRead = 0
    /// Files left out: unknown extension, or undecodable where that is allowed.
    public var filesSkipped = 0
    /// Symbolic links that were not followed.
    public var linksSkipped = 0
    /// Extensions of the files left out, with their number.
    public var skippedExtensions: [String: Int] = [:]

    /// Nothing read yet.
    public init() {}

    /// One line for people.
    public var summary: String {
        var parts = ["\(filesRead) files read", "\(documents) documents"]
        if skippedEmpty > 0 { parts.append("\(skippedEmpty) empty texts skipped") }
        if skippedIndexes > 0 { parts.append("\(skippedIndexes) link lists skipped") }
        if filesSkipped > 0 { parts.append("\(filesSkipped) files of other kinds skipped") }
        if linksSkipped > 0 { parts.append("\(linksSkipped) symbolic links not followed") }
        return parts.joined(separator: ", ")
    }
}
