import AttarModels
import AttarSignals
import AttarStorage
import AttarTensor
import AttarTestSupport
import GRDB
import Testing

/// Stores of signals that were damaged. `ATTAR_FUZZ_MINUTES=10 swift test … --filter SignalStoreFuzzTests` goes on for 10
/// minutes.
@Suite struct SignalStoreFuzzTests {
    private let texts = (0..<200).map { String(repeating: "x", count: $0 % 20 + 1) + "\($0)" }

    /// What a damaged store knows wrongly it does not know: the teacher is asked again.
    @Test func damagedStoresGiveNoWrongVectors() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("signals.sqlite")
        let encoder = CountingEncoder(dimension: 3)
        let truth = try EmbeddingTeacher(encoder: encoder, store: SignalStore(path: path))
            .vectors(for: texts, role: .passage, options: EncodingOptions())
        let whole = try LocalFileSystem().read(path)
        #expect(try LocalFileSystem().list(folder.path) == ["signals.sqlite"], "all is in the file itself")
        var asked = 0
        let outcome = FuzzBudget.outcome(of: "signals.sqlite", rounds: 300) { seed in
            for file in try LocalFileSystem().list(folder.path) { try LocalFileSystem().remove(folder.file(file)) }
            var mutator = ByteMutator(seed: seed)
            return try folder.write(mutator.damaged(whole), to: "signals.sqlite")
        } use: { path in
            let store = try SignalStore(path: path)
            let teacher = EmbeddingTeacher(encoder: encoder, store: store)
            let told = try teacher.vectors(for: texts, role: .passage, options: EncodingOptions())
            #expect((0..<texts.count).filter { told.row($0) != truth.row($0) } == [])
            if teacher.account.encoded > 0 { asked += 1 }
            _ = try store.ledger(of: encoder.fingerprint)
        } isRefusal: { error in
            guard let error = error as? SignalError else { return false }
            if case .widthChanged = error { return true }
            return error.description.contains(folder.path)
        }
        #expect(outcome.otherErrors == [])
        #expect(outcome.used > 20 && outcome.refused > 20 && asked > 0)
        #expect(outcome.growth ?? 0 < 64 << 20)
    }
}
