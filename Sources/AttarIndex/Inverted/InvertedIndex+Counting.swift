extension InvertedIndex {
    /// In how many of some passages the term occurs.
    ///
    /// - Throws: `StorageError.corrupt` when the list is broken.
    /// - Complexity: O(log(terms) + postings of the term).
    public func documentFrequency(of term: String, among members: OrdinalSet) throws -> Int {
        guard let record = record(of: term) else { return 0 }
        let scratch = SearchScratch()
        scratch.reserve(terms: 1)
        var count = 0
        try forEachBlock(of: record, scratch) { ordinals, _ in
            for ordinal in ordinals where members.contains(ordinal) { count += 1 }
        }
        return count
    }
}
