import AttarTensor

/// What a decoder computes with: work areas and threads, for any number of sequences, one call at a time.
///
/// ```swift
/// let context = DecoderContext(decoder)
/// let sequence = context.makeSequence()
/// try context.read([.init(sequence, ids)]) { _, _, logits in print(logits.count) }   // of the last token
/// ```
/// Not for use on two threads at once; make one context a thread, they share the weights.
public final class DecoderContext {
    /// New tokens of one sequence.
    public struct Piece {
        /// The sequence that goes on.
        public let sequence: DecoderSequence
        /// The tokens.
        public let ids: ArraySlice<Int32>
        /// Logits are wanted of the tokens from this one on; `ids.count` wants none.
        public let logitsFrom: Int

        /// - Parameter logitsFrom: nil for the last token's alone.
        /// - Precondition: there are tokens.
        public init(_ sequence: DecoderSequence, _ ids: ArraySlice<Int32>, logitsFrom: Int? = nil) {
            precondition(!ids.isEmpty, "a piece without tokens")
            self.sequence = sequence
            self.ids = ids
            self.logitsFrom = logitsFrom ?? ids.count - 1
        }

        /// The same for an array.
        public init(_ sequence: DecoderSequence, _ ids: [Int32], logitsFrom: Int? = nil) {
            self.init(sequence, ids[...], logitsFrom: logitsFrom)
        }
    }

    /// Takes the logits `[vocabulary]` after token `token` of piece `piece`, and may change them; they are valid during
    /// the call.
    public typealias LogitsVisitor = (_ piece: Int, _ token: Int, _ logits: UnsafeMutableBufferPointer<Float>) -> Void

    /// The decoder.
    public let decoder: TextDecoder
    let team: WorkTeam
    private let rotary: RotaryTable
    private var work: DecoderWorkspace
    private var ids: [Int32] = []
    private var rows: [SequenceRows] = []
    /// The rows whose logits are wanted, and where they come from.
    private var wanted: [Int] = []
    private var origins: [(piece: Int, token: Int)] = []

    /// - Parameter threads: threads that share every step; results do not depend on their number.
    public init(_ decoder: TextDecoder, threads: Int = 1) {
        precondition(threads > 0, "\(threads) threads")
        self.decoder = decoder
        team = WorkTeam(count: threads)
        rotary = RotaryTable(decoder.configuration)
        work = DecoderWorkspace(
            decoder.configuration, rows: 16, forms: decoder.weights.forms, members: threads)
    }

    /// A sequence without tokens.
    public func makeSequence() -> DecoderSequence { DecoderSequence(decoder.configuration) }

    /// Reads new tokens of several sequences, in chunks of some hundred tokens.
    ///
    /// - Parameters:
    ///   - pieces: at most one a sequence.
    ///   - states: called with the states of a chunk after each layer that `layers` names: 0 is the token table, the
    ///     last one, as in transformers, is normalised.
    ///   - visit: called for each wanted token, in the order of pieces and tokens.
    /// - Throws: `ModelError.badOption` when a sequence becomes longer than the model's positions; nothing is read
    ///   then.
    /// - Complexity: O(tokens · (weights + positions · hidden)); the product with the vocabulary for wanted tokens
    ///   alone.
    public func read(
        _ pieces: [Piece], states: StatesVisitor? = nil, visit: LogitsVisitor
    ) throws {
        let shape = decoder.configuration
        for piece in pieces {
            let length = piece.sequence.count + piece.ids.count
            guard length <= shape.positions else {
                throw ModelError.badOption(
                    "A sequence of \(length) tokens is too long: \(decoder.name) has \(shape.positions) positions.")
            }
            piece.sequence.reserve(length)
            rotary.reserve(length)
            work.reserve(length: length)
        }
        makeRoom(pieces.reduce(0) { $0 + $1.ids.count })
        var cursor = (piece: 0, token: 0)
        while cursor.piece < pieces.count {
            fill(pieces, &cursor)
            walk(states, visit)
            for part in rows { part.sequence.advance(by: part.rows.count) }
        }
    }

