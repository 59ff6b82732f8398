import ArgumentParser
import AttarModels
import AttarText
import Foundation

/// `attar tokenize`
struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn texts into token ids.",
        discussion: """
            Example:
              attar tokenize minilm --input texts.jsonl --output ids.jsonl

            One {"text": …} a line in, one {"ids": […]} a line out, in the same order. Nothing is cut unless \
            --max-length is given.
            """)

    @Argument(help: "A model of the catalogue, a model folder, or a tokenizer.json.")
    var model: String

    @Option(help: ArgumentHelp("The texts; - is the standard input.", valueName: "file"))
    var input: String = "-"

    @Option(help: ArgumentHelp("Where the ids go; - is the standard output.", valueName: "file"))
    var output: String = "-"

    @Option(help: "Cut each text to this many tokens, special tokens included.")
    var maxLength: Int?

    @Flag(inversion: .prefixedNo, help: "Add the model's special tokens, such as [CLS] and [SEP].")
    var specialTokens = true

    func validate() throws {
        if let maxLength, maxLength < 1 { throw ValidationError("--max-length must be at least 1.") }
    }

    func run() throws {
        let path = model.hasSuffix(".json") ? model : try ModelStore().resolve(model) + "/tokenizer.json"
        let tokenizer = try TokenizerFile.load(path: path)
        let sink = try LineSink(path: output)
        try TextLines.forEach(in: input) { text in
            let ids = tokenizer.encode(text, maximumLength: maxLength, addSpecialTokens: specialTokens)
            try sink.write("{\"ids\": [" + ids.map(String.init).joined(separator: ", ") + "]}")
        }
        try sink.finish()
    }
}
