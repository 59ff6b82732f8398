import AttarTensor
import CAttarKernels

/// How the next token is chosen from its logits.
public struct SamplingOptions: Sendable, Equatable, Codable {
    /// Logits are divided by it before the softmax; 0 takes the most probable token, ties the smaller id.
    public var temperature: Double
    /// The smallest set of most probable tokens that has this probability is drawn from (Holtzman et al. 2020); 1 is
    /// all.
    public var topP: Double
    /// At most so many most probable tokens are drawn from; nil is all.
    public var topK: Int?
    /// Decides all draws.
    public var seed: UInt64

    /// Options; the defaults choose greedily.
    public init(temperature: Double = 0, topP: Double = 1, topK: Int? = nil, seed: UInt64 = 0) {
        self.temperature = temperature
        self.topP = topP
        self.topK = topK
        self.seed = seed
    }

    /// - Throws: `ModelError.badOption`.
    func check() throws {
        guard temperature.isFinite, temperature >= 0 else {
            throw ModelError.badOption("A temperature of \(temperature); a number from 0 on was expected.")
        }
        guard topP > 0, topP <= 1 else {
            throw ModelError.badOption("A top-p of \(topP); a number above 0, up to 1, was expected.")
        }
        guard topK ?? 1 > 0 else {
            throw ModelError.badOption("A top-k of \(topK ?? 0); at least 1 was expected.")
        }
    }
}

/// Draws tokens from logits; one for each text, so that a text does not depend on its company.
struct Sampler {
    private let options: SamplingOptions
    private var generator: SeededGenerator
    private var probabilities: [Float] = []
    private var candidates: [Int32] = []

    init(_ options: SamplingOptions) {
        self.options = options
        generator = SeededGenerator(seed: options.seed)
    }

    /// The next token; nil when all logits are −infinity, or one is not a number.
    ///
    /// - Parameter logits: `[vocabulary]`.
    /// - Complexity: O(vocabulary), and O(c log c) for the c tokens that may belong to the set of top-p or top-k.
    mutating func next(_ logits: UnsafeMutableBufferPointer<Float>) -> Int32? {
        guard let best = Self.largest(logits) else { return nil }
        guard options.temperature > 0 else { return best }
        let inverse = Float(1 / options.temperature)
        // So low a temperature leaves one token; 1 / temperature may be infinite, and infinity · 0 is no number.
        guard inverse.isFinite, let base = logits.baseAddress else { return best }
        if probabilities.count != logits.count { probabilities = Array(repeating: 0, count: logits.count) }
        probabilities.withUnsafeMutableBufferPointer {
            guard let target = $0.baseAddress else { return }
            target.update(from: base, count: logits.count)
            attar_scale_f32(inverse, target, logits.count)
            attar_softmax_f32(target, 1, logits.count, target)
        }
        return draw(best)
    }

    /// The position of the largest number, the first among equals.
    static func largest(_ logits: UnsafeMutableBufferPointer<Float>) -> Int32? {
        var index: UInt32 = 0
        var value: Float = 0
        // Scores that are not numbers are never chosen, which must not hide that they are there.
        guard attar_top_k_f32(logits.baseAddress, logits.count, 1, &index, &value) == 1, value > -.infinity,
            value.isFinite
        else { return nil }
        return Int32(bitPattern: index)
    }

    private mutating func draw(_ best: Int32) -> Int32 {
        let isWhole = options.topP == 1 && options.topK == nil
        if isWhole { return pick(first: probabilities.count, among: nil, total: 1) ?? best }
        chooseCandidates()
        var kept = min(options.topK ?? .max, candidates.count)
        var total = 0.0
        for place in 0..<kept {
            total += Double(probabilities[Int(candidates[place])])
            if total >= options.topP {
                kept = place + 1
                break
            }
        }
        return pick(first: kept, among: candidates, total: total) ?? best
    }

    /// Tokens by falling probability, without those that together cannot reach what top-p leaves out.
    private mutating func chooseCandidates() {
        let least = Float((1 - options.topP) / Double(probabilities.count))
        candidates.removeAll(keepingCapacity: true)
        for (token, probability) in probabilities.enumerated() where probability > 0 && probability >= least {
            candidates.append(Int32(token))
        }
        let probabilities = self.probabilities
        candidates.sort { (probabilities[Int($1)], $0) < (probabilities[Int($0)], $1) }
    }

    /// One of the first tokens of a list, or of the vocabulary, drawn with its share of `total`.
    private mutating func pick(first count: Int, among tokens: [Int32]?, total: Double) -> Int32? {
        var rest = generator.uniform() * total
        var last: Int32?
        for place in 0..<count {
            let token = tokens?[place] ?? Int32(place)
            let probability = Double(probabilities[Int(token)])
            guard probability > 0 else { continue }
            last = token
            rest -= probability
            if rest < 0 { return last }
        }
        return last
    }
}