    private func makeRoom(_ tokens: Int) {
        let rows = min(DecoderWorkspace.rows, tokens)
        guard rows > work.capacity else { return }
        work = work.grown(to: DecoderWorkspace.rows, forms: decoder.weights.forms, members: team.count)
    }

    /// Collects the next chunk.
    private func fill(_ pieces: [Piece], _ cursor: inout (piece: Int, token: Int)) {
        ids.removeAll(keepingCapacity: true)
        rows.removeAll(keepingCapacity: true)
        wanted.removeAll(keepingCapacity: true)
        origins.removeAll(keepingCapacity: true)
        while cursor.piece < pieces.count, ids.count < work.capacity {
            let piece = pieces[cursor.piece]
            let count = min(piece.ids.count - cursor.token, work.capacity - ids.count)
            let start = ids.count, first = piece.sequence.count
            rows.append(SequenceRows(sequence: piece.sequence, rows: start..<(start + count), first: first))
            for token in cursor.token..<(cursor.token + count) {
                if token >= piece.logitsFrom {
                    wanted.append(ids.count)
                    origins.append((cursor.piece, token))
                }
                work.positions[ids.count] = Int32(first + ids.count - start)
                ids.append(piece.ids[piece.ids.startIndex + token])
            }
            cursor.token += count
            if cursor.token == piece.ids.count { cursor = (cursor.piece + 1, 0) }
        }
    }

    /// Runs the chunk through all layers and hands out what is wanted.
    private func walk(_ states: StatesVisitor?, _ visit: LogitsVisitor) {
        let pass = DecoderPass(
            shape: decoder.configuration, weights: decoder.weights, work: work, rotary: rotary, sequences: rows,
            rowCount: ids.count)
        let layers = decoder.configuration.layers
        let ids = self.ids
        if let states {
            team.run { pass.embed(ids, $0) }
            for layer in 0...layers {
                if states.layers.contains(layer) { hand(states, layer, pass) }
                if layer < layers { team.run { pass.run(layer, $0) } }
            }
        } else {
            team.run { member in
                pass.embed(ids, member)
                for layer in 0..<layers { pass.run(layer, member) }
            }
        }
        for first in stride(from: 0, to: wanted.count, by: DecoderWorkspace.logitRows) {
            let block = wanted[first..<min(wanted.count, first + DecoderWorkspace.logitRows)]
            team.run { pass.logits(of: block, $0) }
            let vocabulary = decoder.configuration.vocabularySize
            for place in 0..<block.count {
                let (piece, token) = origins[first + place]
                visit(
                    piece, token,
                    UnsafeMutableBufferPointer(start: work.logits.start + place * vocabulary, count: vocabulary))
            }
        }
    }

    /// Hands out the states after a layer; the last layer's behind the final norm.
    private func hand(_ states: StatesVisitor, _ layer: Int, _ pass: DecoderPass) {
        let width = decoder.configuration.hiddenSize
        let isLast = layer == decoder.configuration.layers
        if isLast { pass.normalizeForOutput() }
        let start = isLast ? work.normed.floats.start : work.states.start
        states.visit(layer, UnsafeBufferPointer(start: start, count: ids.count * width))
    }
}

/// Takes the states of the tokens of a chunk after some layers.
public struct StatesVisitor {
    /// The layers: 0 is the token table, `configuration.layers` the last, behind the final norm.
    public let layers: Set<Int>
    /// Called with `[tokens, hidden]`, the chunk's tokens in the order of the pieces.
    public let visit: (_ layer: Int, _ states: UnsafeBufferPointer<Float>) -> Void

    /// A visitor.
    public init(layers: Set<Int>, visit: @escaping (_ layer: Int, _ states: UnsafeBufferPointer<Float>) -> Void) {
        self.layers = layers
        self.visit = visit
    }
}
