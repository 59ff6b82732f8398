import AttarTensor
import AttarText
import Foundation

/// Draws short texts that look like what people type into a search box, without anybody having typed them.
struct QueryLikeTexts {
    /// The words of each passage, sentence by sentence; passages without words are left out.
    private let sentences: [[[String]]]
    private let inverseFrequencies: [String: Double]
    private let vocabulary: VocabularySampler
    private let openings: [String]

    init(corpus: [CorpusPassage], vocabulary: [String], openings: [String]) {
        self.openings = openings
        sentences = corpus.compactMap { passage in
            let bytes = Array(passage.text.utf8)
            let parts = [passage.title] + SentenceSplitter.sentences(of: passage.text).map {
                String(decoding: bytes[$0], as: UTF8.self)
            }
            let words = parts.map(PlainWords.words).filter { !$0.isEmpty }
            return words.isEmpty ? nil : words
        }
        var counts: [String: Int] = [:]
        for passage in sentences {
            for word in Set(passage.joined()) { counts[word, default: 0] += 1 }
        }
        let total = Double(sentences.count)
        inverseFrequencies = counts.mapValues { log((total + 1) / (Double($0) + 0.5)) }
        self.vocabulary = VocabularySampler(words: vocabulary)
    }

    /// One text; empty when there is nothing to draw from.
    mutating func draw(_ kind: TrainingText.Kind, _ generator: inout SeededGenerator) -> String {
        switch kind {
        case .span: span(&generator).joined(separator: " ")
        case .bag: bag(&generator).joined(separator: " ")
        case .mixed: mixed(&generator).joined(separator: " ")
        case .vocabulary:
            vocabulary.draw(Int.random(in: 2...6, using: &generator), &generator).joined(separator: " ")
        case .question: question(&generator)
        case .passage, .sentence, .title, .keyphrase: ""
        }
    }

    private func span(_ generator: inout SeededGenerator) -> [String] {
        guard let sentence = sentences.randomElement(using: &generator)?.randomElement(using: &generator) else { return [] }
        let length = min(sentence.count, Int.random(in: 2...10, using: &generator))
        let start = Int.random(in: 0...(sentence.count - length), using: &generator)
        return Array(sentence[start..<(start + length)])
    }

    /// Words are drawn by position, so that a passage's frequent words come often, and kept with a chance that grows
    /// with their inverse document frequency.
    private func bag(_ generator: inout SeededGenerator) -> [String] {
        guard let words = sentences.randomElement(using: &generator).map({ Array($0.joined()) }) else { return [] }
        let wanted = Int.random(in: 2...7, using: &generator)
        var places: [String: Int] = [:]
        for _ in 0..<(6 * wanted) where places.count < wanted {
            let place = Int.random(in: 0..<words.count, using: &generator)
            let chance = (inverseFrequencies[words[place]] ?? 0) / 6
            if places[words[place]] == nil, generator.uniform() < chance { places[words[place]] = place }
        }
        return places.sorted { $0.value < $1.value }.map(\.key)
    }

    private func question(_ generator: inout SeededGenerator) -> String {
        guard let opening = openings.randomElement(using: &generator) else { return "" }
        return ([opening] + spanOrBag(&generator)).joined(separator: " ")
    }

    private func spanOrBag(_ generator: inout SeededGenerator) -> [String] {
        Bool.random(using: &generator) ? span(&generator) : bag(&generator)
    }

    private func mixed(_ generator: inout SeededGenerator) -> [String] {
        var words = spanOrBag(&generator)
        for word in vocabulary.draw(Int.random(in: 1...3, using: &generator), &generator) {
            words.insert(word, at: Int.random(in: 0...words.count, using: &generator))
        }
        return words
    }
}

/// Draws words of a vocabulary whose order is roughly that of their frequency, the common ones more often:
/// the chance of the word at rank r is proportional to (r + 100)^−0.8.
private struct VocabularySampler {
    private let words: [String]
    private let cumulative: [Double]

    init(words: [String]) {
        self.words = words
        var sum = 0.0
        cumulative = words.indices.map { rank in
            sum += pow(Double(rank + 100), -0.8)
            return sum
        }
    }

    func draw(_ count: Int, _ generator: inout SeededGenerator) -> [String] {
        guard let total = cumulative.last else { return [] }
        return (0..<count).map { _ in
            let point = generator.uniform() * total
            var (low, high) = (0, cumulative.count - 1)
            while low < high {
                let middle = (low + high) / 2
                if cumulative[middle] > point { high = middle } else { low = middle + 1 }
            }
            return words[low]
        }
    }
}
