import AttarTensor
import Foundation

/// `attar bench dense --growth`: what do graphs cost as vectors become more?
///
/// The first so many vectors of one file; what is measured of each number is what `DenseBench` measures.
public struct DenseGrowthBench {
    private let settings: BenchSettings
    private let sizes: [Int]
    private let vectors: Matrix
    private let name: String
    private let queries: String

    /// - Parameters:
    ///   - sizes: numbers of vectors; larger ones than there are stand for all.
    ///   - vectors: a `.npy` file, `[count, dimension]`.
    ///   - queries: a `.npy` file, `[queries, dimension]`.
    /// - Throws: `BenchError.usage` without sizes; `TensorError`, `StorageError`.
    public init(_ settings: BenchSettings, sizes: [Int], vectors: String, queries: String) throws {
        self.settings = settings
        self.vectors = try NumpyFile.read(vectors)
        self.queries = queries
        name = vectors.split(separator: "/").last.map(String.init) ?? vectors
        let rows = self.vectors.rows
        self.sizes = Set(sizes.map { min($0, rows) }).sorted()
        guard let least = self.sizes.first, least > 0 else {
            throw BenchError.usage("--growth needs numbers of vectors, of at least 1.")
        }
    }

    /// Measures one number of vectors after the other.
    ///
    /// - Throws: as `DenseBench.run`.
    public func run() throws -> BenchReport {
        let folder = try BenchFolder()
        defer { folder.remove() }
        let points = try sizes.map { size in
            settings.say("\(size) vectors")
            let path = folder.file("vectors.npy")
            let values = Array(vectors.values[..<(size * vectors.columns)])
            try NumpyFile.write(Matrix(rows: size, columns: vectors.columns, values: values), to: path)
            let (report, figures) = try DenseBench(settings, vectors: path, queries: queries).measure()
            return (size: size, report: report, figures: figures)
        }
        return try .growth(
            title: "dense \(name), growth", of: "vectors", points.map { ($0.size, $0.report) },
            notes: { $0.hasPrefix("A repetition") },
            summary: [head(points[0].report)] + points.map { row($0.size, $0.report, $0.figures) })
    }

    private func head(_ report: BenchReport) -> [String] {
        let peers = report.peers
        return ["vectors"] + report.cases.map { "queries/s, \($0.name)" } + ["built/s", "bytes a vector"]
            + report.cases.flatMap { result in peers.map { "÷ \($0)'s, \(result.name)" } }
            + peers.map { "built/s ÷ \($0)'s" } + peers.map { "\($0)'s bytes a vector" }
    }

    private func row(_ size: Int, _ report: BenchReport, _ figures: DenseBench.Figures) -> [String] {
        let peers = report.peers
        let ratios = report.cases.flatMap { result in peers.map { result.ratio(to: $0) } }
        let built = peers.map { peer in figures.peers[peer].map { figures.rate / $0.rate } ?? 0 }
        return ["\(size)"] + report.cases.map(\.ours)
            + [String(format: "%.0f", figures.rate), String(format: "%.0f", figures.bytes)] + ratios
            + built.map { String(format: "%.2f", $0) }
            + peers.map { String(format: "%.0f", figures.peers[$0]?.bytes ?? 0) }
    }
}
