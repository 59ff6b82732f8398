import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@Suite struct TextFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test func invalidBytesAreNamedByLineAndOffset() throws {
        let path = folder.file("latin.txt")
        try AtomicFile.write(Array("good\nstill good\ncaf".utf8) + [0xE9] + Array(" au lait".utf8), to: path)
        let error = #expect(throws: StorageError.self) { try TextFile.read(path) }
        #expect(error?.kind == .invalidUTF8)
        #expect(error?.description.contains("line 3, byte 19: 0xE9") == true)
        #expect(error?.category == .input)
    }

    @Test func aByteOrderMarkIsDroppedAndLimitsHold() throws {
        let path = folder.file("mark.txt")
        try AtomicFile.write(Array("\u{FEFF}täxt".utf8), to: path)
        #expect(try TextFile.read(path) == "täxt")
        let error = #expect(throws: StorageError.self) { try TextFile.read(path, maximumBytes: 3) }
        #expect(error?.kind == .tooLarge)
    }

    @Test func theFirstInvalidByteIsWhereTheStandardLibraryGivesUp() {
        var generator = SeededGenerator(seed: 1)
        let interesting: [UInt8] = [
            0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0,
            0xF1, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<20000 {
            let count = Int.random(in: 0...6, using: &generator)
            let bytes = (0..<count).map { _ in interesting.randomElement(using: &generator) ?? 0 }
            let invalid = TextFile.firstInvalidOffset(in: bytes)
            #expect((invalid == nil) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
            if let invalid { #expect(String(validating: bytes[..<invalid], as: UTF8.self) != nil, "\(bytes)") }
        }
    }
}

@Suite struct ChecksumTests {
    @Test func sha256OfTheStandardsExamples() throws {
        // FIPS 180-2, appendix B.
        #expect(
            SHA256Digest.hex(of: "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            SHA256Digest.hex(of: [UInt8]()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        let folder = try TemporaryFolder()
        try AtomicFile.write([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000), to: folder.file("million"))
        #expect(
            try SHA256Digest.hex(ofFile: folder.file("million"))
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func aDigestInPiecesIsThatOfTheWhole() {
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        let hasher = SHA256Hasher()
        for start in stride(from: 0, to: bytes.count, by: 333) {
            hasher.update(Array(bytes[start..<min(start + 333, bytes.count)]))
        }
        #expect(hasher.finish() == SHA256Digest(of: bytes))
    }

    @Test func crc32cOfTheStandardsExample() {
        #expect(CRC32C.checksum(of: Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum(of: []) == 0)
    }
}
