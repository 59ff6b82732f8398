import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Downloads over HTTP with `URLSession`.
public struct HTTPTransport: DownloadTransport {
    private let timeout: TimeInterval

    /// - Parameter timeout: seconds without any byte after which a transfer is given up.
    public init(timeout: TimeInterval = 5) {
        self.timeout = timeout
    }

    /// Fetches the bytes at an address; see the protocol.
    public func download(
        _ address: URL, from offset: Int, begin: @escaping @Sendable (Int) throws -> Void,
        receive: @escaping @Sendable (Data) throws -> Void
    ) async throws {
        var request = URLRequest(url: address, timeoutInterval: timeout)
        if offset > 0 { request.setValue("bytes=\(offset)-", forHTTPHeaderField: "Range") }
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = timeout
        let transfer = Transfer(address: address.absoluteString, offset: offset, begin: begin, receive: receive)
        let session = URLSession(configuration: configuration, delegate: transfer, delegateQueue: nil)
        defer { session.finishTasksAndInvalidate() }
        let task = session.dataTask(with: request)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                transfer.start(task, continuation)
            }
        } onCancel: {
            task.cancel()
        }
    }
}

/// The state of one transfer; URLSession calls it from its own queue, one call at a time.
private final class Transfer: NSObject, URLSessionDataDelegate, Sendable {
    private struct State {
        var continuation: CheckedContinuation<Void, any Error>?
        var failure: (any Error)?
    }

    private let address: String
    private let offset: Int
    private let begin: @Sendable (Int) throws -> Void
    private let receive: @Sendable (Data) throws -> Void
    private let state = Mutex(State())

    init(
        address: String, offset: Int, begin: @escaping @Sendable (Int) throws -> Void,
        receive: @escaping @Sendable (Data) throws -> Void
    ) {
        self.address = address
        self.offset = offset
        self.begin = begin
        self.receive = receive
    }

    func start(_ task: URLSessionDataTask, _ continuation: CheckedContinuation<Void, any Error>) {
        state.withLock { $0.continuation = continuation }
        task.resume()
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        do {
            switch (response as? HTTPURLResponse)?.statusCode ?? 0 {
            case 200: try begin(0)
            case 206 where offset > 0: try begin(offset)
            case let status: throw ModelError.download(address: address, detail: "the server answered \(status).")
            }
            completionHandler(.allow)
        } catch {
            fail(error)
            completionHandler(.cancel)
        }
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        // After a refusal, what the server had already sent (the text of a 404) still comes in.
        guard state.withLock({ $0.failure == nil }) else { return }
        do {
            try receive(data)
        } catch {
            fail(error)
            dataTask.cancel()
        }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        let (continuation, failure) = state.withLock { state in
            defer { state.continuation = nil }
            return (state.continuation, state.failure)
        }
        if let failure {
            continuation?.resume(throwing: failure)
        } else if let error {
            let detail = (error as NSError).localizedDescription
            continuation?.resume(throwing: ModelError.download(address: address, detail: detail + "."))
        } else {
            continuation?.resume()
        }
    }

    private func fail(_ error: any Error) {
        state.withLock { if $0.failure == nil { $0.failure = error } }
    }
}
