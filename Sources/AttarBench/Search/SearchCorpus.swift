import AttarStorage
import AttarTensor
import AttarText
import Foundation

/// Documents and queries as terms: what every engine is given alike.
///
/// Documents are kept as numbers of terms, 4 bytes an occurrence, so that a million fit beside what is measured.
public struct SearchCorpus: Sendable {
    /// How it is called in a report.
    private(set) var name: String
    /// The different terms.
    private(set) var vocabulary: [String] = []
    /// Terms of the documents one after another, and where each document ends.
    private var occurrences: [UInt32] = []
    private var ends: [Int] = []
    /// Terms of each query; none is empty.
    private(set) var queries: [[String]] = []

    /// The number of documents.
    var count: Int { ends.count }
    /// Terms of a document in the mean.
    var meanLength: Double { Double(occurrences.count) / Double(max(1, count)) }

    /// A folder in the layout of BEIR, through the English analyzer: titles stand before texts. Without queries of its
    /// own, they are two to six words of documents drawn by chance.
    ///
    /// - Parameter limit: the most queries; of more, a sample with a fixed seed.
    /// - Throws: `TextError`, `StorageError`.
    public init(folder: String, queries limit: Int) throws {
        name = folder.split(separator: "/").last.map(String.init) ?? folder
        let beir = try BEIRFolder(path: folder)
        var numbers: [String: UInt32] = [:]
        let reader = try LineReader(path: beir.corpusPath)
        while let line = try reader.next() {
            guard !line.bytes.isEmpty, let value = try? JSONParser.parse(line.bytes) else { continue }
            let parts = ["title", "text"].compactMap { value[$0]?.string }
            for term in Analyzer.english.terms(parts.joined(separator: " ")) {
                let number = numbers[term] ?? UInt32(vocabulary.count)
                if number == vocabulary.count {
                    numbers[term] = number
                    vocabulary.append(term)
                }
                occurrences.append(number)
            }
            ends.append(occurrences.count)
        }
        var generator = SeededGenerator(seed: 7)
        let own = try beir.queries().map { Analyzer.english.terms($0.text) }.filter { !$0.isEmpty }
        if own.isEmpty {
            queries = sampledQueries(limit, &generator)
        } else {
            queries = own.count > limit ? Array(own.shuffled(using: &generator).prefix(limit)) : own
        }
    }

    /// Generated documents: terms by Zipf's law with exponent 1 over 200,000 terms, without the 30 most frequent, which
    /// a list of stop words would take away; lengths even between half and one and a half times the mean.
    public init(generated count: Int, meanLength: Int, queries: Int) {
        name = "generated, \(meanLength) terms"
        var generator = SeededGenerator(seed: 1)
        let sampler = ZipfSampler(first: 30, count: 200_000)
        vocabulary = (0..<200_000).map { "w" + String($0, radix: 36) }
        occurrences.reserveCapacity(count * meanLength)
        for _ in 0..<count {
            let length = Int.random(in: meanLength / 2...meanLength * 3 / 2, using: &generator)
            for _ in 0..<length { occurrences.append(sampler.next(&generator)) }
            ends.append(occurrences.count)
        }
        self.queries = sampledQueries(queries, &generator)
    }

    /// Two to six terms of a document drawn by chance, as a reader would who remembers it.
    private func sampledQueries(_ limit: Int, _ generator: inout SeededGenerator) -> [[String]] {
        var queries: [[String]] = []
        while queries.count < limit, !occurrences.isEmpty {
            let terms = occurrences[range(Int.random(in: 0..<count, using: &generator))]
            let size = Int.random(in: 2...6, using: &generator)
            guard terms.count >= 8 else {
                if meanLength < 8 { break }
                continue
            }
            queries.append(terms.shuffled(using: &generator).prefix(size).map { vocabulary[Int($0)] })
        }
        return queries
    }

    private func range(_ document: Int) -> Range<Int> { (document == 0 ? 0 : ends[document - 1])..<ends[document] }

    /// Puts the documents into an order drawn by chance, with a fixed seed: neighbours have nothing in common then.
    public mutating func shuffle() {
        var generator = SeededGenerator(seed: 11)
        let order = (0..<count).shuffled(using: &generator)
        var (shuffled, newEnds): ([UInt32], [Int]) = ([], [])
        shuffled.reserveCapacity(occurrences.count)
        for document in order {
            shuffled.append(contentsOf: occurrences[range(document)])
            newEnds.append(shuffled.count)
        }
        (occurrences, ends) = (shuffled, newEnds)
        name += ", shuffled"
    }

    /// The terms of a document.
    func terms(_ document: Int) -> [String] { occurrences[range(document)].map { vocabulary[Int($0)] } }

    /// Writes a line of terms for each document.
    func write(documents path: String) throws {
        try Data().write(to: URL(filePath: path))
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() }
        var text = ""
        for number in 0..<count {
            text += terms(number).joined(separator: " ") + "\n"
            if text.utf8.count > 1 << 20 || number == count - 1 {
                try file.write(contentsOf: Data(text.utf8))
                text = ""
            }
        }
    }
}

/// Draws numbers whose probability falls as 1 / rank.
private struct ZipfSampler {
    private let sums: [Double]

    /// - Parameter first: the rank of number 0.
    init(first: Int, count: Int) {
        var sum = 0.0
        sums = (0..<count).map { number in
            sum += 1 / Double(first + number + 1)
            return sum
        }
    }

    func next(_ generator: inout SeededGenerator) -> UInt32 {
        let point = generator.uniform() * (sums.last ?? 0)
        var (low, high) = (0, sums.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] > point { high = middle } else { low = middle + 1 }
        }
        return UInt32(low)
    }
}
