import AttarStorage

/// Looks at the positions of a query's phrases where the cursors of their terms stand.
struct PhraseConfirmer {
    private var phrases: [CompiledPhrase]
    private var places: [PositionsCursor?]
    private var occurrences: [Occurrences] = []

    /// - Precondition: the scratch has room for two buffers a cursor; those of positions stand behind the others.
    init(_ query: CompiledQuery, _ scratch: SearchScratch) {
        phrases = query.phrases
        places = [PositionsCursor?](repeating: nil, count: phrases.isEmpty ? 0 : query.terms.count)
        for phrase in phrases {
            for (cursor, list) in zip(phrase.cursors, phrase.lists) {
                places[cursor] = PositionsCursor(
                    list, starts: scratch.buffers(query.terms.count + cursor).ordinals)
            }
        }
    }

    /// How often a phrase stands in the passage at which all of its cursors are; 0 without positions.
    mutating func frequency(
        _ phrase: Int, _ cursors: UnsafeMutablePointer<PostingsCursor>, _ reader: PostingsReader,
        _ positions: PositionsReader?
    ) throws -> Float {
        guard let positions else { return 0 }
        occurrences.removeAll(keepingCapacity: true)
        for cursor in phrases[phrase].cursors {
            guard let found = try places[cursor]?.occurrences(of: cursors[cursor], reader, positions) else { return 0 }
            occurrences.append(found)
        }
        return phrases[phrase].matcher.frequency(&occurrences)
    }
}
