import AttarCollection
import AttarStorage
import AttarTestSupport
import AttarText
import Foundation
import Synchronization
import Testing

/// A process that writes and one that merges, at the same time.
@Suite struct TwoProcessTests {
    /// The command line, which is built beside the tests; nil where it was not.
    static let attar: String? = {
        let beside = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let path = beside.appending(path: "attar").path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }()

    /// - Returns: the exit status.
    private static func run(_ attar: String, _ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: attar)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    @Test(.enabled(if: attar != nil, "the command line is not built"))
    func nothingIsLostBetweenAWriterAndAMerger() throws {
        let attar = try #require(Self.attar), folder = try TemporaryFolder(), path = folder.file("c")
        var expected: [String: Document] = [:]
        /// A batch of documents, of which most replace others.
        func write(_ round: Int) throws -> Int32 {
            let documents = (0..<40).map {
                Document(id: "\((round * 17 + $0) % 90)", title: "T", text: "Round \(round) says \($0 * round).")
            }
            for document in documents { expected[document.id] = document }
            let lines = documents.map { #"{"_id": "\#($0.id)", "title": "T", "text": "\#($0.text)"}"# + "\n" }.joined()
            try folder.write(Array(lines.utf8), to: "batch.jsonl")
            let arguments = ["ingest", folder.file("batch.jsonl"), "--to", path, "--update", "--chunk", "whole"]
            return try Self.run(attar, arguments + (round % 3 == 0 ? [] : ["--no-merge"]))
        }
        #expect(try write(0) == 0)
        let isDone = Atomic(false)
        let hasEnded = Atomic(false)
        let merges = Mutex<[Int32]>([])
        let thread = Thread {
            while !isDone.load(ordering: .acquiring) {
                let status = (try? Self.run(attar, ["index", path, "--merge"])) ?? -1
                merges.withLock { $0.append(status) }
            }
            hasEnded.store(true, ordering: .releasing)
        }
        thread.start()
        for round in 1...25 { #expect(try write(round) == 0, "round \(round)") }
        isDone.store(true, ordering: .releasing)
        while !hasEnded.load(ordering: .acquiring) { Thread.sleep(forTimeInterval: 0.01) }
        let statuses = merges.withLock { $0 }
        // Another merge, that of an ingestion, may be under way: then it is said that the collection is locked.
        #expect(statuses.count { $0 == 0 } > 3 && statuses.allSatisfy { $0 == 0 || $0 == 5 }, "\(statuses)")
        #expect(try CollectionHistory.contents(of: path, "") == expected)
    }
}
