import AttarStorage
import AttarTensor
import AttarText
import CAttarKernels
import Foundation

/// A model that reads two texts together and scores how they belong together (Nogueira & Cho 2019): slow, and the judge
/// that teachers and rerankers are made of.
///
/// The state of the first token goes through a dense layer with tanh, and a classifier.
public final class CrossEncoder: Sendable {
    /// What becomes of a single logit.
    public enum Activation: Sendable {
        /// It is the score.
        case identity
        /// 1 / (1 + exp(−logit)).
        case sigmoid
    }

    /// Two texts, in the order in which the model was trained to read them: query, then passage.
    public struct Pair: Sendable, Equatable {
        /// The first text.
        public var first: String
        /// The second text.
        public var second: String

        /// A pair.
        public init(_ first: String, _ second: String) {
            self.first = first
            self.second = second
        }
    }

    /// Who makes the scores.
    public var fingerprint: EncoderFingerprint { lazyFingerprint.value }
    private let lazyFingerprint: LazyFingerprint
    /// How many logits there are; a model that ranks has one.
    public let labels: Int
    /// What `scores` makes of the logit.
    public let activation: Activation
    private let backbone: BertBackbone
    private let template: PairTemplate
    private let dense: PackedLinear
    private let classifier: PackedLinear

    /// The most tokens of a pair that are read.
    public var maximumLength: Int { backbone.maximumLength }
    /// The numbers in which linear layers are computed.
    public var precision: Precision { backbone.precision }

    /// Loads a model folder that holds a classifier over the first token's state.
    ///
    /// - Parameter precision: of the linear layers and word vectors; nil for the folder's own.
    /// - Throws: `ModelError`, `TensorError`, `TextError` or `StorageError`, each naming the file.
    public init(path: String, precision: Precision? = nil) throws {
        let folder = try ModelFolder(path: path)
        let file = try folder.weights()
        let settings = try CrossEncoderSettings(folder, file)
        backbone = try BertBackbone(folder, weights: file, precision: precision, widest: settings.labels)
        guard let template = backbone.tokenizer.pairTemplate else {
            throw ModelError.unsupported(
                folder: folder.path, detail: "its tokenizer.json does not say how two texts are put together.")
        }
        let width = backbone.configuration.hiddenSize
        let reader = TensorReader(file: file, prefix: "", precision: .float32)
        dense = try reader.linear(settings.denseName, width, width)
        classifier = try reader.linear(settings.classifierName, settings.labels, width)
        self.template = template
        labels = settings.labels
        activation = settings.activation
        lazyFingerprint = try FingerprintBuilder.fingerprint(
            of: folder, weights: file, tokenizer: backbone.tokenizer, dimension: settings.labels,
            head: "classifier \(settings.activation) \(template.description)")
    }

    /// Whether weights hold a classifier over the first token's state.
    static func classifies(_ file: Safetensors) -> Bool {
        ["classifier.weight", "classifier.out_proj.weight"].contains { file.entries[$0] != nil }
    }

    /// The scores of the pairs, in their order.
    ///
    /// - Throws: `ModelError.badOption` when the model has several labels, or for a maximum length below the
    ///   template's.
    /// - Complexity: O(tokens), and O(length²) for the attention of each pair.
    public func scores(_ pairs: [Pair], options: EncodingOptions = EncodingOptions()) throws -> [Float] {
        guard labels == 1 else {
            throw ModelError.badOption("The model tells \(labels) labels apart, so it has no single score; ask for logits.")
        }
        let logits = try logits(pairs, options: options).values
        return activation == .identity ? logits : logits.map { 1 / (1 + exp(-$0)) }
    }

