import AttarIndex
import AttarTensor
import AttarTestSupport

/// Token vectors of documents that look like those of texts: of length 1, around topics, of uneven number.
struct RandomTokens {
    let tokens: Matrix
    let lengths: [Int]

    /// Documents of 0 to 2 · `mean` tokens.
    init(documents: Int, mean: Int = 12, dimension: Int = 32, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        lengths = (0..<documents).map { $0 % 17 == 5 ? 0 : Int.random(in: 1...(2 * mean), using: &generator) }
        tokens = RandomVectors.clustered(lengths.reduce(0, +), dimension, topics: 60, seed: seed)
    }

    /// The vectors of a document's tokens.
    func document(_ ordinal: Int) -> Matrix {
        let first = lengths[..<ordinal].reduce(0, +)
        return tokens.gathered(first..<(first + lengths[ordinal]))
    }

    /// Writes them, in two parts, to an index of a folder.
    func index(
        _ options: MultiVectorBuilder.Options, in folder: TemporaryFolder, name: String = "tokens.mvx",
        threads: Int = 2
    ) throws -> MultiVectorIndex {
        let builder = try MultiVectorBuilder(
            path: folder.file(name), dimension: tokens.columns, options: options, fingerprint: "f")
        let half = lengths.count / 2
        let first = lengths[..<half].reduce(0, +)
        try builder.append(tokens.gathered(0..<first), lengths: Array(lengths[..<half]))
        try builder.append(tokens.gathered(first..<tokens.rows), lengths: Array(lengths[half...]))
        try builder.finish(threads: threads)
        return try MultiVectorIndex(path: folder.file(name))
    }
}
