/// What distillation takes once, in seconds of computing.
public struct DistillationCost: Sendable, Codable, Equatable {
    /// The teacher encoding training texts.
    public var teacherSeconds: Double
    /// Training the student.
    public var trainSeconds: Double
    /// The student encoding the documents, for symmetric search; 0 when only asymmetric search is built.
    public var studentIndexSeconds: Double
    /// The teacher encoding the documents, which asymmetric search and the teacher itself need.
    public var teacherIndexSeconds: Double
    /// Within how many days distillation should have paid for itself.
    public var horizonDays: Double

    /// The seconds that distillation took.
    public init(
        teacherSeconds: Double, trainSeconds: Double, studentIndexSeconds: Double = 0, teacherIndexSeconds: Double = 0,
        horizonDays: Double = 30
    ) {
        self.teacherSeconds = teacherSeconds
        self.trainSeconds = trainSeconds
        self.studentIndexSeconds = studentIndexSeconds
        self.teacherIndexSeconds = teacherIndexSeconds
        self.horizonDays = horizonDays
    }

    /// What the student takes once beyond what searching with the teacher would take.
    ///
    /// Asymmetric search stands on the teacher's index, so that drops out; symmetric search builds the student's index
    /// instead of the teacher's.
    public func extraSeconds(symmetric: Bool) -> Double {
        teacherSeconds + trainSeconds + (symmetric ? studentIndexSeconds - teacherIndexSeconds : 0)
    }

    /// From how many queries a day on the student has paid for itself within the horizon.
    ///
    /// - Parameters:
    ///   - studentMicroseconds, teacherMicroseconds: the mean time of one query.
    /// - Returns: 0 if it costs nothing extra; nil if it saves nothing, so that no number of queries pays for it.
    public func breakEvenQueriesPerDay(
        studentMicroseconds: Double, teacherMicroseconds: Double, symmetric: Bool
    ) -> Double? {
        let saved = (teacherMicroseconds - studentMicroseconds) / 1e6
        guard saved > 0, horizonDays > 0 else { return nil }
        return max(0, extraSeconds(symmetric: symmetric)) / saved / horizonDays
    }
}
