import AttarTensor
import Testing

@Suite struct PrincipalComponentsTests {
    @Test func theLongAxesOfACloudAreFound() {
        var generator = SeededGenerator(seed: 5)
        let axes: [Float] = [0.1, 10, 0.2, 4, 0.05]
        let cloud = Matrix(rows: 400, columns: 5, values: (0..<2000).map { axes[$0 % 5] * Float(generator.normal()) })
        let found = PrincipalComponents.directions(of: cloud, count: 2)
        #expect(abs(found.row(0).map(abs)[1] - 1) < 1e-2)
        #expect(abs(found.row(1).map(abs)[3] - 1) < 1e-2)
        #expect(abs(Similarity.dot(found.row(0), found.row(1))) < 1e-5)
    }
}
