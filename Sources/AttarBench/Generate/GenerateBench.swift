import AttarModels
import AttarStorage
import AttarTensor
import CAttarKernels
import Foundation

/// `attar bench generate`: how fast does a decoder read a prompt, and make one token after the other?
///
/// All are given the same token ids, and no time goes into tokenizing, choosing or writing: the tokens that follow are
/// given too.
public struct GenerateBench {
    private let settings: BenchSettings
    private let path: String
    private let precisions: [Precision]
    private let promptTokens: Int
    private let newTokens: Int

    /// - Parameters:
    ///   - path: a GGUF file, or a folder with one, or a Hugging Face folder.
    ///   - precisions: those that are measured of Attar.
    ///   - promptTokens: tokens that are read at once.
    ///   - newTokens: tokens that are read one by one behind them.
    public init(
        _ settings: BenchSettings, path: String, precisions: [Precision], promptTokens: Int = 256,
        newTokens: Int = 32
    ) throws {
        try settings.requirePeers(among: [.llamaCpp], otherwise: "generates no text")
        guard !precisions.isEmpty, promptTokens > 0, newTokens > 0 else {
            throw BenchError.usage("At least one precision, one token of a prompt and one new token are needed.")
        }
        self.settings = settings
        self.path = path
        self.precisions = precisions
        self.promptTokens = promptTokens
        self.newTokens = newTokens
    }

    /// Measures reading and making tokens.
    ///
    /// - Throws: `BenchError`, and what loading the model throws.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        let decoders = try precisions.map { precision in
            settings.say("loading \(path) in \(precision.rawValue)")
            return try TextDecoder(path: path, precision: precision)
        }
        let ids = try tokens(decoders[0])
        let ours = try decoders.map {
            (label: settings.ours($0.precision.rawValue), run: try TextDecoderRun($0, threads: settings.threads, ids))
        }
        let peer = try settings.peers.first.map { try self.peer($0, decoders[0], ids) }
        let reference = try ours[0].run.logProbabilities()
        var agreement: [String: String] = [:]
        for contender in ours.dropFirst() {
            agreement[contender.label.description] = try Self.agreement(contender.run.logProbabilities(), reference)
        }
        if let peer { agreement[peer.label.description] = Self.agreement(peer.logProbabilities, reference) }
        let cases = [true, false].map { isPrefill in
            BenchCase(
                name: isPrefill ? prefillName : decodeName, quantity: .rate(of: "tokens"),
                amount: Double(isPrefill ? promptTokens : newTokens),
                contenders: ours.map { $0.run.contender($0.label, isPrefill: isPrefill) }
                    + (peer.map { [$0.contender(isPrefill ? prefillName : decodeName)] } ?? []),
                agreement: agreement)
        }
        return try session.report(
            title: "generate \(decoders[0].name)",
            notes: [
                "Every contender is given the same token ids, all new ones too; nothing is sampled.",
                "Agreement: the divergence KL(reference ‖ contender) of the distributions behind the prompt from Attar's "
                    + "first precision, and whether the most probable token is the same.",
            ], cases: cases)
    }

    private var prefillName: String { "prompt of \(promptTokens) tokens" }
    private var decodeName: String { "\(newTokens) tokens, one by one, behind \(promptTokens)" }

    /// Tokens of a text, again and again until there are enough.
    private func tokens(_ decoder: TextDecoder) throws -> GeneratedTokens {
        let text = decoder.prompt(raw: BenchTexts.passage)
        let count = promptTokens + newTokens
        guard count <= decoder.configuration.positions, !text.isEmpty else {
            throw BenchError.usage("\(decoder.name) has \(decoder.configuration.positions) positions, not \(count).")
        }
        let all = (0..<count).map { text[$0 % text.count] }
        return GeneratedTokens(prompt: Array(all[..<promptTokens]), following: Array(all[promptTokens...]))
    }

    private func peer(_ peer: Peer, _ decoder: TextDecoder, _ ids: GeneratedTokens) throws -> GeneratingPeer {
        guard let file = decoder.files.first, file.hasSuffix(".gguf") else {
            throw BenchError.usage("llama.cpp reads GGUF files only, and \(path) is none.")
        }
        settings.say("loading \(file) into \(peer.rawValue)")
        return try GeneratingPeer(
            file, ids, names: (prefillName, decodeName), python: PeerEnvironment(settings).python,
            threads: settings.threads)
    }

    private static func agreement(_ found: [Double], _ reference: [Double]) -> String {
        guard found.count == reference.count else { return "\(found.count) tokens, not \(reference.count)" }
        let divergence = zip(reference, found).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
        let same = found.indices.max { found[$0] < found[$1] } == reference.indices.max { reference[$0] < reference[$1] }
        return String(format: "KL %.5f, ", divergence) + (same ? "same token" : "another token")
    }
}

