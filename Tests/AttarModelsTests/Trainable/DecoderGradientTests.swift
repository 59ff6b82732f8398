import AttarModels
import AttarTensor
import Testing

/// Every gradient of a tiny Qwen2 with changes of all its matrices against differences in double precision.
@Test func gradientsOfTheAdapterAgreeWithDoublePrecision() throws {
    let path = TinyDecoders.path("qwen2")
    var generator = SeededGenerator(seed: 11)
    let model = try TrainableDecoder(
        path: path, adapter: LowRankConfiguration(rank: 2, alpha: 3, targets: LowRankConfiguration.allLinear),
        generator: &generator)
    for parameter in model.parameters {
        parameter.tensor.assign((0..<parameter.count).map { _ in Float(0.2 * generator.normal()) })
    }
    let reference = try DecoderReference(folder: path, model.configuration, scale: model.adapter.scale)
    let changes = Dictionary(
        uniqueKeysWithValues: model.parameters.map { ($0.name, $0.tensor.values.map(Double.init)) })
    let (prompts, texts): ([[Int32]], [[Int32]]) = ([[7, 300], [12]], [[9, 11, 40], [13]])
    func objective(_ changes: DecoderReference.Changes) -> Double {
        zip(prompts, texts).reduce(0) { sum, pair in
            sum + reference.logProbabilities(pair.0 + pair.1, from: pair.0.count, changes).reduce(0, +)
        }
    }
    let tape = Tape(threads: 2)
    let total = tape.sum(model.logProbabilities(tape, of: texts, after: prompts).values)
    #expect((Double(total.scalar) - objective(changes)).magnitude < 1e-4)
    tape.backward(from: total)
    for parameter in model.parameters {
        let gradient = try #require(parameter.tensor.gradient)
        let largest = gradient.reduce(0) { max($0, $1.magnitude) }
        for place in [0, parameter.count / 2, parameter.count - 1] {
            let step = 1e-5
            let slopes = [step, -step].map { step -> Double in
                var moved = changes
                moved[parameter.name]?[place] += step
                return objective(moved)
            }
            let exact = (slopes[0] - slopes[1]) / (2 * step)
            #expect((Double(gradient[place]) - exact).magnitude < 1e-4 * Double(largest), "\(parameter.name) \(place)")
        }
    }
}
