import AttarModels
import AttarTensor
import Foundation
import Testing

/// Adapters that PEFT wrote for the tiny decoders, and what PyTorch computes with them in double precision (see
/// make_adapter_golden.py).
struct TinyAdapters: Decodable {
    struct Pair: Decodable {
        let prompt: [Int32]
        let chosen: [Int32]
        let rejected: [Int32]
    }

    struct Step: Decodable {
        let loss: Double
        let gradients: [String: [Double]]
    }

    struct Golden: Decodable {
        /// Of the chosen continuations, adapted.
        let logProbabilities: [[Double]]
        let supervised: Step
        let preference: Step
    }

    let pairs: [Pair]
    let adapters: [String: Golden]

    static let names = ["llama", "qwen2"]

    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").path

    static func folder(_ name: String) -> String { fixtures + "/adapters/" + name }

    static func load() throws -> TinyAdapters {
        try JSONDecoder().decode(
            TinyAdapters.self, from: Data(contentsOf: URL(filePath: fixtures + "/adapters.json")))
    }

    /// The shape of a tiny decoder.
    static func shape(_ name: String) throws -> DecoderConfiguration { try TinyDecoders.decoder(name).configuration }

    /// A tiny decoder with the adapter of PEFT.
    static func trainable(_ name: String) throws -> TrainableDecoder {
        let adapter = try DecoderAdapter(folder: folder(name), for: shape(name))
        return try TrainableDecoder(path: TinyDecoders.path(name), adapter: adapter)
    }
}

/// The largest difference of two runs of numbers, relative to the largest of the expected.
func largestError(_ found: some Sequence<Float>, _ expected: [Double]) -> Double {
    let largest = expected.reduce(0) { max($0, $1.magnitude) }
    return zip(found, expected).reduce(0) { max($0, (Double($1.0) - $1.1).magnitude) } / largest
}
