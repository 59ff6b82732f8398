import CAttarKernels

/// Rows of a forward pass that belong to one sequence.
struct SequenceRows {
    let sequence: DecoderSequence
    /// The rows of the pass.
    let rows: Range<Int>
    /// The position of the first of them.
    let first: Int
}

/// One walk of some tokens of one or several sequences through the layers of a decoder, by all members of a team
/// together.
///
/// Rows of all sequences go through the products side by side; attention and positions are each sequence's own. There
/// is no padding. Every method is called by every member, which does its share.
struct DecoderPass: @unchecked Sendable {
    let shape: DecoderConfiguration
    let weights: DecoderWeights
    let work: DecoderWorkspace
    let rotary: RotaryTable
    let sequences: [SequenceRows]
    let rowCount: Int

    private var stride: Int { shape.queryWidth + 2 * shape.keyValueWidth }

    /// Writes the vectors of the tokens into the states.
    func embed(_ ids: [Int32], _ member: WorkTeam.Member) {
        for row in member.share(of: rowCount) {
            weights.tokens.copy(Int(ids[row]), to: work.states.start + row * shape.hiddenSize)
        }
        member.wait()
    }

    /// Attention and feed-forward part of one layer.
    func run(_ index: Int, _ member: WorkTeam.Member) {
        let layer = weights.layers[index]
        normalize(layer.attentionNorm, layer.attentionForms, member)
        project(layer, member)
        remember(index, member)
        attend(index, layer.attentionOutput.form, member)
        add(layer.attentionOutput, of: work.context, member)
        normalize(layer.feedForwardNorm, layer.feedForwardForms, member)
        activate(layer, member)
        add(layer.down, of: work.hidden, member)
    }

    private func normalize(_ gamma: FloatBuffer, _ forms: Activations.Form, _ member: WorkTeam.Member) {
        let rows = member.share(of: rowCount), width = shape.hiddenSize
        attar_rms_norm_f32(
            work.states.start + rows.lowerBound * width, nil, gamma.start, rows.count, width, shape.epsilon, nil,
            work.normed.floats.start + rows.lowerBound * width, nil)
        work.normed.prepare(rows, forms)
        member.wait()
    }

    /// Queries, keys and values.
    private func project(_ layer: DecoderWeights.Layer, _ member: WorkTeam.Member) {
        var column = 0
        for linear in [layer.query, layer.key, layer.value] {
            let columns = member.share(of: linear.outputs, unit: DecoderLinear.columnUnit)
            linear.apply(
                work.normed, rows: rowCount, work.queryKeyValue.start + column, stride: stride, columns: columns)
            column += linear.outputs
        }
        member.wait()
    }

    /// Turns queries and keys by their positions, and writes keys and values into the caches.
    private func remember(_ layer: Int, _ member: WorkTeam.Member) {
        let mine = member.share(of: rowCount), size = shape.headSize
        let start = work.queryKeyValue.start + mine.lowerBound * stride
        attar_rotary_f32(
            start, stride, mine.count, shape.heads + shape.keyValueHeads, size, size, ATTAR_ROTARY_HALVES,
            work.positions + mine.lowerBound, rotary.cosines.start, rotary.sines.start, false, start, stride)
        for piece in sequences {
            let rows = piece.rows.clamped(to: mine)
            guard !rows.isEmpty else { continue }
            let first = piece.first + rows.lowerBound - piece.rows.lowerBound
            for head in 0..<shape.keyValueHeads {
                let key = work.queryKeyValue.start + rows.lowerBound * stride + shape.queryWidth + head * size
                attar_cache_keys_f32(key, stride, rows.count, size, first, piece.sequence.keys(layer, head))
                let values = piece.sequence.values(layer, head) + first * size
                for row in 0..<rows.count {
                    (values + row * size).update(from: key + row * stride + shape.keyValueWidth, count: size)
                }
            }
        }
        member.wait()
    }

    /// Rows of a sequence that are one piece of attention's work.
    private static let attentionRows = 32

