import CAttarKernels

extension Tape {
    /// A linear layer: `y = x Wᵀ + b`.
    ///
    /// Derivatives: `dx = dy W`, `dW = dyᵀ x`, `db = Σ_rows dy`.
    ///
    /// - Parameters:
    ///   - x: `[rows, inner]`.
    ///   - weight: W, `[outer, inner]`.
    ///   - bias: b, `[outer]`.
    ///   - precision: nil for the tape's.
    /// - Returns: `[rows, outer]`.
    /// - Complexity: O(rows · outer · inner), twice that backward.
    public func linear(
        _ x: Tensor, weight: Tensor, bias: Tensor? = nil, precision: ProductPrecision? = nil
    ) -> Tensor {
        linear(x, weights: [weight], biases: [bias], precision: precision)
    }

    /// Several linear layers over the same input, their results side by side: `y = [x W₁ᵀ + b₁, x W₂ᵀ + b₂, …]`.
    ///
    /// The same as `linear` over stacked weights, for weights that are separate tensors (query, key, value).
    ///
    /// - Parameters:
    ///   - x: `[rows, inner]`.
    ///   - weights: Each `[outerᵢ, inner]`.
    ///   - biases: Each `[outerᵢ]` or nil; as many as weights.
    /// - Returns: `[rows, Σ outerᵢ]`.
    public func linear(
        _ x: Tensor, weights: [Tensor], biases: [Tensor?], precision: ProductPrecision? = nil
    ) -> Tensor {
        let precision = precision ?? self.precision
        precondition(weights.count == biases.count, "linear: \(weights.count) weights and \(biases.count) biases")
        for (weight, bias) in zip(weights, biases) {
            precondition(
                weight.shape.count == 2 && weight.columns == x.columns
                    && (bias.map { $0.count == weight.rows } ?? true),
                "linear: input \(x.shape), weight \(weight.shape), bias \(bias?.shape ?? [])")
        }
        let outer = weights.reduce(0) { $0 + $1.rows }
        let y = output([x.rows, outer], from: [x] + weights + biases)
        var column = 0
        for (weight, bias) in zip(weights, biases) {
            project(
                x.storage.pointer, rows: x.rows, weight, bias, to: y.storage.pointer + column, stride: outer,
                precision: precision)
            column += weight.rows
        }
        record(y) { tape, dy in tape.linearBackward(x, weights, biases, precision, dy) }
        return y
    }

    /// y `[rows, outer]` = x `[rows, inner]` · weightᵀ (+ bias), or y += that.
    ///
    /// - Parameter stride: The elements from row to row of y.
    func project(
        _ x: UnsafePointer<Float>, rows: Int, _ weight: Tensor, _ bias: Tensor? = nil,
        to y: UnsafeMutablePointer<Float>, stride: Int, accumulate: Bool = false, precision: ProductPrecision
    ) {
        let inner = weight.columns
        PackedMatrix(
            weight.storage.pointer, stride: inner, columns: weight.rows, inner: inner, transposed: false,
            precision: precision, tape: self
        ).multiply(
            rows: rows, left: x, leftStride: inner, result: y, resultStride: stride,
            bias: bias.map { UnsafePointer($0.storage.pointer) }, accumulate: accumulate, tape: self)
    }

    /// The way back through `project`: dx `[rows, inner]` = dy `[rows, outer]` · weight, or dx += that.
    func projectBack(
        _ dy: UnsafePointer<Float>, stride: Int, rows: Int, _ weight: Tensor, to dx: UnsafeMutablePointer<Float>,
        accumulate: Bool, precision: ProductPrecision
    ) {
        let inner = weight.columns
        PackedMatrix(
            weight.storage.pointer, stride: inner, columns: inner, inner: weight.rows, transposed: true,
            precision: precision, tape: self
        ).multiply(
            rows: rows, left: dy, leftStride: stride, result: dx, resultStride: inner, accumulate: accumulate,
            tape: self)
    }

    func linearBackward(
        _ x: Tensor, _ weights: [Tensor], _ biases: [Tensor?], _ precision: ProductPrecision,
        _ dy: UnsafeMutablePointer<Float>
    ) {
        let outer = weights.reduce(0) { $0 + $1.rows }
        var column = 0
        let needsPacked = weights.contains { $0.requiresGradient }
        let packedInput =
            needsPacked
            ? PackedMatrix(
                x.storage.pointer, stride: x.columns, columns: x.columns, inner: x.rows, transposed: true,
                precision: precision, tape: self)
            : nil
        for (weight, bias) in zip(weights, biases) {
            let part = dy + column
            if let bias, bias.requiresGradient {
                addColumnSums(part, stride: outer, rows: x.rows, columns: weight.rows, to: bias.gradientToAddTo())
            }
            if let packedInput, weight.requiresGradient {
                addOuterProducts(part, stride: outer, rows: x.rows, columns: weight.rows, packedInput, to: weight)
            }
            if x.requiresGradient {
                let (dx, accumulate) = x.claimGradient()
                projectBack(
                    part, stride: outer, rows: x.rows, weight, to: dx, accumulate: accumulate, precision: precision)
            }
            column += weight.rows
        }
    }

