import AttarCollection
import AttarEvidence
import AttarTensor
import Dispatch
import Synchronization

extension Searcher {
    /// Runs many queries.
    ///
    /// - Parameters:
    ///   - queries: their ids, each once, and texts.
    ///   - depth: how many documents for each.
    ///   - filter: what the metadata of a document must be for it to be found; nil for all documents.
    ///   - threads: over how many the queries are shared; the documents and scores do not depend on it, the times do.
    ///   - name: the name of the run; nil for the pipeline's.
    /// - Returns: the documents for each query, also for those that find nothing, and how long each took.
    /// - Throws: `SearchError.duplicateQuery`, and the first failure in the order of the queries.
    public func run(
        _ queries: [(id: String, text: String)], _ pipeline: Pipeline, depth: Int = 100, filter: MetadataFilter? = nil,
        threads: Int = 1, name: String? = nil, progress: (@Sendable (_ done: Int, _ of: Int) -> Void)? = nil
    ) throws -> BatchResult {
        try run(queries, try prepare(pipeline), depth: depth, filter: filter, threads: threads, name: name,
            progress: progress)
    }

    /// Runs many queries through a pipeline that has been prepared.
    public func run(
        _ queries: [(id: String, text: String)], _ pipeline: PreparedPipeline, depth: Int = 100, filter: MetadataFilter? = nil,
        threads: Int = 1, name: String? = nil, progress: (@Sendable (_ done: Int, _ of: Int) -> Void)? = nil
    ) throws -> BatchResult {
        var seen = Set<String>(minimumCapacity: queries.count)
        for query in queries where !seen.insert(query.id).inserted { throw SearchError.duplicateQuery(query.id) }
        let answers = Mutex([Answer?](repeating: nil, count: queries.count))
        let done = Mutex(0)
        Parallel.forEach(count: queries.count, threads: threads) { index in
            let answer = Answer(queries[index].text, pipeline, depth: depth, filter: filter)
            answers.withLock { $0[index] = answer }
            guard let progress else { return }
            done.withLock {
                $0 += 1
                progress($0, queries.count)
            }
        }
        return try result(queries.map(\.id), answers.withLock { $0 }.compactMap { $0 }, name: name ?? pipeline.name)
    }

    private func result(_ ids: [String], _ answers: [Answer], name: String) throws -> BatchResult {
        var run = Run(name: name)
        for (id, answer) in zip(ids, answers) {
            let results = try answer.hits.get().map {
                Run.Result(collection.identifier(ofDocument: Int($0.document)), .init($0.score))
            }
            try run.setResults(results, query: id)
        }
        return BatchResult(run: run, nanoseconds: answers.map(\.nanoseconds))
    }
}

/// What one query of a batch gave.
private struct Answer: Sendable {
    let hits: Result<[DocumentHit], any Error>
    let nanoseconds: UInt64

    init(_ query: String, _ pipeline: PreparedPipeline, depth: Int, filter: MetadataFilter?) {
        let start = DispatchTime.now().uptimeNanoseconds
        hits = Result { try pipeline.search(query, depth: depth, filter: filter) }
        nanoseconds = DispatchTime.now().uptimeNanoseconds - start
    }
}
