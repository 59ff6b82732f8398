import AttarStorage

/// Lines of a result, to a file or, for `-`, to the standard output.
///
/// A file appears under its name only when it is complete; a sink that is released before leaves nothing.
final class LineSink {
    private let path: String
    private let temporary: String?
    private var lines: [UInt8] = []
    private let fileSystem = LocalFileSystem()
    private let file: any WritableFile
    private var isFinished = false

    init(path: String) throws {
        self.path = path
        if path == "-" {
            temporary = nil
            file = StandardStream.output
        } else {
            try AtomicFile.requireDestination(path)
            let name = AtomicFile.temporaryName(for: path)
            temporary = name
            file = try fileSystem.openForWriting(name, mode: .createNew)
        }
    }

    deinit {
        if let temporary, !isFinished { try? fileSystem.remove(temporary) }
    }

    func write(_ line: String) throws {
        lines += line.utf8
        lines.append(UInt8(ascii: "\n"))
        if lines.count > 1 << 16 { try flush() }
    }

    func finish() throws {
        try flush()
        try file.synchronize()
        try file.close()
        if let temporary {
            try fileSystem.rename(temporary, to: path)
            try fileSystem.synchronizeDirectory(LocalFileSystem.folder(of: path))
        }
        isFinished = true
    }

    private func flush() throws {
        try file.write(lines)
        lines.removeAll(keepingCapacity: true)
    }
}
