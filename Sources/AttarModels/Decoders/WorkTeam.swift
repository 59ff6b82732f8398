import CAttarKernels
import Foundation
import Synchronization

/// Threads that walk through the same work together, step by step.
///
/// A token's way through a decoder is some hundred steps of some microseconds: too short for handing out work through a
/// queue. So each member runs all of it, does its share of each step, and waits for the others at a barrier between
/// steps. Shares depend on the number of members, results do not: every number is computed by one member alone.
final class WorkTeam {
    /// How many members there are, the caller of `run` among them.
    let count: Int
    private let shared: Shared

    /// - Parameter count: members; 1 makes no thread.
    init(count: Int) {
        precondition(count > 0, "a team of \(count)")
        self.count = count
        shared = Shared(count: count)
        for index in 1..<max(count, 1) {
            let thread = Thread { [shared] in shared.serve(index) }
            thread.name = "attar decoder \(index)"
            thread.stackSize = 1 << 20
            thread.start()
        }
    }

    deinit { shared.dismiss() }

    /// Calls `body` once for each member, at the same time, and returns when all are done.
    func run(_ body: @Sendable (Member) -> Void) {
        guard count > 1 else { return body(Member(index: 0, count: 1, barrier: nil)) }
        withoutActuallyEscaping(body) { shared.run($0) }
    }

    /// One of the team, as the work sees it.
    struct Member: Sendable {
        /// Which one, from 0.
        let index: Int
        /// How many there are.
        let count: Int
        fileprivate let barrier: Barrier?

        /// Waits until all members are here.
        func wait() { barrier?.wait() }

        /// This member's part of `0 ..< total`, in multiples of `unit`.
        func share(of total: Int, unit: Int = 1) -> Range<Int> {
            let units = (total + unit - 1) / unit
            let first = units * index / count * unit, last = units * (index + 1) / count * unit
            return min(first, total)..<min(last, total)
        }
    }

    /// Where members meet. They spin: the wait is mostly shorter than the way through the scheduler; after a while they
    /// let other threads run.
    fileprivate final class Barrier: Sendable {
        private let count: Int
        private let arrived = Atomic<Int>(0)
        private let round = Atomic<Int>(0)
        private static let patience = 4000

        init(count: Int) { self.count = count }

        func wait() {
            let now = round.load(ordering: .acquiring)
            if arrived.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == count {
                arrived.store(0, ordering: .relaxed)
                round.wrappingAdd(1, ordering: .releasing)
                return
            }
            var spins = 0
            while round.load(ordering: .acquiring) == now {
                spins += 1
                if spins > Self.patience { sched_yield() } else { attar_spin_pause() }
            }
        }
    }

    /// What the threads hold on to; the team itself they do not, so that it can go.
    private final class Shared: @unchecked Sendable {
        private let count: Int
        private let barrier: Barrier
        private let wakeUps: [DispatchSemaphore]
        /// Written between runs only, which the semaphores order.
        private var body: (@Sendable (Member) -> Void)?

        init(count: Int) {
            self.count = count
            barrier = Barrier(count: count)
            wakeUps = (0..<count).map { _ in DispatchSemaphore(value: 0) }
        }

        func run(_ body: @escaping @Sendable (Member) -> Void) {
            self.body = body
            for index in 1..<count { wakeUps[index].signal() }
            _ = perform(0)
            barrier.wait()
            self.body = nil
        }

        func serve(_ index: Int) {
            while true {
                wakeUps[index].wait()
                guard perform(index) else { return }
                barrier.wait()
            }
        }

        /// One member's work. On return the thread holds the body no more: after the barrier the caller may be gone.
        private func perform(_ index: Int) -> Bool {
            guard let body else { return false }
            body(Member(index: index, count: count, barrier: barrier))
            return true
        }

        func dismiss() {
            body = nil
            for wakeUp in wakeUps { wakeUp.signal() }
        }
    }
}
