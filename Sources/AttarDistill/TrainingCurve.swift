/// How a training run went.
public struct TrainingCurve: Codable, Sendable, Equatable {
    /// One look at the run.
    public struct Point: Codable, Sendable, Equatable {
        /// Steps done.
        public let step: Int
        /// The mean loss since the last point; nil before the first step.
        public let loss: Double?
        /// The mean cosine between student and teacher on held-out texts.
        public let heldOutCosine: Double
        /// Seconds of training so far, over all processes that took part in it.
        public let seconds: Double
    }

    /// The points in order of their steps; the first is the untrained student.
    public var points: [Point] = []

    /// The point whose parameters the student has: the best on held-out texts, the earliest among equals.
    public var best: Point? {
        points.max { $0.heldOutCosine < $1.heldOutCosine || ($0.heldOutCosine == $1.heldOutCosine && $0.step > $1.step) }
    }
}
