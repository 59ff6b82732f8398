import AttarDistill
import AttarModels
import AttarSignals
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
        texts = try TrainingTexts(
            corpus: bench.corpus(), vocabulary: Self.words(of: bench.teacherFolder.tokenizer()),
            openings: QuestionOpenings.of(language: bench.language), mixture: configuration.mixture, seed: seed)
        trainingTokens = configuration.trainingTokens
        heldOut = try bench.teacherVectors(
            of: texts.heldOut, maximumLength: trainingTokens, stage: "teacher reads held-out texts")
        training = try bench.teacherVectors(
            of: texts.training, maximumLength: trainingTokens, stage: "teacher reads training texts")
    }

    /// The whole words of a vocabulary, in its order: the common ones first. Pieces inside words, signs and single
    /// letters are left out.
    private static func words(of tokenizer: any Tokenizer) -> [String] {
        (0..<tokenizer.vocabularySize).compactMap { id in
            guard let token = tokenizer.token(for: Int32(id)), token.utf8.count > 1,
                token.utf8.allSatisfy({ (0x61...0x7A).contains($0 | 0x20) })
            else { return nil }
            return token
        }
    }

    /// The lessons as word pieces without special tokens and prompts, for static students; texts without pieces are
    /// left out.
    func pieces(_ tokenizer: any Tokenizer) -> (training: AlignmentExamples, heldOut: AlignmentExamples) {
        func examples(_ texts: [TrainingText], _ targets: Matrix) -> AlignmentExamples {
            let tokens = texts.map { text in
                tokenizer.encode(text.text, maximumLength: trainingTokens, addSpecialTokens: false)
            }
            let kept = tokens.indices.filter { !tokens[$0].isEmpty }
            return AlignmentExamples(tokens: kept.map { tokens[$0] }, targets: targets.gathered(kept))
        }
        return (examples(texts.training, training), examples(texts.heldOut, heldOut))
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
