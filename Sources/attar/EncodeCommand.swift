import ArgumentParser
import AttarModels
import AttarSystems
import AttarTensor
import AttarText

/// `attar encode`
struct Encode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn texts into vectors.",
        discussion: """
            Example:
              attar encode minilm --input texts.jsonl --output vectors.npy --role query

            Rows come in the order of the input. Without --role no prompt of the model is added.
            """)

    @Argument(help: "A model of the catalogue, or a model folder.")
    var model: String

    @Option(help: ArgumentHelp("One {\"text\": …} a line, plain or gzip; - is the standard input.", valueName: "file"))
    var input: String

    @Option(help: ArgumentHelp(
        "The NumPy file to write, [texts, dimension] of 32-bit floats; - is the standard output.", valueName: "file"))
    var output: String

    @Option(help: "The part the texts play, which decides the prompt: query or passage.")
    var role: TextRole = .plain

    @Option(help: "Tokens of a text that are read, special tokens included.")
    var maxLength: Int?

    @Option(help: "How linear layers are computed: fp32, bf16 or int8. (default: as the model was quantised)")
    var precision: Precision?

    @Option(help: "Threads.")
    var threads: Int = Parallel.processorCount

    func validate() throws {
        if let maxLength, maxLength < 3 { throw ValidationError("--max-length must be at least 3.") }
        if threads < 1 { throw ValidationError("--threads must be at least 1.") }
    }

    func run() async throws {
        let encoder = try EncoderLoader.load(path: ModelStore().resolve(model), precision: precision)
        let texts = try TextLines.all(in: input)
        let printer = ProgressPrinter()
        let writer = try NumpyWriter(path: output, rows: texts.count, columns: encoder.dimension)
        // Long inputs are encoded in parts, so that memory holds one part's vectors, and Ctrl-C is heard between them.
        let part = 1024
        for start in stride(from: 0, to: texts.count, by: part) {
            try Task.checkCancellation()
            let range = start..<min(texts.count, start + part)
            let options = EncodingOptions(threads: threads, maximumLength: maxLength) { done, _ in
                printer.show(.init(stage: "encoding", completed: start + done, total: texts.count, unit: "texts"))
            }
            let vectors = try encoder.encode(Array(texts[range]), role: role, options: options)
            if let position = vectors.values.firstIndex(where: { !$0.isFinite }) {
                throw ModelError.notFinite(model: model, text: start + position / vectors.columns + 1)
            }
            try writer.append(vectors)
        }
        try writer.finish()
        printer.finish()
    }
}

extension TextRole: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
