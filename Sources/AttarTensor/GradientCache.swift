/// The gradients of a large contrastive batch in the memory of a small one (Gao, Zhang, Han & Callan 2021, "Scaling
/// Deep Contrastive Learning Batch Size under Memory Limited Setup").
///
/// The loss of a contrastive batch needs the representations of all texts at once, but not all that led to them. So:
/// (1) represent the batch chunk by chunk without recording; (2) compute the loss from all representations and its
/// gradient by them; (3) represent each chunk again, recording, and go backward from its representations' gradients.
/// Gradients are those of the whole batch, up to the order of sums; time is that of one more forward pass; memory is
/// that of a chunk, of all representations and of the loss.
///
/// Random numbers, as dropout draws them, are the same both times: the generator is put back before each chunk.
///
///     var cache = GradientCache(tape: tape, generator: SeededGenerator(seed: 1))
///     let loss = cache.backward(chunks: batches.count) { tape, chunk, generator in
///         model.vectors(tape, batches[chunk], &generator)
///     } loss: { tape, vectors in
///         tape.crossEntropy(logits: tape.matmulNT(vectors, documents), targets: places)
///     }
public struct GradientCache {
    /// Where the recording passes and the loss are recorded; empty between calls.
    public let tape: Tape
    /// Where chunks draw random numbers from; moves on as if each chunk had been represented once.
    public var generator: SeededGenerator

    /// A cache for the steps of a training run.
    public init(tape: Tape, generator: SeededGenerator) {
        precondition(tape.isRecording, "GradientCache: a tape that does not record")
        self.tape = tape
        self.generator = generator
    }

    /// Computes the loss of all chunks together and adds its gradients to those of the parameters.
    ///
    /// - Parameters:
    ///   - chunks: The number of chunks, at least one.
    ///   - represent: Representations `[rowsᵢ, dim]` of one chunk; is called twice for each, and must compute the same
    ///     when its generator is the same.
    ///   - loss: A single number from the representations of all chunks, one below the other, `[Σ rowsᵢ, dim]`.
    ///     Parameters that it uses (a temperature) get their gradients as well.
    /// - Returns: The loss.
    public mutating func backward(
        chunks: Int, represent: (Tape, Int, inout SeededGenerator) -> Tensor, loss: (Tape, Tensor) -> Tensor
    ) -> Float {
        precondition(chunks > 0, "GradientCache: no chunks")
        let computing = Tape(
            threads: tape.threads, pool: tape.pool, isRecording: false, precision: tape.precision)
        var states: [SeededGenerator] = []
        var parts: [Tensor] = []
        for chunk in 0..<chunks {
            states.append(generator)
            parts.append(represent(computing, chunk, &generator))
        }
        let all = computing.concatenateRows(parts)
        let rows = parts.map(\.rows)
        parts.removeAll()
        all.requiresGradient = true
        let total = loss(tape, all)
        tape.backward(from: total)
        replay(rows, states, represent, all)
        return total.scalar
    }

    private func replay(
        _ rows: [Int], _ states: [SeededGenerator], _ represent: (Tape, Int, inout SeededGenerator) -> Tensor,
        _ all: Tensor
    ) {
        guard all.hasGradient, let gradient = all.gradientStorage else { return }
        var first = 0
        for (chunk, count) in rows.enumerated() {
            var state = states[chunk]
            let representations = represent(tape, chunk, &state)
            precondition(
                representations.rows == count && representations.columns == all.columns,
                "GradientCache: chunk \(chunk) became \(representations.shape), was [\(count), \(all.columns)]")
            let slope = UnsafeBufferPointer(
                start: gradient.pointer + first * all.columns, count: count * all.columns)
            tape.backward(from: representations, gradient: Array(slope))
            first += count
        }
    }
}
