import ArgumentParser
import AttarStorage
import Foundation

/// A mistake in how options are combined, or in an option's value: exit status 2.
struct UsageError: AttarError {
    let description: String
    let category = ErrorCategory.usage

    init(_ description: String) {
        self.description = description
    }
}

/// The flag that every verb has which prints results.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print the result as JSON.")
    var json = false

    /// Prints a result in the form that was asked for.
    func print(_ value: some Encodable, text: () -> String) throws {
        try Self.write(json ? try Self.encoded(value) : text())
    }

    /// A line on the standard output; a full disk behind it fails the command.
    static func write(_ text: String) throws {
        try StandardStream.output.write(Array((text + "\n").utf8))
    }

    /// JSON with sorted keys, so that equal results are equal bytes.
    static func encoded(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

/// Prints rows in aligned columns; the columns named in `numeric` are right-aligned.
func aligned(_ rows: [[String]], numeric: Set<Int> = []) -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
        rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
        let cells = row.enumerated().map { column, cell in
            let padding = String(repeating: " ", count: widths[column] - cell.count)
            return numeric.contains(column) ? padding + cell : cell + padding
        }
        let line = cells.joined(separator: "  ")
        return String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
}
