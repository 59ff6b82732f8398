import AttarTensor

/// A decoder of the Llama family whose weights stay as they are, with low-rank changes that learn (LoRA, Hu et al.
/// 2022).
///
/// The weights are read from a GGUF file, dequantised, or from a Hugging Face folder, and held once, in single
/// precision; gradients, moments and files are those of the adapter alone.
///
///     let model = try TrainableDecoder(path: "models/smollm2", adapter: LowRankConfiguration(rank: 8), generator:
///     &random) let tape = Tape()
///     let optimizer = AdamW(groups: [.init(parameters: model.parameters, learningRate: 2e-4)])
///     let (logProbabilities, _) = model.logProbabilities(tape, of: answers, after: questions)
///     tape.backward(from: tape.scale(tape.mean(logProbabilities), by: -1))
///     optimizer.step()
///     try model.adapter.write(to: "adapters/answers")
public final class TrainableDecoder {
    /// The shape of the network.
    public let configuration: DecoderConfiguration
    /// How texts become tokens.
    public let prompts: DecoderPrompts
    /// What is trained: for each changed matrix A and B, `….lora_A.weight` and `….lora_B.weight`.
    public let parameters: [Parameter]

    private let initial: DecoderAdapter
    private let tokens: Tensor
    private let layers: [Layer]
    private let outputNorm: Tensor
    private let output: Tensor
    private var rotary: AttarTensor.RotaryTable

    /// A model whose changes are fresh: it computes what the model without them computes.
    ///
    /// - Throws: `ModelError`, `TensorError`, `TextError` or `StorageError`, each naming the file.
    /// - Complexity: O(weights); memory for 4 bytes a weight.
    public convenience init(
        path: String, adapter: LowRankConfiguration, generator: inout SeededGenerator
    ) throws {
        let source = try DecoderSource(path: path)
        let fresh = try DecoderAdapter(
            adapter, for: source.configuration, baseModel: source.name, generator: &generator)
        try self.init(source, path: path, adapter: fresh)
    }

    /// A model that goes on with changes.
    ///
    /// - Throws: as above; `ModelError.mismatch` when the changes are for another model.
    public convenience init(path: String, adapter: DecoderAdapter) throws {
        try self.init(DecoderSource(path: path), path: path, adapter: adapter)
    }

    private init(_ source: DecoderSource, path: String, adapter: DecoderAdapter) throws {
        configuration = source.configuration
        prompts = try DecoderPrompts(source, path: path)
        try adapter.check(configuration, model: path)
        initial = adapter
        let reader = Reader(file: source.weights, shape: configuration, adapter: adapter)
        tokens = try reader.matrix(.tokens, configuration.vocabularySize, configuration.hiddenSize)
        layers = try (0..<configuration.layers).map { try Layer($0, reader) }
        outputNorm = try reader.norm(.outputNorm)
        output =
            configuration.tiesOutput
            ? tokens : try reader.matrix(.output, configuration.vocabularySize, configuration.hiddenSize)
        parameters = layers.flatMap(\.parameters)
        rotary = RotaryTable(configuration).values(positions: 1)
    }

    /// The adapter as it is now, copied.
    public var adapter: DecoderAdapter {
        var changes: [String: DecoderAdapter.Change] = [:]
        for linear in layers.flatMap(\.linears) {
            guard let (down, up) = linear.change else { continue }
            changes[linear.name] = DecoderAdapter.Change(down: down.values, up: up.values)
        }
        return DecoderAdapter(initial.configuration, changes: changes, baseModel: initial.baseModel)
    }

    /// Dropout at the adapter's rate.
    public func dropout(_ generator: SeededGenerator) -> Dropout {
        Dropout(rate: Float(initial.configuration.dropout), generator: generator)
    }

    /// The states of all tokens after the last layer, before the final norm.
    func lastStates(
        _ tape: Tape, _ ids: [[Int32]], isAdapted: Bool, _ dropout: inout Dropout
    ) -> (states: Tensor, layout: SequenceLayout) {
        let layout = SequenceLayout(of: ids)
        precondition(
            layout.longest <= configuration.positions,
            "a sequence of \(layout.longest) tokens for a model with \(configuration.positions) positions")
        reserve(positions: layout.longest)
        let pass = Pass(
            shape: configuration, layout: layout, positions: ids.flatMap { 0..<Int32($0.count) }, rotary: rotary,
            isAdapted: isAdapted)
        var states = tape.embedding(tokens, ids: ids.flatMap { $0 })
        for layer in layers { states = layer.forward(tape, states, pass, &dropout) }
        return (states, layout)
    }

    private func reserve(positions: Int) {
        guard positions > rotary.positions else { return }
        rotary = RotaryTable(configuration).values(
            positions: max(positions, min(configuration.positions, 2 * rotary.positions)))
    }

    func normalize(_ tape: Tape, _ states: Tensor) -> Tensor {
        tape.rmsNorm(states, gamma: outputNorm, epsilon: configuration.epsilon)
    }

    /// The output matrix, `[vocabulary, hidden]`.
    var outputMatrix: Tensor { output }
}

extension RotaryTable {
    /// The angles of the positions below a number, for a tape.
    func values(positions: Int) -> AttarTensor.RotaryTable {
        reserve(positions)
        func first(_ buffer: FloatBuffer) -> [Float] {
            Array(UnsafeBufferPointer(start: buffer.start, count: positions * pairs))
        }
        return AttarTensor.RotaryTable(rotaryDim: 2 * pairs, cosines: first(cosines), sines: first(sines))
    }
}
