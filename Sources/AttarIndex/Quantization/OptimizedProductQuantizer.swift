import AttarTensor

/// Product quantisation after a rotation that makes it lose least: OPQ in its non-parametric form (Ge, He, Ke & Sun,
/// "Optimized Product Quantization", 2013, algorithm 1).
///
/// The rotation is orthogonal: dot products and distances of rotated vectors are those of the vectors. Codes of vectors
/// are the quantiser's codes of `rotate(vectors)`, and queries are rotated alike.
public struct OptimizedProductQuantizer: Sendable, Equatable {
    /// `[dimension, dimension]`, orthogonal: a rotated vector is `rotation · x`.
    public let rotation: Matrix
    /// The quantiser of rotated vectors.
    public let quantizer: ProductQuantizer

    /// How to train.
    public struct Options: Sendable, Codable, Equatable {
        /// The quantiser's; its iterations are those after the last rotation.
        public var quantizer: ProductQuantizer.Options
        /// How often the rotation is fitted to the codes, and the codes to the rotation.
        public var rotations = 50  // as in faiss (OPQMatrix::niter)
        /// Iterations of each subspace's clustering before each but the first rotation, which has ten times as many.
        public var iterationsARotation = 4  // as in faiss (OPQMatrix::niter_pq)

        /// The usual options for a quantiser.
        public init(_ quantizer: ProductQuantizer.Options, rotations: Int = 50, iterationsARotation: Int = 4) {
            self.quantizer = quantizer
            self.rotations = rotations
            self.iterationsARotation = iterationsARotation
        }
    }

    /// A quantiser behind a rotation.
    public init(rotation: Matrix, quantizer: ProductQuantizer) {
        precondition(
            rotation.rows == quantizer.dimension && rotation.columns == quantizer.dimension,
            "a rotation of \(rotation.rows) x \(rotation.columns) for \(quantizer.dimension) dimensions")
        (self.rotation, self.quantizer) = (rotation, quantizer)
    }

    /// Trains rotation and quantiser in turns: with the rotation fixed, codes are clustered; with the codes fixed, the
    /// rotation that brings vectors nearest to what their codes stand for is the orthogonal factor of `YᵀX` (Schönemann
    /// 1966), `Y` being what the codes stand for.
    ///
    /// - Throws: as `ProductQuantizer`.
    /// - Complexity: O(rotations · (iterations · vectors · codewords · dimension + dimension³)).
    public init(_ vectors: some VectorSource, options: Options, threads: Int = Parallel.processorCount) throws {
        try ProductQuantizer.check(vectors, options.quantizer)
        let count = ProductQuantizer.vectorsACodeword * options.quantizer.codewords
        let sample = SampledVectors(vectors, count: count, seed: options.quantizer.seed).gathered()
        var rotation = Orthogonal.random(sample.columns, seed: options.quantizer.seed &+ 2)
        var quantizer: ProductQuantizer?
        for round in 0..<options.rotations {
            var step = options.quantizer
            step.iterations = options.iterationsARotation * (round == 0 ? 10 : 1)
            let rotated = MatrixProduct.transposed(sample, rotation, threads: threads)
            let trained = ProductQuantizer(sample: rotated, options: step, start: quantizer, threads: threads)
            let decoded = trained.decode(trained.encode(rotated, threads: threads))
            let cross = MatrixProduct.inner(decoded, sample, threads: threads)
            rotation = Orthogonal.nearest(to: cross, previous: rotation, threads: threads)
            quantizer = trained
        }
        let rotated = MatrixProduct.transposed(sample, rotation, threads: threads)
        self.init(
            rotation: rotation,
            quantizer: ProductQuantizer(sample: rotated, options: options.quantizer, start: quantizer, threads: threads)
        )
    }

    /// Vectors as the quantiser wants them, `[rows, dimension]`.
    ///
    /// - Complexity: O(rows · dimension²).
    public func rotate(_ vectors: Matrix, threads: Int = Parallel.processorCount) -> Matrix {
        MatrixProduct.transposed(vectors, rotation, threads: threads)
    }

    /// The mean squared distance between vectors and what their codes stand for.
    public func error(_ vectors: Matrix, threads: Int = Parallel.processorCount) -> Double {
        quantizer.error(rotate(vectors, threads: threads), threads: threads)
    }
}

/// Orthogonal matrices.
enum Orthogonal {
    /// One drawn uniformly: normal numbers made orthonormal row by row, by Gram and Schmidt, twice over for accuracy.
    static func random(_ dimension: Int, seed: UInt64) -> Matrix {
        var generator = SeededGenerator(seed: seed)
        var rows: [[Double]] = []
        while rows.count < dimension {
            var row = (0..<dimension).map { _ in generator.normal() }
            for _ in 0..<2 {
                for other in rows {
                    var overlap = 0.0
                    for d in 0..<dimension { overlap += row[d] * other[d] }
                    for d in 0..<dimension { row[d] -= overlap * other[d] }
                }
            }
            let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            if length > 1e-6 { rows.append(row.map { $0 / length }) }
        }
        return Matrix(rows: dimension, columns: dimension, values: rows.flatMap { $0.map(Float.init) })
    }

    /// The orthogonal matrix nearest to a square one, its polar factor, by Newton and Schulz's iteration
    /// `X ← 3/2 X − 1/2 X Xᵀ X` (Higham, "Functions of Matrices", 2008, section 8.3), which needs products alone.
    ///
    /// Directions without weight leave the factor open: a little of the previous one decides there.
    ///
    /// - Complexity: O(dimension³) an iteration, of which some 40 are needed.
    static func nearest(to matrix: Matrix, previous: Matrix, threads: Int) -> Matrix {
        let norm = matrix.values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard norm > 0 else { return previous }
        var x = matrix
        // Singular values now lie in 0…1, where the iteration brings them to 1.
        for i in x.values.indices { x.values[i] = Float(Double(x.values[i]) / norm) + 1e-6 * previous.values[i] }
        for _ in 0..<mostIterations {
            // The Gram matrix of the rows, and how far it is from that of an orthogonal matrix.
            var gram = MatrixProduct.transposed(x, x, threads: threads)
            var distance: Float = 0
            for row in 0..<x.rows {
                for column in 0..<x.rows {
                    let value = gram.values[row * x.rows + column]
                    distance = max(distance, (value - (row == column ? 1 : 0)).magnitude)
                    gram.values[row * x.rows + column] = (row == column ? 1.5 : 0) - 0.5 * value
                }
            }
            if distance < 1e-5 { break }
            x = MatrixProduct.plain(gram, x, threads: threads)
        }
        return x
    }

    /// From 1e-6 to 1 by factors of 3/2 takes 34; the last few square the distance.
    private static let mostIterations = 60
}
