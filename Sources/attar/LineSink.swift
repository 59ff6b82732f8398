import AttarStorage
import Foundation

/// Lines of a result, to a file or, for `-`, to the standard output.
///
/// A file appears under its name only when it is complete.
final class LineSink {
    private let path: String
    private var lines: [UInt8] = []
    private let fileSystem = LocalFileSystem()
    private let file: (any WritableFile)?

    init(path: String) throws {
        self.path = path
        file = path == "-"
            ? nil : try fileSystem.openForWriting(AtomicFile.temporaryName(for: path), mode: .replace)
    }

    func write(_ line: String) throws {
        lines += line.utf8
        lines.append(UInt8(ascii: "\n"))
        if lines.count > 1 << 16 { try flush() }
    }

    func finish() throws {
        try flush()
        guard let file else { return }
        try file.synchronize()
        try file.close()
        try fileSystem.rename(AtomicFile.temporaryName(for: path), to: path)
    }

    private func flush() throws {
        if let file {
            try file.write(lines)
        } else {
            FileHandle.standardOutput.write(Data(lines))
        }
        lines.removeAll(keepingCapacity: true)
    }
}