    private func attend(_ layer: Int, _ form: Activations.Form, _ member: WorkTeam.Member) {
        var piece = 0
        for part in sequences {
            for first in Swift.stride(from: 0, to: part.rows.count, by: Self.attentionRows) {
                let count = min(Self.attentionRows, part.rows.count - first)
                for head in 0..<shape.keyValueHeads {
                    if piece % member.count == member.index {
                        attend(layer, head, part, first..<(first + count), scratch: work.scratch[member.index])
                    }
                    piece += 1
                }
            }
        }
        member.wait()
        work.context.prepare(member.share(of: rowCount), form)
        member.wait()
    }

    private func attend(
        _ layer: Int, _ head: Int, _ part: SequenceRows, _ rows: Range<Int>, scratch: FloatBuffer
    ) {
        let size = shape.headSize, row = part.rows.lowerBound + rows.lowerBound
        let column = head * shape.group * size
        var cached = attar_cached_head(
            q: work.queryKeyValue.start + row * stride + column, q_stride: stride, rows: rows.count, group: shape.group,
            head_dim: size, keys: part.sequence.keys(layer, head), values: part.sequence.values(layer, head),
            value_stride: size, first: part.first + rows.lowerBound, scale: 1 / Float(size).squareRoot())
        attar_cached_attention_f32(
            &cached, work.context.floats.start + row * shape.queryWidth + column, shape.queryWidth, scratch.start)
    }

    /// states += x Wᵀ
    private func add(_ linear: DecoderLinear, of x: Activations, _ member: WorkTeam.Member) {
        let columns = member.share(of: linear.outputs, unit: DecoderLinear.columnUnit)
        linear.apply(x, rows: rowCount, work.update.start, stride: shape.hiddenSize, columns: columns)
        for row in 0..<rowCount {
            let place = row * shape.hiddenSize + columns.lowerBound
            attar_add_f32(work.update.start + place, work.states.start + place, columns.count)
        }
        member.wait()
    }

    /// hidden = silu(x gateᵀ) · (x upᵀ)
    private func activate(_ layer: DecoderWeights.Layer, _ member: WorkTeam.Member) {
        let width = shape.intermediateSize
        let columns = member.share(of: width, unit: DecoderLinear.columnUnit)
        let gate = work.hidden.floats.start, up = work.up.start
        layer.gate.apply(work.normed, rows: rowCount, gate, stride: width, columns: columns)
        layer.up.apply(work.normed, rows: rowCount, up, stride: width, columns: columns)
        for row in 0..<rowCount {
            let place = row * width + columns.lowerBound
            attar_silu_f32(gate + place, gate + place, columns.count)
            attar_multiply_f32(gate + place, up + place, gate + place, columns.count)
        }
        member.wait()
        work.hidden.prepare(member.share(of: rowCount), layer.down.form)
        member.wait()
    }

    /// Writes the states behind the final norm into `work.normed`; called by one thread alone.
    func normalizeForOutput() {
        attar_rms_norm_f32(
            work.states.start, nil, weights.outputNorm.start, rowCount, shape.hiddenSize, shape.epsilon, nil,
            work.normed.floats.start, nil)
    }

    /// The logits of some rows, `[rows.count, vocabulary]` at the beginning of `work.logits`.
    ///
    /// - Parameter rows: at most `DecoderWorkspace.logitRows`.
    func logits(of rows: ArraySlice<Int>, _ member: WorkTeam.Member) {
        let width = shape.hiddenSize
        for (place, row) in rows.enumerated() where place % member.count == member.index {
            attar_rms_norm_f32(
                work.states.start + row * width, nil, weights.outputNorm.start, 1, width, shape.epsilon, nil,
                work.chosen.floats.start + place * width, nil)
            work.chosen.prepare(place..<(place + 1), weights.output.form)
        }
        member.wait()
        let columns = member.share(of: shape.vocabularySize, unit: DecoderLinear.columnUnit)
        weights.output.apply(
            work.chosen, rows: rows.count, work.logits.start, stride: shape.vocabularySize, columns: columns)
        member.wait()
    }
}
