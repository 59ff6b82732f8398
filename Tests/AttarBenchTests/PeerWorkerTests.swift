@testable import AttarBench
import AttarStorage
import AttarTestSupport
import Foundation
import Testing

private let hasPython = ["/usr/bin", "/usr/local/bin"].contains { FileManager.default.fileExists(atPath: $0 + "/python3") }
    || (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
        FileManager.default.fileExists(atPath: $0 + "/python3")
    }

/// Needs `python3`, with nothing but its own library.
@Suite(.enabled(if: hasPython, "needs python3"))
struct PeerWorkerTests {
    private struct Request: Encodable {
        var op: String
        var text = "öl\n\u{2028}"
    }

    private struct Answer: Decodable {
        var text: String
    }

    private func worker(_ script: String) throws -> PeerWorker {
        try PeerWorker(.tokenizers, script: Array(script.utf8), python: "python3", threads: 1)
    }

    @Test func aWorkerAnswersWhateverItsLibrariesPrint() throws {
        let worker = try worker("""
            from worker import case, serve
            def echo(text):
                print("noise on the standard output")
                case("sleep", lambda: __import__("time").sleep(0.01))
                return {"text": text + "!"}
            serve(echo=echo)
            """)
        #expect(try worker.ask(Request(op: "echo"), for: Answer.self).text == "öl\n\u{2028}!")
        let contender = PeerContender(label: .init(engine: "peer", version: ""), worker: worker, case: "sleep")
        let times = try contender.times(repetitions: 3)
        #expect(times.count == 3 && times.allSatisfy { $0 >= 0.01 })
    }

    @Test func aPeersFailureIsReportedInItsOwnWords() throws {
        let worker = try worker("""
            from worker import serve
            def fail(text): raise ValueError("no such model")
            serve(fail=fail)
            """)
        let failure = #expect(throws: BenchError.self) { try worker.ask(Request(op: "fail"), for: Answer.self) }
        #expect(failure?.description.contains("ValueError: no such model") == true)
        // It goes on after a failure.
        #expect(throws: BenchError.self) { try worker.ask(Request(op: "fail"), for: Answer.self) }
    }

    @Test func aMissingPackageIsNamed() throws {
        let worker = try worker("import package_that_nobody_has")
        let failure = #expect(throws: BenchError.self) { try worker.ask(Request(op: "load"), for: Answer.self) }
        #expect(failure?.description.contains("package_that_nobody_has") == true)
    }
}
