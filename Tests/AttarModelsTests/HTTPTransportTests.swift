import AttarModels
import AttarStorage
import Foundation
import Testing

/// The real transport against a small server of Python's standard library, which knows ranges, redirects and silence.
@Suite(.enabled(if: LocalServer.isPossible, "needs python3")) struct HTTPTransportTests {
    @Test func rangesRedirectsAndErrorsAreUnderstood() async throws {
        let server = try LocalServer()
        defer { server.stop() }
        let transport = HTTPTransport(timeout: 2)
        for (path, offset) in [("/file", 0), ("/file", 4000), ("/redirect", 0), ("/redirect", 4000)] {
            let received = Collected()
            try await transport.download(
                server.address(path), from: offset, begin: { received.begin($0) }, receive: { received.append($0) })
            #expect(received.offset == offset, "\(path)")
            #expect(received.data == LocalServer.content.dropFirst(offset), "\(path)")
        }
        let whole = Collected()
        try await transport.download(
            server.address("/norange"), from: 4000, begin: { whole.begin($0) }, receive: { whole.append($0) })
        #expect(whole.offset == 0 && whole.data == LocalServer.content)
    }

    @Test func absenceSilenceAndRefusalEndSoonWithAnError() async throws {
        let server = try LocalServer()
        defer { server.stop() }
        let transport = HTTPTransport(timeout: 2)
        for (address, word) in [
            (server.address("/none"), "404"), (server.address("/silent"), "failed"), (LocalServer.closed, "failed"),
        ] {
            let start = ContinuousClock.now
            let error = await #expect(throws: ModelError.self) {
                try await transport.download(address, from: 0, begin: { _ in }, receive: { _ in })
            }
            #expect(error?.description.contains(word) == true && error?.description.contains(address.path) == true)
            // The system's own patience is minutes; on a busy machine, hundreds of tests wait for the same processors.
            #expect(ContinuousClock.now - start < .seconds(120))
        }
        // What the receiver throws ends the transfer and comes out.
        await #expect(throws: ModelError.unsafePath("x")) {
            try await transport.download(
                server.address("/file"), from: 0, begin: { _ in }, receive: { _ in throw ModelError.unsafePath("x") })
        }
    }
}

/// What a transfer delivered.
private final class Collected: @unchecked Sendable {
    private let lock = NSLock()
    private var bytes = Data()
    private var start = -1
    func begin(_ offset: Int) { lock.withLock { start = offset } }
    func append(_ data: Data) { lock.withLock { bytes.append(data) } }
    var offset: Int { lock.withLock { start } }
    var data: Data { lock.withLock { bytes } }
}

private final class LocalServer {
    static let content = Data((0..<200_000).map { UInt8($0 % 249) })
    /// Nothing listens there.
    static let closed = URL(string: "http://127.0.0.1:1/x") ?? URL(filePath: "/x")

    static var isPossible: Bool {
        ["/usr/bin/python3", "/usr/local/bin/python3"].contains { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static let program = """
        import http.server, os, sys, threading, time
        content = bytes(i % 249 for i in range(200000))
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments): pass
            def do_GET(self):
                if self.path == "/redirect":
                    self.send_response(302); self.send_header("Location", "/file")
                    self.send_header("Content-Length", "0"); self.end_headers(); return
                if self.path == "/silent": time.sleep(30); return
                if self.path == "/none": self.send_error(404); return
                span = self.headers.get("Range")
                at = int(span[6:-1]) if span and self.path == "/file" else 0
                self.send_response(206 if at else 200)
                self.send_header("Content-Length", str(len(content) - at)); self.end_headers()
                try: self.wfile.write(content[at:])
                except OSError: pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        def leave(): sys.stdin.read(); os._exit(0)
        threading.Thread(target=leave, daemon=True).start()
        print(server.server_address[1], flush=True)
        server.serve_forever()
        """

    private let process = Process()
    // The server lives as long as this pipe is open: a signal might be blocked in a child of the test runner.
    private let lifeline = Pipe()
    private let port: Int

    init() throws {
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.program]
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = lifeline
        process.standardError = FileHandle.nullDevice
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    func address(_ path: String) -> URL { URL(string: "http://127.0.0.1:\(port)\(path)") ?? Self.closed }

    func stop() {
        try? lifeline.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
