import AttarDistill
import AttarModels
import AttarTensor
import AttarText

/// The training texts with the teacher's vectors: what all students of a run learn from.
struct Lessons {
    let texts: TrainingTexts
    let training: Matrix
    let heldOut: Matrix
    private let trainingTokens: Int

    /// Draws the texts and asks the teacher, or its memory.
    init(_ bench: Workbench, _ configuration: LEAF.Configuration, seed: UInt64) throws {
        texts = try TrainingTexts(corpus: bench.corpus(), mixture: configuration.mixture, seed: seed)
        trainingTokens = configuration.trainingTokens
        heldOut = try bench.teacherVectors(
            of: texts.heldOut, maximumLength: trainingTokens, stage: "teacher reads held-out texts")
        training = try bench.teacherVectors(
            of: texts.training, maximumLength: trainingTokens, stage: "teacher reads training texts")
    }

    /// The lessons as token ids, with the prompts of the texts' roles, cut where the teacher's reading was cut.
    func examples(for teacher: ModelFolder) throws -> (training: AlignmentExamples, heldOut: AlignmentExamples) {
        let tokenizer = try teacher.tokenizer()
        func tokens(_ texts: [TrainingText]) -> [[Int32]] {
            texts.map { tokenizer.encode(teacher.prompts.prompt(for: $0.role) + $0.text, maximumLength: trainingTokens) }
        }
        return (
            AlignmentExamples(tokens: tokens(texts.training), targets: training),
            AlignmentExamples(tokens: tokens(texts.heldOut), targets: heldOut))
    }
}
