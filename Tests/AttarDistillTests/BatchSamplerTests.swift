import AttarDistill
import Testing

@Suite struct BatchSamplerTests {
    @Test func eachPassMeetsEveryExampleOnce() {
        var sampler = BatchSampler(count: 10, batch: 4, seed: 1)
        let drawn = (0..<5).flatMap { sampler.batch(ofStep: $0) }
        #expect(drawn.prefix(10).sorted() == Array(0..<10))
        #expect(drawn.suffix(10).sorted() == Array(0..<10))
        #expect(drawn.prefix(10) != drawn.suffix(10))
    }

    @Test func aBatchIsAFunctionOfItsStep() {
        var inOrder = BatchSampler(count: 7, batch: 3, seed: 5)
        let batches = (0..<20).map { inOrder.batch(ofStep: $0) }
        var resumed = BatchSampler(count: 7, batch: 3, seed: 5)
        #expect(resumed.batch(ofStep: 13) == batches[13])
        #expect(resumed.batch(ofStep: 14) == batches[14])
        var other = BatchSampler(count: 7, batch: 3, seed: 6)
        #expect((0..<20).map { other.batch(ofStep: $0) } != batches)
    }

    @Test func batchesAreNoLargerThanTheExamples() {
        var sampler = BatchSampler(count: 3, batch: 32, seed: 1)
        #expect(sampler.batch(ofStep: 0).sorted() == [0, 1, 2])
    }
}
