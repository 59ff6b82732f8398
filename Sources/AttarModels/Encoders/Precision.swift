/// The numbers in which a model's linear layers are computed.
///
/// Sums are taken in fp32 (for `int8`: exactly), and everything between linear layers stays fp32. The word vectors of
/// an encoder are rounded as its weights are.
public enum Precision: String, Codable, Sendable, CaseIterable {
    /// 32-bit floats.
    case float32 = "fp32"
    /// 16-bit brain floats: half the memory. Without BF16 instructions not faster than fp32.
    case bfloat16 = "bf16"
    /// Bytes. Encoders: weights with one scale a row, states with a scale and a zero point a token, found while
    /// running. Decoders: the blocks of a GGUF file as they are in the file, states with a scale for each group of 16
    /// or 32, and matrices that are no blocks in bfloat16.
    case int8
}
