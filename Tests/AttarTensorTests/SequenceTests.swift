import AttarTensor
import AttarTestSupport
import Testing

/// Sequences of one token, of odd length, above a vector, and none at all.
private let layout = SequenceLayout(lengths: [5, 1, 0, 17, 33, 2])

@Test(arguments: [(1, 8), (3, 5), (2, 32)])
func attentionAgreesWithDoublePrecision(_ heads: Int, _ headDim: Int) {
    let (tokens, dim) = (layout.tokenCount, heads * headDim)
    var generator = SeededGenerator(seed: UInt64(heads) + 400)
    let fused: [GradientInput] = [.random(tokens, 3 * dim, using: &generator)]
    let failures = checkGradients(fused, samples: 24) { tape, x in
        tape.attention(qkv: x[0], layout: layout, heads: heads)
    } reference: { x in
        let rows = Reference.rows(x[0], 3 * dim)
        return attention(
            rows.map { Array($0[..<dim]) }, rows.map { Array($0[dim..<(2 * dim)]) },
            rows.map { Array($0[(2 * dim)...]) },
            heads)
    }
    #expect(failures == [])
    let separate: [GradientInput] = (0..<3).map { _ in .random(tokens, dim, using: &generator) }
    let apart = checkGradients(separate, samples: 12) { tape, x in
        tape.attention(query: x[0], key: x[1], value: x[2], layout: layout, heads: heads)
    } reference: { x in
        attention(Reference.rows(x[0], dim), Reference.rows(x[1], dim), Reference.rows(x[2], dim), heads)
    }
    #expect(apart == [])
}

/// Saturated: one key takes nearly all of the weight, and gradients through the softmax are differences of nearly equal
/// numbers.
@Test func saturatedAttentionAgreesWithDoublePrecision() {
    let (heads, dim) = (2, 16)
    var generator = SeededGenerator(seed: 410)
    let input: [GradientInput] = [.random(layout.tokenCount, 3 * dim, scale: 4, using: &generator)]
    let failures = checkGradients(input, samples: 64) { tape, x in
        tape.attention(qkv: x[0], layout: layout, heads: heads)
    } reference: { x in
        let rows = Reference.rows(x[0], 3 * dim)
        return attention(
            rows.map { Array($0[..<dim]) }, rows.map { Array($0[dim..<(2 * dim)]) },
            rows.map { Array($0[(2 * dim)...]) },
            heads)
    }
    #expect(failures == [])
}

private func attention(_ q: [[Double]], _ k: [[Double]], _ v: [[Double]], _ heads: Int) -> [Double] {
    let headDim = (q.first?.count ?? 0) / heads
    var result = q.map { _ in [Double]() }
    for sequence in 0..<layout.sequenceCount {
        for head in 0..<heads {
            let columns = (head * headDim)..<((head + 1) * headDim)
            let part = { (rows: [[Double]]) in layout[sequence].map { Array(rows[$0][columns]) } }
            for (row, values) in zip(layout[sequence], Reference.attention(part(q), part(k), part(v))) {
                result[row] += values
            }
        }
    }
    return result.flatMap { $0 }
}

@Test func poolingsAgreeWithDoublePrecision() {
    let dim = 19
    var generator = SeededGenerator(seed: 420)
    let input: [GradientInput] = [.random(layout.tokenCount, dim, using: &generator)]
    func pooled(_ x: [Double], _ pool: ([[Double]], Int) -> Double) -> [Double] {
        let rows = Reference.rows(x, dim)
        return (0..<layout.sequenceCount).flatMap { sequence in
            (0..<dim).map { layout[sequence].isEmpty ? 0 : pool(Array(rows[layout[sequence]]), $0) }
        }
    }
    let mean = checkGradients(input) {
        $0.meanPooling($1[0], layout: layout)
    } reference: { x in
        pooled(x[0]) { rows, column in rows.reduce(0) { $0 + $1[column] } / Double(rows.count) }
    }
    #expect(mean == [])
    let first = checkGradients(input) {
        $0.firstTokenPooling($1[0], layout: layout)
    } reference: { x in
        pooled(x[0]) { rows, column in rows[0][column] }
    }
    #expect(first == [])
    let largest = checkGradients(input) {
        $0.maxPooling($1[0], layout: layout)
    } reference: { x in
        pooled(x[0]) { rows, column in rows.map { $0[column] }.max() ?? 0 }
    }
    #expect(largest == [])
}

@Test(arguments: [false, true])
func embeddingAgreesWithDoublePrecision(_ rowSparse: Bool) {
    let ids: [Int32] = [3, 0, 3, 7, 7, 7, 1]
    for dim in [1, 5, 300] {
        var generator = SeededGenerator(seed: UInt64(dim) + 430)
        let input: [GradientInput] = [.random(9, dim, rowSparse: rowSparse, using: &generator)]
        let failures = checkGradients(input, samples: 100) {
            $0.embedding($1[0], ids: ids)
        } reference: { x in
            ids.flatMap { Reference.rows(x[0], dim)[Int($0)] }
        }
        #expect(failures == [])
    }
}

@Test(arguments: [false, true], [false, true])
func embeddingBagAgreesWithDoublePrecision(_ rowSparse: Bool, _ mean: Bool) {
    let dim = 40
    var generator = SeededGenerator(seed: 440)
    let ids = (0..<layout.tokenCount).map { _ in Int32(generator.next() % 12) }
    let inputs: [GradientInput] = [
        .random(12, dim, rowSparse: rowSparse, using: &generator), .random(ids.count, using: &generator),
    ]
    func bags(_ table: [Double], _ weights: [Double]) -> [Double] {
        (0..<layout.sequenceCount).flatMap { sequence in
            (0..<dim).map { column in
                let sum = layout[sequence].reduce(0) { $0 + weights[$1] * table[Int(ids[$1]) * dim + column] }
                return mean ? sum / Double(max(1, layout[sequence].count)) : sum
            }
        }
    }
    let weighted = checkGradients(inputs, samples: 100) { tape, x in
        tape.embeddingBag(x[0], ids: ids, layout: layout, weights: x[1], mean: mean)
    } reference: {
        bags($0[0], $0[1])
    }
    #expect(weighted == [])
    let plain = checkGradients([inputs[0]], samples: 100) { tape, x in
        tape.embeddingBag(x[0], ids: ids, layout: layout, mean: mean)
    } reference: {
        bags($0[0], ids.map { _ in 1 })
    }
    #expect(plain == [])
}

@Test func weightsOfTokensAreGatheredFromAVector() {
    let ids: [Int32] = [2, 2, 0]
    let input = [GradientInput(shape: [4], values: [0.5, 1, -2, 3], rowSparse: true)]
    #expect(
        checkGradients(input) {
            $0.embedding($1[0], ids: ids)
        } reference: { x in
            ids.map { x[0][Int($0)] }
        } == [])
}
