import ArgumentParser
import AttarModels
import AttarSystems
import AttarText
import Foundation

extension Models {
    /// `attar models quantize`
    struct Quantize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write an encoder in bfloat16 or bytes: half or a quarter of the size, and faster.",
            discussion: """
                Example:
                  attar models quantize minilm minilm-int8 --precision int8 --texts corpus.jsonl
                  attar search my-collection "boundary layer" --encoder ./minilm-int8

                The new folder gives the vectors of `attar encode --precision` on the old one, bit for bit, and every \
                verb opens it at its own precision. Its queries may search vectors of the old model: they share its \
                space. With --texts it is told how near the two models are on your texts.
                """)

        @Argument(help: "A model of the catalogue, or a model folder.")
        var model: String

        @Argument(help: "The folder to write; nothing may stand there.")
        var output: String

        @Option(help: "What the matrices become: bf16 or int8.")
        var precision: Precision

        @Option(help: ArgumentHelp(
            "Texts to compare both models on: one {\"text\": …} a line, or plain lines in a file that ends in .txt.",
            valueName: "file"))
        var texts: String?

        @Option(help: "How many of these texts, evenly spaced over the file.")
        var sample: Int = 1000

        @OptionGroup var json: OutputOptions

        private struct Result: Encodable {
            let folder: String
            let precision: Precision
            let bytes: QuantizedSizes
            let cosine: QuantizationQuality?
        }

        func validate() throws {
            if precision == .float32 { throw ValidationError("--precision must be bf16 or int8.") }
            if sample < 1 { throw ValidationError("--sample must be at least 1.") }
        }

        func run() async throws {
            let quantizer = try ModelQuantizer(source: ModelStore().resolveDecoder(model), precision: precision)
            // A mistake in the texts shows before the work.
            let texts = try texts.map { try TextLines.sample(of: sample, in: $0) } ?? []
            let sizes = try quantizer.write(to: output)
            let printer = ProgressPrinter()
            let options = EncodingOptions { done, total in
                printer.show(.init(stage: "comparing", completed: done, total: total, unit: "texts"))
            }
            let quality = try quantizer.quality(of: output, on: texts, options: options)
            printer.finish()
            let result = Result(folder: output, precision: precision, bytes: sizes, cosine: quality)
            try json.print(result) { text(result) }
        }

        private func text(_ result: Result) -> String {
            let (before, after) = (result.bytes.before, result.bytes.after)
            let sizes = [["", "before", "after", ""]] + [
                ("weights, MB", before.weights, after.weights), ("folder, MB", before.folder, after.folder),
            ].map { name, before, after in
                let share = String(format: "%.0f %%", 100 * Double(after) / Double(max(1, before)))
                return [name, Self.megabytes(before), Self.megabytes(after), share]
            }
            return aligned(sizes, numeric: [1, 2, 3]) + "\n\n" + quality(result.cosine)
        }

        private func quality(_ cosine: QuantizationQuality?) -> String {
            guard let cosine else {
                return texts == nil
                    ? "The quality was not measured: give texts with --texts."
                    : "The quality was not measured: a cross-encoder makes scores of pairs, and no vectors of texts."
            }
            let values = [cosine.minimum, cosine.firstPercentile, cosine.median, cosine.mean]
            return aligned(
                [
                    ["cosine to the original", "texts", "min", "1 %", "median", "mean"],
                    ["", "\(cosine.texts)"] + values.map { String(format: "%.6f", $0) },
                ], numeric: [1, 2, 3, 4, 5])
        }

        private static func megabytes(_ bytes: Int) -> String { String(format: "%.1f", Double(bytes) / 1e6) }
    }
}
