import AttarCollection
import AttarTensor
import AttarText

/// Metadata and filters that meet each other often, with awkward keys and values among them.
enum RandomMetadata {
    private static let keys = ["year", "lang", "e\u{301}", "a b]", "draft", "in", ""]
    private static let texts = [
        "", "en", "de", "d", "\u{e9}", "e\u{301}", "2024-05-01", "nul\u{0}byte", "quo\"te\\", "\u{1F600}",
        String(repeating: "x", count: 512), String(repeating: "x", count: 513), String(repeating: "x", count: 600) + "y",
    ]
    private static let numbers = [0, -0.0, 1, -1, 2000, 2000.5, 1e300, -1e300, 5e-324]

    static func document(_ generator: inout SeededGenerator) -> [String: MetadataValue] {
        var metadata: [String: MetadataValue] = [:]
        for key in keys where generator.uniform() < 0.5 { metadata[key] = value(&generator, depth: 2) }
        return metadata
    }

    private static func value(_ generator: inout SeededGenerator, depth: Int) -> MetadataValue {
        if depth > 0, generator.uniform() < 0.25 {
            return .list((0..<Int(generator.uniform() * 4)).map { _ in value(&generator, depth: depth - 1) })
        }
        return switch plain(&generator) {
        case .string(let text): .string(text)
        case .number(let number): .number(number)
        case .bool(let flag): .bool(flag)
        }
    }

    static func plain(_ generator: inout SeededGenerator) -> MetadataFilter.Value {
        let draw = generator.uniform()
        if draw < 0.45 { return .string(pick(texts, &generator)) }
        return draw < 0.85 ? .number(pick(numbers, &generator)) : .bool(generator.uniform() < 0.5)
    }

    /// A filter whose parts number at least two and whose comparisons are of numbers or texts, as an expression's are.
    static func filter(_ generator: inout SeededGenerator, depth: Int) -> MetadataFilter {
        let draw = generator.uniform()
        let parts = 2 + Int(generator.uniform() * 2)
        if depth > 0, draw < 0.6 {
            if draw < 0.2 { return .not(filter(&generator, depth: depth - 1)) }
            let filters = (0..<parts).map { _ in filter(&generator, depth: depth - 1) }
            return draw < 0.4 ? .and(filters) : .or(filters)
        }
        return .value(of: pick(keys, &generator), condition(&generator))
    }

    private static func condition(_ generator: inout SeededGenerator) -> MetadataFilter.Condition {
        let draw = generator.uniform()
        if draw < 0.1 { return .exists }
        if draw < 0.5 { return .oneOf((0..<(1 + Int(generator.uniform() * 3))).map { _ in plain(&generator) }) }
        var value = plain(&generator)
        while case .bool = value { value = plain(&generator) }
        return .compared(pick(MetadataFilter.Comparison.allCases, &generator), value)
    }

    private static func pick<Element>(_ all: [Element], _ generator: inout SeededGenerator) -> Element {
        all[min(all.count - 1, Int(generator.uniform() * Double(all.count)))]
    }
}
