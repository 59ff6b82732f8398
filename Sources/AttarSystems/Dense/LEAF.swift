import AttarDistill
import AttarEvidence
import AttarSignals
import AttarModels
import AttarTensor
import AttarText

/// LEAF (Vujanic & Rueckstiess 2025): a small student whose vectors live in the teacher's own space.
///
/// The teacher encodes unlabelled texts of the user's corpus once. A student regresses on these vectors:
/// `L = (1/B) Σ ‖y − ŷ‖²`. No labels, no hard negatives, no in-batch interaction. Because it copies the teacher's
/// coordinates, its queries can be searched against the teacher's document vectors (asymmetric mode), and for any
/// document vector d the scores differ by at most `‖y − ŷ‖ ‖d‖`.
public struct LEAF: System {
    public static let card = SystemCard(
        id: "S36", name: "LEAF",
        title: "LEAF: Knowledge Distillation of Text Embedding Models with Teacher-Aligned Representations",
        paper: "arXiv 2509.12539", group: .dense, needs: [.embeddingTeacher, .texts],
        summary: "Regresses a small encoder on the teacher's vectors of your own unlabelled texts, so that small-model "
            + "queries can be searched against big-model document vectors.")

    public static let defaultConfiguration = Configuration()

    /// Claims are about the static student and two depths; one layer and a narrow student show the rest of the
    /// frontier.
    public static var checkedConfiguration: Configuration {
        var configuration = Configuration()
        configuration.students = [
            .staticTable, .layers(3), .layers(2), .layers(1), .narrow(width: 128, layers: 2),
        ]
        return configuration
    }

    private let configuration: Configuration

    public init(configuration: Configuration) {
        self.configuration = configuration
    }

    public func run(_ context: RunContext) async throws -> EvaluationReport {
        let bench = try Workbench(context)
        // 1. The teacher encodes the documents, and the texts to learn from.
        try bench.indexWithTeacher(maximumLength: configuration.passageTokens)
        let lessons = try Lessons(bench, configuration, seed: context.seed)
        // 2. Each student is pulled towards the teacher's vectors.
        var students: [TrainedStudent] = []
        for specification in configuration.students {
            let student = try train(specification, lessons, bench)
            // 3. For symmetric search it encodes the documents too.
            try bench.index(with: student.encoder, maximumLength: configuration.passageTokens)
            students.append(student)
        }
        // 4. All are measured: quality, latency, cost.
        return try RetrievalStudy(bench, students: students, heldOut: lessons.texts.heldOut).report(
            title: "\(Self.card.name) on \(bench.collectionName)", system: Self.card.id)
    }

    private func train(_ specification: StudentSpecification, _ lessons: Lessons, _ bench: Workbench) throws -> TrainedStudent {
        switch specification {
        case .staticTable:
            try StaticTraining(configuration, lessons, bench).train()
        case .layers, .chosenLayers, .narrow:
            try TransformerTraining(specification, configuration, lessons, bench).train()
        }
    }
}

extension LEAF {
    /// What a user may choose.
    public struct Configuration: Codable, Sendable {
        /// The students to train.
        public var students: [StudentSpecification] = [.staticTable, .layers(3)]
        /// Tokens that are read of a passage when documents are encoded: the limit of the MiniLM teachers.
        public var passageTokens = 256
        /// Tokens of a text in training: queries are short, and a step's time is proportional to it. Ours.
        public var trainingTokens = 64
        /// The unlabelled texts: document-like and query-like ones, as in the paper's section on data; the amounts are
        /// ours.
        public var mixture = TextMixture(
            passages: 3000, sentences: 16_000, titles: 3000, keyphrases: 8000, spans: 20_000, bags: 15_000, mixed: 15_000,
            vocabulary: 5000, questions: 15_000)
        /// How transformers are trained. Reconstructions of LEAF start from batches of 32 and a rate of 1e-4; small
        /// students that see a small corpus for minutes learn several times faster with these.
        public var transformer = TransformerRecipe(
            settings: TrainerSettings(
                batch: 64, steps: 3000, warmUpShare: 0.05, decay: .linear, clipNorm: 1, evaluationInterval: 150,
                patience: 0, objective: .squaredDistance),
            rates: .init(backbone: 7e-4, head: 1e-3, weightDecay: 0.01), trainsEmbeddings: true)
        /// How the static student is trained.
        public var table = StaticRecipe()

        /// The defaults.
        public init() {}

        /// What all students share: another student in the list changes nothing for this one.
        var withoutStudents: Configuration {
            var shared = self
            shared.students = []
            return shared
        }
    }

    /// How transformers are trained.
    public struct TransformerRecipe: Codable, Sendable {
        /// Batch, steps, schedule.
        public var settings: TrainerSettings
        /// Learning rates.
        public var rates: TransformerStudent.Rates
        /// Whether word, position and segment tables are trained too.
        public var trainsEmbeddings: Bool
        /// The share of the inputs' variance that regularises the head's closed-form start.
        public var headRidge = 1e-3
        /// Texts from which the head's start is computed.
        public var headTexts = 2000
    }
}
