import AttarStorage
import AttarTensor
import AttarText
import CAttarKernels
import Foundation

/// A model that turns text into weights of vocabulary tokens, expansions among them: SPLADE (Formal et al. 2021).
///
/// The weight of a token is the largest over all text tokens of log(1 + relu(logit)) (SPLADE-max, equation 6 of v2),
/// the logits those of a masked-language-model head. All logits of a text are never stored: they are made a panel of
/// the vocabulary at a time, and only their maxima kept.
public final class SparseEncoder: Sendable {
    /// Who makes the weights.
    public var fingerprint: EncoderFingerprint { lazyFingerprint.value }
    private let lazyFingerprint: LazyFingerprint
    let backbone: BertBackbone
    let head: MaskedLanguageHead

    /// The tokenizer, whose vocabulary the weights are of.
    public var tokenizer: any Tokenizer { backbone.tokenizer }
    /// The most tokens of a text that are read.
    public var maximumLength: Int { backbone.maximumLength }
    /// The height of the vocabulary.
    public var vocabularySize: Int { head.vocabularySize }
    /// The numbers in which linear layers are computed.
    public var precision: Precision { backbone.precision }

    /// Loads a model folder that holds a masked-language-model head.
    ///
    /// - Parameter precision: of the linear layers and word vectors; nil for the folder's own.
    /// - Throws: `ModelError`, `TensorError`, `TextError` or `StorageError`, each naming the file.
    public init(path: String, precision: Precision? = nil) throws {
        let folder = try ModelFolder(path: path)
        let file = try folder.weights()
        backbone = try BertBackbone(folder, weights: file, precision: precision, widest: 0)
        head = try MaskedLanguageHead(
            file, backbone.configuration, words: backbone.weights.words, precision: backbone.precision)
        lazyFingerprint = try FingerprintBuilder.fingerprint(
            of: folder, weights: file, tokenizer: backbone.tokenizer, dimension: head.vocabularySize,
            head: "splade max log1p relu")
    }

    /// The weights of the texts, in their order.
    ///
    /// - Throws: `ModelError.badOption` for a maximum length below 3; `ModelError.notFinite` for damaged weights.
    /// - Complexity: O(tokens · vocabulary · hidden) time; O(vocabulary) memory a text that is worked on.
    public func encode(
        _ texts: [String], role: TextRole = .plain, options: EncodingOptions = EncodingOptions()
    ) throws -> [SparseVector] {
        let ids = try backbone.ids(of: texts, role: role, options: options)
        let found = PerText<SparseVector>(count: texts.count)
        backbone.forEach(TokenGroup.groups(of: ids, tokens: options.batchTokens), options: options) { group, work in
            for (text, vector) in zip(group.texts, vectors(of: group, in: work)) { found.set(text, vector) }
        }
        return found.all
    }

    /// The weights of one text, on the calling thread.
    public func encodeOne(_ text: String, role: TextRole = .plain) -> SparseVector {
        var group = TokenGroup(texts: [0], ids: [], ends: [])
        backbone.preparation.append(text, role: role, maximumLength: maximumLength, to: &group.ids)
        group.ends.append(group.ids.count)
        return backbone.withWorkspace { vectors(of: group, in: $0)[0] }
    }

    /// The logits of every token of a text over the whole vocabulary, `[tokens, vocabulary]`: what the head was trained
    /// for, and what `encode` never stores.
    public func logits(_ text: String, role: TextRole = .plain) -> Matrix {
        var group = TokenGroup(texts: [0], ids: [], ends: [])
        backbone.preparation.append(text, role: role, maximumLength: maximumLength, to: &group.ids)
        group.ends.append(group.ids.count)
        let (rows, columns) = (group.ids.count, vocabularySize)
        var values = [Float](repeating: 0, count: rows * columns)
        backbone.withWorkspace { work in
            backbone.run(group, in: work)
            head.forEachPanel(rows: rows, in: work) { tokens, logits in
                for row in 0..<rows {
                    for (place, token) in tokens.enumerated() {
                        values[row * columns + token] = logits[row * tokens.count + place]
                    }
                }
            }
        }
        return Matrix(rows: rows, columns: columns, values: values)
    }

    /// Maxima below 0 weigh nothing, so they begin at 0 and the logarithm is taken once, at the end.
    private func vectors(of group: TokenGroup, in work: BertWorkspace) -> [SparseVector] {
        backbone.run(group, in: work)
        let tokens = vocabularySize
        var maxima = [Float](repeating: 0, count: group.texts.count * tokens)
        maxima.withUnsafeMutableBufferPointer { maxima in
            guard let base = maxima.baseAddress else { return }
            head.forEachPanel(rows: group.ids.count, in: work) { part, logits in
                var start = 0
                for (text, end) in group.ends.enumerated() {
                    attar_column_max_f32(
                        logits + start * part.count, part.count, end - start, part.count,
                        base + text * tokens + part.lowerBound)
                    start = end
                }
            }
        }
        return group.texts.indices.map { Self.sparse(maxima[$0 * tokens..<($0 + 1) * tokens]) }
    }

    private static func sparse(_ maxima: ArraySlice<Float>) -> SparseVector {
        var vector = SparseVector(ids: [], weights: [])
        for (id, value) in maxima.enumerated() where value > 0 {
            vector.ids.append(Int32(id))
            vector.weights.append(log1p(value))
        }
        return vector
    }
}
