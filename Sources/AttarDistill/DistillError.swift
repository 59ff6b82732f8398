import AttarStorage

/// A failure of training a student.
public enum DistillError: AttarError, Equatable {
    /// A student's description cannot be read.
    case badStudent(String, detail: String)
    /// The teacher is not of a kind from which this student can be made.
    case unsuitableTeacher(name: String, detail: String)
    /// There are too few texts to train on.
    case tooFewTexts(found: Int, needed: Int)
    /// A checkpoint cannot be used.
    case checkpoint(path: String, detail: String)
    /// The loss became infinite or no number.
    case diverged(step: Int, loss: Double)

    public var category: ErrorCategory {
        switch self {
        case .badStudent: .usage
        case .unsuitableTeacher, .tooFewTexts, .checkpoint: .input
        case .diverged: .claim
        }
    }

    public var description: String {
        switch self {
        case .badStudent(let text, let detail):
            "The student \"\(text)\" cannot be built: \(detail). Give layers=3 (that many of the teacher's layers), "
                + "layers=1+3+5 (these layers, counted from 0), width=128 (a narrower fresh transformer) or static (a token table)."
        case .unsuitableTeacher(let name, let detail):
            "No student can be made from \(name): \(detail)."
        case .tooFewTexts(let found, let needed):
            "Only \(found) different training texts were found where at least \(needed) are needed. Ingest more documents."
        case .checkpoint(let path, let detail):
            "The checkpoint \(path) cannot be used: \(detail). Remove it to train from the start."
        case .diverged(let step, let loss):
            "Training diverged: the loss at step \(step) is \(loss). Lower the learning rate."
        }
    }
}
