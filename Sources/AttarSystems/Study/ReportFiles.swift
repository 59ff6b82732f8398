import AttarEvidence
import AttarStorage
import Foundation

/// The files of a finished study: `report.json`, `report.html` and one TREC run a pipeline.
struct ReportFiles {
    private let folder: String

    init(_ folder: String) {
        self.folder = folder
    }

    func write(_ report: EvaluationReport, runs: [Run]) throws {
        let fileSystem = LocalFileSystem()
        try fileSystem.makeDirectory(folder + "/runs")
        for run in runs {
            let name = String(run.name.map { $0.isLetter || $0.isNumber ? $0 : "-" })
            try run.write(to: "\(folder)/runs/\(name).trec", on: fileSystem)
        }
        try report.write(toFolder: folder, on: fileSystem)
    }
}

/// A command as somebody can type it again.
enum ShellWords {
    static func joined(_ words: [String]) -> String {
        words.map { word in
            let isPlain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=+,:@%".contains($0) }
            return isPlain ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
        }.joined(separator: " ")
    }
}