    /// The logits of the pairs, `[pairs, labels]`.
    ///
    /// - Throws: `ModelError.badOption` for a maximum length below the template's.
    public func logits(_ pairs: [Pair], options: EncodingOptions = EncodingOptions()) throws -> Matrix {
        let limit = try backbone.checkedLimit(options.maximumLength)
        guard limit >= template.count else {
            throw ModelError.badOption("A maximum length of \(limit) tokens leaves no room for two texts.")
        }
        let joined = tokens(of: pairs, limit: limit, threads: options.threads)
        let groups = TokenGroup.groups(
            of: joined.map(\.ids), secondSegments: joined.map(\.secondSegment), tokens: options.batchTokens)
        let labels = labels
        var values = [Float](repeating: 0, count: pairs.count * labels)
        values.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let rows = SharedRows(start: base, columns: labels)
            backbone.forEach(groups, options: options) { group, work in
                let logits = classify(group, in: work)
                for (row, pair) in group.texts.enumerated() {
                    rows.row(pair).update(from: logits + row * labels, count: labels)
                }
            }
        }
        return Matrix(rows: pairs.count, columns: labels, values: values)
    }

    private func tokens(
        of pairs: [Pair], limit: Int, threads: Int
    ) -> [(ids: [Int32], secondSegment: Range<Int>)] {
        let found = PerText<(ids: [Int32], secondSegment: Range<Int>)>(count: pairs.count)
        Parallel.forEachRange(count: pairs.count, chunk: 64, threads: threads) { range in
            for index in range {
                let parts = [pairs[index].first, pairs[index].second].map { text in
                    backbone.tokenizer.encode(
                        backbone.preparation.lowercases ? text.lowercased() : text, addSpecialTokens: false)
                }
                found.set(index, template.joined(parts[0], parts[1], maximumLength: limit))
            }
        }
        return found.all
    }

    /// - Returns: `[texts, labels]`, inside the work area.
    private func classify(_ group: TokenGroup, in work: BertWorkspace) -> UnsafePointer<Float> {
        let width = backbone.configuration.hiddenSize
        let count = group.texts.count
        backbone.run(group, in: work)
        var start = 0
        for (text, end) in group.ends.enumerated() {
            (work.pooled.start + text * width).update(from: work.states.start + start * width, count: width)
            start = end
        }
        dense.apply(rows: count, work.pooled.start, work.mapped.start, scratch: work.linear)
        attar_tanh_f32(work.mapped.start, work.mapped.start, count * width)
        classifier.apply(rows: count, work.mapped.start, work.pooled.start, scratch: work.linear)
        return UnsafePointer(work.pooled.start)
    }
}

/// What a folder says about its classifier.
private struct CrossEncoderSettings {
    let labels: Int
    let activation: CrossEncoder.Activation
    let denseName: String
    let classifierName: String

    /// - Throws: `ModelError` when the file holds no classifier that can be run.
    init(_ folder: ModelFolder, _ file: Safetensors) throws {
        guard case .bert(let configuration, _) = folder.backbone else {
            throw ModelError.unsupported(folder: folder.path, detail: "a static token table reads no pairs.")
        }
        switch configuration.family {
        case .bert:
            denseName = "bert.pooler.dense"
            classifierName = "classifier"
        case .roberta, .mpnet:
            denseName = "classifier.dense"
            classifierName = "classifier.out_proj"
        }
        guard let shape = file.entries[classifierName + ".weight"]?.shape, let count = shape.first, count > 0 else {
            throw ModelError.unsupported(
                folder: folder.path, detail: "its weights hold no \(classifierName), so it does not score pairs.")
        }
        labels = count
        activation = try Self.activation(ConfigurationFile(folder.backbonePath + "/config.json"), labels: count)
    }

    /// sentence-transformers writes the function's name into config.json; without it a single label goes through a
    /// sigmoid.
    private static func activation(_ file: ConfigurationFile, labels: Int) throws -> CrossEncoder.Activation {
        let name = file.value["sentence_transformers"]?["activation_fn"]?.string
            ?? file.value["sbert_ce_default_activation_function"]?.string
        switch name?.split(separator: ".").last {
        case nil: return labels == 1 ? .sigmoid : .identity
        case "Identity": return .identity
        case "Sigmoid": return .sigmoid
        default: throw file.bad("activation_fn", "\(name ?? "") is not built in; Identity and Sigmoid are")
        }
    }
}
