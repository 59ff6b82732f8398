import AttarStorage

/// Splits the lines of runs and judgements: at tabs, or at runs of spaces and tabs.
///
/// Identifiers with spaces can only be told apart when tabs separate the fields; one file uses one rule throughout.
enum FieldSplitter {
    case tabs
    case whitespace

    /// The fields of one line. Tabs: empty fields count; whitespace: leading and trailing blanks do not.
    func fields(of line: [UInt8]) -> [ArraySlice<UInt8>] {
        switch self {
        case .tabs: line.split(separator: 0x09, omittingEmptySubsequences: false)
        case .whitespace: line.split(omittingEmptySubsequences: true) { $0 == 0x20 || $0 == 0x09 }
        }
    }

    /// Whether a line has nothing but blanks.
    static func isBlank(_ line: [UInt8]) -> Bool {
        line.allSatisfy { $0 == 0x20 || $0 == 0x09 }
    }
}

/// One line with its place, and the ways its fields become values.
struct FieldLine {
    let fields: [ArraySlice<UInt8>]
    let number: Int
    let path: String

    /// The identifier in one field.
    ///
    /// - Throws: `malformedLine` when the field is empty, `invalidUTF8` when it is not text.
    func identifier(_ index: Int, named name: String) throws -> String {
        guard !fields[index].isEmpty else { throw malformed("the \(name) is empty.") }
        return try text(index)
    }

    private func text(_ index: Int) throws -> String {
        if let text = String(validating: fields[index], as: UTF8.self) { return text }
        return try TextFile.text(of: Array(fields[index]), path: path, line: number)
    }

    /// A relevance grade: a whole number, which some files write as "1.0".
    func grade(_ index: Int) throws -> Int {
        let text = try text(index)
        if let grade = Int(text), Self.gradeLimits.contains(grade) { return grade }
        if let number = Double(text), let grade = Int(exactly: number), Self.gradeLimits.contains(grade) {
            return grade
        }
        throw malformed("\"\(text)\" is no relevance grade; a whole number was expected, such as 0, 1 or 2.")
    }

    /// Grades are small; a number beyond these limits is a misplaced column.
    private static let gradeLimits = -1_000...1_000

    /// A score: a number that is finite in single precision, because that is what trec_eval compares.
    func score(_ index: Int) throws -> Double {
        let text = try text(index)
        guard let number = Double(text), Float(number).isFinite else {
            throw malformed("\"\(text)\" is no score; a finite number was expected.")
        }
        return number
    }

    func malformed(_ detail: String) -> EvidenceError { .line(number, of: path, detail) }
}
