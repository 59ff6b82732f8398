import ArgumentParser
import AttarModels
import AttarStorage
import AttarTensor
import AttarText
import Foundation

/// `attar generate`
struct Generate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a language model go on after a prompt.",
        discussion: """
            Example:
              attar generate smollm2 "What is the capital of France?"
              attar generate smollm2 "What is the capital of France?" --adapter adapters/geography

            The prompt becomes a user's message in the model's own chat form; with --raw it is taken as it is, special \
            tokens in it recognised. The text goes to the standard output as it is made.
            """)

    @Argument(help: "A model of the catalogue, a GGUF file, a folder that holds one, or a Hugging Face folder.")
    var model: String

    @Argument(help: "The prompt; - reads the standard input.")
    var prompt: String

    @Flag(help: "Take the prompt as it is: no chat form, special tokens recognised.")
    var raw = false

    @Option(help: ArgumentHelp("A system message, in place of the model's own.", valueName: "text"))
    var system: String?

    @Option(help: "0 takes the most probable token; higher values draw more freely.")
    var temperature: Double = 0

    @Option(help: "Draw from the most probable tokens that together have this probability.")
    var topP: Double = 1

    @Option(help: "Draw from at most so many most probable tokens.")
    var topK: Int?

    @Option(help: "Decides all draws.")
    var seed: UInt64 = 0

    @Option(help: "The most tokens of the text.")
    var maxTokens: Int = 256

    @Option(
        help: ArgumentHelp(
            "Let the text be JSON that fits this JSON Schema; status 2 when it was cut off.", valueName: "file"))
    var jsonSchema: String?

    @Option(help: "How weights are held: \(Precision.allCases.map(\.rawValue).joined(separator: ", ")).")
    var precision: Precision?

    @Option(help: ArgumentHelp("Low-rank changes of the model, as PEFT writes them (LoRA).", valueName: "folder"))
    var adapter: String?

    @Option(help: "Threads.")
    var threads: Int = Parallel.processorCount

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if threads < 1 { throw ValidationError("--threads must be at least 1.") }
        if maxTokens < 0 { throw ValidationError("--max-tokens must be 0 or more.") }
        if raw, system != nil { throw ValidationError("--system belongs to the chat form, which --raw leaves out.") }
    }

    func run() async throws {
        let clock = ContinuousClock()
        let decoder = try TextDecoder(
            path: ModelStore().resolveDecoder(model), precision: precision, adapter: adapter)
        let ids = try promptIDs(decoder)
        let constraint = try jsonSchema.map { try ConstraintMaker(decoder).constraint(schemaFile: $0) }
        let options = GenerationOptions(
            sampling: SamplingOptions(temperature: temperature, topP: topP, topK: topK, seed: seed),
            maximumTokens: maxTokens)
        let start = clock.now
        var first: ContinuousClock.Instant?
        let text = try TextGenerator(decoder, threads: threads).generate(
            ids, options: options, constraint: constraint
        ) { stretch in
            first = first ?? clock.now
            if !output.json { try StandardStream.output.write(Array(stretch.utf8)) }
        }
        let summary = GenerationSummary(
            model: decoder.name, promptTokens: ids.count, text: text, prefill: (first ?? clock.now) - start,
            decode: clock.now - (first ?? clock.now))
        if output.json {
            try OutputOptions.write(OutputOptions.encoded(summary))
        } else {
            try StandardStream.output.write(Array("\n".utf8))
            if isatty(2) != 0 { StandardStream.error.say(summary.line + "\n") }
        }
        if constraint != nil, text.finish == .length {
            throw ModelError.badOption(
                "The JSON was cut off after \(text.ids.count) tokens. Allow more with --max-tokens, or bound its "
                    + "strings and lists in the schema (maxLength, maxItems).")
        }
    }

    private func promptIDs(_ decoder: TextDecoder) throws -> [Int32] {
        let text = try prompt == "-" ? Self.standardInput() : prompt
        guard !raw else { return decoder.prompt(raw: text) }
        return try decoder.prompt(for: (system.map { [.system($0)] } ?? []) + [.user(text)])
    }

    /// All of the standard input, as text; the line end that closes it belongs to the shell.
    private static func standardInput() throws -> String {
        let bytes = try ByteReader.standardInput(maximumBytes: 64 << 20).readToEnd()
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TextError(.invalidUTF8, path: "standard input", problem: "The prompt is not UTF-8.")
        }
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}

/// What `--json` prints of a generated text.
private struct GenerationSummary: Encodable {
    let model: String
    let text: String
    let finish: FinishReason
    let promptTokens: Int
    let tokens: Int
    let promptTokensPerSecond: Double
    let tokensPerSecond: Double

    init(model: String, promptTokens: Int, text: GeneratedText, prefill: Duration, decode: Duration) {
        self.model = model
        self.text = text.text
        finish = text.finish
        self.promptTokens = promptTokens
        tokens = text.ids.count
        promptTokensPerSecond = Self.rate(promptTokens, prefill)
        tokensPerSecond = Self.rate(max(0, text.ids.count - 1), decode)
    }

    private static func rate(_ count: Int, _ duration: Duration) -> Double {
        let seconds = duration / .seconds(1)
        return seconds > 0 ? (Double(count) / seconds * 10).rounded() / 10 : 0
    }

    var line: String {
        "[\(finish.rawValue): \(tokens) tokens at \(tokensPerSecond)/s after \(promptTokens) at \(promptTokensPerSecond)/s]"
    }
}
