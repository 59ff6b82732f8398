import CAttarKernels

extension Tape {
    /// The product of each pair of matrices: `c[i] = a[i] b[i]`.
    ///
    /// Derivatives: `da[i] = dc[i] b[i]ᵀ`, `db[i] = a[i]ᵀ dc[i]`.
    ///
    /// - Parameters:
    ///   - a: `[batch, m, inner]`.
    ///   - b: `[batch, inner, n]`.
    /// - Returns: `[batch, m, n]`.
    /// - Complexity: O(batch · m · n · inner), shared over threads by pairs.
    public func batchedMatmulNN(_ a: Tensor, _ b: Tensor) -> Tensor {
        batched("batchedMatmulNN", (a, false), (b, false))
    }

    /// `c[i] = a[i] b[i]ᵀ`. Derivatives: `da[i] = dc[i] b[i]`, `db[i] = dc[i]ᵀ a[i]`.
    ///
    /// - Parameters:
    ///   - a: `[batch, m, inner]`.
    ///   - b: `[batch, n, inner]`.
    /// - Returns: `[batch, m, n]`.
    public func batchedMatmulNT(_ a: Tensor, _ b: Tensor) -> Tensor {
        batched("batchedMatmulNT", (a, false), (b, true))
    }

    /// `c[i] = a[i]ᵀ b[i]`. Derivatives: `da[i] = b[i] dc[i]ᵀ`, `db[i] = a[i] dc[i]`.
    ///
    /// - Parameters:
    ///   - a: `[batch, inner, m]`.
    ///   - b: `[batch, inner, n]`.
    /// - Returns: `[batch, m, n]`.
    public func batchedMatmulTN(_ a: Tensor, _ b: Tensor) -> Tensor {
        batched("batchedMatmulTN", (a, true), (b, false))
    }

    private func batched(
        _ name: String, _ a: (tensor: Tensor, isTurned: Bool), _ b: (tensor: Tensor, isTurned: Bool)
    ) -> Tensor {
        let (left, right) = (a.tensor.shape, b.tensor.shape)
        precondition(
            left.count == 3 && right.count == 3 && left[0] == right[0]
                && left[a.isTurned ? 1 : 2] == right[b.isTurned ? 2 : 1],
            "\(name): \(left) times \(right)")
        let (m, n) = (left[a.isTurned ? 2 : 1], right[b.isTurned ? 1 : 2])
        let c = output([left[0], m, n], from: a.tensor, b.tensor)
        let first = SmallMatrix(a.tensor.storage.pointer, left[1], left[2], isTurned: a.isTurned)
        let second = SmallMatrix(b.tensor.storage.pointer, right[1], right[2], isTurned: b.isTurned)
        products(left[0], first, second, to: c.storage.pointer, resultIsTurned: false, accumulate: false)
        record(c) { tape, dc in
            let slope = SmallMatrix(dc, m, n, isTurned: false)
            if a.tensor.requiresGradient {
                let (da, accumulate) = a.tensor.claimGradient()
                // dA = dC Bᵀ, stored turned where A is.
                tape.products(
                    left[0], slope, second.turned, to: da, resultIsTurned: a.isTurned, accumulate: accumulate)
            }
            if b.tensor.requiresGradient {
                let (db, accumulate) = b.tensor.claimGradient()
                tape.products(
                    left[0], first.turned, slope, to: db, resultIsTurned: b.isTurned, accumulate: accumulate)
            }
        }
        return c
    }

    /// result[i] = a[i] · b[i], or its transpose, which is b[i]ᵀ · a[i]ᵀ.
    private func products(
        _ batch: Int, _ a: SmallMatrix, _ b: SmallMatrix, to result: UnsafeMutablePointer<Float>, resultIsTurned: Bool,
        accumulate: Bool
    ) {
        let (left, right) = resultIsTurned ? (b.turned, a.turned) : (a, b)
        let (m, inner, n) = (left.rows, left.columns, right.columns)
        parallel(batch, chunk: Self.rowChunk(columns: max(1, m * inner + inner * n + m * n))) { range in
            let packed = scratch(attar_pack_f32_size(n, inner))
            let turned = left.isTurned ? scratch(m * inner) : nil
            for index in range {
                attar_pack_f32(right.at(index), right.storedColumns, n, inner, !right.isTurned, packed.pointer)
                if let turned { attar_transpose_f32(left.at(index), m, inner, m, turned.pointer, inner) }
                attar_gemm_f32_packed(
                    m, n, inner, turned.map { UnsafePointer($0.pointer) } ?? left.at(index), inner, packed.pointer,
                    result + index * m * n, n, nil, accumulate)
            }
        }
    }
}

/// One of a run of matrices of the same shape, perhaps to be read with rows and columns exchanged.
private struct SmallMatrix {
    let base: UnsafePointer<Float>
    let storedRows: Int
    let storedColumns: Int
    let isTurned: Bool

    init(_ base: UnsafePointer<Float>, _ storedRows: Int, _ storedColumns: Int, isTurned: Bool) {
        (self.base, self.storedRows, self.storedColumns, self.isTurned) = (base, storedRows, storedColumns, isTurned)
    }

    var rows: Int { isTurned ? storedColumns : storedRows }
    var columns: Int { isTurned ? storedRows : storedColumns }
    var turned: SmallMatrix { SmallMatrix(base, storedRows, storedColumns, isTurned: !isTurned) }

    func at(_ index: Int) -> UnsafePointer<Float> { base + index * storedRows * storedColumns }
}
