import ArgumentParser
import AttarSearch
import AttarStorage
import AttarSystems
import Foundation

extension PipelineChoice: ExpressibleByArgument {}
extension QuerySyntax: ExpressibleByArgument {}

/// How `--fusion` names the ways to fuse.
enum FusionChoice: String, ExpressibleByArgument, CaseIterable {
    case rrf
    case weighted

    /// The fusion of BM25 and vectors.
    func value(vectorWeight: Double) -> Fusion {
        switch self {
        case .rrf: .reciprocalRank()
        case .weighted: .weighted([1 - vectorWeight, vectorWeight])
        }
    }
}

/// Shows search results on a terminal.
struct ResultPrinter {
    let brief: Bool
    /// Whether the words of the query are shown in bold.
    var marks = isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil

    func text(_ results: [SearchResult], pipeline: String) -> String {
        guard !results.isEmpty else { return "nothing found (\(pipeline))" }
        return results.map(brief ? line : paragraph).joined(separator: brief ? "\n" : "\n\n")
    }

    /// Tells on the standard error what a query took.
    static func note(_ response: SearchResponse) {
        let allowed = response.allowed.map { "; documents that the filter lets through: \($0)" } ?? ""
        StandardStream.error.say(
            "\(response.requested) requested, \(response.returned) returned, \(response.scanned) scanned\(allowed)\n")
    }

    private func line(_ result: SearchResult) -> String {
        "\(result.rank). \(heading(result))  [\(result.url ?? result.documentID)]"
    }

    private func paragraph(_ result: SearchResult) -> String {
        var lines = ["\(result.rank). \(heading(result))  (\(formatted(result.score)))", "   \(result.url ?? result.documentID)"]
        if !result.snippet.isEmpty { lines.append("   " + marked(result)) }
        if let explanation = result.explanation {
            lines += explanation.description.split(separator: "\n").map { "   | " + $0 }
        }
        return lines.joined(separator: "\n")
    }

    /// The snippet, on a terminal with the words of the query in bold.
    private func marked(_ result: SearchResult) -> String {
        guard marks else { return result.snippet }
        let bytes = Array(result.snippet.utf8)
        var text = ""
        var start = 0
        for range in result.snippetHighlights {
            text += String(decoding: bytes[start..<range.start], as: UTF8.self)
            text += "\u{1B}[1m" + String(decoding: bytes[range.start..<range.end], as: UTF8.self) + "\u{1B}[0m"
            start = range.end
        }
        return text + String(decoding: bytes[start...], as: UTF8.self)
    }

    /// The title with the heading below it; an answer whose question became a test query has neither, and shows its
    /// text.
    private func heading(_ result: SearchResult) -> String {
        let parts = [result.title, result.heading ?? ""].filter { !$0.isEmpty }
        return parts.isEmpty ? String(result.snippet.prefix(70)) : parts.joined(separator: " · ")
    }

    private func formatted(_ score: Double) -> String {
        String((score * 10_000).rounded() / 10_000)
    }
}
