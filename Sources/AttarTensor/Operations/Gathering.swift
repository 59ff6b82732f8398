import CAttarKernels

extension Tape {
    /// One element of each row: `y[i] = x[i][columns[i]]`, such as the log-probability of each token that came.
    ///
    /// Derivative: `dx[i][columns[i]] = dy[i]`, else zero.
    ///
    /// - Parameters:
    ///   - x: `[rows, columns]`.
    ///   - columns: One for each row, in range.
    /// - Returns: `[rows]`.
    public func gather(_ x: Tensor, columns: [Int32]) -> Tensor {
        let width = x.columns
        precondition(
            columns.count == x.rows && columns.allSatisfy { $0 >= 0 && Int($0) < width },
            "gather: \(columns.count) columns, at most \(columns.max() ?? 0), of \(x.shape)")
        let y = output([columns.count], from: x)
        for (row, column) in columns.enumerated() {
            y.storage.pointer[row] = x.storage.pointer[row * width + Int(column)]
        }
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            for (row, column) in columns.enumerated() { dx[row * width + Int(column)] += dy[row] }
        }
        return y
    }

    /// Some rows, in the given order, repetitions allowed: `y[i] = x[rows[i]]`.
    ///
    /// Derivative: `dx[rows[i]] += dy[i]`.
    ///
    /// - Returns: `[rows.count, columns]`.
    public func gatherRows(_ x: Tensor, rows: [Int32]) -> Tensor {
        precondition(x.shape.count > 1, "gatherRows: \(x.shape) has no rows")
        return embedding(x, ids: rows)
    }

    /// Rows added up where they belong: `y[rows[i]] += x[i]`, in the order of i; places that none belongs to are zero.
    ///
    /// Derivative: `dx[i] = dy[rows[i]]`.
    ///
    /// - Parameters:
    ///   - x: `[n, columns]`.
    ///   - rows: A place for each row of x, in `0 ..< count`.
    ///   - count: The rows of the result.
    /// - Returns: `[count, columns]`.
    public func scatterRows(_ x: Tensor, rows: [Int32], count: Int) -> Tensor {
        let columns = x.columns
        precondition(
            rows.count == x.rows && rows.allSatisfy { $0 >= 0 && Int($0) < count },
            "scatterRows: \(rows.count) places, at most \(rows.max() ?? 0), for \(x.shape) into \(count) rows")
        let y = output([count, columns], from: x)
        y.storage.clear()
        for (index, row) in rows.enumerated() {
            attar_add_f32(x.storage.pointer + index * columns, y.storage.pointer + Int(row) * columns, columns)
        }
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            tape.parallelRows(rows.count, columns: columns) { range in
                for index in range { attar_add_f32(dy + Int(rows[index]) * columns, dx + index * columns, columns) }
            }
        }
        return y
    }

    /// `y = a` where the condition holds, else `b`.
    ///
    /// Derivatives: `da = dy` where it holds, else zero; `db` the other way round.
    ///
    /// - Parameters:
    ///   - condition: As many as elements.
    ///   - a: Any shape.
    ///   - b: The same shape.
    public func select(where condition: [Bool], _ a: Tensor, _ b: Tensor) -> Tensor {
        precondition(
            a.shape == b.shape && condition.count == a.count,
            "select: \(condition.count) conditions for \(a.shape) and \(b.shape)")
        let y = output(a.shape, from: a, b)
        parallelElements(y.count) { range in
            for index in range {
                y.storage.pointer[index] = condition[index] ? a.storage.pointer[index] : b.storage.pointer[index]
            }
        }
        record(y) { tape, dy in
            for (input, isChosen) in [(a, true), (b, false)] where input.requiresGradient {
                let gradient = input.gradientToAddTo()
                tape.parallelElements(input.count) { range in
                    for index in range where condition[index] == isChosen { gradient[index] += dy[index] }
                }
            }
        }
        return y
    }

    /// Windows of neighbouring tokens side by side, within each sequence: row w of a sequence's result is
    /// `[x[w · step], …, x[w · step + size − 1]]`. A linear layer over windows is a convolution over tokens.
    ///
    /// Derivative: each token sums the parts of dy in which it stands.
    ///
    /// - Parameters:
    ///   - x: `[tokens, columns]`.
    ///   - layout: The sequences. One of n tokens has `(n − size) / step + 1` windows, none if it is too short.
    ///   - size: The tokens of a window, at least 1.
    ///   - step: The tokens from window to window, at least 1.
    /// - Returns: `[windows, size · columns]`, and which windows belong to which sequence.
    public func unfold(_ x: Tensor, layout: SequenceLayout, size: Int, step: Int = 1) -> (Tensor, SequenceLayout) {
        precondition(
            x.rows == layout.tokenCount && size > 0 && step > 0,
            "unfold: \(x.shape) for \(layout.tokenCount) tokens, windows of \(size), \(step) apart")
        let columns = x.columns
        let windows = SequenceLayout(
            lengths: (0..<layout.sequenceCount).map { sequence in
                let length = layout[sequence].count
                return length < size ? 0 : (length - size) / step + 1
            })
        let starts = (0..<layout.sequenceCount).flatMap { sequence in
            (0..<windows[sequence].count).map { layout[sequence].lowerBound + $0 * step }
        }
        let y = output([windows.tokenCount, size * columns], from: x)
        parallelRows(starts.count, columns: size * columns) { range in
            for window in range {
                (y.storage.pointer + window * size * columns).update(
                    from: x.storage.pointer + starts[window] * columns, count: size * columns)
            }
        }
        record(y) { tape, dy in
            let dx = x.gradientToAddTo()
            for (window, start) in starts.enumerated() {
                attar_add_f32(dy + window * size * columns, dx + start * columns, size * columns)
            }
        }
        return (y, windows)
    }
}
