import Foundation

/// `attar bench text --growth`: what do queries, indexing, disk and memory cost as a collection grows?
///
/// Generated documents of one seed, in several numbers; what is measured of each is what `TextBench` measures.
public struct TextGrowthBench {
    private let settings: BenchSettings
    private let sizes: [Int]
    private let meanLength: Int
    private let queries: Int

    /// - Parameters:
    ///   - sizes: numbers of documents.
    ///   - meanLength: terms of a document in the mean.
    ///   - queries: how many.
    /// - Throws: `BenchError.usage` without sizes.
    public init(_ settings: BenchSettings, sizes: [Int], meanLength: Int, queries: Int) throws {
        guard !sizes.isEmpty else { throw BenchError.usage("--growth needs numbers of --documents.") }
        self.settings = settings
        // Ascending, because the peak of the process's memory is that of the largest so far.
        self.sizes = Set(sizes).sorted()
        self.meanLength = meanLength
        self.queries = queries
    }

    /// Measures one number of documents after the other.
    ///
    /// - Throws: as `TextBench.run`.
    public func run() throws -> BenchReport {
        let points = try sizes.map { size in
            settings.say("\(size) documents")
            let corpus = SearchCorpus(generated: size, meanLength: meanLength, queries: queries)
            let (report, figures) = try TextBench(settings, corpus: corpus).measure()
            return (size: size, report: report, figures: figures)
        }
        return try .growth(
            title: "text generated, \(meanLength) terms, growth", of: "documents",
            points.map { ($0.size, $0.report) }, notes: { !$0.hasPrefix("attar: ") },
            summary: [head(points[0].report)] + points.map { row($0.size, $0.report, $0.figures) })
    }

    private func head(_ report: BenchReport) -> [String] {
        ["documents", "µs a query", "99th ÷ 50th percentile", "documents/s", "bytes a document", "peak memory, MB"]
            + report.peers.map { "query ÷ \($0)'s" } + report.peers.map { "documents/s ÷ \($0)'s" }
    }

    private func row(_ size: Int, _ report: BenchReport, _ figures: TextBench.Figures) -> [String] {
        let (searching, indexing) = (report.cases[0], report.cases[1])
        return [
            "\(size)", searching.ours, String(format: "%.1f", figures.tail), indexing.ours,
            "\(figures.bytesPerDocument)", "\(figures.peakMemory / 1_000_000)",
        ] + report.peers.map(searching.ratio) + report.peers.map(indexing.ratio)
    }
}
