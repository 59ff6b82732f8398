/// The numbers in which an encoder computes.
public enum EncodePrecision: String, CaseIterable, Codable, Sendable {
    /// 32-bit floats.
    case fp32
    /// 16-bit brain floats, summed in 32 bits.
    case bf16
    /// 8-bit integers.
    case int8
}
