import AttarDistill
import AttarEvidence
import AttarIndex
import AttarTensor
import AttarText
import Foundation

/// Distill-VQ (Xiao et al. 2022): an inverted file of product-quantised codes whose scores order documents as the
/// uncompressed vectors do.
///
/// Ordinary quantisers are fitted to reconstruct vectors. Here centroids and codewords go on from there and are pulled
/// towards the teacher's scores: for queries made of the corpus, `−Σ softmax(t / τ) ln softmax(s / τ)` (ListNet) over
/// documents that the teacher ranks high for one of them, where t are the scores of the full vectors and s those of the
/// codes; gradients pass the choice of codewords straight through. Nothing is judged, and no encoder is changed.
public struct DistillVQ: System {
    public static let card = SystemCard(
        id: "S10", name: "Distill-VQ",
        title: "Distill-VQ: Learning Retrieval Oriented Vector Quantization By Distilling Knowledge from Dense Embeddings",
        paper: "arXiv 2204.00185", group: .compress, needs: [.embeddingTeacher, .texts],
        summary: "Compresses a corpus's vectors 30 to 100 times, and tunes centroids and codewords by the scores of the "
            + "full vectors, so that the ranking is kept.")

    public static let defaultConfiguration = Configuration()

    private let configuration: Configuration

    public init(configuration: Configuration) {
        self.configuration = configuration
    }

    public func run(_ context: RunContext) async throws -> EvaluationReport {
        let bench = try Workbench(context)
        // 1. The teacher encodes documents and unlabelled queries, and ranks the documents for each query.
        try bench.indexWithTeacher(maximumLength: configuration.passageTokens)
        let signals = try QuantizerSignals(bench, configuration)
        var students: [QuantizedStudent] = []
        var checkpoints: [Checkpoint] = []
        for bytes in configuration.bytes {
            // 2. IVF-OPQ, fitted to reconstruct the vectors.
            let start = try IVFQuantizer(
                signals.documents, parameters: configuration.parameters(bytes, signals.documents.count, seed: context.seed),
                threads: context.threads)
            students.append(try signals.indexed(start, name: Self.baselineName(bytes), file: "opq-\(bytes)"))
            // 3. Its centroids and codewords are tuned by the teacher's scores; the rotation stays.
            let name = Self.studentName(bytes)
            let trainer = try QuantizerTrainer(
                start, lessons: try signals.lessons(for: start), settings: configuration.training, seed: context.seed,
                threads: context.threads)
            let checkpoint = bench.checkpoint(of: trainer, name: "distilled-\(bytes)")
            checkpoints.append(checkpoint)
            let (tuned, curve) = try trainer.run(name: name, checkpoint: checkpoint) { step, total in
                context.progress(.init(stage: "training \(name)", completed: step, total: total, unit: "steps"))
            }
            // 4. All documents are encoded anew: their old codes belong to the old codewords.
            students.append(try signals.indexed(tuned, name: name, file: "distilled-\(bytes)", curve: curve))
        }
        // 5. Which of the teacher's ten best documents are among the first ten by codes alone?
        let study = QuantizerStudy(bench, signals, students, lists: configuration.probed(signals.documents.count))
        let report = try study.report(title: "\(Self.card.name) on \(bench.collectionName)", system: Self.card.id)
        // Until here a run that is stopped trains nothing twice.
        for checkpoint in checkpoints { try checkpoint.remove() }
        return report
    }

    /// The name of a distilled index in reports.
    static func studentName(_ bytes: Int) -> String { "distilled \(bytes) bytes" }
    /// The name of the index that it started from.
    static func baselineName(_ bytes: Int) -> String { "opq \(bytes) bytes" }
}

extension DistillVQ {
    /// What a user may choose.
    public struct Configuration: Codable, Sendable {
        /// The sizes of codes in bytes; each must divide the dimension. The paper's table 6 goes from 8 to 64.
        public var bytes = [16, 32, 48]
        /// The number of lists; nil for the power of two nearest to the root of the number of passages. The paper has
        /// 10,000 for 8.8 million.
        public var lists: Int?
        /// The share of the lists that a query looks at. The paper's is 0.01 of 10,000 lists; of some hundred lists so
        /// few would decide more than the codes do.
        public var probedShare = 0.25
        /// Tokens that are read of a passage when documents are encoded: the limit of the MiniLM teachers.
        public var passageTokens = 256
        /// Tokens of a training query.
        public var queryTokens = 64
        /// What training queries are made of; the paper has real queries without labels, and nobody's corpus comes with
        /// these. Amounts are ours.
        public var mixture = TextMixture(
            sentences: 6000, titles: 3000, keyphrases: 3000, spans: 5000, bags: 3000, questions: 3000)
        /// How many of the teacher's best documents for a query may be drawn: the paper's K = 100 to 200, beside which
        /// the other queries' documents of a batch are what ranks low (its table 5: both are needed).
        public var candidates = 100
        /// Training. The reference implementation takes AdamW at 1e-4 for codewords, plain descent at 1e-3 for
        /// centroids, and linear warm-up of 10 %, all kept but the codewords' rate, which suits unit vectors and few
        /// steps. τ = 1 is for its unnormalised vectors: unit vectors' scores span 0.2, and want 0.05. A soft choice at
        /// temperature 1 would leave 256 codewords of unit vectors all alike: their squared distances are about 0.01.
        /// With scifact's training queries recall rose with every step from 0.01 down to 0.0003, where the nearest
        /// codeword has nearly all of the choice, as with the paper's long vectors.
        public var training = QuantizerSettings(
            batch: 64, steps: 600, documentsAQuery: 24, objective: ListNetObjective(temperature: 0.05),
            choiceTemperature: 3e-4, codebookRate: 5e-4, centroidRate: 1e-3, warmUpShare: 0.1)

        /// The defaults.
        public init() {}

        /// The number of lists for so many passages.
        func lists(_ passages: Int) -> Int {
            lists ?? 1 << Int((0.5 * log2(Double(max(passages, 1)))).rounded())
        }

        /// How many lists a query looks at.
        func probed(_ passages: Int) -> Int { max(1, Int((probedShare * Double(lists(passages))).rounded())) }

        func parameters(_ bytes: Int, _ passages: Int, seed: UInt64) -> IVFParameters {
            IVFParameters(
                lists: lists(passages), subspaces: bytes, codewords: 256, codesResiduals: true, rotates: true, seed: seed)
        }
    }
}
