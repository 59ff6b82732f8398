extension GGUF {
    /// What a file says of its model: values by key, such as `general.architecture` or `llama.block_count`.
    ///
    /// Look with the subscript where a key may be absent; the functions throw when it is absent or of another type.
    public struct Metadata: Sendable {
        /// The values by key.
        public let values: [String: Value]
        /// The file, for messages.
        private let path: String

        init(values: [String: Value], path: String) {
            self.values = values
            self.path = path
        }

        /// The value of a key, or nil.
        public subscript(key: String) -> Value? { values[key] }

        /// The keys, sorted.
        public var keys: [String] { values.keys.sorted() }

        /// A text.
        ///
        /// - Throws: `TensorError`: `missing`, or `mismatch` when the value is no string.
        public func string(_ key: String) throws -> String { try typed(key, "a string", \.string) }

        /// A whole number of any width.
        ///
        /// - Throws: `TensorError`: `missing`, or `mismatch` when the value is none or does not fit.
        public func integer(_ key: String) throws -> Int {
            try typed(key, "a whole number up to \(Int.max)", \.integer)
        }

        /// A float of either width.
        ///
        /// - Throws: `TensorError`: `missing`, or `mismatch` when the value is none.
        public func float(_ key: String) throws -> Double { try typed(key, "a float", \.float) }

        /// A truth value.
        ///
        /// - Throws: `TensorError`: `missing`, or `mismatch` when the value is none.
        public func bool(_ key: String) throws -> Bool { try typed(key, "a truth value", \.bool) }

        /// An array of texts, such as the vocabulary.
        ///
        /// - Throws: `TensorError`: `missing`, or `mismatch` when the value is no array of strings.
        public func strings(_ key: String) throws -> [String] {
            try typed(key, "an array of strings", \.elements?.strings)
        }

        /// An array of whole numbers of any width.
        ///
        /// - Throws: `TensorError`: `missing`, or `mismatch` when the value is none or one does not fit.
        public func integers(_ key: String) throws -> [Int] {
            try typed(key, "an array of whole numbers up to \(Int.max)", \.elements?.integers)
        }

        /// An array of floats of either width.
        ///
        /// - Throws: `TensorError`: `missing`, or `mismatch` when the value is none.
        public func floats(_ key: String) throws -> [Double] {
            try typed(key, "an array of floats", \.elements?.floats)
        }

        /// An array of truth values.
        ///
        /// - Throws: `TensorError`: `missing`, or `mismatch` when the value is none.
        public func bools(_ key: String) throws -> [Bool] {
            try typed(key, "an array of truth values", \.elements?.bools)
        }

        private func typed<Result>(_ key: String, _ expected: String, _ view: (Value) -> Result?) throws -> Result {
            guard let value = values[key] else {
                throw TensorError.file(
                    .missing, path: path, "the metadata has no \"\(key)\" among its \(values.count) entries.")
            }
            guard let result = view(value) else {
                throw TensorError.file(
                    .mismatch, path: path, "the metadata's \"\(key)\" is \(value.kind); \(expected) was expected.")
            }
            return result
        }
    }
}
