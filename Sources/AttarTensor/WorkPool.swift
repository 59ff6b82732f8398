import CAttarKernels
import Foundation
import Synchronization

/// Threads that wait for work and share it with whoever brings it.
///
/// An operation of a training step takes some ten microseconds to some milliseconds, and there are hundreds of them:
/// starting threads, or waking sleeping ones, for each would cost a tenth of the step. So a helper that has nothing to
/// do looks out for work a little while before it sleeps.
///
/// The caller always works itself, and waits only for helpers that are inside its own job. A job may therefore be
/// brought from inside another one, and by several threads at once, without a deadlock: a helper joins a job only when
/// it is idle, so what is waited for is always being done.
final class WorkPool: Sendable {
    /// The pool of the process: with the callers, as many threads as processors.
    static let shared = WorkPool(helpers: Parallel.processorCount - 1)

    private let helpers: Int
    private let board: Board

    /// A pool with so many threads besides the callers; they start with the first job and live as long as the process.
    init(helpers: Int) {
        self.helpers = max(0, helpers)
        board = Board()
    }

    /// Calls `body` once for each index in `0 ..< count`, in order of their beginning, on at most `threads` threads
    /// with the caller's; returns when all calls have returned.
    func forEach(count: Int, threads: Int, _ body: @Sendable (Int) -> Void) {
        let wanted = min(threads, count, helpers + 1) - 1
        guard wanted > 0 else {
            for index in 0..<count { body(index) }
            return
        }
        board.start(helpers)
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { body in
                let job = Job(body: body, count: count, room: wanted)
                board.post(job)
                job.work()
                board.withdraw(job)
                job.waitForHelpers()
            }
        }
    }
}

/// Work that is being shared: indices are handed out one by one.
private final class Job: @unchecked Sendable {
    /// The caller's closure, which is there until `waitForHelpers` returns.
    private let body: UnsafePointer<@Sendable (Int) -> Void>
    private let count: Int
    private let next = Atomic<Int>(0)
    /// How many more helpers may join. Guarded by the board.
    var room: Int
    /// Helpers that are inside.
    private let active = Atomic<Int>(0)
    private let callerSleeps = Atomic<Bool>(false)
    private let condition = NSCondition()

    init(body: UnsafePointer<@Sendable (Int) -> Void>, count: Int, room: Int) {
        self.body = body
        self.count = count
        self.room = room
    }

    /// Whether every index has been handed out.
    var isHandedOut: Bool { next.load(ordering: .relaxed) >= count }

    func work() {
        while true {
            let index = next.add(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            body.pointee(index)
        }
    }

    /// Called by the board for each helper that it sends, before the job can be withdrawn.
    func enter() { active.add(1, ordering: .relaxed) }

    /// Called by a helper when there is nothing left to take.
    func leave() {
        guard active.subtract(1, ordering: .sequentiallyConsistent).newValue == 0,
            callerSleeps.load(ordering: .sequentiallyConsistent)
        else { return }
        condition.lock()
        condition.broadcast()
        condition.unlock()
    }

    /// Returns when all helpers have left; afterwards no one touches the closure.
    func waitForHelpers() {
        guard !Patience.spins(until: { active.load(ordering: .acquiring) == 0 }) else { return }
        condition.lock()
        callerSleeps.store(true, ordering: .sequentiallyConsistent)
        while active.load(ordering: .sequentiallyConsistent) > 0 { condition.wait() }
        condition.unlock()
    }
}

/// The jobs that helpers may join, and the helpers that wait for one.
private final class Board: @unchecked Sendable {
    private let condition = NSCondition()
    // Guarded by the condition's lock.
    private var jobs: [Job] = []
    private var sleeping = 0
    private var isStarted = false
    /// How many jobs there have been: what idle helpers watch without taking the lock.
    private let posted = Atomic<Int>(0)

    func start(_ helpers: Int) {
        condition.lock()
        defer { condition.unlock() }
        guard !isStarted else { return }
        isStarted = true
        for index in 0..<helpers {
            let thread = Thread { [self] in help() }
            thread.name = "attar.work.\(index)"
            thread.start()
        }
    }

    func post(_ job: Job) {
        condition.lock()
        jobs.append(job)
        posted.add(1, ordering: .releasing)
        if sleeping > 0 { condition.broadcast() }
        condition.unlock()
    }

    /// Lets no further helper join.
    func withdraw(_ job: Job) {
        condition.lock()
        jobs.removeAll { $0 === job }
        condition.unlock()
    }

    /// What a helper does all its life.
    private func help() {
        while true {
            let job = take()
            job.work()
            job.leave()
        }
    }

    /// The first job that has room and something to do; waits for one.
    private func take() -> Job {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let job = joined() { return job }
            let seen = posted.load(ordering: .relaxed)
            condition.unlock()
            let isNew = Patience.spins(until: { posted.load(ordering: .acquiring) != seen })
            condition.lock()
            guard !isNew, posted.load(ordering: .relaxed) == seen else { continue }
            sleeping += 1
            condition.wait()
            sleeping -= 1
        }
    }

    private func joined() -> Job? {
        guard let job = jobs.first(where: { $0.room > 0 && !$0.isHandedOut }) else { return nil }
        job.room -= 1
        job.enter()
        return job
    }
}

/// How long a thread looks out for something before it sleeps.
private enum Patience {
    /// About 30 microseconds: more than the gaps between the operations of a step, less than a scheduler's time slice.
    private static let rounds = 2_000

    /// Whether the condition came true meanwhile.
    static func spins(until condition: () -> Bool) -> Bool {
        for _ in 0..<rounds {
            if condition() { return true }
            attar_spin_pause()
        }
        return condition()
    }
}
