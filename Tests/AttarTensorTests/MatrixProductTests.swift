import AttarTensor
import AttarTestSupport
import Testing

/// Shapes that kernels find awkward: one, odd, above a panel, above a block of columns and a chunk of rows.
private let shapes: [(m: Int, inner: Int, n: Int)] = [(1, 1, 1), (3, 5, 7), (17, 33, 50), (70, 16, 200)]

@Test(arguments: 0..<4)
func linearAgreesWithDoublePrecision(_ index: Int) {
    let (m, inner, n) = shapes[index]
    var generator = SeededGenerator(seed: UInt64(index))
    let inputs: [GradientInput] = [
        .random(m, inner, using: &generator), .random(n, inner, using: &generator), .random(n, using: &generator),
    ]
    let failures = checkGradients(inputs, samples: 24) { tape, x in
        tape.linear(x[0], weight: x[1], bias: x[2])
    } reference: { x in
        let product = Reference.product(x[0], Reference.transposed(x[1], n, inner), m, inner, n)
        return product.indices.map { product[$0] + x[2][$0 % n] }
    }
    #expect(failures == [])
}

@Test func severalLinearLayersAgreeWithDoublePrecision() {
    var generator = SeededGenerator(seed: 11)
    let (m, inner, outer) = (9, 12, [5, 20, 1])
    var inputs: [GradientInput] = [.random(m, inner, using: &generator)]
    for n in outer { inputs.append(.random(n, inner, using: &generator)) }
    for n in outer.dropLast() { inputs.append(.random(n, using: &generator)) }
    let failures = checkGradients(inputs) { tape, x in
        tape.linear(x[0], weights: Array(x[1...3]), biases: [x[4], x[5], nil])
    } reference: { x in
        let parts = outer.indices.map { part in
            Reference.product(x[0], Reference.transposed(x[part + 1], outer[part], inner), m, inner, outer[part])
        }
        return (0..<m).flatMap { row in
            outer.indices.flatMap { part in
                (0..<outer[part]).map { parts[part][row * outer[part] + $0] + (part < 2 ? x[part + 4][$0] : 0) }
            }
        }
    }
    #expect(failures == [])
}

@Test(arguments: 0..<4)
func matrixProductsAgreeWithDoublePrecision(_ index: Int) {
    let (m, inner, n) = shapes[index]
    var generator = SeededGenerator(seed: UInt64(index) + 20)
    let plain: [GradientInput] = [.random(m, inner, using: &generator), .random(inner, n, using: &generator)]
    let nn = checkGradients(plain, samples: 24) { tape, x in
        tape.matmulNN(x[0], x[1])
    } reference: { x in
        Reference.product(x[0], x[1], m, inner, n)
    }
    #expect(nn == [])
    let left: [GradientInput] = [.random(inner, m, using: &generator), .random(inner, n, using: &generator)]
    let tn = checkGradients(left, samples: 24) { tape, x in
        tape.matmulTN(x[0], x[1])
    } reference: { x in
        Reference.product(Reference.transposed(x[0], inner, m), x[1], m, inner, n)
    }
    #expect(tn == [])
    let right: [GradientInput] = [.random(m, inner, using: &generator), .random(n, inner, using: &generator)]
    let nt = checkGradients(right, samples: 24) { tape, x in
        tape.matmulNT(x[0], x[1])
    } reference: { x in
        Reference.product(x[0], Reference.transposed(x[1], n, inner), m, inner, n)
    }
    #expect(nt == [])
}

@Test func aTensorUsedTwiceCollectsBothGradients() {
    var generator = SeededGenerator(seed: 31)
    let inputs: [GradientInput] = [.random(6, 6, using: &generator)]
    let failures = checkGradients(inputs) { tape, x in
        tape.matmulNN(tape.linear(x[0], weight: x[0]), x[0])
    } reference: { x in
        let square = Reference.product(x[0], Reference.transposed(x[0], 6, 6), 6, 6, 6)
        return Reference.product(square, x[0], 6, 6, 6)
    }
    #expect(failures == [])
}
