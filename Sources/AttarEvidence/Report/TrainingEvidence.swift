/// How one student learned.
public struct TrainingCurve: Sendable, Codable, Equatable {
    /// One measurement during training.
    public struct Point: Sendable, Codable, Equatable {
        /// The number of steps taken.
        public var step: Int
        /// The training loss, nil where it was not recorded.
        public var loss: Double?
        /// The mean cosine to the teacher on texts held out, nil where it was not measured.
        public var heldOutCosine: Double?
        /// The seconds of training so far.
        public var seconds: Double

        /// One measurement during training.
        public init(step: Int, loss: Double?, heldOutCosine: Double?, seconds: Double) {
            self.step = step
            self.loss = loss
            self.heldOutCosine = heldOutCosine
            self.seconds = seconds
        }
    }

    /// The student.
    public var name: String
    /// The measurements in the order of their steps.
    public var points: [Point]

    /// How one student learned.
    public init(name: String, points: [Point]) {
        self.name = name
        self.points = points
    }
}

/// A query with what two pipelines return for it.
public struct RankingExample: Sendable, Codable, Equatable {
    /// One document of a ranking.
    public struct Entry: Sendable, Codable, Equatable {
        /// The document's identifier.
        public var documentID: String
        /// Its title or beginning.
        public var title: String
        /// Its judged grade, nil if it was not judged.
        public var grade: Int?

        /// One document of a ranking.
        public init(documentID: String, title: String, grade: Int? = nil) {
            self.documentID = documentID
            self.title = title
            self.grade = grade
        }
    }

    /// The first documents of one pipeline.
    public struct Ranking: Sendable, Codable, Equatable {
        /// The pipeline's name.
        public var pipeline: String
        /// Its first documents, best first.
        public var entries: [Entry]
        /// The primary metric for this query, nil if it was not judged.
        public var value: Double?

        /// The first documents of one pipeline.
        public init(pipeline: String, entries: [Entry], value: Double? = nil) {
            self.pipeline = pipeline
            self.entries = entries
            self.value = value
        }
    }

    /// The query's identifier.
    public var queryID: String
    /// The query.
    public var query: String
    /// The rankings side by side: the student's, then the teacher's.
    public var rankings: [Ranking]

    /// A query with what the pipelines return for it.
    public init(queryID: String, query: String, rankings: [Ranking]) {
        self.queryID = queryID
        self.query = query
        self.rankings = rankings
    }
}
