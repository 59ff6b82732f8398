import AttarStorage
import AttarTensor
import AttarText
import Synchronization

/// Computes a model's fingerprint from everything that decides its vectors.
///
/// The maximum length is left out: it decides how much of a text is read, and callers may change it from call to call.
enum FingerprintBuilder {
    /// The fingerprint of a loaded folder, computed when it is first asked for.
    ///
    /// Small files are read now; what takes time, the hashes of weights and vocabulary, waits: whoever only encodes
    /// never pays for it.
    ///
    /// - Parameters:
    ///   - weights: the backbone's weights, whose file stays mapped.
    ///   - head: what makes something else than a vector of the states; nil for vectors.
    /// - Throws: `StorageError` when the weights of a dense layer cannot be read.
    /// - Complexity: O(bytes of the weights) when asked, about 0.05 s for 90 MB.
    static func fingerprint(
        of folder: ModelFolder, weights: Safetensors, tokenizer: any Tokenizer, dimension: Int, head: String? = nil
    ) throws -> LazyFingerprint {
        let settings = try settings(of: folder, head: head)
        let (name, teacher, lowercases) = (folder.name, folder.facts?.teacher?.space, folder.lowercases)
        return LazyFingerprint {
            let lines = [
                "attar fingerprint 1", "weights \(weights.digest().hex)",
                "tokenizer \(SHA256Digest(of: tokenizer.fingerprint).hex) lower \(lowercases)",
            ] + settings
            let digest = SHA256Digest.hex(of: lines.map { $0 + "\n" }.joined())
            return EncoderFingerprint(id: digest, name: name, dimension: dimension, teacher: teacher)
        }
    }

    /// What decides the vectors beside weights and tokenizer, a line each.
    private static func settings(of folder: ModelFolder, head: String?) throws -> [String] {
        var lines: [String] = []
        switch folder.backbone {
        case .staticTable: lines.append("static mean")
        case .bert(let shape, let pooling):
            lines.append(
                "bert heads \(shape.heads) \(shape.activation.rawValue) epsilon \(shape.epsilon) layers \(shape.layers)"
            )
            if shape.family != .bert {
                lines.append("family \(shape.family.rawValue) pad \(shape.padID) buckets \(shape.relativeBuckets)")
            }
            lines.append("pooling \(pooling.mode.rawValue) prompt \(pooling.includesPrompt)")
        }
        for head in folder.heads {
            switch head {
            case .normalize: lines.append("normalize")
            case .dense(let layer):
                let weights = try SHA256Digest.hex(ofFile: layer.path + "/model.safetensors")
                lines.append("dense \(layer.bias) \(layer.activation.rawValue) \(weights)")
            }
        }
        if let head { lines.append("head \(head)") }
        return lines + TextRole.allCases.map { "prompt \($0.rawValue) \(folder.prompts.prompt(for: $0))" }
    }
}

/// A fingerprint that is computed once, when it is first asked for.
final class LazyFingerprint: Sendable {
    private let made = Mutex<EncoderFingerprint?>(nil)
    private let make: @Sendable () -> EncoderFingerprint

    init(_ make: @escaping @Sendable () -> EncoderFingerprint) {
        self.make = make
    }

    var value: EncoderFingerprint {
        made.withLock { made in
            let value = made ?? make()
            made = value
            return value
        }
    }
}
