import Foundation

/// How the learning rate changes over a run: a linear rise, then a fall.
///
///     let schedule = LearningRateSchedule(warmUpSteps: 10, totalSteps: 100, decay: .linear)
///     schedule.factor(at: 0)     // 0.1
///     schedule.factor(at: 9)     // 1
///     schedule.factor(at: 55)    // 0.5
public struct LearningRateSchedule: Codable, Sendable, Equatable {
    /// The shape of the fall.
    public enum Decay: String, Codable, Sendable {
        /// No fall.
        case constant
        /// A straight line.
        case linear
        /// Half a cosine wave (Loshchilov & Hutter 2017).
        case cosine
    }

    /// The steps of the rise; the first step already has a rate above zero.
    public var warmUpSteps: Int
    /// The steps of the whole run.
    public var totalSteps: Int
    /// The shape of the fall.
    public var decay: Decay
    /// The factor at the end of the fall, and after it.
    public var finalFactor: Float

    /// A schedule.
    public init(warmUpSteps: Int, totalSteps: Int, decay: Decay = .linear, finalFactor: Float = 0) {
        self.warmUpSteps = warmUpSteps
        self.totalSteps = totalSteps
        self.decay = decay
        self.finalFactor = finalFactor
    }

    /// What the learning rate is multiplied with at a step, counted from zero.
    ///
    /// Rise: `(step + 1) / warmUpSteps`. Fall, with `x` the part of the remaining steps that is done: `1 − x` or
    /// `(1 + cos πx) / 2`, stretched to end at `finalFactor`.
    public func factor(at step: Int) -> Float {
        if step < warmUpSteps { return Float(step + 1) / Float(warmUpSteps) }
        let done = min(1, Double(step - warmUpSteps) / Double(max(1, totalSteps - warmUpSteps)))
        let left: Double
        switch decay {
        case .constant: return 1
        case .linear: left = 1 - done
        case .cosine: left = (1 + cos(.pi * done)) / 2
        }
        return finalFactor + (1 - finalFactor) * Float(left)
    }
}
