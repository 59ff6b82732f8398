import AttarDistill
import AttarTensor
import Foundation
import Testing

/// LEAF (Vujanic & Rueckstiess 2025): the golden numbers of its loss, and what the other objectives must do.
@Suite struct AlignmentObjectiveTests {
    private func loss(
        _ objective: AlignmentObjective, _ prediction: [Float], _ target: [Float], documents: Matrix? = nil
    ) -> (loss: Float, gradient: [Float]) {
        let tape = Tape(threads: 1)
        let student = Tensor(shape: [1, prediction.count], values: prediction, requiresGradient: true)
        let result = objective.loss(
            student, tape.constant(shape: [1, target.count], target), documents: documents.map { Tensor($0) }, on: tape)
        let value = result.scalar
        tape.backward(from: result)
        return (value, student.gradient ?? [])
    }

    /// y = (0.6, 0.8), ŷ = (0.5, 0.7): 0.1² + 0.1² = 0.02, gradient 2(ŷ − y) = (−0.2, −0.2).
    @Test func squaredDistanceOfThePaper() {
        let (value, gradient) = loss(.squaredDistance, [0.5, 0.7], [0.6, 0.8])
        #expect(abs(value - 0.02) < 1e-6)
        #expect(gradient.count == 2 && gradient.allSatisfy { abs($0 + 0.2) < 1e-6 })
    }

    @Test func aPerfectStudentHasNoLoss() {
        let documents = Matrix(rows: 3, columns: 2, values: [1, 0, 0, 1, 0.6, 0.8])
        for objective in [AlignmentObjective.squaredDistance, .cosine, .scoreDistribution(temperature: 0.1, documents: 3)] {
            let (value, gradient) = loss(objective, [0.6, 0.8], [0.6, 0.8], documents: documents)
            #expect(abs(value) < 1e-6 && gradient.allSatisfy { abs($0) < 1e-5 }, "\(objective)")
        }
    }

    /// Scores decide, not coordinates: what is orthogonal to every document costs nothing, and length does not matter.
    @Test func theScoreDistributionSeesOnlyWhatDocumentsSee() {
        let documents = Matrix(rows: 2, columns: 3, values: [1, 0, 0, 0, 1, 0])
        let objective = AlignmentObjective.scoreDistribution(temperature: 0.1, documents: 2)
        #expect(abs(loss(objective, [1.2, 1.6, 0], [0.6, 0.8, 0], documents: documents).loss) < 1e-6)
        #expect(loss(objective, [0.8, 0.6, 0], [0.6, 0.8, 0], documents: documents).loss > 0.1)
    }

    /// For any document d: |y·d − ŷ·d| ≤ ‖y − ŷ‖ ‖d‖, the bound that lets scores carry over.
    @Test func scoresDifferByNoMoreThanTheError() {
        var generator = SeededGenerator(seed: 8)
        func vector() -> [Float] { (0..<16).map { _ in Float(generator.normal()) } }
        for _ in 0..<200 {
            let (y, error, d) = (vector(), vector().map { 0.1 * $0 }, vector())
            let student = zip(y, error).map { $0 + $1 }
            let difference = abs(Similarity.dot(y[...], d[...]) - Similarity.dot(student[...], d[...]))
            let bound = (Similarity.dot(error[...], error[...]) * Similarity.dot(d[...], d[...])).squareRoot()
            #expect(difference <= bound * (1 + 1e-5) + 1e-6)
        }
    }

    @Test func objectivesSurviveARoundTrip() throws {
        for objective in [AlignmentObjective.squaredDistance, .cosine, .scoreDistribution(temperature: 0.25, documents: 7)] {
            #expect(try JSONDecoder().decode(AlignmentObjective.self, from: JSONEncoder().encode(objective)) == objective)
        }
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(AlignmentObjective.self, from: Data("\"x\"".utf8)) }
    }
}
