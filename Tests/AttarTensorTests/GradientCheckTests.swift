import AttarTensor
import AttarTestSupport
import Testing

/// The checker itself must be able to fail.
@Test func theGradientCheckFindsAWrongDerivative() {
    var generator = SeededGenerator(seed: 600)
    let input: [GradientInput] = [.random(4, 5, using: &generator)]
    // x times a copy of x that gets no gradient: the right square, half of the right derivative.
    let failures = checkGradients(input) { tape, x in
        tape.multiply(x[0], tape.constant(shape: [4, 5], x[0].values))
    } reference: { x in
        x[0].map { $0 * $0 }
    }
    #expect(failures.count == 1)
    #expect(failures.first?.hasPrefix("gradient of input 0") == true)
}

@Test func theGradientCheckFindsAWrongResult() {
    var generator = SeededGenerator(seed: 601)
    let input: [GradientInput] = [.random(4, 5, using: &generator)]
    let failures = checkGradients(input) {
        $0.scale($1[0], by: 2.01)
    } reference: {
        $0[0].map { $0 * 2 }
    }
    #expect(failures.first?.hasPrefix("result") == true)
}
