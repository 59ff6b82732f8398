import Foundation

/// The standard output or error as a file: unlike `print`, it tells when the disk or the reader behind it fails, and
/// unlike `FileHandle`, it does not stop the program then.
public final class StandardStream: WritableFile, Sendable {
    private let descriptor: FileDescriptor

    private init(_ handle: Int32, _ name: String) {
        descriptor = FileDescriptor(handle, path: name, closes: false)
    }

    /// Where results go.
    public static let output = StandardStream(1, "standard output")

    /// Where messages go.
    public static let error = StandardStream(2, "standard error")

    /// Makes a closed pipe and a limit on file sizes errors of the write instead of the end of the process, and takes
    /// the numbers of streams that are closed, which else the next file would get, and with it the messages.
    ///
    /// To be called before any file is opened.
    public static func prepare() {
        for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
        for number: Int32 in 0...2 where fcntl(number, F_GETFD) < 0 {
            // The lowest free number is the one that is missing; for reading, so that writing to it fails.
            _ = open("/dev/null", O_RDONLY)
        }
    }

    /// Writes all the bytes at once, without a buffer.
    public func write(_ bytes: UnsafeRawBufferPointer) throws { try descriptor.write(bytes) }

    /// Nothing to do: what stands behind need not be a file.
    public func synchronize() {}

    /// Leaves the stream open for what follows.
    public func close() {}

    /// Writes a message, or loses it: that nobody listens is no reason to stop the work.
    public func say(_ message: String) {
        try? write(Array(message.utf8))
    }
}
