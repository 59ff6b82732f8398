import AttarTensor
import Testing

/// Results and gradients have the same bits with one, two and three threads: shapes above every chunk, so that the work
/// is really shared.
private func bits(
    _ shapes: [[Int]], precision: ProductPrecision, threads: Int, _ operation: (Tape, [Tensor]) -> Tensor
) -> [[UInt32]] {
    var generator = SeededGenerator(seed: 1000)
    let inputs = shapes.map { shape in
        Tensor(
            shape: shape, values: TensorValues(shape: shape, standardDeviation: 1, generator: &generator).values,
            requiresGradient: true)
    }
    let tape = Tape(threads: threads, precision: precision)
    let result = operation(tape, inputs)
    let slope = TensorValues(shape: result.shape, standardDeviation: 1, generator: &generator).values
    let values = result.values
    tape.backward(from: result, gradient: slope)
    return ([values] + inputs.map { $0.gradient ?? [] }).map { $0.map(\.bitPattern) }
}

private let layout = SequenceLayout(lengths: (0..<40).map { $0 % 23 * 3 })
private let tokens = layout.tokenCount

private let cases: [(name: String, shapes: [[Int]], operation: @Sendable (Tape, [Tensor]) -> Tensor)] = [
    ("linear", [[700, 300], [500, 300], [500]], { $0.linear($1[0], weight: $1[1], bias: $1[2]) }),
    ("matmulNN", [[700, 300], [300, 210]], { $0.matmulNN($1[0], $1[1]) }),
    ("matmulTN", [[300, 700], [300, 210]], { $0.matmulTN($1[0], $1[1]) }),
    ("batched", [[50, 40, 33], [50, 33, 20]], { $0.batchedMatmulNN($1[0], $1[1]) }),
    ("attention", [[tokens, 96]], { $0.attention(qkv: $1[0], layout: layout, heads: 4) }),
    (
        "attention with all", [[tokens, 64], [4, 66, 66]],
        { $0.attention(qkv: $1[0], layout: layout, heads: 4, keyValueHeads: 2, isCausal: true, bias: $1[1]) }
    ),
    (
        "layerNorm", [[900, 100], [900, 100], [100], [100]],
        { $0.layerNorm($1[0], residual: $1[1], gamma: $1[2], beta: $1[3], epsilon: 1e-6) }
    ),
    ("rmsNorm", [[900, 100], [100]], { $0.rmsNorm($1[0], gamma: $1[1], epsilon: 1e-6) }),
    ("silu", [[900, 100]], { $0.silu($1[0]) }),
    ("gelu", [[900, 100]], { $0.gelu($1[0]) }),
    ("broadcast", [[900, 100], [900, 1]], { $0.multiply($1[0], $1[1]) }),
    ("addRow", [[900, 100], [100]], { $0.addRow($1[0], $1[1]) }),
    ("sum", [[300, 20, 40]], { $0.sum($1[0], axis: 1) }),
    ("maximum", [[300, 20, 40]], { $0.maximum($1[0], axis: 2) }),
    ("permute", [[300, 20, 40]], { $0.permute($1[0], axes: [2, 0, 1]) }),
    ("softmax", [[900, 100]], { $0.softmax($1[0]) }),
    ("logSumExp", [[900, 100]], { $0.logSumExp($1[0]) }),
    ("crossEntropy", [[900, 100]], { $0.crossEntropy(logits: $1[0], targets: (0..<900).map { Int32($0 % 100) }) }),
    ("embedding", [[50, 400]], { $0.embedding($1[0], ids: (0..<900).map { Int32($0 * 7 % 50) }) }),
    ("scatterRows", [[900, 100]], { $0.scatterRows($1[0], rows: (0..<900).map { Int32($0 % 31) }, count: 31) }),
    ("unfold", [[tokens, 64]], { $0.unfold($1[0], layout: layout, size: 3).0 }),
    ("meanPooling", [[tokens, 64]], { $0.meanPooling($1[0], layout: layout) }),
    (
        "rotary", [[900, 128]],
        {
            let table = RotaryTable(positions: 900, rotaryDim: 32, base: 10_000)
            return $0.rotary($1[0], heads: 4, positions: (0..<900).map { Int32($0) }, table: table)
        }
    ),
]

@Test(arguments: cases.indices, [ProductPrecision.fp32, .bf16])
func resultsDoNotDependOnTheNumberOfThreads(_ index: Int, _ precision: ProductPrecision) {
    let item = cases[index]
    let one = bits(item.shapes, precision: precision, threads: 1, item.operation)
    for threads in [2, 3] {
        #expect(bits(item.shapes, precision: precision, threads: threads, item.operation) == one, "\(item.name)")
    }
}
