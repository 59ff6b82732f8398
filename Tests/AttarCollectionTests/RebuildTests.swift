@testable import AttarCollection
import AttarIndex
import AttarModels
import AttarStorage
import AttarTensor
import AttarTestSupport
import AttarText
import Foundation
import Testing

/// Collections without a manifest, or with a damaged one, and what is made of their segments and rows.
@Suite struct RebuildTests {
    private let folder: TemporaryFolder
    private let path: String
    private var manifest: String { path + "/collection.json" }

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("c")
    }

    /// Two segments of four documents, deletions in the first, vectors of two encoders.
    private func make(_ configuration: CollectionConfiguration = .init()) throws {
        let documents = sampleDocuments(8)
        for part in [documents[..<4], documents[4...]] {
            _ = try Collection.ingest(into: path, configuration: configuration) { writer in
                for document in part { try writer.add(document) }
            }
        }
        _ = try Collection.change(at: path) { try $0.delete(ids: [documents[1].id, documents[2].id]) }
        for name in ["f", "g"] {
            _ = try Collection.open(at: path).addVectors(of: EncoderFingerprint(id: name, name: name, dimension: 2)) {
                Matrix(rows: $0.count, columns: 2, values: $0.flatMap { [Float($0.ordinal), 1] })
            }
        }
    }

    private func bytes() throws -> [UInt8] { try LocalFileSystem().read(manifest) }

    private func replace(_ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: manifest), options: .atomic)
    }

    private func edit(_ old: String, _ new: String) throws {
        let text = String(decoding: try bytes(), as: UTF8.self)
        try #require(text.contains(old))
        try replace(Array(text.replacing(old, with: new).utf8))
    }

    /// The encoders come in the order of their files' names, which is not that of their coming.
    private func expectSame(_ old: [UInt8]) throws {
        let (before, after) = (try CollectionManifest.decoded(old, path: ""), try CollectionManifest.decoded(bytes(), path: ""))
        #expect(after.segments.map(\.number) == before.segments.map(\.number))
        for (found, expected) in zip(after.segments, before.segments) {
            #expect(found.files.sorted { $0.name < $1.name } == expected.files.sorted { $0.name < $1.name })
            #expect(found.deletions == expected.deletions && found.passageHash == expected.passageHash)
            #expect(found.contentHash == expected.contentHash && found.passageCount == expected.passageCount)
        }
        #expect(after.encoders.sorted { $0.fileName < $1.fileName } == before.encoders.sorted { $0.fileName < $1.fileName })
        #expect(after.configuration == before.configuration && after.nextSegment == before.nextSegment)
        #expect(try Collection.problems(at: path) == [])
    }

    @Test func aMissingManifestIsMadeAgain() throws {
        try make()
        let before = try bytes()
        try LocalFileSystem().remove(manifest)
        #expect(try Collection.problems(at: path).map(\.file) == ["collection.json"])
        #expect(refused(.corrupt) { _ = try Collection.open(at: path) }.contains("--repair"))
        let report = try Collection.repair(at: path)
        #expect(report.problems.map(\.file) == ["collection.json"] && report.losses == [] && report.remaining == [])
        #expect(report.documents == 6 && report.keptIn == nil)
        #expect(report.guesses.contains { $0.contains("cut as whole") } && report.guesses.contains { $0.contains("\"en\"") })
        try expectSame(before)
    }

    /// What a damaged manifest still says is taken where the files agree.
    @Test func aFlippedDigitOfTheChecksumLosesNothing() throws {
        try make()
        let before = try bytes()
        let digit = try #require(String(decoding: before, as: UTF8.self).firstRange(of: "\"checksum\" : \""))
        var text = String(decoding: before, as: UTF8.self)
        let place = digit.upperBound
        text.replaceSubrange(place...place, with: text[place] == "0" ? "1" : "0")
        try replace(Array(text.utf8))
        let report = try Collection.repair(at: path)
        #expect(report.guesses == [] && report.losses == [] && report.remaining == [] && report.keptIn == "damaged-1")
        #expect(try bytes() == before)
        #expect(try LocalFileSystem().read(path + "/damaged-1/collection.json") == Array(text.utf8))
    }

    @Test func aManifestThatIsCutOffIsMadeAgain() throws {
        try make()
        let before = try bytes()
        try replace(Array(before.prefix(before.count / 2)))
        #expect(try Collection.repair(at: path).remaining == [])
        try expectSame(before)
    }

    /// Whatever byte is damaged, the collection is as it was, or the damage is one that JSON's own spaces hide.
    @Test func anyFlippedBitIsMended() throws {
        try make()
        let before = try bytes()
        for position in stride(from: 3, to: before.count, by: before.count / 40) {
            var damaged = before
            damaged[position] ^= 0x04
            try replace(damaged)
            let report = try Collection.repair(at: path)
            #expect(report.remaining == [] && report.documents == 6, "byte \(position)")
            try expectSame(before)
        }
    }

    @Test(arguments: [
        CollectionConfiguration(chunking: .sentences(maximumWords: 8, overlap: 0), analyzer: .init(language: "de")),
        CollectionConfiguration(chunking: .sentences(maximumWords: 12, overlap: 1), analyzer: .init(language: "none")),
        CollectionConfiguration(analyzer: .init(stopWords: [], stems: false), positions: false),
    ])
    func theConfigurationIsFoundOut(_ configuration: CollectionConfiguration) throws {
        try make(configuration)
        let before = try bytes()
        try LocalFileSystem().remove(manifest)
        #expect(try Collection.repair(at: path).remaining == [])
        let found = try Collection.open(at: path).manifest.configuration
        #expect(found.positions == configuration.positions)
        // Others may do the same with these few texts; what they do must be the same.
        let text = sampleDocuments(3)[2]
        let terms = try [found, configuration].map { try Analyzer($0.analyzer).terms(text.text) }
        #expect(terms[0] == terms[1])
        #expect(found.chunking.passages(of: text) == configuration.chunking.passages(of: text))
        #expect(try CollectionManifest.decoded(before, path: "").contentHash == Collection.open(at: path).contentHash)
    }

    /// After each commit of every kind the manifest goes, and what is made again holds what was committed.
    @Test func everyCommitCanBeRebuilt() throws {
        let history = CollectionHistory()
        _ = try Collection.create(at: path)
        for (index, step) in history.steps.enumerated() {
            try step.change(path, LocalFileSystem())
            let before = try CollectionManifest.decoded(bytes(), path: "")
            let copy = folder.file("copy")
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            try LocalFileSystem().remove(copy + "/collection.json")
            let report = try Collection.repair(at: copy)
            #expect(report.remaining == [], "step \(index)")
            #expect(try CollectionHistory.contents(of: copy, "step \(index)") == step.contents)
            let after = try Collection.open(at: copy)
            #expect(after.contentHash == before.contentHash, "step \(index)")
            #expect(after.manifest.encoders.map(\.fileName) == before.encoders.map(\.fileName), "step \(index)")
            let kinds = [after.manifest, before].map { $0.encoders.map { $0.index?.kind } }
            #expect(kinds[0] == kinds[1], "step \(index)")
            // The rest of the work can be done on what was made again.
            if index % 4 == 0 { #expect(try history.findings(at: copy, done: index + 1, on: LocalFileSystem()) == []) }
            try LocalFileSystem().removeTree(copy)
        }
    }

    @Test func brokenSegmentsOfALostManifestAreTakenOut() throws {
        try make()
        try LocalFileSystem().remove(manifest)
        let file = path + "/segments/000001/text.inv"
        var bytes = try LocalFileSystem().read(file)
        bytes[bytes.count / 2] ^= 0x55
        try Data(bytes).write(to: URL(filePath: file), options: .atomic)
        let report = try Collection.repair(at: path)
        #expect(report.remaining == [] && report.losses.count == 1 && report.documents == 4)
        #expect(report.losses[0].contains("the texts of 2"))
        #expect(try Collection.problems(at: path) == [])
    }

    /// A segment that was written and not committed, and the deletions that belong to its commit.
    @Test func anUnfinishedCommitIsTakenBack() throws {
        try make()
        let before = try bytes()
        let rows = try LocalFileSystem().read(path + "/documents.sqlite")
        _ = try Collection.change(at: path) { writer in
            try writer.update(Document(id: sampleDocuments(4)[3].id, text: "Never committed."))
        }
        // As if the power had failed before the rows were safe.
        try Data(rows).write(to: URL(filePath: path + "/documents.sqlite"), options: .atomic)
        try LocalFileSystem().remove(manifest)
        let report = try Collection.repair(at: path)
        #expect(report.remaining == [] && report.documents == 6)
        #expect(report.guesses.contains { $0.contains("without rows") })
        #expect(try LocalFileSystem().exists(path + "/damaged-1/000003"))
        let hash = try CollectionManifest.decoded(before, path: "").contentHash
        #expect(try Collection.open(at: path).contentHash == hash)
    }

    /// Somebody reads the sources of a merge, which therefore stay, and documents are deleted after it.
    @Test func sourcesThatOutliveTheirMergeCountOnce() throws {
        try make()
        let reader = try Collection.open(at: path)
        _ = try Collection.merge(at: path)
        let merged = try Collection.change(at: path) { try $0.delete(id: sampleDocuments(8)[6].id) }
        #expect(try LocalFileSystem().list(path + "/segments").count == 3)
        try LocalFileSystem().remove(manifest)
        let report = try Collection.repair(at: path)
        #expect(report.remaining == [] && report.documents == 5)
        #expect(report.guesses.contains { $0.contains("is a merge of others") })
        #expect(try Collection.open(at: path).contentHash == merged.contentHash)
        withExtendedLifetime(reader) {}
    }

    @Test func withoutRowsThereIsNothingToRebuild() throws {
        try make()
        try replace([])
        try Data("no database".utf8).write(to: URL(filePath: path + "/documents.sqlite"), options: .atomic)
        refused(.corrupt) { _ = try Collection.repair(at: path) }
        #expect(try LocalFileSystem().exists(path + "/segments/000002/text.inv"))
    }
}
