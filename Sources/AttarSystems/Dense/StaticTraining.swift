import AttarCollection
import AttarDistill
import AttarModels
import AttarSignals
import AttarTensor
import AttarText
import Foundation

extension LEAF {
    /// How the static student is trained.
    ///
    /// All of it is ours: the paper's students are transformers. A table cannot come near the teacher everywhere, so it
    /// is asked for what search needs: to put the same documents first (`scoreDistribution`), over query-like texts.
    public struct StaticRecipe: Codable, Sendable {
        /// Batch, steps, objective.
        public var settings = TrainerSettings(
            batch: 256, steps: 4000, warmUpShare: 0, decay: .linear, clipNorm: .greatestFiniteMagnitude,
            evaluationInterval: 100, patience: 5, objective: .scoreDistribution(temperature: 0.1, documents: 2048))
        /// Learning rates.
        public var rates = StaticStudent.Rates()
        /// Which words of the corpus get rows of their own beside the teacher's vocabulary.
        public var vocabulary = CorpusVocabulary()
        /// How strongly the map is regularised at the start, as a share of its inputs' variance.
        public var startRidge = 1e-3

        /// The defaults.
        public init() {}
    }
}

/// Trains the static student of LEAF.
struct StaticTraining {
    private let recipe: LEAF.StaticRecipe
    private let configuration: LEAF.Configuration
    private let lessons: Lessons
    private let bench: Workbench

    init(_ configuration: LEAF.Configuration, _ lessons: Lessons, _ bench: Workbench) {
        recipe = configuration.table
        self.configuration = configuration
        self.lessons = lessons
        self.bench = bench
    }

    /// The student: as an earlier run left it, or trained now.
    func train() throws -> TrainedStudent {
        let files = try bench.files(of: .staticTable, settings: recipe.settings, configuration.withoutStudents)
        if let finished = try files.finished() { return finished }
        let corpus = try bench.corpus().map(\.encodedText)
        let words = recipe.vocabulary.words(of: corpus, splitBy: try bench.teacherFolder.tokenizer())
        let tokenizer = try bench.teacherFolder.tokenizer(adding: words)
        let examples = lessons.pieces(tokenizer)
        let passages = try passagePieces(corpus, tokenizer)
        let student = try untrained(tokenizer, examples.training, passages)
        let trainer = Trainer(
            name: "static", student: student, training: examples.training, heldOut: examples.heldOut,
            documents: passages.targets, settings: recipe.settings, seed: bench.context.seed,
            threads: bench.context.threads, checkpoint: files.checkpoint)
        let curve = try trainer.run(report: bench.trainingProgress(of: .staticTable))
        return try files.finish(curve) { folder in
            try student.write(
                to: folder, teacher: bench.teacherFolder, words: words,
                facts: bench.facts(of: .staticTable, identity: files.identity, settings: recipe.settings))
        }
    }

    private func untrained(
        _ tokenizer: any Tokenizer, _ texts: AlignmentExamples, _ passages: AlignmentExamples
    ) throws -> StaticStudent {
        let start = StaticStudent.start(
            tokenVectors: try bench.vectors(ofTokensOf: tokenizer),
            weights: StaticStudent.inverseDocumentFrequencies(
                of: passages.tokens, vocabulary: tokenizer.vocabularySize),
            examples: texts.adding(passages), ridge: recipe.startRidge, threads: bench.context.threads)
        return StaticStudent(start, rates: recipe.rates)
    }

    /// The passages as word pieces, with the vectors by which search knows them: they, too, say what a piece means
    /// here.
    private func passagePieces(_ corpus: [String], _ tokenizer: any Tokenizer) throws -> AlignmentExamples {
        let tokens = stride(from: 0, to: corpus.count, by: bench.documentStride).map {
            tokenizer.encode(corpus[$0], maximumLength: configuration.passageTokens, addSpecialTokens: false)
        }
        let kept = tokens.indices.filter { !tokens[$0].isEmpty }
        return AlignmentExamples(
            tokens: kept.map { tokens[$0] }, targets: try bench.teacherDocumentVectors().gathered(kept))
    }
}
