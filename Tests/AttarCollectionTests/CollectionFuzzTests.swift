import AttarIndex
import AttarStorage
import AttarTestSupport
import AttarText
import Foundation
import Testing

@testable import AttarCollection

/// Manifests and maps that are not what they should be. `ATTAR_FUZZ_MINUTES=10 swift test … --filter
/// CollectionFuzzTests` goes on for 10 minutes each.
@Suite struct CollectionFuzzTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("c")
        for _ in 0..<2 {
            _ = try Collection.ingest(into: path) { writer in
                for document in sampleDocuments(6) {
                    try writer.add(.init(id: UUID().uuidString, title: document.title, text: document.text))
                }
            }
        }
    }

    /// Writes a true checksum into a damaged manifest, as far as it still has a place for one.
    private func signed(_ bytes: [UInt8]) -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        let pattern = #""checksum" : "[0-9a-f]{64}""#
        guard let range = text.range(of: pattern, options: .regularExpression) else { return bytes }
        func with(_ digits: String) -> [UInt8] {
            Array(text.replacingCharacters(in: range, with: "\"checksum\" : \"\(digits)\"").utf8)
        }
        return with(SHA256Digest.hex(of: with(String(repeating: "0", count: 64))))
    }

    @Test func manifests() throws {
        let whole = try LocalFileSystem().read(path + "/collection.json")
        var (used, refused) = (0, 0)
        let tried = FuzzBudget.run(rounds: 1000) { seed in
            var (mutator, hostile) = (ByteMutator(seed: seed), JSONMutator(seed: seed))
            let damaged = seed % 2 == 0 ? mutator.damaged(whole) : hostile.damaged(whole)
            guard (try? folder.write(signed(damaged), to: "c/collection.json")) != nil else { return }
            do {
                let collection = try Collection.open(at: path)
                // A manifest that names no segment is one of an empty collection.
                if collection.documentCount > 0 { _ = try collection.document(at: 0) }
                _ = collection.manifest.contentHash
                used += 1
            } catch {
                #expect(error is StorageError || error is CollectionError, "\(error)")
                refused += 1
            }
        }
        if FuzzBudget.minutes != nil { print("collection.json: \(tried) files tried, \(refused) refused") }
        #expect(used > 0)
        #expect(refused > 50)
    }

    /// Numbers that contradict each other or overflow, behind a true checksum.
    @Test(arguments: [
        (#""nextSegment" : 3"#, #""nextSegment" : 0"#),
        (#""nextSegment" : 3"#, #""nextSegment" : -9223372036854775808"#),
        (#""documentCount" : 6"#, #""documentCount" : 9223372036854775807"#),
        (#""documentCount" : 6"#, #""documentCount" : -1"#), (#""documentCount" : 6"#, #""documentCount" : 4294967296"#),
        (#""number" : 1"#, #""number" : 2"#), (#""number" : 1"#, #""number" : -1"#),
    ])
    func absurdNumbersAreRefused(old: String, new: String) throws {
        let text = String(decoding: try LocalFileSystem().read(path + "/collection.json"), as: UTF8.self)
        #expect(text.contains(old))
        try folder.write(signed(Array(text.replacingOccurrences(of: old, with: new).utf8)), to: "c/collection.json")
        #expect(throws: (any Error).self) { try Collection.open(at: path) }
    }

    @Test func segmentMaps() throws {
        let file = path + "/segments/000001/" + SegmentMap.fileName
        let whole = try LocalFileSystem().read(file)
        let source = try SectionFile(path: file, kind: "documents", newestVersion: 1)
        var (used, refused) = (0, 0)
        let tried = FuzzBudget.run(rounds: 1500) { seed in
            let damaged = folder.file("damaged")
            if seed % 2 == 0 {
                var mutator = ByteMutator(seed: seed)
                guard (try? folder.write(mutator.damaged(whole), to: "damaged")) != nil else { return }
            } else {
                let written: Void? = try? SectionMutator.rewrite(source, to: damaged, numbers: [5, 6, 7], seed: seed)
                guard written != nil else { return }
            }
            do {
                let map = try SegmentMap(path: damaged, documentCount: 6, passageCount: 6)
                for document in 0..<6 { _ = map.identifier(of: document) }
                guard map.firstProblem() == nil else {
                    refused += 1
                    return
                }
                for passage in 0..<6 { #expect(map.document(ofPassage: passage) < 6) }
                used += 1
            } catch {
                #expect(error is StorageError, "\(error)")
                refused += 1
            }
        }
        if FuzzBudget.minutes != nil { print("documents.map: \(tried) files tried, \(used) used, \(refused) refused") }
        #expect(used > 20 && refused > 50)
    }

    /// Bits of deleted documents: as many as the manifest tells are found, or the file is refused.
    @Test func deletions() throws {
        var deletions = Deletions()
        for ordinal in stride(from: 0, to: 200, by: 3) { deletions.add(ordinal, DocumentHashes()) }
        let record = try deletions.write(in: folder.path, documentCount: 200, on: LocalFileSystem())
        let (name, sound) = (record.file.name, folder.file("sound"))
        let whole = try LocalFileSystem().read(folder.file(name))
        try folder.write(whole, to: "sound")
        let source = try SectionFile(path: sound, kind: "deleted", newestVersion: 1)
        var (used, refused) = (0, 0)
        let tried = FuzzBudget.run(rounds: 400) { seed in
            if seed % 2 == 0 {
                var mutator = ByteMutator(seed: seed)
                guard (try? folder.write(mutator.damaged(whole), to: name)) != nil else { return }
            } else {
                let written: Void? = try? SectionMutator.rewrite(
                    source, to: folder.file(name), numbers: [67, 200], seed: seed)
                guard written != nil else { return }
            }
            do {
                let documents = try Deletions.read(record, in: folder.path, documentCount: 200)
                #expect(documents.count == 67)
                used += 1
            } catch {
                #expect(error is StorageError || error is CollectionError, "\(error)")
                refused += 1
            }
        }
        if FuzzBudget.minutes != nil { print("deleted.bits: \(tried) files tried, \(used) used, \(refused) refused") }
        // Any change to bits changes their number, or the checksum: hardly a damaged file is as good as the sound one.
        #expect(refused > tried / 2)
    }
}

@Suite struct CIFFExportTests {
    @Test func passagesAreNamedByTheirDocuments() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        let chunking = CollectionConfiguration(chunking: .sentences(maximumWords: 8, overlap: 0))
        for part in [0, 1] {
            _ = try Collection.ingest(into: path, configuration: chunking) { writer in
                try writer.add(.init(id: "short-\(part)", text: "Apples."))
                try writer.add(.init(id: "long-\(part)", text: sampleDocuments(1)[0].text))
            }
        }
        let collection = try Collection.open(at: path)
        try collection.exportCIFF(to: folder.file("x.ciff"))
        let file = try CIFFImport(path: folder.file("x.ciff"))
        #expect(file.count == collection.passageCount)
        #expect(file.identifiers.prefix(3) == ["short-0", "long-0#0", "long-0#1"])
        #expect(file.identifiers.contains("short-1") && file.identifiers.last?.hasPrefix("long-1#") == true)
        try file.writeIndex(to: folder.file("x.inv"))
        #expect(try InvertedIndex(path: folder.file("x.inv")).documentFrequency(of: "appl") == 4)
        #expect(try LocalFileSystem().list(folder.path) == ["c", "x.ciff", "x.inv"])
    }
}
