import Foundation

/// What moves bytes from an address: HTTP in earnest, an array in tests.
public protocol DownloadTransport: Sendable {
    /// Fetches the bytes at an address, beginning with byte `offset` if the server can do that.
    ///
    /// - Parameters:
    ///   - begin: called once before the first bytes, with the offset at which they begin: `offset`, or 0 if the server
    ///     sends everything.
    ///   - receive: called with the bytes in order; when it throws, the transfer ends with that error.
    /// - Throws: `ModelError.download`; what has been received by then is good.
    func download(
        _ address: URL, from offset: Int, begin: @escaping @Sendable (Int) throws -> Void,
        receive: @escaping @Sendable (Data) throws -> Void
    ) async throws
}

/// What unpacks a Python package: pip in earnest, a prepared folder in tests.
public protocol WheelFetcher: Sendable {
    /// Downloads exactly one package and unpacks it into `folder`, without running anything of it.
    ///
    /// - Throws: `ModelError.tool` or `ModelError.download`.
    func fetch(_ requirement: String, into folder: String) async throws
}
