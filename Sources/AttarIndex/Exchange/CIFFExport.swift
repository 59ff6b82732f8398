import AttarStorage

extension InvertedIndex {
    /// Writes the index in the Common Index File Format, for PISA, Terrier, JASS and others.
    ///
    /// - Parameters:
    ///   - description: of the collection and its terms.
    ///   - identifier: the name of a passage in the other engine's results, by its ordinal.
    /// - Throws: `StorageError`; nothing is left behind then. `IndexError` for more passages than the format's 31 bits
    ///   number.
    /// - Complexity: O(postings); memory holds the longest list.
    public func writeCIFF(
        to path: String, description: String, on fileSystem: any FileSystem = LocalFileSystem(),
        identifier: (UInt32) throws -> String
    ) throws {
        guard passages <= Int(Int32.max) else { throw IndexError.tooManyPassages(passages) }
        let file = try AtomicFileWriter(path: path, on: fileSystem)
        try file.append(ciffHeader(description).delimited)
        let scratch = SearchScratch()
        var list = ProtobufWriter()
        let whole = try dictionary.forEach { number, term in
            try fill(&list, term: term, records[number], scratch)
            try file.append(list.delimited)
            return true
        }
        guard whole else { throw corrupt("the dictionary") }
        var document = ProtobufWriter()
        for ordinal in 0..<UInt32(passages) {
            document.reset()
            document.add(CIFF.Document.ordinal, Int(ordinal))
            document.add(CIFF.Document.identifier, Array(try identifier(ordinal).utf8))
            document.add(CIFF.Document.length, length(of: ordinal))
            try file.append(document.delimited)
        }
        try file.finish()
    }

    private func ciffHeader(_ description: String) -> ProtobufWriter {
        var header = ProtobufWriter()
        header.add(CIFF.Header.version, CIFF.version)
        for field in [CIFF.Header.lists, CIFF.Header.totalLists] { header.add(field, terms) }
        for field in [CIFF.Header.documents, CIFF.Header.totalDocuments] { header.add(field, passages) }
        header.add(CIFF.Header.totalTerms, statistics.totalLength)
        header.add(CIFF.Header.averageLength, Double(statistics.totalLength) / Double(max(1, passages)))
        header.add(CIFF.Header.description, Array(description.utf8))
        return header
    }

    private func fill(
        _ list: inout ProtobufWriter, term: [UInt8], _ record: TermRecord, _ scratch: SearchScratch
    ) throws {
        var postings = ProtobufWriter()
        var posting = ProtobufWriter()
        var (previous, total) = (UInt32(0), 0)
        try forEachBlock(of: record, scratch) { ordinals, frequencies in
            for (ordinal, frequency) in zip(ordinals, frequencies) {
                let count = Int(min(frequency, Float(InvertedFormat.largestFrequency)))
                posting.reset()
                posting.add(CIFF.Posting.document, Int(ordinal - previous))
                posting.add(CIFF.Posting.frequency, count)
                postings.add(CIFF.List.posting, posting.bytes)
                total += count
                previous = ordinal
            }
        }
        list.reset()
        list.add(CIFF.List.term, term)
        list.add(CIFF.List.documentFrequency, Int(record.documentFrequency))
        list.add(CIFF.List.collectionFrequency, total)
        list.append(postings)
    }
}
