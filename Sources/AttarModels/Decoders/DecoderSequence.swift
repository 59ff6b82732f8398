import CAttarKernels

/// One sequence that a decoder reads: the keys and values of its tokens so far.
///
/// Not for use on two threads at once.
public final class DecoderSequence {
    /// How many tokens it has read.
    public private(set) var count = 0
    private let shape: DecoderConfiguration
    private var capacity = 0
    private var layers: [Layer]

    /// `[keyValueHeads]` heads, keys in panels and values in rows.
    private struct Layer {
        var keys = FloatBuffer(count: 0)
        var values = FloatBuffer(count: 0)
    }

    init(_ shape: DecoderConfiguration) {
        self.shape = shape
        layers = Array(repeating: Layer(), count: shape.layers)
    }

    /// A sequence of its own that begins with the same tokens: the way to go on from one prompt in several ways.
    ///
    /// - Complexity: O(`count`); keys and values are copied.
    public func copy() -> DecoderSequence {
        let other = DecoderSequence(shape)
        other.reserve(max(count, 1))
        for layer in layers.indices {
            for head in 0..<shape.keyValueHeads {
                other.keys(layer, head).update(from: keys(layer, head), count: panelFloats)
                other.values(layer, head).update(from: values(layer, head), count: count * shape.headSize)
            }
        }
        other.count = count
        return other
    }

    /// Forgets all tokens but the first `count`, which are read no more.
    ///
    /// - Precondition: there are so many.
    public func truncate(to count: Int) {
        precondition((0...self.count).contains(count), "\(count) tokens of \(self.count)")
        self.count = count
    }

    /// Makes room for `positions` tokens, with a reserve, so that most tokens cost no allocation.
    func reserve(_ positions: Int) {
        guard positions > capacity else { return }
        let wanted = max(positions, min(shape.positions, max(64, 2 * capacity)))
        let grown = (wanted + keyPanel - 1) / keyPanel * keyPanel
        let (size, heads) = (shape.headSize, shape.keyValueHeads)
        for layer in layers.indices {
            let (keys, values) = (FloatBuffer(count: heads * grown * size), FloatBuffer(count: heads * grown * size))
            for head in 0..<heads {
                (keys.start + head * grown * size).update(from: self.keys(layer, head), count: panelFloats)
                (values.start + head * grown * size).update(from: self.values(layer, head), count: count * size)
            }
            layers[layer] = Layer(keys: keys, values: values)
        }
        capacity = grown
    }

    /// Counts tokens whose keys and values were written.
    func advance(by tokens: Int) { count += tokens }

    /// The keys of one head, in panels.
    func keys(_ layer: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
        layers[layer].keys.start + head * capacity * shape.headSize
    }

    /// The values of one head, `[capacity, headSize]`.
    func values(_ layer: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
        layers[layer].values.start + head * capacity * shape.headSize
    }

    /// The floats of the panels that hold the keys of `count` positions.
    private var panelFloats: Int { attar_cached_keys_size(count, shape.headSize) }
}

/// `ATTAR_KEY_PANEL`, as a number.
private let keyPanel = Int(ATTAR_KEY_PANEL)
