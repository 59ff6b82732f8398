/// What the readers of one call share: the receiver of documents, the counts, and the ids seen so far.
final class ReadingSession {
    /// Where a document came from.
    private struct Place {
        var file: Int
        var line: Int?

        func text(_ files: [String]) -> String { files[file] + (line.map { ":\($0)" } ?? "") }
    }

    let options: ReaderOptions
    var report = ReadingReport()
    private let body: (Document, String) throws -> Void
    private var files: [String] = []
    private var places: [String: Place] = [:]

    init(options: ReaderOptions, body: @escaping (Document, String) throws -> Void) {
        self.options = options
        self.body = body
    }

    /// Notes that a file is being read; documents that follow are said to come from it.
    func begin(file: String) {
        files.append(file)
        report.filesRead += 1
    }

    /// Counts a document without text.
    func skipEmpty(_ id: String) {
        report.skippedEmpty += 1
        if report.emptyIDs.count < ReadingReport.emptyIDLimit { report.emptyIDs.append(id) }
    }

    /// Hands a document on, unless it is empty.
    ///
    /// - Throws: `TextError.duplicate` naming both places.
    func emit(_ document: Document, line: Int? = nil) throws {
        guard !document.text.isBlank || !document.title.isBlank else {
            return skipEmpty(document.id)
        }
        let place = Place(file: files.count - 1, line: line)
        if let first = places.updateValue(place, forKey: document.id) {
            throw TextError(
                .duplicate, path: files.last, line: line,
                problem: "The id \"\(document.id)\" stands already at \(first.text(files)).",
                mend: "Every document needs an id of its own; rename or remove one of the two.")
        }
        report.documents += 1
        try body(document, place.text(files))
    }
}

extension String {
    /// Whether there is nothing but white space.
    var isBlank: Bool {
        unicodeScalars.allSatisfy { $0.properties.isWhitespace }
    }

    /// The text without white space at its ends.
    var trimmed: String {
        var scalars = unicodeScalars[...]
        while let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }
}
