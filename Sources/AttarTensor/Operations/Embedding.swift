import CAttarKernels

extension Tape {
    /// Looks up rows: `y[i] = table[ids[i]]`.
    ///
    /// Derivative: `dtable[ids[i]] += dy[i]`; with a row-sparse table only the met rows are touched.
    ///
    /// - Parameters:
    ///   - table: `[entries, dim]`, or `[entries]` for one number an entry.
    ///   - ids: Each in `0 ..< entries`.
    /// - Returns: `[ids.count, dim]`, or `[ids.count]`.
    /// - Complexity: O(ids.count · dim).
    public func embedding(_ table: Tensor, ids: [Int32]) -> Tensor {
        let dim = table.shape.count > 1 ? table.columns : 1
        requireIDs(ids, below: table.count / max(1, dim), "embedding")
        let y = output(table.shape.count > 1 ? [ids.count, dim] : [ids.count], from: table)
        parallelRows(ids.count, columns: dim) { range in
            for row in range {
                (y.storage.pointer + row * dim).update(from: table.storage.pointer + Int(ids[row]) * dim, count: dim)
            }
        }
        record(y) { tape, dy in
            let (gradient, places) = tape.rowGradient(of: table, ids)
            tape.addRows(count: ids.count, dim: dim, to: gradient, places) { row in (UnsafePointer(dy + row * dim), 1) }
        }
        return y
    }

    /// Sums of table rows, a bag of ids for each sequence: `y[s] = Σ_{i in s} weights[i] · table[ids[i]]`, divided by
    /// the number of ids of the sequence if `mean`. An empty sequence gives zeros.
    ///
    /// Derivatives, with `c` 1 or one over the length: `dtable[ids[i]] += c · weights[i] · dy[s]`,
    /// `dweights[i] = c · table[ids[i]] · dy[s]` (inner product).
    ///
    /// - Parameters:
    ///   - table: `[entries, dim]`.
    ///   - ids: The ids of all sequences, one after the other.
    ///   - layout: Which ids belong to which sequence.
    ///   - weights: A number for each id, `[ids.count]`; nil for ones.
    ///   - mean: Whether to divide by the length.
    /// - Returns: `[sequences, dim]`.
    /// - Complexity: O(ids.count · dim).
    public func embeddingBag(
        _ table: Tensor, ids: [Int32], layout: SequenceLayout, weights: Tensor? = nil, mean: Bool = true
    ) -> Tensor {
        precondition(
            ids.count == layout.tokenCount && (weights.map { $0.count == ids.count } ?? true) && table.shape.count == 2,
            "embeddingBag: table \(table.shape), \(ids.count) ids, \(layout.tokenCount) tokens, "
                + "weights \(weights?.shape ?? [])")
        requireIDs(ids, below: table.rows, "embeddingBag")
        let dim = table.columns
        let y = output([layout.sequenceCount, dim], from: table, weights)
        ids.withUnsafeBufferPointer { ids in
            parallel(layout.sequenceCount, chunk: 16) { range in
                for sequence in range {
                    let tokens = layout[sequence]
                    let target = y.storage.pointer + sequence * dim
                    attar_embedding_bag_f32(
                        table.storage.pointer, dim, ids.baseAddress.map { $0 + tokens.lowerBound },
                        weights.map { UnsafePointer($0.storage.pointer + tokens.lowerBound) }, tokens.count, target)
                    if mean, tokens.count > 1 { attar_scale_f32(1 / Float(tokens.count), target, dim) }
                }
            }
        }
        record(y) { tape, dy in tape.embeddingBagBackward(table, ids, layout, weights, mean, dy) }
        return y
    }

    private func embeddingBagBackward(
        _ table: Tensor, _ ids: [Int32], _ layout: SequenceLayout, _ weights: Tensor?, _ mean: Bool,
        _ dy: UnsafeMutablePointer<Float>
    ) {
        let dim = table.columns
        let sequenceOfToken = layout.sequenceOfToken
        func factor(_ sequence: Int) -> Float { mean ? 1 / Float(layout[sequence].count) : 1 }
        if table.requiresGradient {
            let (gradient, places) = rowGradient(of: table, ids)
            addRows(count: ids.count, dim: dim, to: gradient, places) { token in
                let sequence = Int(sequenceOfToken[token])
                return (UnsafePointer(dy + sequence * dim), factor(sequence) * (weights?.storage.pointer[token] ?? 1))
            }
        }
        guard let weights, weights.requiresGradient else { return }
        let dweights = weights.gradientToAddTo()
        parallelRows(ids.count, columns: dim) { range in
            for token in range {
                let sequence = Int(sequenceOfToken[token])
                var product: Float = 0
                attar_dot_f32(
                    dy + sequence * dim, table.storage.pointer + Int(ids[token]) * dim, dim, nil, 1, dim,
                    &product)
                dweights[token] += factor(sequence) * product
            }
        }
    }

    private func requireIDs(_ ids: [Int32], below limit: Int, _ operation: String) {
        for id in ids where id < 0 || Int(id) >= limit {
            preconditionFailure("\(operation): id \(id) in a table of \(limit) rows")
        }
    }

    /// The gradient of a table, dense or row-sparse, and at which of its rows each id's gradient belongs.
    private func rowGradient(of table: Tensor, _ ids: [Int32]) -> (UnsafeMutablePointer<Float>, [Int32]) {
        guard let rowGradient = table.rowGradient else { return (table.gradientToAddTo(), ids) }
        let places = rowGradient.touch(ids)
        table.hasGradient = true
        return (rowGradient.pointer, places)
    }

    /// target[places[i]] += factor · source, for each i in order. Threads share the columns, not the rows: several i
    /// may meet in one row, and their order must not change.
    private func addRows(
        count: Int, dim: Int, to target: UnsafeMutablePointer<Float>, _ places: [Int32],
        _ source: (Int) -> (UnsafePointer<Float>, Float)
    ) {
        let chunk = count * dim < 16_384 ? dim : 96
        parallel(dim, chunk: max(1, chunk)) { columns in
            for index in 0..<count {
                let (row, factor) = source(index)
                attar_axpy_f32(
                    factor, row + columns.lowerBound, target + Int(places[index]) * dim + columns.lowerBound,
                    columns.count)
            }
        }
    }
}

extension SequenceLayout {
    /// The sequence of each token.
    var sequenceOfToken: [Int32] {
        var sequences: [Int32] = []
        sequences.reserveCapacity(tokenCount)
        for sequence in 0..<sequenceCount {
            sequences.append(contentsOf: repeatElement(Int32(sequence), count: self[sequence].count))
        }
        return sequences
    }
}
