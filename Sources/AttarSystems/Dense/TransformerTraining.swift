import AttarDistill
import AttarModels
import AttarSignals
import AttarTensor
import AttarText
import CAttarKernels
import Foundation

/// Trains one transformer student of LEAF.
struct TransformerTraining {
    private let specification: StudentSpecification
    private let configuration: LEAF.Configuration
    private let lessons: Lessons
    private let bench: Workbench

    init(_ specification: StudentSpecification, _ configuration: LEAF.Configuration, _ lessons: Lessons, _ bench: Workbench) {
        self.specification = specification
        self.configuration = configuration
        self.lessons = lessons
        self.bench = bench
    }

    /// The student: as an earlier run left it, or trained now.
    func train() throws -> TrainedStudent {
        let recipe = configuration.transformer
        let examples = try lessons.examples(for: bench.teacherFolder)
        let student = try untrained()
        var settings = recipe.settings
        settings.steps = steps(for: student, examples.training)
        let files = try bench.files(of: specification, settings: settings, configuration.withoutStudents)
        if let finished = try files.finished() { return finished }
        student.fitHead(to: examples.training.prefix(recipe.headTexts), ridge: recipe.headRidge, threads: bench.context.threads)
        let trainer = Trainer(
            name: specification.description, student: student, training: examples.training, heldOut: examples.heldOut,
            documents: settings.objective.documentCount > 0 ? try bench.teacherDocumentVectors() : nil,
            settings: settings, seed: bench.context.seed, threads: bench.context.threads, checkpoint: files.checkpoint)
        let curve = try trainer.run(report: bench.trainingProgress(of: specification))
        return try files.finish(curve) { folder in
            try student.write(
                to: folder, teacher: bench.teacherFolder, maximumLength: bench.teacherFolder.maximumLength,
                facts: bench.facts(of: specification, identity: files.identity, settings: settings))
        }
    }

    private func untrained() throws -> TransformerStudent {
        let (recipe, dimension) = (configuration.transformer, bench.teacher.encoder.dimension)
        if case .narrow(let width, let layers) = specification {
            return try .narrow(
                width: width, layers: layers, of: bench.teacherFolder,
                tokenVectors: bench.vectors(ofTokensOf: bench.teacherFolder.tokenizer()),
                rates: recipe.rates, seed: bench.context.seed)
        }
        return try .copyingLayers(
            specification, of: bench.teacherFolder, dimension: dimension, rates: recipe.rates,
            trainsEmbeddings: recipe.trainsEmbeddings)
    }

    /// The steps of the recipe, or fewer where the time budget asks for it.
    private func steps(for student: TransformerStudent, _ examples: AlignmentExamples) -> Int {
        let settings = configuration.transformer.settings
        guard let budget = bench.context.budget else { return settings.steps }
        let shape = student.backbone.configuration
        let weights = shape.layerCount * shape.hiddenSize * (4 * shape.hiddenSize + 2 * shape.intermediateSize)
        let tokens = examples.tokens.reduce(0) { $0 + $1.count } * settings.batch / max(1, examples.tokens.count)
        return min(settings.steps, bench.computeBudget.steps(in: budget, tokens: tokens, weights: weights))
    }
}
