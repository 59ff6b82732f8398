import AttarModels
import AttarTensor
import Foundation

/// A tiny decoder in double precision, plain loops over Hugging Face's tensors: what the trainable one is checked with.
struct DecoderReference {
    let shape: DecoderConfiguration
    let weights: [String: [Double]]
    let scale: Double

    /// - Parameter folder: a Hugging Face folder with one file of weights.
    init(folder: String, _ shape: DecoderConfiguration, scale: Float) throws {
        let file = try Safetensors(path: folder + "/model.safetensors")
        self.shape = shape
        self.scale = Double(scale)
        weights = Dictionary(
            uniqueKeysWithValues: try file.names.map { ($0, try file.floats(named: $0).map(Double.init)) })
    }

    /// The changes by the name of their tensors.
    typealias Changes = [String: [Double]]

    /// The log-probabilities of a text's tokens from `first` on.
    func logProbabilities(_ ids: [Int32], from first: Int, _ changes: Changes) -> [Double] {
        let width = shape.hiddenSize
        let table = weights["model.embed_tokens.weight"] ?? []
        var states = ids.map { id in Array(table[(Int(id) * width)..<((Int(id) + 1) * width)]) }
        for layer in 0..<shape.layers {
            let name = "model.layers.\(layer)."
            let normed = states.map { normalized($0, name + "input_layernorm") }
            states = sums(states, linear(attention(normed, name, changes), name + "self_attn.o_proj", changes))
            let between = states.map { normalized($0, name + "post_attention_layernorm") }
            let gate = linear(between, name + "mlp.gate_proj", changes), up = linear(between, name + "mlp.up_proj", changes)
            let gated = zip(gate, up).map { zip($0, $1).map { $0 / (1 + exp(-$0)) * $1 } }
            states = sums(states, linear(gated, name + "mlp.down_proj", changes))
        }
        let output = shape.tiesOutput ? table : weights["lm_head.weight"] ?? []
        return (first..<ids.count).map { place in
            let logits = product([normalized(states[place - 1], "model.norm")], output, columns: width)[0]
            let largest = logits.max() ?? 0
            return logits[Int(ids[place])] - largest - log(logits.reduce(0) { $0 + exp($1 - largest) })
        }
    }

    private func sums(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
        zip(a, b).map { zip($0, $1).map { $0 + $1 } }
    }

    private func normalized(_ x: [Double], _ name: String) -> [Double] {
        let mean = x.reduce(0) { $0 + $1 * $1 } / Double(x.count)
        let factor = 1 / (mean + Double(shape.epsilon)).squareRoot()
        return zip(x, weights[name + ".weight"] ?? []).map { $0 * factor * $1 }
    }

    private func product(_ x: [[Double]], _ matrix: [Double], columns: Int) -> [[Double]] {
        x.map { row in
            stride(from: 0, to: matrix.count, by: columns).map { first in
                (0..<columns).reduce(0) { $0 + row[$1] * matrix[first + $1] }
            }
        }
    }

    private func linear(_ x: [[Double]], _ name: String, _ changes: Changes) -> [[Double]] {
        let inner = x[0].count
        var y = product(x, weights[name + ".weight"] ?? [], columns: inner)
        if let bias = weights[name + ".bias"] { y = y.map { zip($0, bias).map { $0 + $1 } } }
        guard let down = changes[name + ".lora_A.weight"], let up = changes[name + ".lora_B.weight"] else { return y }
        let low = product(x, down, columns: inner)
        return sums(y, product(low, up, columns: low[0].count).map { $0.map { scale * $0 } })
    }

    private func attention(_ x: [[Double]], _ name: String, _ changes: Changes) -> [[Double]] {
        let size = shape.headSize
        func heads(_ part: String, turns: Bool) -> [[[Double]]] {
            linear(x, name + "self_attn." + part, changes).enumerated().map { position, row in
                stride(from: 0, to: row.count, by: size).map { first in
                    let head = Array(row[first..<(first + size)])
                    return turns ? turned(head, position) : head
                }
            }
        }
        let (q, k, v) = (heads("q_proj", turns: true), heads("k_proj", turns: true), heads("v_proj", turns: false))
        return x.indices.map { place in
            (0..<shape.heads).flatMap { head -> [Double] in
                let shared = head / shape.group
                let scores = (0...place).map { other in
                    exp(zip(q[place][head], k[other][shared]).reduce(0) { $0 + $1.0 * $1.1 } / Double(size).squareRoot())
                }
                let total = scores.reduce(0, +)
                return (0..<size).map { column in
                    (0...place).reduce(0) { $0 + scores[$1] / total * v[$1][shared][column] }
                }
            }
        }
    }

    /// Positions without scaling alone.
    private func turned(_ head: [Double], _ position: Int) -> [Double] {
        let half = head.count / 2
        return head.indices.map { index in
            let angle = Double(position) * pow(shape.rotary.theta, -Double(index % half) / Double(half))
            let other = index < half ? -head[index + half] : head[index - half]
            return head[index] * cos(angle) + other * sin(angle)
        }
    }
}
