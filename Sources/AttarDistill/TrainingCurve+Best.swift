import AttarEvidence

extension TrainingCurve {
    /// The point whose parameters the student keeps: the best on held-out texts, the earliest among equals.
    public var best: Point? {
        var best: Point?
        for point in points where (point.heldOutCosine ?? -.infinity) > (best?.heldOutCosine ?? -.infinity) {
            best = point
        }
        return best
    }
}
