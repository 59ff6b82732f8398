import AttarStorage

/// A part of a Markdown file that a program writes; what stands around it is left alone.
public enum MarkdownSection {
    /// Largest file that is rewritten.
    private static let maximumBytes = 16 << 20

    /// Puts the text between the marks of a section, or behind the end of the file when it has no such section yet; a
    /// missing file is made.
    ///
    /// - Throws: `StorageError`; `BenchError` when only one of the two marks is there.
    public static func write(_ text: String, named name: String, to path: String) throws {
        let old = try LocalFileSystem().exists(path) ? TextFile.read(path, maximumBytes: maximumBytes) : "# Benchmarks\n"
        guard let new = replacing(name, in: old, with: text) else {
            throw BenchError(
                .input, "\(path) has only one of the two marks of the section \"\(name)\"; remove it, or add the other.")
        }
        try AtomicFile.write(Array(new.utf8), to: path)
    }

    /// The file's text with the section replaced, or added; nil when only one mark is there.
    static func replacing(_ name: String, in file: String, with text: String) -> String? {
        let (begin, end) = ("<!-- begin: \(name) -->\n", "<!-- end: \(name) -->\n")
        let body = text.hasSuffix("\n") ? text : text + "\n"
        let (first, last) = (file.firstRange(of: begin), file.firstRange(of: end))
        switch (first, last) {
        case (nil, nil): return file + (file.hasSuffix("\n") ? "\n" : "\n\n") + begin + body + end
        case (let first?, let last?) where first.upperBound <= last.lowerBound:
            return file.replacingCharacters(in: first.upperBound..<last.lowerBound, with: body)
        default: return nil
        }
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}
