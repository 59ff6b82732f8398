import AttarTensor
import AttarText
import CAttarKernels

/// How text is generated.
public struct GenerationOptions: Sendable {
    /// How tokens are chosen.
    public var sampling: SamplingOptions
    /// The most tokens of a text.
    public var maximumTokens: Int

    /// Options; the defaults take the most probable token, 256 times at most.
    public init(sampling: SamplingOptions = SamplingOptions(), maximumTokens: Int = 256) {
        self.sampling = sampling
        self.maximumTokens = maximumTokens
    }
}

/// Why a text ended.
public enum FinishReason: String, Sendable, Codable {
    /// The model ended it, or its constraint was fulfilled.
    case stop
    /// It reached the limit of tokens, or the model's positions.
    case length
}

/// A text that was generated.
public struct GeneratedText: Sendable, Equatable {
    /// The text, without special tokens.
    public var text: String
    /// Its tokens, without the one that ended it.
    public var ids: [Int32]
    /// Why it ended.
    public var finish: FinishReason
    /// The natural logarithms of the tokens' probabilities under the model, before temperature and constraints.
    public var logProbabilities: [Double]
}

/// Generates text with a decoder, one text or many at once.
///
/// Not for use on two threads at once.
public final class TextGenerator {
    /// The decoder with its work areas.
    public let context: DecoderContext
    private let decoder: TextDecoder
    private let special: Set<Int32>

    /// - Parameter threads: threads that share every step; results do not depend on their number.
    public init(_ decoder: TextDecoder, threads: Int = 1) {
        context = DecoderContext(decoder, threads: threads)
        self.decoder = decoder
        special = Set(decoder.tokenizer.specialIDs)
    }

    /// A text under way.
    private struct Draft {
        let sequence: DecoderSequence
        /// The most tokens that fit behind the prompt.
        let room: Int
        var sampler: Sampler
        var constraint: (any TokenConstraint)?
        var stream = TextStream()
        /// Text that nobody has been told of yet.
        var stretch = ""
        var result = GeneratedText(text: "", ids: [], finish: .length, logProbabilities: [])
        var isFinished = false

        /// Takes a token; its text is nil for special ones.
        mutating func append(_ token: Int32, logProbability: Double, bytes: [UInt8]?, limit: Int) {
            result.ids.append(token)
            result.logProbabilities.append(logProbability)
            constraint?.accept(token)
            if let bytes { stretch += stream.append(bytes) }
            if result.ids.count >= min(limit, room) { finish(.length) }
        }

        mutating func finish(_ reason: FinishReason) {
            stretch += stream.finish()
            result.finish = reason
            isFinished = true
        }
    }

    /// Goes on after a prompt.
    ///
    /// - Parameters:
    ///   - prompt: tokens, at least one (see `TextDecoder.prompt(for:)` and `TextDecoder.prompt(raw:)`).
    ///   - constraint: rules which tokens may come next.
    ///   - onText: called with each stretch of finished text as soon as it is there.
    /// - Throws: `ModelError.badOption` for options that make no sense and prompts that are too long;
    ///   `ModelError.notFinite` when the model gives no numbers; `CancellationError`.
    /// - Complexity: O(weights) for each token, and the prompt in one pass.
    public func generate(
        _ prompt: [Int32], options: GenerationOptions = GenerationOptions(), constraint: (any TokenConstraint)? = nil,
        onText: ((String) throws -> Void)? = nil
    ) throws -> GeneratedText {
        let texts = try generate([prompt], options: options, constraints: [constraint]) { _, text in try onText?(text) }
        return texts[0]
    }

    /// Goes on after several prompts at once, each token of all texts in one pass.
    ///
    /// A text is the same as when it is generated alone: the draws of text i come from the seed of the options plus i.
    ///
    /// - Parameters:
    ///   - constraints: one for each prompt, or none at all.
    ///   - onText: called with the number of the text and its next stretch.
    /// - Returns: the texts, in the order of the prompts.
    /// - Throws: as the function for one prompt.
    public func generate(
        _ prompts: [[Int32]], options: GenerationOptions = GenerationOptions(),
        constraints: [(any TokenConstraint)?] = [], onText: ((_ text: Int, _ stretch: String) throws -> Void)? = nil
    ) throws -> [GeneratedText] {
        precondition(constraints.isEmpty || constraints.count == prompts.count, "\(constraints.count) constraints")
        try check(prompts, options)
        var drafts = prompts.indices.map { index in
            var sampling = options.sampling
            sampling.seed &+= UInt64(index)
            return Draft(
                sequence: context.makeSequence(), room: decoder.configuration.positions - prompts[index].count + 1,
                sampler: Sampler(sampling), constraint: constraints.isEmpty ? nil : constraints[index])
        }
        var active = options.maximumTokens > 0 ? Array(prompts.indices) : []
        var pieces = active.map { DecoderContext.Piece(drafts[$0].sequence, prompts[$0]) }
        while !active.isEmpty {
            try Task.checkCancellation()
            try step(&drafts, active, pieces, options, onText)
            active.removeAll { drafts[$0].isFinished }
            pieces.removeAll(keepingCapacity: true)
            for index in active {
                pieces.append(DecoderContext.Piece(drafts[index].sequence, drafts[index].result.ids.suffix(1)))
            }
        }
        return drafts.map(\.result)
    }

    private func check(_ prompts: [[Int32]], _ options: GenerationOptions) throws {
        try options.sampling.check()
        guard options.maximumTokens >= 0 else {
            throw ModelError.badOption("At most \(options.maximumTokens) tokens were asked for; 0 or more were expected.")
        }
        let positions = decoder.configuration.positions
        for prompt in prompts {
            guard !prompt.isEmpty else { throw ModelError.badOption("The prompt is empty; it must hold some text.") }
            guard prompt.count < positions else {
                throw ModelError.badOption(
                    "The prompt has \(prompt.count) tokens; \(decoder.name) has \(positions) positions for it and the answer.")
            }
        }
    }

    /// Reads the pieces of the active texts and chooses the next token of each.
    private func step(
        _ drafts: inout [Draft], _ active: [Int], _ pieces: [DecoderContext.Piece], _ options: GenerationOptions,
        _ onText: ((Int, String) throws -> Void)?
    ) throws {
        var failed: Int?
        try context.read(pieces) { piece, _, logits in
            if !choose(&drafts[active[piece]], logits, options) { failed = failed ?? active[piece] }
        }
        if let failed { throw ModelError.noNextToken(model: decoder.name, text: failed + 1) }
        for index in active where !drafts[index].stretch.isEmpty {
            drafts[index].result.text += drafts[index].stretch
            try onText?(index, drafts[index].stretch)
            drafts[index].stretch = ""
        }
    }

    /// Appends the next token to a text, or ends it; false when there is none to choose.
    private func choose(
        _ draft: inout Draft, _ logits: UnsafeMutableBufferPointer<Float>, _ options: GenerationOptions
    ) -> Bool {
        let total = attar_log_sum_exp_f32(logits.baseAddress, logits.count)
        draft.constraint?.mask(logits)
        guard total.isFinite, let token = draft.sampler.next(logits) else { return false }
        if decoder.endIDs.contains(token) {
            draft.finish(.stop)
        } else {
            draft.append(
                token, logProbability: Double(logits[Int(token)]) - total,
                bytes: special.contains(token) ? nil : decoder.tokenizer.bytes(of: token), limit: options.maximumTokens)
        }
        return true
    }
}
