import AttarIndex
import AttarStorage
import AttarTestSupport
import Foundation
import Testing

/// What an index makes of files that are not what they should be: the same questions to every kind of index.
struct HostileFiles<Index> {
    let folder: TemporaryFolder
    /// The kind of the section file.
    let kind: String
    /// Its version.
    var version = 1
    /// Opens the index; nil for one that is sound but too large to be used in a test.
    let open: (_ path: String) throws -> Index?
    let verify: (Index) throws -> Void
    /// Searches: whatever the file holds, within it.
    let use: (Index) throws -> Void

    /// The bytes of the file of that name.
    private func bytes(_ name: String) throws -> [UInt8] { try LocalFileSystem().read(folder.file(name)) }

    /// Random damage is refused when the file is opened, or told by `verify`, and does no harm.
    func expectDamageIsFound(in name: String, rounds: Int = 1500, atLeast least: Int = 100) throws {
        let whole = try bytes(name)
        var (opened, refused) = (0, 0)
        FuzzBudget.run(rounds: rounds) { seed in
            var mutator = ByteMutator(seed: seed)
            let damaged = mutator.damaged(whole)
            guard damaged != whole, (try? folder.write(damaged, to: "damaged")) != nil else { return }
            do {
                guard let index = try open(folder.file("damaged")) else { return }
                opened += 1
                #expect(throws: StorageError.self) { try verify(index) }
                #expect(throws: Never.self) { try use(index) }
            } catch {
                #expect(error is StorageError)
                refused += 1
            }
        }
        #expect(opened > least && refused > least)
    }

    /// Damage that no checksum tells of does no harm.
    ///
    /// - Parameter numbers: what words of the file become, besides small and very large numbers: its counts.
    /// - Returns: how many files were found sound, and how many were refused, when opened or by `verify`.
    func lies(about name: String, numbers: [UInt32], rounds: Int = 600) throws -> (sound: Int, refused: Int) {
        let source = try SectionFile(path: folder.file(name), kind: kind, newestVersion: version)
        var (sound, refused) = (0, 0)
        FuzzBudget.run(rounds: rounds) { seed in
            let written: Void? = try? SectionMutator.rewrite(
                source, to: folder.file("lies"), sparing: ["header"], numbers: numbers, seed: seed)
            guard written != nil, let index = try? open(folder.file("lies")) else { return refused += 1 }
            if (try? verify(index)) != nil { sound += 1 } else { refused += 1 }
            #expect(throws: Never.self) { try use(index) }
        }
        return (sound, refused)
    }

    /// Every beginning of the file is refused.
    func expectCutFilesAreRefused(_ name: String, every step: Int = 61) throws {
        let whole = try bytes(name)
        for length in stride(from: 0, to: whole.count, by: step) {
            try folder.write(Array(whole[..<length]), to: "cut")
            #expect(throws: StorageError.self) { try open(folder.file("cut")) }
        }
    }

    /// A header whose text is replaced in one place is refused as corrupt.
    func expectHeadersAreRefused(_ name: String, _ replacements: [(old: String, new: String)]) throws {
        let source = try SectionFile(path: folder.file(name), kind: kind, newestVersion: version)
        for (old, new) in replacements {
            try SectionMutator.replace(old, by: new, inSection: "header", of: source, to: folder.file("bad"))
            let error = #expect(throws: StorageError.self, "\(old) → \(new)") { try open(folder.file("bad")) }
            #expect(error?.kind == .corrupt)
        }
    }

    /// Every write that fails leaves the file that was there.
    ///
    /// - Parameter last: the steps at the end that come when the file has its name: then it is there, whole.
    func expectFailedWritesLeaveTheOldFile(
        _ name: String, last: Int = 1, faults: [FaultyFileSystem.Fault] = [.inputOutput, .torn],
        write: (_ path: String, FaultyFileSystem) throws -> Void
    ) throws {
        let old = try bytes(name)
        let counting = FaultyFileSystem()
        try write(folder.file("other"), counting)
        for step in 0..<(counting.steps - last) {
            for fault in faults {
                let broken = FaultyFileSystem(failure: .init(at: step, fault))
                #expect(throws: StorageError.self) { try write(folder.file(name), broken) }
                #expect(try bytes(name) == old)
            }
        }
    }
}

extension HostileFiles where Index: VectorIndex {
    /// Searches an index over 8 dimensions: whatever the file holds, a search stays within it, and all it returns is
    /// there.
    ///
    /// - Returns: the ordinals that a filter let through: every third.
    @discardableResult
    static func search(_ index: Index) throws -> OrdinalSet {
        var allowed = OrdinalSet(capacity: index.count)
        for ordinal in 0..<UInt32(index.count) where ordinal % 3 == 0 { allowed.insert(ordinal) }
        for filter in [nil, allowed] {
            let hits = try index.respond(to: [1, 0, -1, 0.5, 0, 0, 2, 1], k: 7, allowed: filter).hits
            #expect(hits.allSatisfy { $0.ordinal < index.count && !$0.score.isNaN })
        }
        return allowed
    }
}
