import AttarStorage

/// What went wrong with a collection: always with the path, what was expected and how to mend it.
public struct CollectionError: AttarError, Equatable {
    /// The kinds of failure a caller may want to tell apart.
    public enum Kind: Sendable, Equatable {
        /// There is nothing at the path.
        case notFound
        /// The folder holds other things, and no collection.
        case notACollection
        /// A collection stands there already.
        case alreadyExists
        /// A newer Attar wrote the collection.
        case newerVersion
        /// Bytes differ from what was committed.
        case corrupt
        /// Another process is writing.
        case locked
        /// Two documents have the same id.
        case duplicateIdentifier
        /// There was no document to commit.
        case emptyCorpus
        /// A document, vector or option does not fit the collection.
        case unsuitable
        /// SQLite or the disk failed.
        case storage
    }

    /// The kind of failure.
    public let kind: Kind
    /// One or two full sentences.
    public let description: String
    /// Who has to act.
    public let category: ErrorCategory
    /// The damaged file and what is wrong with it; nil for errors of other kinds.
    public let damage: CollectionProblem?

    init(
        _ kind: Kind, _ description: String, category: ErrorCategory = .input, damage: CollectionProblem? = nil
    ) {
        self.kind = kind
        self.description = description
        self.category = category
        self.damage = damage
    }

    static func notFound(_ path: String) -> Self {
        Self(.notFound, "There is no collection at \(path): the folder does not exist. Make one with `attar ingest`.")
    }

    static func notACollection(_ path: String, found: String) -> Self {
        Self(
            .notACollection,
            "\(path) is not a collection: \(found). Give the folder that `attar ingest --to` made, or a new one.")
    }

    static func alreadyExists(_ path: String) -> Self {
        Self(.alreadyExists, "\(path) is a collection already. Open it to add documents, or choose another folder.")
    }

    static func newerVersion(_ path: String, found: Int, known: Int) -> Self {
        Self(
            .newerVersion,
            "\(path) has collection format \(found), and this Attar reads formats up to \(known). "
                + "Use a newer Attar, or ingest the documents again.")
    }

    static func corrupt(_ path: String, _ what: String) -> Self {
        Self(
            .corrupt,
            "\(path) is damaged: \(what). Restore it from a copy, or ingest the documents again; "
                + "`attar verify` lists all damage.",
            damage: CollectionProblem(file: path, detail: what))
    }

    static func locked(_ path: String) -> Self {
        Self(
            .locked, "\(path) is being written by another process. Wait until that one is done, then try again.",
            category: .resource)
    }

    static func duplicateIdentifier(_ id: String, path: String, source: String?) -> Self {
        Self(
            .duplicateIdentifier,
            (source.map { $0 + ": " } ?? "") + "The id \"\(id)\" stands already in \(path), where ids must be unique. "
                + "Rename or remove one of the two; nothing was changed.")
    }

    static func emptyCorpus(_ path: String) -> Self {
        Self(
            .emptyCorpus,
            "There is no document to put into \(path): every input was empty. "
                + "Check the paths and the name of the text field; nothing was changed.")
    }

    static func unsuitable(_ what: String) -> Self { Self(.unsuitable, what) }

    static func storage(_ path: String, _ what: String) -> Self {
        Self(
            .storage,
            "Writing or reading \(path) failed: \(what). Nothing uncommitted is kept; mend the cause and try again.",
            category: .resource)
    }
}
