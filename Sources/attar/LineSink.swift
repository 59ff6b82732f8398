import AttarStorage

/// Lines of a result, to a file or, for `-`, to the standard output.
///
/// A file appears under its name only when it is complete; a sink that is released before leaves nothing.
final class LineSink {
    private let file: AtomicFileWriter

    init(path: String) throws { file = try AtomicFileWriter(path: path) }

    func write(_ line: String) throws { try file.append(Array((line + "\n").utf8)) }

    func finish() throws { try file.finish() }
}
