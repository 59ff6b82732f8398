import AttarStorage
import AttarTensor
import Foundation

/// Damages section files in ways that no checksum tells of: the sections are written anew around it.
public enum SectionMutator {
    /// Writes a section file with damage: by turns in any bytes, which checksums tell of, or as `rewrite` does.
    ///
    /// - Returns: the path of what was written.
    public static func damage(
        _ whole: [UInt8], _ source: SectionFile, numbers: [UInt32], to name: String, in folder: TemporaryFolder,
        seed: UInt64
    ) throws -> String {
        guard seed % 2 == 0 else {
            try rewrite(source, to: folder.file(name), numbers: numbers, seed: seed)
            return folder.file(name)
        }
        var mutator = ByteMutator(seed: seed)
        return try folder.write(mutator.damaged(whole), to: name)
    }

    /// Writes the sections of a file to another one, words of one of them replaced by extreme numbers.
    ///
    /// - Parameters:
    ///   - sparing: sections that stay as they are.
    ///   - numbers: what words may become besides small and very large numbers, such as the counts of the file.
    public static func rewrite(
        _ source: SectionFile, to path: String, sparing: Set<String> = [], numbers: [UInt32] = [], seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let victim = source.sections.filter { !sparing.contains($0.name) }.randomElement(using: &generator)?.name
        let extreme = numbers + [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0x7FC0_0000, .max]
        let writer = try SectionFileWriter(path: path, kind: source.kind, version: source.version)
        for section in source.sections {
            var bytes = try source.withBytes(section.name) { Array($0) }
            if section.name == victim, bytes.count >= 4 {
                for _ in 0..<Int.random(in: 1...30, using: &generator) {
                    let at = Int.random(in: 0..<(bytes.count / 4), using: &generator) * 4
                    let value = extreme.randomElement(using: &generator) ?? 0
                    withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(at..<(at + 4), with: $0) }
                    // Half of the damages are as small as can be.
                    if Bool.random(using: &generator) { bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator) }
                }
            }
            try writer.add(section.name, bytes)
        }
        try writer.finish()
    }

    /// Writes the sections of a file to another one, a text in one of them replaced.
    ///
    /// - Throws: `Absent` when the text is not there: then nothing would be damaged.
    public static func replace(
        _ old: String, by new: String, inSection name: String, of source: SectionFile, to path: String
    ) throws {
        let writer = try SectionFileWriter(path: path, kind: source.kind, version: source.version)
        for section in source.sections {
            var bytes = try source.withBytes(section.name) { Array($0) }
            if section.name == name {
                let text = String(decoding: bytes, as: UTF8.self)
                guard text.contains(old) else { throw Absent(text: old) }
                bytes = Array(text.replacingOccurrences(of: old, with: new).utf8)
            }
            try writer.add(section.name, bytes)
        }
        try writer.finish()
    }

    /// A text that was to be replaced is not there.
    public struct Absent: Error {
        public let text: String
    }
}
