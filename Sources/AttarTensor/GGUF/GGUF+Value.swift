extension GGUF {
    /// One value of the metadata, as it is typed in the file.
    ///
    /// The computed properties look at it as a caller needs it, and are nil when it is something else.
    public enum Value: Sendable, Equatable {
        case uint8(UInt8), int8(Int8), uint16(UInt16), int16(Int16), uint32(UInt32), int32(Int32)
        case uint64(UInt64), int64(Int64)
        case float32(Float), float64(Double)
        case bool(Bool)
        case string(String)
        case array(Elements)

        /// The text of a string.
        public var string: String? {
            if case .string(let value) = self { value } else { nil }
        }

        /// The number, when it is whole, of any width, and fits.
        public var integer: Int? {
            switch self {
            case .uint8(let value): Int(value)
            case .int8(let value): Int(value)
            case .uint16(let value): Int(value)
            case .int16(let value): Int(value)
            case .uint32(let value): Int(value)
            case .int32(let value): Int(value)
            case .uint64(let value): Int(exactly: value)
            case .int64(let value): Int(value)
            default: nil
            }
        }

        /// The number, when it is a float of either width.
        public var float: Double? {
            switch self {
            case .float32(let value): Double(value)
            case .float64(let value): value
            default: nil
            }
        }

        /// The truth value.
        public var bool: Bool? {
            if case .bool(let value) = self { value } else { nil }
        }

        /// The elements of an array.
        public var elements: Elements? {
            if case .array(let value) = self { value } else { nil }
        }

        /// What it is, for messages: "a string", "an array of 5 floats".
        var kind: String {
            switch self {
            case .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64: "a whole number"
            case .float32, .float64: "a float"
            case .bool: "a truth value"
            case .string: "a string"
            case .array(let elements): "an array of \(elements.count) \(elements.kind)"
            }
        }
    }

    /// The elements of an array in the metadata; all have one type, and arrays may hold arrays.
    public enum Elements: Sendable, Equatable {
        case uint8([UInt8]), int8([Int8]), uint16([UInt16]), int16([Int16]), uint32([UInt32]), int32([Int32])
        case uint64([UInt64]), int64([Int64])
        case float32([Float]), float64([Double])
        case bool([Bool])
        case string([String])
        case array([Elements])

        /// The number of the elements; arrays inside count as one each.
        public var count: Int {
            switch self {
            case .uint8(let values): values.count
            case .int8(let values): values.count
            case .uint16(let values): values.count
            case .int16(let values): values.count
            case .uint32(let values): values.count
            case .int32(let values): values.count
            case .uint64(let values): values.count
            case .int64(let values): values.count
            case .float32(let values): values.count
            case .float64(let values): values.count
            case .bool(let values): values.count
            case .string(let values): values.count
            case .array(let values): values.count
            }
        }

        /// The texts of an array of strings.
        public var strings: [String]? {
            if case .string(let values) = self { values } else { nil }
        }

        /// Whole numbers of any width; nil also when one does not fit.
        ///
        /// - Complexity: O(count).
        public var integers: [Int]? {
            switch self {
            case .uint8(let values): return values.map(Int.init)
            case .int8(let values): return values.map(Int.init)
            case .uint16(let values): return values.map(Int.init)
            case .int16(let values): return values.map(Int.init)
            case .uint32(let values): return values.map(Int.init)
            case .int32(let values): return values.map(Int.init)
            case .uint64(let values):
                let fitting = values.compactMap { Int(exactly: $0) }
                return fitting.count == values.count ? fitting : nil
            case .int64(let values): return values.map(Int.init)
            default: return nil
            }
        }

        /// Floats of either width.
        ///
        /// - Complexity: O(count).
        public var floats: [Double]? {
            switch self {
            case .float32(let values): values.map(Double.init)
            case .float64(let values): values
            default: nil
            }
        }

        /// Truth values.
        public var bools: [Bool]? {
            if case .bool(let values) = self { values } else { nil }
        }

        /// The arrays of an array of arrays.
        public var arrays: [Elements]? {
            if case .array(let values) = self { values } else { nil }
        }

        /// What they are, for messages.
        var kind: String {
            switch self {
            case .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64: "whole numbers"
            case .float32, .float64: "floats"
            case .bool: "truth values"
            case .string: "strings"
            case .array: "arrays"
            }
        }
    }
}
