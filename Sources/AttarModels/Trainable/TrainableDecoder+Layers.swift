import AttarTensor

extension TrainableDecoder {
    /// What a pass through the layers knows besides the states.
    struct Pass {
        let shape: DecoderConfiguration
        let layout: SequenceLayout
        /// The place of each token in its sequence.
        let positions: [Int32]
        let rotary: AttarTensor.RotaryTable
        /// Whether the changes count.
        let isAdapted: Bool
    }

    /// Reads the frozen weights, and the changes of what is not frozen.
    struct Reader {
        let file: DecoderWeightFile
        let shape: DecoderConfiguration
        let adapter: DecoderAdapter

        func norm(_ place: DecoderWeightFile.Place) throws -> Tensor {
            let values = try file.floats(file.name(place) + ".weight", shape: [shape.hiddenSize])
            return Tensor(shape: [shape.hiddenSize], values: values)
        }

        func matrix(_ place: DecoderWeightFile.Place, _ rows: Int, _ columns: Int) throws -> Tensor {
            Tensor(
                shape: [rows, columns], values: try file.matrix(place, rows: rows, columns: columns, shape))
        }

        func linear(_ layer: Int, _ part: DecoderWeightFile.Part, bias: Bool = false) throws -> Linear {
            let matrix = shape.matrix(layer, part), place = DecoderWeightFile.Place.layer(layer, part)
            return Linear(
                name: matrix.name, weight: try self.matrix(place, matrix.outputs, matrix.inputs),
                bias: bias ? try biases(place, matrix.outputs) : nil, adapter)
        }

        private func biases(_ place: DecoderWeightFile.Place, _ count: Int) throws -> Tensor {
            Tensor(shape: [count], values: try file.bias(place, count: count, shape))
        }
    }

    /// A linear map that stays as it is, and what is added to it, if anything.
    struct Linear {
        let name: String
        let weight: Tensor
        let bias: Tensor?
        let change: (down: Parameter, up: Parameter)?
        private let scale: Float

        init(name: String, weight: Tensor, bias: Tensor?, _ adapter: DecoderAdapter) {
            self.name = name
            self.weight = weight
            self.bias = bias
            scale = adapter.scale
            change = adapter.changes[name].map { change in
                (
                    Parameter(name: name + ".lora_A.weight", change.down),
                    Parameter(name: name + ".lora_B.weight", change.up)
                )
            }
        }

        func callAsFunction(_ tape: Tape, _ x: Tensor, _ pass: Pass, _ dropout: inout Dropout) -> Tensor {
            guard pass.isAdapted, let change else { return tape.linear(x, weight: weight, bias: bias) }
            return tape.linear(
                x, weight: weight, bias: bias,
                adapter: LowRankAdapter(down: change.down.tensor, up: change.up.tensor, scale: scale),
                adapted: dropout.apply(tape, x))
        }
    }

    /// Attention, then the gated feed-forward part; each behind a norm, each added to the states.
    struct Layer {
        let attentionNorm, feedForwardNorm: Tensor
        let query, key, value, attentionOutput: Linear
        let gate, up, down: Linear

        init(_ index: Int, _ reader: Reader) throws {
            let bias = reader.shape.hasAttentionBias
            attentionNorm = try reader.norm(.layer(index, .attentionNorm))
            query = try reader.linear(index, .query, bias: bias)
            key = try reader.linear(index, .key, bias: bias)
            value = try reader.linear(index, .value, bias: bias)
            attentionOutput = try reader.linear(index, .attentionOutput)
            feedForwardNorm = try reader.norm(.layer(index, .feedForwardNorm))
            gate = try reader.linear(index, .gate)
            up = try reader.linear(index, .up)
            down = try reader.linear(index, .down)
        }

        var linears: [Linear] { [query, key, value, attentionOutput, gate, up, down] }
        var parameters: [Parameter] { linears.flatMap { linear in linear.change.map { [$0.down, $0.up] } ?? [] } }

        func forward(_ tape: Tape, _ x: Tensor, _ pass: Pass, _ dropout: inout Dropout) -> Tensor {
            let mixed = tape.add(x, attend(tape, x, pass, &dropout))
            let normed = tape.rmsNorm(mixed, gamma: feedForwardNorm, epsilon: pass.shape.epsilon)
            let gated = tape.multiply(
                tape.silu(gate(tape, normed, pass, &dropout)), up(tape, normed, pass, &dropout))
            return tape.add(mixed, down(tape, gated, pass, &dropout))
        }

        private func attend(_ tape: Tape, _ x: Tensor, _ pass: Pass, _ dropout: inout Dropout) -> Tensor {
            let shape = pass.shape
            let normed = tape.rmsNorm(x, gamma: attentionNorm, epsilon: shape.epsilon)
            func turned(_ x: Tensor, _ heads: Int) -> Tensor {
                tape.rotary(x, heads: heads, positions: pass.positions, table: pass.rotary)
            }
            let queries = turned(query(tape, normed, pass, &dropout), shape.heads)
            let keys = turned(key(tape, normed, pass, &dropout), shape.keyValueHeads)
            let attended = tape.attention(
                query: queries, key: keys, value: value(tape, normed, pass, &dropout), layout: pass.layout,
                heads: shape.heads, keyValueHeads: shape.keyValueHeads, isCausal: true)
            return attentionOutput(tape, attended, pass, &dropout)
        }
    }
}
