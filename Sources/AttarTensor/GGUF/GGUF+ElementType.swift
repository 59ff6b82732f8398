import CAttarKernels

extension GGUF {
    /// How a tensor's numbers are written: the types of ggml (`enum ggml_type` in ggml.h) that Attar reads.
    ///
    /// Quantised types pack a fixed number of neighbours in a row into a block of a fixed size.
    public enum ElementType: UInt32, Sendable, CaseIterable {
        case float32 = 0, float16 = 1
        case q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8
        case q4_K = 12, q5_K = 13, q6_K = 14
        case int8 = 24, int16 = 25, int32 = 26, int64 = 27, float64 = 28
        case bfloat16 = 30

        /// How many numbers one block holds; 1 for plain types.
        public var blockElements: Int {
            switch self {
            case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
            case .q4_K, .q5_K, .q6_K: 256
            default: 1
            }
        }

        /// Bytes of one block.
        public var blockBytes: Int {
            switch self {
            case .int8: 1
            case .float16, .bfloat16, .int16: 2
            case .float32, .int32: 4
            case .float64, .int64: 8
            case .q4_0: 18
            case .q4_1: 20
            case .q5_0: 22
            case .q5_1: 24
            case .q8_0: 34
            case .q4_K: 144
            case .q5_K: 176
            case .q6_K: 210
            }
        }

        /// Whether the numbers can be read as 32-bit floats.
        public var isReadableAsFloat: Bool { floatForm != nil }

        /// The name that ggml gives it, such as "Q4_K".
        public var name: String { Self.name(ofNumber: rawValue) }

        /// The format of its blocks, for kernels; nil for plain types.
        public var blockFormat: attar_block_format? {
            if case .blocks(let format)? = floatForm { format } else { nil }
        }

        /// By what its numbers become 32-bit floats.
        enum FloatForm {
            case float32, float16, bfloat16
            case blocks(attar_block_format)
        }

        /// By what its numbers become 32-bit floats; nil for types that are not read so.
        var floatForm: FloatForm? {
            switch self {
            case .float32: .float32
            case .float16: .float16
            case .bfloat16: .bfloat16
            case .q4_0: .blocks(ATTAR_BLOCKS_Q4_0)
            case .q4_1: .blocks(ATTAR_BLOCKS_Q4_1)
            case .q5_0: .blocks(ATTAR_BLOCKS_Q5_0)
            case .q5_1: .blocks(ATTAR_BLOCKS_Q5_1)
            case .q8_0: .blocks(ATTAR_BLOCKS_Q8_0)
            case .q4_K: .blocks(ATTAR_BLOCKS_Q4_K)
            case .q5_K: .blocks(ATTAR_BLOCKS_Q5_K)
            case .q6_K: .blocks(ATTAR_BLOCKS_Q6_K)
            case .int8, .int16, .int32, .int64, .float64: nil
            }
        }

        /// ggml's name of any of its types, also of those that Attar does not read; "number 99" for one it has not.
        static func name(ofNumber number: UInt32) -> String { names[number] ?? "number \(number)" }

        private static let names: [UInt32: String] = [
            0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 4: "Q4_2 (removed from ggml)", 5: "Q4_3 (removed from ggml)",
            6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K",
            15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S",
            22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 30: "BF16",
            34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
        ]
    }
}
