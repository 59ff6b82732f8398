@testable import AttarCollection
import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

/// The power is cut after every single change that a sequence of commits makes to the disk, SQLite's changes included.
///
/// What was not synchronised is lost, kept, or torn at random; then the collection must hold what was acknowledged as
/// committed, or the commit that was under way, whole.
@Suite(.serialized) struct PowerCutTests {
    /// One run, and how much had happened when each step was done.
    private struct Recording {
        var changes: [PowerCutTrace.Change] = []
        /// How many changes there were when the collection was made, and after each step.
        var acknowledged: [Int] = []

        /// How many steps were done after some changes; nil before there was a collection.
        func done(after count: Int) -> Int? {
            let done = acknowledged.count { $0 <= count }
            return done > 0 ? done - 1 : nil
        }
    }

    private func record(_ history: CollectionHistory) throws -> Recording {
        let folder = try TemporaryFolder()
        let trace = PowerCutTrace(root: folder.path)
        let fileSystem = RecordingFileSystem(trace)
        var recording = Recording()
        try RecordedDatabases.record(into: trace) {
            _ = try Collection.create(at: folder.file("c"), fileSystem: fileSystem)
            recording.acknowledged.append(trace.count)
            for step in history.steps {
                try step.change(folder.file("c"), fileSystem)
                recording.acknowledged.append(trace.count)
            }
        }
        recording.changes = trace.changes
        return recording
    }

    @Test func whatWasCommittedSurvivesACutAfterEachChange() async throws {
        let history = CollectionHistory()
        let recording = try record(history)
        let ofDatabase = recording.changes.count { "\($0)".contains("documents.sqlite") }
        #expect(recording.changes.count > 300 && ofDatabase > 100, "\(recording.changes.count), \(ofDatabase) by SQLite")
        let seeds = Int(ProcessInfo.processInfo.environment["ATTAR_POWER_CUT_SEEDS"] ?? "") ?? 1
        #expect(try await walk(history, recording, seeds: seeds) == [])
    }

    /// The test would be worth nothing if it found no fault in what is wrong.
    @Test(arguments: ["collection.json", "documents.sqlite", "text.inv"])
    func filesThatAreNotSynchronizedAreFoundOut(_ name: String) async throws {
        let history = CollectionHistory()
        let recording = try record(history)
        let findings = try await walk(history, recording, seeds: 0, every: 3, atMost: 1) { change in
            if case .synchronize(let path) = change, path.contains(name) { return false }
            return true
        }
        #expect(!findings.isEmpty)
    }

    /// - Parameters:
    ///   - limit: after so many findings the walk ends.
    ///   - happens: which changes reach the disk.
    /// - Returns: what was wrong after which cut.
    private func walk(
        _ history: CollectionHistory, _ recording: Recording, seeds: Int, every stride: Int = 1,
        atMost limit: Int = 100, where happens: (PowerCutTrace.Change) -> Bool = { _ in true }
    ) async throws -> [String] {
        var disk = PowerCutDisk()
        var findings: [String] = []
        for (index, change) in recording.changes.enumerated() where findings.count < limit {
            if happens(change) { disk.apply(change) }
            guard index % stride == 0 else { continue }
            // Minutes of work: other tests, some with limits of time, get their turns.
            await Task.yield()
            for seed in 0...seeds {
                var generator = SeededGenerator(seed: UInt64(index * 1000 + seed))
                let image = disk.image(seed == 0 ? .nothing : .anything, using: &generator)
                let context = "cut after change \(index) of \(recording.changes.count), seed \(seed): "
                let done = recording.done(after: index + 1)
                do {
                    findings += try self.findings(image, history, done: done, resuming: index % 7 == seed)
                        .map { context + $0 }
                } catch {
                    findings.append(context + "\(error)")
                }
            }
        }
        return findings
    }

    private func findings(
        _ image: PowerCutDisk.Image, _ history: CollectionHistory, done: Int?, resuming: Bool
    ) throws -> [String] {
        let folder = try TemporaryFolder()
        for (path, bytes) in image.sorted(by: { $0.key < $1.key }) {
            if let bytes { try folder.write(bytes, to: path) } else { try LocalFileSystem().makeDirectory(folder.file(path)) }
        }
        let path = folder.file("c")
        let trace = PowerCutTrace(root: folder.path)
        let fileSystem = RecordingFileSystem(trace)
        return try RecordedDatabases.record(into: trace) {
            // Before the creation was acknowledged there may be nothing, and then the same call succeeds.
            if done == nil, !Collection.exists(at: path) { _ = try Collection.create(at: path, fileSystem: fileSystem) }
            return try history.findings(at: path, done: done ?? 0, resuming: resuming, on: fileSystem)
        }
    }
}