/// The tokens of a bench.
struct GeneratedTokens {
    var prompt: [Int32]
    var following: [Int32]
}

/// One of Attar's decoders at work.
struct TextDecoderRun {
    private let context: DecoderContext
    private let sequence: DecoderSequence
    private let ids: GeneratedTokens

    init(_ decoder: TextDecoder, threads: Int, _ ids: GeneratedTokens) throws {
        context = DecoderContext(decoder, threads: threads)
        sequence = context.makeSequence()
        self.ids = ids
    }

    /// Its part in a case.
    func contender(_ label: ContenderLabel, isPrefill: Bool) -> any Contender {
        LocalContender(label: label) { try isPrefill ? readPrompt() : readFollowing() }
    }

    /// Reads the prompt anew.
    func readPrompt() throws {
        sequence.truncate(to: 0)
        try context.read([.init(sequence, ids.prompt)]) { _, _, _ in }
    }

    /// Reads the tokens behind the prompt, one by one.
    func readFollowing() throws {
        sequence.truncate(to: ids.prompt.count)
        for index in ids.following.indices {
            try context.read([.init(sequence, ids.following[index...index])]) { _, _, _ in }
        }
    }

    /// The logarithms of the probabilities behind the prompt.
    func logProbabilities() throws -> [Double] {
        var scores: [Double] = []
        sequence.truncate(to: 0)
        try context.read([.init(sequence, ids.prompt)]) { _, _, logits in
            let total = attar_log_sum_exp_f32(logits.baseAddress, logits.count)
            scores = logits.map { Double($0) - total }
        }
        return scores
    }
}

/// llama.cpp with the model loaded and the cases registered.
private struct GeneratingPeer {
    private struct Load: Encodable {
        var op = "load"
        var model: String
        var threads: Int
        var positions: Int
    }

    private struct Prepare: Encodable {
        var op = "prepare"
        var prefill: String
        var decode: String
        var prompt: [Int32]
        var following: [Int32]
    }

    private struct Prepared: Decodable {
        var logProbabilities: [Double]
    }

    let label: ContenderLabel
    let logProbabilities: [Double]
    private let worker: PeerWorker

    init(
        _ file: String, _ ids: GeneratedTokens, names: (prefill: String, decode: String), python: String, threads: Int
    ) throws {
        worker = try PeerWorker(.llamaCpp, script: PackageResources.generate_py, python: python, threads: threads)
        // Its context is a multiple of 256 positions.
        let positions = (ids.prompt.count + ids.following.count + 255) / 256 * 256
        label = try worker.load(Load(model: file, threads: threads, positions: positions))
        logProbabilities = try worker.ask(
            Prepare(prefill: names.prefill, decode: names.decode, prompt: ids.prompt, following: ids.following),
            for: Prepared.self
        ).logProbabilities
    }

    func contender(_ name: String) -> any Contender { PeerContender(label: label, worker: worker, case: name) }
}
