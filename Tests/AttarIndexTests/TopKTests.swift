import AttarIndex
import AttarTensor
import Testing

@Suite struct TopKTests {
    @Test(arguments: 0..<40)
    func whatIsKeptIsThatOfAFullSort(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let tiny = Float.leastNonzeroMagnitude
        let values: [Float] = [0, -0.0, 1, -1, 2.5, .infinity, -.infinity, tiny, -tiny, 3]
        let scores = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
            generator.uniform() < 0.5
                ? values.randomElement(using: &generator) ?? 0 : Float(generator.normal())
        }
        let k = [0, 1, 2, 10, 300, 400].randomElement(using: &generator) ?? 0
        var best = TopK(k)
        var shards = [TopK(k), TopK(k), TopK(k)]
        for ordinal in generator.permutation(of: scores.count) {
            best.offer(UInt32(ordinal), scores[ordinal])
            shards[ordinal % 3].offer(UInt32(ordinal), scores[ordinal])
        }
        let expected = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }.prefix(k)
        #expect(best.hits.map(\.ordinal) == expected.map { UInt32($0) })
        #expect(best.hits.map(\.score) == expected.map { scores[$0] })
        var merged = TopK(k)
        for shard in shards { merged.merge(shard) }
        #expect(merged.hits == best.hits)
    }

    @Test func whatIsNotANumberNeverEnters() {
        var best = TopK(3)
        best.offer(0, .nan)
        best.offer(1, 1)
        best.offer(2, -.nan)
        #expect(best.hits == [SearchHit(ordinal: 1, score: 1)])
    }
}

@Suite struct OrdinalSetTests {
    @Test(arguments: [0, 1, 63, 64, 65, 200])
    func itAgreesWithASetOfNumbers(capacity: Int) {
        var generator = SeededGenerator(seed: UInt64(capacity))
        var bits = OrdinalSet(capacity: capacity)
        var numbers: Set<UInt32> = []
        for _ in 0..<capacity {
            let ordinal = UInt32.random(in: 0..<UInt32(capacity), using: &generator)
            bits.insert(ordinal)
            numbers.insert(ordinal)
            let other = UInt32.random(in: 0..<UInt32(capacity), using: &generator)
            bits.remove(other)
            numbers.remove(other)
        }
        var members: [UInt32] = []
        bits.forEach { members.append($0) }
        #expect(members == numbers.sorted())
        #expect(bits.count == numbers.count && bits.complement.count == capacity - numbers.count)
        #expect(!bits.contains(UInt32(capacity)) && !bits.complement.contains(UInt32(capacity)))
        #expect(OrdinalSet(capacity: capacity, full: true).count == capacity)
        var both = bits
        both.formIntersection(bits.complement)
        #expect(both.count == 0)
    }
}
