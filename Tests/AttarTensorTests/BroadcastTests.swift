import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// Pairs of shapes of which one, the other or both repeat, a single number included.
private let pairs: [([Int], [Int])] = [
    ([2, 3, 4], [3, 1]), ([4], [2, 3, 4]), ([], [3, 2]), ([5, 1], [1, 70]), ([2, 1, 3], [4, 1]), ([0, 3], [3]),
]

/// The element of a tensor that repeats at an index of the common shape.
private func element(_ values: [Double], _ shape: [Int], _ index: [Int]) -> Double {
    var place = 0
    for (size, position) in zip(shape, index.suffix(shape.count)) { place = place * size + (size == 1 ? 0 : position) }
    return values[place]
}

private func reference(
    _ a: [Double], _ b: [Double], _ shapes: ([Int], [Int]), _ combine: (Double, Double) -> Double
) -> [Double] {
    let count = max(shapes.0.count, shapes.1.count)
    let padded = [shapes.0, shapes.1].map { [Int](repeating: 1, count: count - $0.count) + $0 }
    let shape = zip(padded[0], padded[1]).map { $0 == 1 ? $1 : $0 }
    return (0..<shape.reduce(1, *)).map { flat in
        var (rest, index) = (flat, [Int]())
        for size in shape.reversed() {
            index.insert(rest % size, at: 0)
            rest /= size
        }
        return combine(element(a, shapes.0, index), element(b, shapes.1, index))
    }
}

@Test(arguments: pairs.indices)
func repeatedInputsAgreeWithDoublePrecision(_ index: Int) {
    let shapes = pairs[index]
    var generator = SeededGenerator(seed: UInt64(index) + 700)
    func input(_ shape: [Int], _ offset: Float) -> GradientInput {
        let count = shape.reduce(1, *)
        return GradientInput(shape: shape, values: (0..<count).map { _ in offset + Float(generator.uniform()) })
    }
    let inputs = [input(shapes.0, -0.5), input(shapes.1, 0.5)]
    typealias Operation = (Tape, Tensor, Tensor) -> Tensor
    let operations: [(String, Operation, (Double, Double) -> Double)] = [
        ("add", { $0.add($1, $2) }, { $0 + $1 }), ("subtract", { $0.subtract($1, $2) }, { $0 - $1 }),
        ("multiply", { $0.multiply($1, $2) }, { $0 * $1 }), ("divide", { $0.divide($1, $2) }, { $0 / $1 }),
    ]
    for (name, operation, combine) in operations {
        let failures = checkGradients(inputs) {
            operation($0, $1[0], $1[1])
        } reference: {
            reference($0[0], $0[1], shapes, combine)
        }
        #expect(failures == [], "\(name) \(shapes)")
    }
}

@Test(arguments: [0, 1, 2, -1])
func reductionsAlongADimensionAgreeWithDoublePrecision(_ axis: Int) {
    let shape = [3, 5, 7]
    let place = axis < 0 ? axis + 3 : axis
    var generator = SeededGenerator(seed: UInt64(place) + 720)
    let input: [GradientInput] = [.random(3, 5, 7, using: &generator)]
    func reduced(_ x: [Double], _ combine: ([Double]) -> Double) -> [Double] {
        let inner = shape[(place + 1)...].reduce(1, *)
        return (0..<shape[..<place].reduce(1, *) * inner).map { flat in
            let (outer, column) = flat.quotientAndRemainder(dividingBy: inner)
            return combine((0..<shape[place]).map { x[(outer * shape[place] + $0) * inner + column] })
        }
    }
    let sum = checkGradients(input, samples: 105) {
        $0.sum($1[0], axis: axis)
    } reference: {
        reduced($0[0]) { $0.reduce(0, +) }
    }
    let mean = checkGradients(input, samples: 105) {
        $0.mean($1[0], axis: axis)
    } reference: {
        reduced($0[0]) { $0.reduce(0, +) / Double($0.count) }
    }
    let largest = checkGradients(input, samples: 105) {
        $0.maximum($1[0], axis: axis)
    } reference: {
        reduced($0[0]) { $0.max() ?? 0 }
    }
    #expect([sum, mean, largest] == [[], [], []])
    #expect(Tape().sum(Tensor(zeros: shape), axis: axis).shape == shape.indices.filter { $0 != place }.map { shape[$0] })
}

@Test(arguments: [[0, 1, 2], [2, 0, 1], [1, 0, 2], [0, 2, 1]])
func permutationsAgreeWithDoublePrecision(_ axes: [Int]) {
    let shape = [4, 3, 6]
    var generator = SeededGenerator(seed: 730)
    let input: [GradientInput] = [.random(4, 3, 6, using: &generator)]
    let failures = checkGradients(input, samples: 72) {
        $0.permute($1[0], axes: axes)
    } reference: { x in
        (0..<72).map { flat in
            var (rest, index) = (flat, [0, 0, 0])
            for axis in axes.reversed() {
                index[axis] = rest % shape[axis]
                rest /= shape[axis]
            }
            return x[0][(index[0] * 3 + index[1]) * 6 + index[2]]
        }
    }
    #expect(failures == [])
}

@Test func aTransposeExchangesRowsAndColumns() {
    let matrix = Tensor(shape: [2, 3], values: [1, 2, 3, 4, 5, 6])
    #expect(Tape().transpose(matrix).values == [1, 4, 2, 5, 3, 6])
    #expect(Tape().permute(Tensor(shape: [], values: [5]), axes: []).values == [5])
}
