import AttarStorage
import AttarTensor

/// The encoder that a folder holds, of whatever kind, as far as two of its kind are compared.
enum ComparableEncoder {
    case vectors(BertEncoder)
    case weights(SparseEncoder)
    case scores(CrossEncoder)

    /// - Throws: as the encoders' own initialisers.
    init(_ folder: ModelFolder, _ file: Safetensors) throws {
        if try folder.givesWeights(file) {
            self = .weights(try SparseEncoder(path: folder.path))
        } else if try !folder.listsModules, CrossEncoder.classifies(file) {
            self = .scores(try CrossEncoder(path: folder.path))
        } else {
            self = .vectors(try BertEncoder(folder))
        }
    }

    var fingerprint: EncoderFingerprint {
        switch self {
        case .vectors(let encoder): encoder.fingerprint
        case .weights(let encoder): encoder.fingerprint
        case .scores(let encoder): encoder.fingerprint
        }
    }

    /// The cosine of what both make of each text; nil when they make scores of pairs, which have none.
    ///
    /// - Precondition: both are of one kind.
    func cosines(to other: ComparableEncoder, texts: [String], options: EncodingOptions) throws -> [Double]? {
        switch (self, other) {
        case (.vectors(let first), .vectors(let second)):
            let a = try first.encode(texts, role: .plain, options: options)
            let b = try second.encode(texts, role: .plain, options: options)
            return texts.indices.map { Self.cosine(a.row($0), b.row($0)) }
        case (.weights(let first), .weights(let second)):
            let a = try first.encode(texts, options: options), b = try second.encode(texts, options: options)
            return zip(a, b).map { Self.cosine($0.dense(first.vocabularySize)[...], $1.dense(first.vocabularySize)[...]) }
        case (.scores, .scores): return nil
        default: preconditionFailure("encoders of two kinds")
        }
    }

    /// Two vectors of nothing but zeros are equal, one is unlike every other.
    private static func cosine(_ first: ArraySlice<Float>, _ second: ArraySlice<Float>) -> Double {
        first == second ? 1 : Similarity.cosine(first, second)
    }
}

extension ModelFolder {
    /// Whether the folder says which modules it consists of.
    fileprivate var listsModules: Bool {
        get throws { try LocalFileSystem().exists(path + "/modules.json") }
    }

    /// Whether the model gives weights of tokens (`SparseEncoder`): a folder that lists its modules says what it is
    /// for; else the weights tell, by a masked-language-model head.
    ///
    /// - Throws: `TensorError`, `StorageError` when the weights cannot be opened.
    public func givesWeights() throws -> Bool {
        if isSparse { return true }
        if case .staticTable = backbone { return false }
        return try givesWeights(weights())
    }

    fileprivate func givesWeights(_ file: Safetensors) throws -> Bool {
        guard try !isSparse && !listsModules, case .bert(let shape, _) = backbone else { return isSparse }
        return !MaskedLanguageHead.matrixNames(file, shape.family).isEmpty
    }
}

extension SparseVector {
    /// `[width]`, zeros included.
    fileprivate func dense(_ width: Int) -> [Float] {
        var values = [Float](repeating: 0, count: width)
        for (id, weight) in zip(ids, weights) { values[Int(id)] = weight }
        return values
    }
}
