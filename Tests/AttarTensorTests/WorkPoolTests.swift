import Foundation
import Synchronization
import Testing

@testable import AttarTensor

/// How often each index was met. Not over a `Mutex`, whose locking the thread sanitizer does not see on Linux.
private final class Tally: @unchecked Sendable {
    private let lock = NSLock()
    private var counts: [Int]

    init(_ count: Int) { counts = [Int](repeating: 0, count: count) }

    func meet(_ index: Int) { lock.withLock { counts[index] += 1 } }
    var isOnceEach: Bool { lock.withLock { counts.allSatisfy { $0 == 1 } } }
}

@Suite struct WorkPoolTests {
    @Test(arguments: [0, 1, 3], [0, 1, 2, 7, 1000])
    func everyIndexIsMetOnce(helpers: Int, count: Int) {
        let pool = WorkPool(helpers: helpers)
        for threads in [1, 2, 9] {
            let tally = Tally(count)
            pool.forEach(count: count, threads: threads) { tally.meet($0) }
            #expect(tally.isOnceEach)
        }
    }

    @Test func noMoreThreadsWorkThanWereAskedFor() {
        let pool = WorkPool(helpers: 4)
        let working = Atomic<Int>(0), most = Atomic<Int>(0)
        for _ in 0..<20 {
            pool.forEach(count: 40, threads: 2) { _ in
                let now = working.add(1, ordering: .relaxed).newValue
                most.max(now, ordering: .relaxed)
                usleep(50)
                working.subtract(1, ordering: .relaxed)
            }
        }
        #expect(most.load(ordering: .relaxed) <= 2)
    }

    @Test func helpersReallyHelp() {
        let pool = WorkPool(helpers: 1)
        let caller = ObjectIdentifier(Thread.current)
        let helped = Atomic<Int>(0)
        pool.forEach(count: 200, threads: 2) { _ in
            if ObjectIdentifier(Thread.current) != caller { helped.add(1, ordering: .relaxed) }
            usleep(200)
        }
        #expect(helped.load(ordering: .relaxed) > 0)
    }

    /// A job brought from inside a job, three deep: callers must never wait for helpers that wait for them.
    @Test func jobsMayBeNested() {
        let pool = WorkPool(helpers: 2)
        let tally = Tally(8 * 8 * 8)
        pool.forEach(count: 8, threads: 3) { a in
            pool.forEach(count: 8, threads: 3) { b in
                pool.forEach(count: 8, threads: 3) { c in tally.meet((a * 8 + b) * 8 + c) }
            }
        }
        #expect(tally.isOnceEach)
    }

    /// Many callers at once, with pauses long enough for helpers to fall asleep in between.
    @Test func severalCallersMayShareThePool() async {
        let pool = WorkPool(helpers: 2)
        let right = await withTaskGroup(of: Bool.self) { group in
            for caller in 0..<6 {
                group.addTask {
                    (0..<200).allSatisfy { round in
                        let tally = Tally(round % 13)
                        pool.forEach(count: round % 13, threads: 3) { tally.meet($0) }
                        if round % 50 == caller { usleep(2_000) }
                        return tally.isOnceEach
                    }
                }
            }
            return await group.reduce(true) { $0 && $1 }
        }
        #expect(right)
    }

    /// A caller that has nothing left to do waits for a helper that is still inside, however long.
    @Test func theCallerWaitsForTheLastIndex() {
        let pool = WorkPool(helpers: 1)
        let caller = ObjectIdentifier(Thread.current)
        let finished = Atomic<Int>(0)
        for _ in 0..<3 {
            pool.forEach(count: 2, threads: 2) { _ in
                if ObjectIdentifier(Thread.current) != caller { usleep(20_000) }
                finished.add(1, ordering: .releasing)
            }
        }
        #expect(finished.load(ordering: .acquiring) == 6)
    }
}
