import AttarStorage
import AttarText
import Foundation

/// `attar bench tokenize`: how many tokens a second, and how long until a `tokenizer.json` is ready?
public struct TokenizeBench {
    /// Lines of text under a name.
    public struct Input: Sendable {
        var name: String
        var texts: [String]

        /// The texts of a file, at most `limit`: the texts of JSON lines when its name says so (`.jsonl`, `.jsonl.gz`),
        /// else its lines that are not empty.
        ///
        /// - Throws: `StorageError`, `TextError`.
        public init(path: String, limit: Int) throws {
            let file = path.split(separator: "/").last.map(String.init) ?? path
            name = file
            if file.hasSuffix(".jsonl") || file.hasSuffix(".jsonl.gz") {
                texts = try TextLines.all(in: path)
            } else {
                texts = try TextFile.read(path).split(separator: "\n").map(String.init)
            }
            texts = Array(texts.prefix(limit))
            guard texts.contains(where: { !$0.isEmpty }) else {
                throw BenchError(.input, "\(path) has no texts.")
            }
        }

        /// Attar's own passage, a sentence a text.
        public static let builtIn = Input(
            name: "built-in passage",
            texts: BenchTexts.passage.split(separator: ". ").map(String.init))

        private init(name: String, texts: [String]) {
            self.name = name
            self.texts = texts
        }
    }

    private let settings: BenchSettings
    private let path: String
    private let name: String
    private let inputs: [Input]

    /// - Parameters:
    ///   - path: a `tokenizer.json`.
    ///   - name: what it is called in the report.
    public init(_ settings: BenchSettings, path: String, name: String, inputs: [Input]) throws {
        try settings.requirePeers(among: [.tokenizers], otherwise: "is no tokenizer")
        try settings.requireOneThread(of: "Tokenizers")
        self.settings = settings
        self.path = path
        self.name = name
        self.inputs = inputs
    }

    /// Measures loading, then each input.
    ///
    /// - Throws: `BenchError`; a disagreement of ids is one, after the figures would be worth nothing.
    public func run() throws -> BenchReport {
        let session = try BenchSession(settings)
        let tokenizer = try TokenizerFile.load(path: path)
        let peer = try settings.peers.first.map { _ in
            try TokenizingPeer(path: path, python: PeerEnvironment(settings).python)
        }
        let cases = try [loading(peer)] + inputs.map { try self.case($0, tokenizer, peer) }
        return try session.report(
            title: "tokenize \(name)",
            notes: ["Ids of every text were compared, special tokens included; nothing is cut."], cases: cases)
    }

    private func loading(_ peer: TokenizingPeer?) -> BenchCase {
        let path = path
        let ours = LocalContender(label: settings.ours()) { _ = try TokenizerFile.load(path: path) }
        let theirs = peer.map { PeerContender(label: $0.label, worker: $0.worker, case: "load") }
        return BenchCase(
            name: "load of tokenizer.json", quantity: .milliseconds, contenders: [ours] + (theirs.map { [$0] } ?? []))
    }

    private func `case`(_ input: Input, _ tokenizer: any Tokenizer, _ peer: TokenizingPeer?) throws -> BenchCase {
        let texts = input.texts
        let ids = texts.map { tokenizer.encode($0) }
        let ours = LocalContender(label: settings.ours()) {
            for text in texts { _ = tokenizer.encode(text) }
        }
        var contenders: [any Contender] = [ours]
        var agreement: [String: String] = [:]
        if let peer {
            let theirs = try peer.prepare(input.name, texts: texts)
            let differing = zip(ids, theirs).count { $0 != $1 } + abs(ids.count - theirs.count)
            agreement[peer.label.description] = "\(differing) of \(ids.count) texts differ"
            contenders.append(PeerContender(label: peer.label, worker: peer.worker, case: input.name))
        }
        let tokens = ids.reduce(0) { $0 + $1.count }
        return BenchCase(
            name: "\(input.name): \(texts.count) texts, \(tokens) tokens", quantity: .rate(of: "tokens"),
            amount: Double(tokens), contenders: contenders, agreement: agreement)
    }
}

/// Hugging Face tokenizers that have read a file.
struct TokenizingPeer {
    private struct Load: Encodable {
        var op = "load"
        var path: String
    }

    private struct Prepare: Encodable {
        enum CodingKeys: String, CodingKey {
            case op, texts
            case name = "case_name"
        }

        var op = "prepare"
        var name: String
        var texts: [String]
    }

    private struct Prepared: Decodable {
        var ids: [[Int32]]
    }

    let label: ContenderLabel
    let worker: PeerWorker

    init(path: String, python: String) throws {
        worker = try PeerWorker(.tokenizers, script: PackageResources.tokenize_py, python: python, threads: 1)
        label = try worker.load(Load(path: path))
    }

    /// Registers texts as a case; their ids.
    func prepare(_ name: String, texts: [String]) throws -> [[Int32]] {
        try worker.ask(Prepare(name: name, texts: texts), for: Prepared.self).ids
    }
}
