@testable import AttarCollection
import AttarStorage
import AttarTestSupport
import Testing

/// A walk of the failure point through a sequence of commits: after each failure the collection opens, verifies, and
/// holds what was committed before or after the commit that was interrupted, never anything between.
@Suite struct UpdateFaultTests {
    @Test(arguments: [FaultyFileSystem.Fault.diskFull, .inputOutput, .torn])
    func everyCommitIsThereOrNot(_ fault: FaultyFileSystem.Fault) async throws {
        let history = CollectionHistory()
        let operations: Set<FaultyFileSystem.Operation>? = fault == .torn ? [.write] : nil
        let counted = try TemporaryFolder()
        _ = try Collection.create(at: counted.file("c"))
        let counter = FaultyFileSystem(failure: .init(at: .max, operations: operations))
        #expect(history.run(counted.file("c"), on: counter) == history.steps.count)
        #expect(counter.steps >= (fault == .torn ? 20 : 100))
        for step in 0..<counter.steps {
            // Minutes of work: other tests, some with limits of time, get their turns.
            await Task.yield()
            let failure = FaultyFileSystem.Failure(at: step, fault, stays: fault == .diskFull, operations: operations)
            try check(history, failure, "\(fault) at step \(step) of \(counter.steps)")
        }
    }

    private func check(_ history: CollectionHistory, _ failure: FaultyFileSystem.Failure, _ context: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        let trace = PowerCutTrace(root: folder.path)
        let working = RecordingFileSystem(trace)
        try RecordedDatabases.record(into: trace) {
            _ = try Collection.create(at: path, fileSystem: working)
            let done = history.run(path, on: FaultyFileSystem(working, failure: failure))
            #expect(try history.findings(at: path, done: done, on: working) == [], "\(context), in commit \(done)")
        }
    }
}
