import AttarStorage
import AttarTensor
import AttarTestSupport
import Foundation
import Testing

@Suite struct SectionFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private struct Facts: Codable, Equatable { var count: Int, name: String }

    @discardableResult
    private func writeSmall(_ path: String, version: Int = 1, on system: any FileSystem = LocalFileSystem()) throws
        -> Int
    {
        let writer = try SectionFileWriter(path: path, kind: "test", version: version, on: system)
        try writer.add("facts", json: Facts(count: 3, name: "é"))
        try writer.add("numbers", [UInt32(1), 2, 3])
        try writer.add("nothing", [UInt8]())
        try writer.add("floats", [Float(0.5), -1])
        return try writer.finish()
    }

    private func open(_ path: String) throws -> SectionFile {
        try SectionFile(path: path, kind: "test", newestVersion: 1)
    }

    @Test func sectionsComeBackAsTheyWereWritten() throws {
        let path = folder.file("a.seg")
        let size = try writeSmall(path)
        let file = try open(path)
        #expect(file.byteCount == size && file.version == 1 && file.kind == "test")
        #expect(try file.decoded("facts") == Facts(count: 3, name: "é"))
        #expect(try Array(file.array("numbers", of: UInt32.self, count: 3)) == [1, 2, 3])
        #expect(try file.array("nothing", of: UInt64.self).isEmpty)
        #expect(try Array(file.array("floats", of: Float.self)) == [0.5, -1])
        #expect(file.sections.allSatisfy { $0.offset % 64 == 0 })
        try file.verify()
        #expect(throws: StorageError.self) { try file.bytes("absent") }
        #expect(throws: StorageError.self) { try file.array("numbers", of: UInt32.self, count: 4) }
        #expect(throws: StorageError.self) { try file.array("numbers", of: UInt64.self) }
        #expect(throws: StorageError.self) { try file.decoded("numbers", as: Facts.self) }
    }

    @Test func equalContentGivesEqualBytes() throws {
        try writeSmall(folder.file("a"))
        try writeSmall(folder.file("b"))
        #expect(try LocalFileSystem().read(folder.file("a")) == LocalFileSystem().read(folder.file("b")))
    }

    @Test(arguments: 0..<12)
    func randomSectionsSurviveTheRoundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let path = folder.file("random")
        let writer = try SectionFileWriter(path: path, kind: "test", version: 1)
        var expected: [(String, [UInt8])] = []
        for index in 0..<Int.random(in: 0...9, using: &generator) {
            let size = [0, 1, 63, 64, 65, 4096, (1 << 20) + 5].randomElement(using: &generator) ?? 0
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) }
            expected.append(("section \(index)", bytes))
            let section = try writer.begin("section \(index)")
            for start in stride(from: 0, to: size, by: 700_000) {
                try section.append(Array(bytes[start..<min(size, start + 700_000)]))
            }
            #expect(section.count == size)
            writer.end()
        }
        try writer.finish()
        let file = try open(path)
        try file.verify()
        #expect(file.sections.map(\.name) == expected.map(\.0))
        for (name, bytes) in expected { #expect(try file.withBytes(name) { $0.elementsEqual(bytes) }) }
    }

    @Test func aFileCutOffAnywhereIsRefused() throws {
        try writeSmall(folder.file("whole"))
        let whole = try LocalFileSystem().read(folder.file("whole"))
        for length in 0..<whole.count {
            try folder.write(Array(whole[..<length]), to: "cut")
            let error = #expect(throws: StorageError.self) { try open(folder.file("cut")) }
            #expect(error?.kind == .corrupt)
        }
        try folder.write(whole + [0], to: "longer")
        #expect(throws: StorageError.self) { try open(folder.file("longer")) }
    }

    @Test func everyAlteredBitIsFoundByOpeningOrVerifying() throws {
        try writeSmall(folder.file("whole"))
        let whole = try LocalFileSystem().read(folder.file("whole"))
        for position in whole.indices {
            var altered = whole
            altered[position] ^= 1 << UInt8(position % 8)
            try folder.write(altered, to: "altered")
            #expect(throws: StorageError.self, "byte \(position)") { try open(folder.file("altered")).verify() }
        }
    }

    @Test func aNewerVersionIsRefusedWithBothVersions() throws {
        try writeSmall(folder.file("new"), version: 7)
        let error = #expect(throws: StorageError.self) { try open(folder.file("new")) }
        #expect(error?.kind == .newerVersion)
        #expect(error?.detail.contains("version 7") == true && error?.detail.contains("up to version 1;") == true)
        let kind = #expect(throws: StorageError.self) {
            try SectionFile(path: folder.file("new"), kind: "other", newestVersion: 9)
        }
        #expect(kind?.detail.contains("\"test\"") == true && kind?.detail.contains("\"other\"") == true)
    }

    @Test func linksAreNotFollowedUnlessAllowed() throws {
        try writeSmall(folder.file("real"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link"), withDestinationPath: folder.file("real"))
        let error = #expect(throws: StorageError.self) { try open(folder.file("link")) }
        #expect(error?.kind == .outsideRoot)
        _ = try SectionFile(path: folder.file("link"), kind: "test", newestVersion: 1, followingLinks: true)
    }

    @Test func aFailedWriterLeavesTheOldFileAndNothingElse() throws {
        let path = folder.file("index")
        let counting = FaultyFileSystem()
        try writeSmall(path, on: counting)
        let old = try LocalFileSystem().read(path)
        for fault in [FaultyFileSystem.Fault.diskFull, .torn] {
            for step in 0..<(counting.steps - 1) {
                let broken = FaultyFileSystem(failure: .init(at: step, fault, stays: false))
                let error = #expect(throws: StorageError.self) { try writeSmall(path, version: 1, on: broken) }
                #expect(error?.category == .resource)
                #expect(try LocalFileSystem().read(path) == old)
                #expect(try LocalFileSystem().list(folder.path) == ["index"])
            }
        }
    }

    @Test func anAbandonedWriterLeavesNothing() throws {
        do {
            let writer = try SectionFileWriter(path: folder.file("never"), kind: "test", version: 1)
            try writer.add("numbers", [UInt8](repeating: 1, count: 5_000_000))
        }
        #expect(try LocalFileSystem().list(folder.path) == [])
    }
}
