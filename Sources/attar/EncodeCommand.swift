import ArgumentParser
import AttarModels
import AttarSystems
import AttarTensor
import AttarText
import Foundation

/// `attar encode`
struct Encode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn texts into vectors.",
        discussion: """
            Example:
              attar encode minilm --input texts.jsonl --output vectors.npy --role query
              attar encode splade-tiny --sparse --input texts.jsonl --output weights.jsonl

            Rows come in the order of the input. Without --role no prompt of the model is added. With --sparse a model with \
            a masked-language-model head (SPLADE) gives a line {"weights": {token: weight, …}} a text, the heaviest first; \
            to a file named .csr or .npz it writes a sparse matrix [texts, vocabulary], as `attar bench sparse` and the \
            Big-ANN tools, or SciPy, read it. Vectors for a file named .fvecs are written as FAISS and the ANN benchmarks \
            read them.
            """)

    @Argument(help: "A model of the catalogue, or a model folder.")
    var model: String

    @Option(help: ArgumentHelp("One {\"text\": …} a line, plain or gzip; - is the standard input.", valueName: "file"))
    var input: String

    @Option(help: ArgumentHelp(
        """
        The file to write: NumPy, [texts, dimension] of 32-bit floats, or .fvecs; with --sparse JSON lines, .csr or \
        .npz; - is the standard output.
        """, valueName: "file"))
    var output: String

    @Flag(help: "Weights of vocabulary tokens (SPLADE) instead of a vector.")
    var sparse = false

    @Option(help: "The part the texts play, which decides the prompt: query or passage.")
    var role: TextRole = .plain

    @Option(help: "Tokens of a text that are read, special tokens included.")
    var maxLength: Int?

    @Option(help: "How a transformer's linear layers are computed: fp32, bf16 or int8; by default the model's own way.")
    var precision: Precision?

    @Option(help: "Threads.")
    var threads: Int = Parallel.processorCount

    func validate() throws {
        if let maxLength, maxLength < 3 { throw ValidationError("--max-length must be at least 3.") }
        if threads < 1 { throw ValidationError("--threads must be at least 1.") }
    }

    func run() async throws {
        let path = try ModelStore().resolve(model)
        let texts = try TextLines.all(in: input)
        let printer = ProgressPrinter()
        if sparse {
            let encoder = try SparseEncoder(path: path, precision: precision)
            try SparseMatrix.isFileName(output)
                ? writeMatrix(of: texts, encoder, printer) : writeLines(of: texts, encoder, printer)
        } else {
            try writeVectors(of: texts, path: path, printer)
        }
        printer.finish()
    }

    private func writeVectors(of texts: [String], path: String, _ printer: ProgressPrinter) throws {
        let encoder = try EncoderLoader.load(path: path, precision: precision)
        let writer: any MatrixWriter = output.hasSuffix(".fvecs")
            ? try VectorRecordWriter(path: output)
            : try NumpyWriter(path: output, rows: texts.count, columns: encoder.dimension)
        try forEachPart(of: texts, printer) { part, start, options in
            let vectors = try encoder.encode(part, role: role, options: options)
            if let position = vectors.values.firstIndex(where: { !$0.isFinite }) {
                throw ModelError.notFinite(model: model, text: start + position / vectors.columns + 1)
            }
            try writer.append(vectors)
        }
        try writer.finish()
    }

    private func writeLines(of texts: [String], _ encoder: SparseEncoder, _ printer: ProgressPrinter) throws {
        let sink = try LineSink(path: output)
        try forEachWeights(of: texts, encoder, printer) { try sink.write(Self.line($0, encoder.tokenizer)) }
        try sink.finish()
    }

    private func writeMatrix(of texts: [String], _ encoder: SparseEncoder, _ printer: ProgressPrinter) throws {
        var matrix = SparseMatrix(columns: encoder.vocabularySize)
        try forEachWeights(of: texts, encoder, printer) { matrix.append(columns: $0.ids, values: $0.weights) }
        try matrix.write(to: output)
    }

    private func forEachWeights(
        of texts: [String], _ encoder: SparseEncoder, _ printer: ProgressPrinter, _ body: (SparseVector) throws -> Void
    ) throws {
        try forEachPart(of: texts, printer) { part, start, options in
            for (place, vector) in try encoder.encode(part, role: role, options: options).enumerated() {
                guard vector.weights.allSatisfy(\.isFinite) else {
                    throw ModelError.notFinite(model: model, text: start + place + 1)
                }
                try body(vector)
            }
        }
    }

    /// Long inputs are encoded in parts, so that memory holds one part's results, and Ctrl-C is heard between them.
    private func forEachPart(
        of texts: [String], _ printer: ProgressPrinter,
        _ body: (_ part: [String], _ start: Int, _ options: EncodingOptions) throws -> Void
    ) throws {
        let size = 1024
        for start in stride(from: 0, to: texts.count, by: size) {
            try Task.checkCancellation()
            let options = EncodingOptions(threads: threads, maximumLength: maxLength) { done, _ in
                printer.show(.init(stage: "encoding", completed: start + done, total: texts.count, unit: "texts"))
            }
            try body(Array(texts[start..<min(texts.count, start + size)]), start, options)
        }
    }

    /// `{"weights": {"rose": 2.1, "oil": 1.5}}`, the heaviest first; of equal ones the lower id.
    private static func line(_ vector: SparseVector, _ tokenizer: any Tokenizer) throws -> String {
        let order = vector.ids.indices.sorted { (-vector.weights[$0], vector.ids[$0]) < (-vector.weights[$1], vector.ids[$1]) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        let members = try order.map { place in
            let token = tokenizer.token(for: vector.ids[place]) ?? "#\(vector.ids[place])"
            return String(decoding: try encoder.encode(token), as: UTF8.self) + ": \(vector.weights[place])"
        }
        return "{\"weights\": {" + members.joined(separator: ", ") + "}}"
    }
}

extension TextRole: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
