import ArgumentParser
import AttarStorage
import Foundation

/// The command line. Each verb is one file; what they do lives in the libraries.
@main
struct Attar: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attar",
        abstract: "Turn your documents and a big retrieval model into a small, fast, measured search.",
        discussion: """
            Example:
              attar models pull minilm
              attar ingest ~/docs --to my-docs
              attar distill my-docs --teacher minilm
              attar search my-docs "how do I rotate the logs"

            Exit status: 0 done, 2 the command was wrong, 3 the input was wrong, 4 a claim did not hold, \
            5 a resource failed.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(name: "The main job", subcommands: [Ingest.self, Distill.self, Index.self, Search.self]),
            CommandGroup(name: "Evidence", subcommands: [Evaluate.self, Systems.self, Bench.self, Verify.self]),
            CommandGroup(name: "Models", subcommands: [Models.self, Encode.self, Generate.self, Tokenize.self]),
        ])

    static func main() async {
        StandardStream.prepare()
        let work = Task { try await runParsedCommand() }
        let interrupts = InterruptHandler { work.cancel() }
        defer { interrupts.stop() }
        do {
            try await work.value
        } catch {
            CommandFailure(error).exit()
        }
    }

    private static func runParsedCommand() async throws {
        var command = try parseAsRoot()
        if var command = command as? any AsyncParsableCommand {
            try await command.run()
        } else {
            try command.run()
        }
    }
}

/// How a thrown error ends the process: its message on standard error, its category as exit status.
struct CommandFailure {
    let message: String
    let status: Int32
    let isHelp: Bool

    init(_ error: any Error) {
        switch error {
        case let error as StorageError where error.kind == .closedPipe:
            // Whoever closed it, such as `head`, has all that it wants; as with other tools there is nothing to say.
            (message, status, isHelp) = ("", error.category.rawValue, false)
        case let error as any AttarError:
            (message, status, isHelp) = ("attar: \(error)", error.category.rawValue, false)
        case is CancellationError:
            (message, status, isHelp) = (
                "attar: stopped. Nothing that was finished is lost: give the same command again to go on.", 130, false)
        default:
            let code = Attar.exitCode(for: error)
            isHelp = code == .success
            message = Attar.fullMessage(for: error)
            // The argument parser ends with 64 when the command is wrong; Attar's status for that is 2.
            status = code == .validationFailure ? ErrorCategory.usage.rawValue
                : code == .success || error is ExitCode ? code.rawValue : ErrorCategory.resource.rawValue
        }
    }

    func exit() -> Never {
        if isHelp {
            do {
                try OutputOptions.write(message)
            } catch {
                CommandFailure(error).exit()
            }
        } else if !message.isEmpty {
            StandardStream.error.say(message + "\n")
        }
        Foundation.exit(status)
    }
}

/// Turns the first Ctrl-C (or a termination signal) into a cancellation, and the second into an immediate end.
final class InterruptHandler: @unchecked Sendable {
    private let sources: [any DispatchSourceSignal]

    init(onFirst cancel: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "attar.interrupts")
        let state = Counter()
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                if state.increment() > 1 { Foundation.exit(130) }
                StandardStream.error.say("\nattar: stopping after the current step …\n")
                cancel()
            }
            source.resume()
            return source
        }
    }

    func stop() {
        for source in sources { source.cancel() }
    }

    /// Counts signals; touched on one queue only.
    private final class Counter: @unchecked Sendable {
        private var count = 0

        func increment() -> Int {
            count += 1
            return count
        }
    }
}
