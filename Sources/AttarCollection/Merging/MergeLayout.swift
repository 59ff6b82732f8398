import AttarIndex

/// Where each document of several segments comes to stand in the one that they are merged into.
struct MergeLayout {
    /// Documents that follow each other in a source and in the merged segment.
    struct Run {
        let segment: Segment
        var documents: Range<Int>
        var passages: Range<Int>
        /// The ordinals of the first ones in the merged segment.
        let firstDocument: Int
        let firstPassage: Int

        /// The same in pieces of some documents.
        func slices(of count: Int) -> some Sequence<Run> {
            stride(from: documents.lowerBound, to: documents.upperBound, by: count).lazy.map { start in
                let slice = start..<min(start + count, documents.upperBound)
                let (first, last) = (segment.map.passages(of: start), segment.map.passages(of: slice.upperBound - 1))
                return Run(
                    segment: segment, documents: slice, passages: first.lowerBound..<last.upperBound,
                    firstDocument: firstDocument + start - documents.lowerBound,
                    firstPassage: firstPassage + first.lowerBound - passages.lowerBound)
            }
        }
    }

    /// All documents that stay, in their new order.
    private(set) var runs: [Run] = []
    /// For each source, the new ordinal of each of its documents; nil for those that go.
    private(set) var ordinals: [[Int?]]
    /// Which passage comes first, second …, those that stay being numbered through all sources; nil when they keep
    /// their order.
    let passageOrder: [UInt32]?
    private(set) var documentCount = 0
    private(set) var passageCount = 0

    /// - Parameter reorders: whether documents with the same words come to stand near each other, by recursive graph
    ///   bisection; otherwise all keep their order.
    /// - Throws: what says that a word index is damaged.
    init(_ sources: [Segment], reorders: Bool) throws {
        ordinals = sources.map { [Int?](repeating: nil, count: $0.record.documentCount) }
        var documents: [(source: Int, ordinal: Int)] = []
        for (source, segment) in sources.enumerated() {
            for ordinal in 0..<segment.record.documentCount
            where !(segment.deleted?.contains(UInt32(ordinal)) ?? false) {
                documents.append((source, ordinal))
            }
        }
        guard reorders else {
            passageOrder = nil
            for document in documents { append(document, of: sources) }
            return
        }
        let counts = documents.map { sources[$0.source].map.passages(of: $0.ordinal).count }
        let order = try GraphBisection().order(of: sources.map { ($0.text, $0.live) }, passageCounts: counts)
        passageOrder = GraphBisection.passages(of: order, counts: counts)
        for number in order { append(documents[Int(number)], of: sources) }
    }

    private mutating func append(_ document: (source: Int, ordinal: Int), of sources: [Segment]) {
        let segment = sources[document.source]
        let passages = segment.map.passages(of: document.ordinal)
        if let last = runs.last, last.segment === segment, last.documents.upperBound == document.ordinal {
            runs[runs.count - 1].documents = last.documents.lowerBound..<(document.ordinal + 1)
            runs[runs.count - 1].passages = last.passages.lowerBound..<passages.upperBound
        } else {
            runs.append(Run(
                segment: segment, documents: document.ordinal..<(document.ordinal + 1), passages: passages,
                firstDocument: documentCount, firstPassage: passageCount))
        }
        ordinals[document.source][document.ordinal] = documentCount
        documentCount += 1
        passageCount += passages.count
    }
}
