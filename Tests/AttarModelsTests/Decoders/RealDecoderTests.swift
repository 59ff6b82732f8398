@testable import AttarModels
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Real models against transformers, which read the same GGUF files (see make_golden.py).
struct RealDecoderTests {
    private struct Golden: Decodable {
        struct Case: Decodable {
            let prompt: String
            let chat: Bool
            let ids: [Int32]
            let greedy: [Int32]
            let logProbabilities: [Double]
            let text: String
        }

        struct Chat: Decodable {
            let messages: [ChatMessage]
            let text: String
        }

        let cases: [Case]
        let chats: [Chat]
    }

    static let smollm2 = SharedData.modelFile("smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    static let qwen05 = SharedData.modelFile("qwen05", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")

    @Test(.enabled(if: smollm2 != nil, "needs the model smollm2"))
    func smolLM2SaysWhatItSaysInTransformers() throws {
        try check("smollm2", path: #require(Self.smollm2), stride: 1)
    }

    @Test(.enabled(if: qwen05 != nil, "needs the model qwen05"))
    func qwen2SaysWhatItSaysInTransformers() throws {
        // Every fifth: in fp32 it is a matter of minutes otherwise. All 40 were compared once.
        try check("qwen05", path: #require(Self.qwen05), stride: 5)
    }

    private func check(_ name: String, path: String, stride step: Int) throws {
        let file = TinyDecoders.folder + "/real-\(name).json"
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(filePath: file)))
        let decoder = try TextDecoder(path: path, precision: .float32)
        for chat in golden.chats { #expect(decoder.chatTemplate?.text(of: chat.messages) == chat.text) }
        let generator = TextGenerator(decoder, threads: 2)
        let chosen = stride(from: 0, to: golden.cases.count, by: step).map { golden.cases[$0] }
        let prompts = try chosen.map { item in
            item.chat ? try decoder.prompt(for: [.user(item.prompt)]) : decoder.prompt(raw: item.prompt)
        }
        let texts = try generator.generate(prompts, options: GenerationOptions(maximumTokens: 64))
        for (item, (prompt, text)) in zip(chosen, zip(prompts, texts)) {
            #expect(prompt == item.ids, "\(item.prompt)")
            #expect(text.text == item.text, "\(item.prompt)")
            for (found, exact) in zip(text.logProbabilities, item.logProbabilities) {
                #expect((found - exact).magnitude < 2e-3, "\(item.prompt)")
            }
        }
    }

    @Test(.enabled(if: smollm2 != nil, "needs the model smollm2"))
    func bytesInPlaceOfFloatsStayWithinTheToleranceOfBlocks() throws {
        let path = try #require(Self.smollm2)
        let file = TinyDecoders.folder + "/real-smollm2.json"
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(filePath: file)))
        let context = DecoderContext(try TextDecoder(path: path), threads: 2)
        #expect(context.decoder.precision == .int8)
        var differences: [Double] = []
        for item in golden.cases {
            let scored = Array(item.greedy.prefix(16))
            let found = try context.logProbabilities(of: scored, after: item.ids)
            differences += zip(found, item.logProbabilities).map { ($0 - $1).magnitude }
        }
        let mean = differences.reduce(0, +) / Double(differences.count)
        #expect(mean < 0.1, "on average \(mean)")
    }
}
