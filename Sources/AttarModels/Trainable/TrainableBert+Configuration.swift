extension TrainableBert {
    /// The sizes of a BERT encoder. Names of the JSON form are those of Hugging Face's `config.json`.
    public struct Configuration: Codable, Sendable, Equatable {
        /// The nonlinearity between the two linear maps of a layer.
        public enum Activation: String, Codable, Sendable {
            /// `x Φ(x)`.
            case gelu
            /// GELU by its tanh approximation.
            case geluTanh = "gelu_new"
            /// `max(x, 0)`.
            case relu
        }

        /// The number of word pieces.
        public var vocabularySize: Int
        /// The width of token states.
        public var hiddenSize: Int
        /// The number of layers.
        public var layerCount: Int
        /// The number of attention heads; divides the width.
        public var headCount: Int
        /// The width between the two linear maps of a layer.
        public var intermediateSize: Int
        /// The longest sequence.
        public var maximumPositions: Int
        /// The number of segment kinds; only the first is used.
        public var typeVocabularySize: Int
        /// The ε of layer normalisation.
        public var layerNormEpsilon: Float
        /// The nonlinearity.
        public var activation: Activation
        /// The standard deviation of fresh weights.
        public var initializerRange: Float

        /// The defaults are those of `bert-base` (Devlin et al. 2019) where a narrower student has no other.
        public init(
            vocabularySize: Int, hiddenSize: Int, layerCount: Int, headCount: Int, intermediateSize: Int,
            maximumPositions: Int = 512, typeVocabularySize: Int = 2, layerNormEpsilon: Float = 1e-12,
            activation: Activation = .gelu, initializerRange: Float = 0.02
        ) {
            self.vocabularySize = vocabularySize
            self.hiddenSize = hiddenSize
            self.layerCount = layerCount
            self.headCount = headCount
            self.intermediateSize = intermediateSize
            self.maximumPositions = maximumPositions
            self.typeVocabularySize = typeVocabularySize
            self.layerNormEpsilon = layerNormEpsilon
            self.activation = activation
            self.initializerRange = initializerRange
        }

        private enum CodingKeys: String, CodingKey {
            case vocabularySize = "vocab_size"
            case hiddenSize = "hidden_size"
            case layerCount = "num_hidden_layers"
            case headCount = "num_attention_heads"
            case intermediateSize = "intermediate_size"
            case maximumPositions = "max_position_embeddings"
            case typeVocabularySize = "type_vocab_size"
            case layerNormEpsilon = "layer_norm_eps"
            case activation = "hidden_act"
            case initializerRange = "initializer_range"
        }

        /// What each parameter is called and how large it is, in the order of a file of weights.
        var parameterShapes: [(name: String, shape: [Int])] {
            let width = hiddenSize
            let embeddings = [
                ("embeddings.word_embeddings.weight", [vocabularySize, width]),
                ("embeddings.position_embeddings.weight", [maximumPositions, width]),
                ("embeddings.token_type_embeddings.weight", [typeVocabularySize, width]),
                ("embeddings.LayerNorm.weight", [width]), ("embeddings.LayerNorm.bias", [width]),
            ]
            return embeddings + (0..<layerCount).flatMap(layerShapes)
        }

        private func layerShapes(_ layer: Int) -> [(name: String, shape: [Int])] {
            let (width, between) = (hiddenSize, intermediateSize)
            let maps: [(name: String, outer: Int, inner: Int)] = [
                ("attention.self.query", width, width), ("attention.self.key", width, width),
                ("attention.self.value", width, width), ("attention.output.dense", width, width),
                ("intermediate.dense", between, width), ("output.dense", width, between),
            ]
            let prefix = Self.layerPrefix(layer)
            var shapes: [(name: String, shape: [Int])] = []
            for map in maps {
                shapes.append((prefix + map.name + ".weight", [map.outer, map.inner]))
                shapes.append((prefix + map.name + ".bias", [map.outer]))
            }
            for norm in ["attention.output.LayerNorm", "output.LayerNorm"] {
                shapes.append((prefix + norm + ".weight", [width]))
                shapes.append((prefix + norm + ".bias", [width]))
            }
            return shapes
        }

        /// How the names of a layer's parameters begin.
        static func layerPrefix(_ layer: Int) -> String { "encoder.layer.\(layer)." }
    }
}
