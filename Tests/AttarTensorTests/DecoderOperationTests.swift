import AttarTensor
import AttarTestSupport
import Foundation
import Testing

private let layout = SequenceLayout(lengths: [5, 1, 0, 17, 33, 2])

@Test(arguments: [(3, 7), (90, 384)])
func rmsNormAgreesWithDoublePrecision(_ rows: Int, _ dim: Int) {
    var generator = SeededGenerator(seed: UInt64(dim) + 750)
    let inputs: [GradientInput] = [
        .random(rows, dim, scale: 2, using: &generator), .random(dim, offset: 1, using: &generator),
    ]
    let failures = checkGradients(inputs, samples: 16) {
        $0.rmsNorm($1[0], gamma: $1[1], epsilon: 1e-6)
    } reference: { x in
        Reference.rows(x[0], dim).flatMap { Reference.rmsNorm($0, x[1], 1e-6) }
    }
    #expect(failures == [])
}

@Test(arguments: [RotaryTable.Pairs.halves, .neighbours])
func rotaryPositionsAgreeWithDoublePrecision(_ pairs: RotaryTable.Pairs) {
    let (rows, heads, headDim, rotaryDim) = (7, 3, 10, 8)
    let table = RotaryTable(positions: 30, rotaryDim: rotaryDim, base: 100)
    let positions: [Int32] = [0, 1, 2, 29, 0, 11, 11]
    var generator = SeededGenerator(seed: 760)
    let input: [GradientInput] = [.random(rows, heads * headDim, using: &generator)]
    let failures = checkGradients(input, samples: 100) {
        $0.rotary($1[0], heads: heads, positions: positions, table: table, pairs: pairs)
    } reference: { x in
        var y = x[0]
        for place in 0..<rows * heads {
            for i in 0..<rotaryDim / 2 {
                let angle = Double(positions[place / heads]) * pow(100, -2 * Double(i) / Double(rotaryDim))
                let one = place * headDim + (pairs == .halves ? i : 2 * i)
                let other = place * headDim + (pairs == .halves ? i + rotaryDim / 2 : 2 * i + 1)
                y[one] = x[0][one] * cos(angle) - x[0][other] * sin(angle)
                y[other] = x[0][other] * cos(angle) + x[0][one] * sin(angle)
            }
        }
        return y
    }
    #expect(failures == [])
}

/// What attention is given besides its inputs.
private struct AttentionCase: Sendable {
    var heads = 4, shared = 4
    var isCausal = false, hasBias = false
    static let headDim = 6, places = 35

    static let all = [
        AttentionCase(isCausal: true), AttentionCase(shared: 2), AttentionCase(shared: 1, isCausal: true),
        AttentionCase(hasBias: true), AttentionCase(shared: 2, isCausal: true, hasBias: true),
    ]

    /// Rows of queries, of keys, of values, in double precision.
    func reference(
        _ q: [[Double]], _ k: [[Double]], _ v: [[Double]], _ bias: [Double], _ keys: SequenceLayout
    ) -> [Double] {
        var result = q.map { _ in [Double]() }
        for sequence in 0..<layout.sequenceCount {
            for head in 0..<heads {
                func part(_ rows: [[Double]], _ range: Range<Int>, _ head: Int) -> [[Double]] {
                    range.map { Array(rows[$0][(head * Self.headDim)..<((head + 1) * Self.headDim)]) }
                }
                let kv = head / (heads / shared)
                let hidden = keys[sequence].count - layout[sequence].count
                let rows = Reference.attention(
                    part(q, layout[sequence], head), part(k, keys[sequence], kv), part(v, keys[sequence], kv)
                ) { i, j in
                    let forbidden = isCausal && j > i + hidden
                    return forbidden ? -.infinity : hasBias ? bias[(head * Self.places + i) * Self.places + j] : 0
                }
                for (row, values) in zip(layout[sequence], rows) { result[row] += values }
            }
        }
        return result.flatMap { $0 }
    }
}

@Test(arguments: AttentionCase.all.indices)
func attentionWithAllItMayBeGivenAgreesWithDoublePrecision(_ index: Int) {
    let item = AttentionCase.all[index]
    let (dim, shared) = (item.heads * AttentionCase.headDim, item.shared * AttentionCase.headDim)
    let places = AttentionCase.places
    var generator = SeededGenerator(seed: UInt64(index) + 770)
    let inputs: [GradientInput] = [
        .random(layout.tokenCount, dim + 2 * shared, using: &generator),
        .random(item.heads, places, places, using: &generator),
    ]
    let used = item.hasBias ? inputs : [inputs[0]]
    let failures = checkGradients(used, samples: 40) { tape, x in
        tape.attention(
            qkv: x[0], layout: layout, heads: item.heads, keyValueHeads: item.shared, isCausal: item.isCausal,
            bias: item.hasBias ? x[1] : nil)
    } reference: { x in
        let rows = Reference.rows(x[0], dim + 2 * shared)
        return item.reference(
            rows.map { Array($0[..<dim]) }, rows.map { Array($0[dim..<(dim + shared)]) },
            rows.map { Array($0[(dim + shared)...]) }, item.hasBias ? x[1] : [], layout)
    }
    #expect(failures == [])
}

