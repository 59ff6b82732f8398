import AttarStorage
import Foundation

/// The formats that can be read, told by the extension.
enum SourceFormat {
    case jsonLines, commaSeparated, tabSeparated, plainText, markdown, html

    /// All extensions, for messages.
    static let extensions = [".jsonl", ".csv", ".tsv", ".txt", ".md", ".html"]

    /// Whether a file of this format is one page or text. In a folder such files count uncompressed only: a compressed
    /// one is an archived copy that no link leads to.
    var isDocument: Bool {
        switch self {
        case .plainText, .markdown, .html: true
        case .jsonLines, .commaSeparated, .tabSeparated: false
        }
    }

    /// The format of a file name, with or without `.gz`; nil when it is none of these.
    init?(name: String) {
        var name = name.lowercased()
        if name.hasSuffix(".gz") { name.removeLast(3) }
        switch name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last ?? "" {
        case "jsonl", "ndjson": self = .jsonLines
        case "csv": self = .commaSeparated
        case "tsv": self = .tabSeparated
        case "txt", "text", "rst": self = .plainText
        case "md", "markdown": self = .markdown
        case "html", "htm", "xhtml": self = .html
        default: return nil
        }
    }
}

/// Finds the files of a path and gives each to the reader of its format.
struct SourceWalk {
    let session: ReadingSession

    /// Folders that hold copies and furniture of generated documentation, or other people's files.
    private static let skippedFolders: Set<String> = [
        "_sources", "_static", "_images", "_downloads", "_modules", "node_modules", "__pycache__",
    ]

    /// Folders inside each other beyond this depth are refused.
    private static let maximumDepth = 64

    /// Reads a file or a folder that the user named.
    func read(path: String) throws {
        guard let information = try LocalFileSystem().information(at: path), information.kind != .symbolicLink else {
            throw TextError(
                .missing, path: path, problem: "There is no such file or folder.", mend: "Check the path's spelling.")
        }
        if information.kind == .directory {
            let root = URL(filePath: path).resolvingSymlinksInPath().path
            return try readFolder(root, shownAs: path, relative: "", in: LocalFileSystem(root: root), depth: 0)
        }
        guard information.kind == .file else {
            // A pipe would keep the reader waiting, perhaps for ever.
            throw TextError(
                .unsupported, path: path, problem: "This is neither a file nor a folder.",
                mend: "Write what it gives into a file first.")
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        guard let format = SourceFormat(name: name) else {
            throw TextError(
                .unsupported, path: path, problem: "This kind of file is not known.",
                mend: "Known are \(SourceFormat.extensions.joined(separator: ", ")), each also with .gz.")
        }
        try readFile(path, id: name, format)
    }

    private func readFolder(
        _ folder: String, shownAs shown: String, relative: String, in files: LocalFileSystem, depth: Int
    ) throws {
        guard depth <= Self.maximumDepth else {
            throw TextError(
                .tooLarge, path: shown, problem: "More than \(Self.maximumDepth) folders inside each other.")
        }
        let names = try files.list(folder)
        if let corpus = names.first(where: { BEIRFolder.corpusNames.contains($0) }) {
            return try readFile(join(shown, corpus), id: relative + corpus, .jsonLines)
        }
        for name in names where !name.hasPrefix(".") {
            let inner = join(folder, name)
            let shownInner = join(shown, name)
            switch try files.information(at: inner)?.kind {
            case .symbolicLink: session.report.linksSkipped += 1
            case .directory:
                if Self.skippedFolders.contains(name) { continue }
                try readFolder(inner, shownAs: shownInner, relative: relative + name + "/", in: files, depth: depth + 1)
            case .file:
                guard let format = SourceFormat(name: name), !(format.isDocument && name.hasSuffix(".gz")) else {
                    skip(name)
                    continue
                }
                try readFile(shownInner, id: relative + name, format)
            default: continue
            }
        }
    }

    private func join(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    private func skip(_ name: String) {
        session.report.filesSkipped += 1
        let ending = name.split(separator: ".").dropFirst().last.map { "." + $0 } ?? "none"
        session.report.skippedExtensions[ending, default: 0] += 1
    }

    /// Reads one file; `id` is its path relative to what the user gave.
    private func readFile(_ path: String, id: String, _ format: SourceFormat) throws {
        session.begin(file: path)
        switch format {
        case .jsonLines: try JSONLinesReader(path: path, id: id, session: session).read()
        case .commaSeparated: try DelimitedReader(path: path, id: id, session: session).read()
        case .tabSeparated: try DelimitedReader(path: path, id: id, delimiter: "\t", session: session).read()
        case .plainText, .markdown, .html: try readWhole(path, id: id, format)
        }
    }

    private func readWhole(_ path: String, id: String, _ format: SourceFormat) throws {
        let text: String
        do {
            text = try TextFile.read(path, maximumBytes: session.options.maximumFileBytes)
        } catch let error as StorageError where error.kind == .invalidUTF8 && session.options.skipsUndecodableFiles {
            session.report.filesRead -= 1
            return skip(id)
        }
        guard !text.isBlank else { return session.skipEmpty(id) }
        switch format {
        case .markdown: try MarkdownReader(id: id, session: session).read(text)
        case .html: try HTMLReader(id: id, session: session).read(text)
        default: try session.emit(Document(id: id, title: Self.stem(of: id), text: text.trimmed), line: 1)
        }
    }

    /// The file name without folders and extension: the title of a text that has no other.
    static func stem(of id: String) -> String {
        let name = id.split(separator: "/").last ?? ""
        return name.split(separator: ".").first.map(String.init) ?? String(name)
    }
}
