import AttarCollection
import AttarEvidence
import AttarModels
import AttarSearch
import AttarText
import Testing

/// Searches inside of what a filter lets through.
@Suite struct FilteredSearchTests {
    private let query = "apple wing in the year 1953"
    private let filters = [
        "number < 30", "number >= 58", #"subjects = "wing" and not number in (4, 10)"#, "number exists", "other exists",
    ]

    private func corpora() throws -> [SmallCorpus] {
        try [
            SmallCorpus(), SmallCorpus(segments: 5),
            SmallCorpus(segments: 3, chunking: .sentences(maximumWords: 8, overlap: 0)),
        ]
    }

    /// A filtered list is the whole list without what the filter holds back, so k come back whenever k exist.
    @Test func filteredListsAreTheWholeListWithoutTheRest() throws {
        for corpus in try corpora() {
            for pipeline in [Pipeline.bm25(), .dense(SmallCorpus.teacher), .asymmetric(SmallCorpus.student)] {
                let prepared = try corpus.searcher.prepare(pipeline)
                let all = try prepared.search(query, depth: 60)
                for text in filters {
                    let filter = try MetadataFilter(parsing: text)
                    let expected = all.filter { filter.matches(corpus.documents[Int($0.document)].metadata) }
                    for depth in [1, 5, 60] {
                        let found = try prepared.respond(to: query, depth: depth, filter: filter)
                        #expect(found.hits == Array(expected.prefix(depth)), "\(pipeline.name), \(text)")
                        #expect(found.requested == depth && found.returned == found.hits.count)
                        #expect(found.scanned > 0 || expected.isEmpty)
                    }
                }
            }
        }
    }

    @Test func everyPartOfAFusionIsFiltered() throws {
        for corpus in try corpora() {
            let pipeline = Pipeline.hybrid([.bm25(), .dense(SmallCorpus.teacher)], candidates: 3)
            let filter = try MetadataFilter(parsing: "number >= 20 and number < 40")
            let prepared = try corpus.searcher.prepare(pipeline)
            let response = try corpus.searcher.respond(to: query, prepared, depth: 20, filter: filter, explain: true)
            #expect(response.returned == 20 && response.allowed == 20)
            for result in response.results {
                let number = try #require(Int(result.documentID.dropFirst()))
                #expect((20..<40).contains(number))
                #expect(abs((result.explanation?.score ?? 0) - result.score) < 1e-9)
            }
        }
    }

    @Test func runsAreFiltered() throws {
        let corpus = try SmallCorpus(segments: 2)
        let filter = MetadataFilter.equals("number", .number(7))
        let result = try corpus.searcher.run([("q", query)], .dense(SmallCorpus.teacher), filter: filter)
        #expect(result.run["q"].map(\.documentID) == ["d7"])
    }
}