@Test(arguments: [false, true])
func attentionToOtherSequencesAgreesWithDoublePrecision(_ isCausal: Bool) {
    let keys = SequenceLayout(lengths: [7, 1, 3, 20, 33, 35])
    let item = AttentionCase(heads: 2, shared: 1, isCausal: isCausal)
    var generator = SeededGenerator(seed: 780)
    let inputs: [GradientInput] = [
        .random(layout.tokenCount, 12, using: &generator), .random(keys.tokenCount, 6, using: &generator),
        .random(keys.tokenCount, 6, using: &generator),
    ]
    let failures = checkGradients(inputs, samples: 40) { tape, x in
        tape.attention(
            query: x[0], key: x[1], value: x[2], layout: layout, keyLayout: keys, heads: 2, keyValueHeads: 1,
            isCausal: isCausal)
    } reference: { x in
        item.reference(Reference.rows(x[0], 12), Reference.rows(x[1], 6), Reference.rows(x[2], 6), [], keys)
    }
    #expect(failures == [])
}

@Test(arguments: 0..<3)
func batchedProductsAgreeWithDoublePrecision(_ index: Int) {
    let (batch, m, inner, n) = [(1, 1, 1, 1), (5, 3, 7, 4), (3, 20, 33, 50)][index]
    var generator = SeededGenerator(seed: UInt64(index) + 790)
    func products(_ x: [[Double]], _ left: Bool, _ right: Bool) -> [Double] {
        (0..<batch).flatMap { i in
            let a = Array(x[0][(i * m * inner)..<((i + 1) * m * inner)])
            let b = Array(x[1][(i * inner * n)..<((i + 1) * inner * n)])
            return Reference.product(
                left ? Reference.transposed(a, inner, m) : a, right ? Reference.transposed(b, n, inner) : b, m, inner, n)
        }
    }
    let nn: [GradientInput] = [.random(batch, m, inner, using: &generator), .random(batch, inner, n, using: &generator)]
    #expect(checkGradients(nn) { $0.batchedMatmulNN($1[0], $1[1]) } reference: { products($0, false, false) } == [])
    let nt: [GradientInput] = [.random(batch, m, inner, using: &generator), .random(batch, n, inner, using: &generator)]
    #expect(checkGradients(nt) { $0.batchedMatmulNT($1[0], $1[1]) } reference: { products($0, false, true) } == [])
    let tn: [GradientInput] = [.random(batch, inner, m, using: &generator), .random(batch, inner, n, using: &generator)]
    #expect(checkGradients(tn) { $0.batchedMatmulTN($1[0], $1[1]) } reference: { products($0, true, false) } == [])
}

@Test func aLowRankAdapterLearnsWhileItsBaseIsFrozen() {
    let (rows, inner, outer, rank) = (9, 12, 7, 3)
    var generator = SeededGenerator(seed: 800)
    let inputs: [GradientInput] = [
        .random(rows, inner, using: &generator), .random(rank, inner, using: &generator),
        .random(outer, rank, using: &generator),
    ]
    let weight = Tensor(
        shape: [outer, inner],
        values: TensorValues(shape: [outer, inner], standardDeviation: 1, generator: &generator).values)
    let bias = Tensor(shape: [outer], values: [Float](repeating: 0.5, count: outer))
    let failures = checkGradients(inputs) { tape, x in
        tape.linear(x[0], weight: weight, bias: bias, adapter: LowRankAdapter(down: x[1], up: x[2], scale: 2))
    } reference: { x in
        let w = Reference.transposed(weight.values.map(Double.init), outer, inner)
        let base = Reference.product(x[0], w, rows, inner, outer)
        let low = Reference.product(x[0], Reference.transposed(x[1], rank, inner), rows, inner, rank)
        let change = Reference.product(low, Reference.transposed(x[2], outer, rank), rows, rank, outer)
        return base.indices.map { base[$0] + 0.5 + 2 * change[$0] }
    }
    #expect(failures == [])
    #expect(weight.gradient == nil && bias.gradient == nil)
}