    /// Gradient of `target` `[columns, inner]` += leftᵀ · right, with left `[rows, columns]` and right `[rows, inner]`.
    func addOuterProducts(
        _ left: UnsafeMutablePointer<Float>, stride: Int, rows: Int, columns: Int, _ right: PackedMatrix,
        to target: Tensor
    ) {
        let turned = transposed(left, stride: stride, rows: rows, columns: columns)
        let (gradient, accumulate) = target.claimGradient()
        right.multiply(
            rows: columns, left: turned.pointer, leftStride: Self.transposedStride(rows), result: gradient,
            resultStride: right.columns, accumulate: accumulate, tape: self)
    }

    /// `c = a bᵀ`: all inner products of rows.
    ///
    /// Derivatives: `da = dc b`, `db = dcᵀ a`.
    ///
    /// - Parameters:
    ///   - a: `[m, inner]`.
    ///   - b: `[n, inner]`.
    ///   - precision: nil for the tape's.
    /// - Returns: `[m, n]`.
    public func matmulNT(_ a: Tensor, _ b: Tensor, precision: ProductPrecision? = nil) -> Tensor {
        linear(a, weight: b, precision: precision)
    }

    /// `c = a b`.
    ///
    /// Derivatives: `da = dc bᵀ`, `db = aᵀ dc`.
    ///
    /// - Parameters:
    ///   - a: `[m, inner]`.
    ///   - b: `[inner, n]`.
    ///   - precision: nil for the tape's.
    /// - Returns: `[m, n]`.
    public func matmulNN(_ a: Tensor, _ b: Tensor, precision: ProductPrecision? = nil) -> Tensor {
        let precision = precision ?? self.precision
        precondition(b.shape.count == 2 && a.columns == b.rows, "matmulNN: \(a.shape) times \(b.shape)")
        let (m, inner, n) = (a.rows, a.columns, b.columns)
        let c = output([m, n], from: a, b)
        product(
            a.storage.pointer, m, inner, b.storage.pointer, n, transposed: true, to: c.storage.pointer, false,
            precision)
        record(c) { tape, dc in
            if a.requiresGradient {
                let (da, accumulate) = a.claimGradient()
                tape.product(dc, m, n, b.storage.pointer, inner, transposed: false, to: da, accumulate, precision)
            }
            if b.requiresGradient {
                let (db, accumulate) = b.claimGradient()
                let turned = tape.transposed(a.storage.pointer, stride: inner, rows: m, columns: inner)
                tape.product(
                    turned.pointer, inner, m, dc, n, leftStride: Self.transposedStride(m), transposed: true, to: db,
                    accumulate, precision)
            }
        }
        return c
    }

    /// `c = aᵀ b`.
    ///
    /// Derivatives: `da = b dcᵀ`, `db = a dc`.
    ///
    /// - Parameters:
    ///   - a: `[inner, m]`.
    ///   - b: `[inner, n]`.
    ///   - precision: nil for the tape's.
    /// - Returns: `[m, n]`.
    public func matmulTN(_ a: Tensor, _ b: Tensor, precision: ProductPrecision? = nil) -> Tensor {
        let precision = precision ?? self.precision
        precondition(a.rows == b.rows, "matmulTN: \(a.shape) transposed times \(b.shape)")
        let (m, inner, n) = (a.columns, a.rows, b.columns)
        let c = output([m, n], from: a, b)
        let turned = transposed(a.storage.pointer, stride: m, rows: inner, columns: m)
        product(
            turned.pointer, m, inner, b.storage.pointer, n, leftStride: Self.transposedStride(inner), transposed: true,
            to: c.storage.pointer, false, precision)
        record(c) { tape, dc in
            if a.requiresGradient {
                let (da, accumulate) = a.claimGradient()
                tape.product(b.storage.pointer, inner, n, dc, m, transposed: false, to: da, accumulate, precision)
            }
            if b.requiresGradient {
                let (db, accumulate) = b.claimGradient()
                tape.product(a.storage.pointer, inner, m, dc, n, transposed: true, to: db, accumulate, precision)
            }
        }
        return c
    }

    /// result `[m, n]` = left `[m, inner]` · right, where right is `[inner, n]` if `transposed`, else `[n, inner]`.
    private func product(
        _ left: UnsafePointer<Float>, _ m: Int, _ inner: Int, _ right: UnsafePointer<Float>, _ n: Int,
        leftStride: Int? = nil, transposed: Bool, to result: UnsafeMutablePointer<Float>, _ accumulate: Bool,
        _ precision: ProductPrecision
    ) {
        PackedMatrix(
            right, stride: transposed ? n : inner, columns: n, inner: inner, transposed: transposed,
            precision: precision, tape: self
        ).multiply(
            rows: m, left: left, leftStride: leftStride ?? inner, result: result, resultStride: n,
            accumulate: accumulate, tape: self)
    }
}
