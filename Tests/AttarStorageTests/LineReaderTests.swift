import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@Suite struct LineReaderTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func write(_ bytes: [UInt8], _ name: String = "lines.txt") throws -> String {
        try folder.write(bytes, to: name)
    }

    private func lines(_ path: String) throws -> [String] {
        let reader = try LineReader(path: path)
        var lines: [String] = []
        while let line = try reader.next() {
            #expect(line.number == lines.count + 1)
            lines.append(String(decoding: line.bytes, as: UTF8.self))
        }
        #expect(try reader.next() == nil)
        return lines
    }

    private func lines(of text: String) throws -> [String] { try lines(write(Array(text.utf8))) }

    @Test func lineEndsOfAllKindsAreRemoved() throws {
        #expect(try lines(of: "") == [])
        #expect(try lines(of: "\n") == [""])
        #expect(try lines(of: "one") == ["one"])
        #expect(try lines(of: "one\n") == ["one"])
        #expect(try lines(of: "one\r\ntwo\r\n") == ["one", "two"])
        #expect(try lines(of: "one\n\ntwo") == ["one", "", "two"])
        #expect(try lines(of: "o\rne\ntwo\r") == ["o\rne", "two"])
    }

    @Test func aByteOrderMarkIsNoPartOfTheFirstLine() throws {
        #expect(try lines(of: "\u{FEFF}one\n\u{FEFF}two") == ["one", "\u{FEFF}two"])
        #expect(try lines(of: "\u{FEFF}") == [])
    }

    @Test func aLineOfTwelveMegabytesIsOneLine() throws {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 12 << 20)
        let path = try write(Array("a\n".utf8) + long + Array("\nb".utf8))
        let reader = try LineReader(path: path)
        #expect(try reader.next()?.bytes == Array("a".utf8))
        #expect(try reader.next()?.bytes == long)
        #expect(try reader.next()?.bytes == Array("b".utf8))
        let limited = try LineReader(path: path, maximumLineBytes: 1 << 20)
        _ = try limited.next()
        let error = #expect(throws: StorageError.self) { try limited.next() }
        #expect(error?.kind == .tooLarge && error?.detail.contains("line 2") == true)
    }

    @Test(arguments: [1, 7, 100_000, 262_143, 262_144, 262_145, 700_000])
    func linesAcrossBufferEndsAreWhole(length: Int) throws {
        var generator = SeededGenerator(seed: UInt64(length))
        var expected: [String] = []
        var text = ""
        for index in 0..<(1_500_000 / (length + 1)).clamped(to: 3...400) {
            let line = String(repeating: Character(UnicodeScalar(UInt8(97 + index % 26))), count: length - index % 2)
            expected.append(line)
            text += line + (generator.uniform() < 0.5 ? "\n" : "\r\n")
        }
        #expect(try lines(write(Array(text.utf8))) == expected)
        #expect(try lines(write(Gzip.stored(Array(text.utf8)))) == expected)
    }

    @Test func gzipIsToldByItsBytesAndNotByItsName() throws {
        let compressed = try #require(Data(base64Encoded: Self.compressed))
        #expect(try lines(write(Array(compressed), "plain-name.txt")) == Self.expected)
        #expect(try lines(write(Array("plain".utf8), "no-gzip.gz")) == ["plain"])
        #expect(try lines(write([0x1f], "short.gz")) == ["\u{1f}"])
    }

    @Test func severalGzipMembersAreOneText() throws {
        let members = ["a\nb", "c\n", "", "d"].flatMap { Gzip.stored(Array($0.utf8)) }
        #expect(try lines(write(members)) == ["a", "bc", "d"])
        #expect(try lines(write(members + [0, 0, 0])) == ["a", "bc", "d"])
    }

    @Test func brokenGzipIsRefusedAtEveryLength() throws {
        let whole = Array(try #require(Data(base64Encoded: Self.compressed)))
        for length in 2..<whole.count {
            let path = try write(Array(whole[..<length]))
            let error = #expect(throws: StorageError.self) { try lines(path) }
            #expect(error?.kind == .corrupt && error?.path == path)
        }
        let altered = whole.enumerated().map { $0.offset == whole.count - 6 ? $0.element ^ 1 : $0.element }
        #expect(throws: StorageError.self) { try lines(write(altered)) }
        #expect(throws: StorageError.self) { try lines(write(whole + Array("garbage".utf8))) }
    }

    @Test func aDecompressionBombStopsAtTheLimit() throws {
        let path = try write(Gzip.stored([UInt8](repeating: 0, count: 3 << 20)))
        let reader = try LineReader(path: path, maximumBytes: 1 << 20)
        let error = #expect(throws: StorageError.self) { try reader.next() }
        #expect(error?.kind == .tooLarge)
    }

    @Test func missingFilesAndFoldersAreNamed() throws {
        let missing = #expect(throws: StorageError.self) { try LineReader(path: folder.file("nothing")) }
        #expect(missing?.kind == .notFound && missing?.description.contains("nothing") == true)
        let directory = #expect(throws: StorageError.self) { try LineReader(path: folder.path) }
        #expect(directory?.kind == .notAFile)
    }

    static let expected = ["first line", "second line, which repeats, repeats, repeats, repeats", "third"]
    static let compressed = """
        H4sIAAAAAAACA0vLLCouUcjJzEvlKk5Nzs9LAbN1FMozMpMzFIpSC1ITS4p1cDO4SjIyi1K4AOxoisVHAAAA
        """
}

extension Comparable {
    fileprivate func clamped(to range: ClosedRange<Self>) -> Self { min(max(self, range.lowerBound), range.upperBound) }
}
