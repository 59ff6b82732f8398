import AttarStorage
import AttarText

/// Computes a model's fingerprint from everything that decides its vectors.
///
/// The maximum length is left out: it decides how much of a text is read, and callers may change it from call to call.
enum FingerprintBuilder {
    /// The fingerprint of a loaded folder.
    ///
    /// - Parameter head: what makes something else than a vector of the states; nil for vectors.
    /// - Complexity: O(bytes of the weights), about 0.05 s for 90 MB.
    static func fingerprint(
        of folder: ModelFolder, tokenizer: any Tokenizer, dimension: Int, head: String? = nil
    ) throws -> EncoderFingerprint {
        let hasher = SHA256Hasher()
        func add(_ line: String) { hasher.update(Array((line + "\n").utf8)) }
        add("attar fingerprint 1")
        add("weights \(try SHA256Digest.hex(ofFile: folder.weightsPath))")
        add("tokenizer \(SHA256Digest(of: tokenizer.fingerprint).hex) lower \(folder.lowercases)")
        switch folder.backbone {
        case .staticTable: add("static mean")
        case .bert(let shape, let pooling):
            add(
                "bert heads \(shape.heads) \(shape.activation.rawValue) epsilon \(shape.epsilon) layers \(shape.layers)"
            )
            if shape.family != .bert {
                add("family \(shape.family.rawValue) pad \(shape.padID) buckets \(shape.relativeBuckets)")
            }
            add("pooling \(pooling.mode.rawValue) prompt \(pooling.includesPrompt)")
        }
        for head in folder.heads {
            switch head {
            case .normalize: add("normalize")
            case .dense(let layer):
                let weights = try SHA256Digest.hex(ofFile: layer.path + "/model.safetensors")
                add("dense \(layer.bias) \(layer.activation.rawValue) \(weights)")
            }
        }
        if let head { add("head \(head)") }
        for role in TextRole.allCases { add("prompt \(role.rawValue) \(folder.prompts.prompt(for: role))") }
        return EncoderFingerprint(
            id: hasher.finish().hex, name: folder.name, dimension: dimension, teacher: folder.facts?.teacher?.space)
    }
}
