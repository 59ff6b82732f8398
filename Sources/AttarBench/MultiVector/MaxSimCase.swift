import AttarIndex
import AttarTensor
import Foundation

extension MultiVectorBench {
    private static let shape = (documents: 1000, tokens: 180, queryTokens: 32, dimension: 128)

    private struct Load: Encodable {
        var op = "load"
        var documents: String
        var query: String
        var tokens: Int
        var engine: String
    }

    /// MaxSim of one query with 1,000 documents of 180 tokens, generated.
    func kernel(_ folder: BenchFolder) throws -> BenchCase {
        let shape = Self.shape
        let documents = Self.tokens(shape.documents * shape.tokens, shape.dimension, seed: 1)
        let query = Self.tokens(shape.queryTokens, shape.dimension, seed: 2)
        let ordinals = Array(0..<UInt32(shape.documents))
        var contenders: [any Contender] = []
        var agreement: [String: String] = [:]
        let exact = LateInteractionQuery(query, precision: .fp32).scores(
            documents, lengths: ordinals.map { _ in shape.tokens })
        for codec in [TokenCodec.bfloat16, .int8, .residual(bits: 2), .product(subspaces: 32)] {
            let path = folder.file("kernel-\(codec)")
            var options = MultiVectorBuilder.Options(codec: codec, centroids: 1024)
            options.iterations = 3
            let builder = try MultiVectorBuilder(
                path: path, dimension: shape.dimension, options: options, fingerprint: "bench")
            try builder.append(documents, lengths: ordinals.map { _ in shape.tokens })
            try builder.finish(threads: 1)
            let index = try MultiVectorIndex(path: path)
            let label = ours(codec.description)
            agreement[label.description] = Self.agreement(try index.scores(query, documents: ordinals), exact)
            contenders.append(LocalContender(label: label, clock: .processor) {
                _ = try index.scores(query, documents: ordinals)
            })
        }
        contenders += try peers(documents, query, folder)
        return BenchCase(
            name: "MaxSim of \(shape.queryTokens) x \(shape.dimension) with \(shape.documents) documents of \(shape.tokens) tokens",
            quantity: .milliseconds, contenders: contenders, agreement: agreement)
    }

    private func peers(_ documents: Matrix, _ query: Matrix, _ folder: BenchFolder) throws -> [any Contender] {
        guard !peerList.isEmpty else { return [] }
        try NumpyFile.write(documents, to: folder.file("documents.npy"))
        try NumpyFile.write(query, to: folder.file("query.npy"))
        return try peerList.flatMap { peer in
            let engines = peer == .numpy ? ["fp32"] : ["fp32", "bf16"]
            return try engines.map { engine in
                let worker = try worker(peer, script: PackageResources.multivector_py)
                let request = Load(
                    documents: folder.file("documents.npy"), query: folder.file("query.npy"), tokens: Self.shape.tokens,
                    engine: "\(peer.rawValue) \(engine)")
                let label = try worker.load(request, variant: engine)
                return PeerContender(label: label, worker: worker, case: "max_sim") as any Contender
            }
        }
    }

    /// Vectors of length 1.
    private static func tokens(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
        var generator = SeededGenerator(seed: seed)
        var matrix = Matrix(
            rows: rows, columns: columns, values: (0..<(rows * columns)).map { _ in Float(generator.normal()) })
        for row in 0..<rows {
            let length = Float(Similarity.dot(matrix.row(row), matrix.row(row)).squareRoot())
            for place in (row * columns)..<((row + 1) * columns) { matrix.values[place] /= max(length, 1e-9) }
        }
        return matrix
    }

    private static func agreement(_ found: [Float], _ exact: [Float]) -> String {
        let error = zip(found, exact).map { abs($0 - $1) / max(abs($1), 1e-9) }.reduce(0, +) / Float(max(1, exact.count))
        return String(format: "off by %.2g %% in the mean", 100 * error)
    }
}
