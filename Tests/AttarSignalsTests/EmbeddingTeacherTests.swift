import AttarModels
import AttarSignals
import AttarStorage
import AttarTensor
import Foundation
import GRDB
import Synchronization
import Testing

/// A teacher whose vector is decided by the text's length, and which counts what it is asked.
final class CountingEncoder: TextEncoder {
    let fingerprint: EncoderFingerprint
    let dimension: Int
    let maximumLength = 128
    let isNormalized = false
    let asked = Mutex(0)
    let failAfter: Int

    init(id: String = "teacher-a", dimension: Int = 2, failAfter: Int = .max) {
        fingerprint = EncoderFingerprint(id: id, name: id, dimension: dimension)
        self.dimension = dimension
        self.failAfter = failAfter
    }

    struct Failure: Error {}

    func encode(_ texts: [String], role: TextRole, options: EncodingOptions) throws -> Matrix {
        let total = asked.withLock { $0 += texts.count; return $0 }
        if total > failAfter { throw Failure() }
        let values = texts.flatMap { text in
            (0..<dimension).map { Float(text.utf8.count) + Float($0) }
        }
        return Matrix(rows: texts.count, columns: dimension, values: values)
    }
}

@Suite struct EmbeddingTeacherTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "attar-signals-\(UUID())")
    private var storePath: String { folder.appending(path: "signals.sqlite").path }
    private let texts = (0..<50).map { String(repeating: "x", count: $0 % 20 + 1) + "\($0)" }

    @Test func aSecondRunAsksNothing() throws {
        let encoder = CountingEncoder()
        let first = EmbeddingTeacher(encoder: encoder, store: try SignalStore(path: storePath))
        let vectors = try first.vectors(for: texts, role: .passage, options: EncodingOptions(), batch: 7)
        #expect(first.account.encoded == 50)
        let second = EmbeddingTeacher(encoder: encoder, store: try SignalStore(path: storePath))
        #expect(try second.vectors(for: texts, role: .passage, options: EncodingOptions()) == vectors)
        #expect(second.account.encoded == 0)
        #expect(encoder.asked.withLock { $0 } == 50)
        #expect(vectors.row(3).first == Float(texts[3].utf8.count))
    }

    @Test func aTextThatStandsTwiceIsAskedOnce() throws {
        let encoder = CountingEncoder()
        let teacher = EmbeddingTeacher(encoder: encoder, store: try SignalStore(path: storePath))
        let vectors = try teacher.vectors(
            for: ["one", "three", "one", "one"], role: .query, options: EncodingOptions())
        #expect(encoder.asked.withLock { $0 } == 2)
        #expect(vectors.values == [3, 4, 5, 6, 3, 4, 3, 4])
    }

    @Test func roleLengthAndTeacherAreToldApart() throws {
        let store = try SignalStore(path: storePath)
        let encoder = CountingEncoder()
        let teacher = EmbeddingTeacher(encoder: encoder, store: store)
        _ = try teacher.vectors(for: ["a"], role: .query, options: EncodingOptions())
        _ = try teacher.vectors(for: ["a"], role: .passage, options: EncodingOptions())
        _ = try teacher.vectors(for: ["a"], role: .query, options: EncodingOptions(maximumLength: 16))
        let other = EmbeddingTeacher(encoder: CountingEncoder(id: "teacher-b"), store: store)
        _ = try other.vectors(for: ["a"], role: .query, options: EncodingOptions())
        #expect(teacher.account.encoded == 3)
        #expect(other.account.encoded == 1)
    }

    @Test func aRunThatBreaksKeepsWhatWasAnswered() throws {
        let store = try SignalStore(path: storePath)
        let broken = EmbeddingTeacher(encoder: CountingEncoder(failAfter: 30), store: store)
        #expect(throws: CountingEncoder.Failure.self) {
            try broken.vectors(for: texts, role: .plain, options: EncodingOptions(), batch: 10)
        }
        let resumed = EmbeddingTeacher(encoder: CountingEncoder(), store: store)
        _ = try resumed.vectors(for: texts, role: .plain, options: EncodingOptions())
        #expect(resumed.account.encoded == 20)
        #expect(try store.ledger(of: resumed.encoder.fingerprint).texts == 50)
    }

    @Test func aTeacherThatChangesItsWidthIsRefused() throws {
        let store = try SignalStore(path: storePath)
        let narrow = EmbeddingTeacher(encoder: CountingEncoder(dimension: 2), store: store)
        _ = try narrow.vectors(for: ["a"], role: .plain, options: EncodingOptions())
        let wide = EmbeddingTeacher(encoder: CountingEncoder(dimension: 3), store: store)
        #expect(throws: SignalError.widthChanged(teacher: "teacher-a", expected: 2, found: 3)) {
            try wide.vectors(for: ["b"], role: .plain, options: EncodingOptions())
        }
    }

    @Test func aDamagedVectorIsAskedAgain() throws {
        let (encoder, store) = (CountingEncoder(), try SignalStore(path: storePath))
        let ask = {
            let teacher = EmbeddingTeacher(encoder: encoder, store: store)
            return (try teacher.vectors(for: ["abc"], role: .plain, options: EncodingOptions()).values, teacher.account)
        }
        _ = try ask()
        let queue = try DatabaseQueue(path: storePath)
        try queue.write { try $0.execute(sql: "UPDATE vectors SET vector = x'0000803F0000003F'") }
        let (values, account) = try ask()
        #expect(values == [3, 4] && account.encoded == 1)
        try queue.write { try $0.execute(sql: "UPDATE vectors SET vector = x'0000803F0000003F', checksum = NULL") }
        let again = try ask()
        #expect(again.0 == [3, 4] && again.1.encoded == 1)
    }

    /// What an older Attar stored has checksums of vectors alone, or none, and is believed.
    @Test func storesOfOlderVersionsAreBelieved() throws {
        let encoder = CountingEncoder()
        let key = SignalKey(teacher: encoder.fingerprint, role: .plain, maximumLength: 128, text: "abc")
        let vector = Matrix(rows: 1, columns: 2, values: [1, 0.5])
        do {
            let store = try SignalStore(path: storePath)
            try store.store(vector, for: [key], teacher: encoder.fingerprint, seconds: 1)
        }
        let bytes = vector.row(0).withUnsafeBytes { Data($0) }
        let checksum = Int64(bytes.withUnsafeBytes { CRC32C.checksum(of: $0) })
        for (stored, expected) in [(checksum, [1, 0.5]), (nil, [1, 0.5]), (checksum ^ 1, nil)] as [(Int64?, [Float]?)] {
            let queue = try DatabaseQueue(path: storePath)
            try queue.write { database in
                try database.execute(sql: "UPDATE vectors SET checksum = ?", arguments: [stored])
                try database.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = 'checksums of keys'")
            }
            try queue.close()
            #expect(try SignalStore(path: storePath).vectors([key]) == [expected])
        }
    }

    @Test func aFileThatIsNoDatabaseIsNamed() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("this is no database, it is a long enough text".utf8).write(to: URL(filePath: storePath))
        #expect { try SignalStore(path: storePath) } throws: { "\($0)".contains(storePath) }
    }
}
