import Synchronization

/// Memory to work with, which threads borrow: as many are made as were ever in use at once, so that after the first few
/// uses nothing is allocated.
public final class WorkspacePool<Workspace>: Sendable {
    /// A work area that is on loan or in the pool: one owner at any time, which is what makes passing it on safe.
    private struct Loan: @unchecked Sendable {
        let workspace: Workspace
    }

    private let free = Mutex<[Loan]>([])
    private let make: @Sendable () -> Workspace

    /// - Parameter make: called when all work areas are in use.
    public init(_ make: @escaping @Sendable () -> Workspace) { self.make = make }

    /// Calls `body` with a work area that nobody else uses meanwhile. After an error it may be left in any state, so it
    /// is dropped.
    public func withWorkspace<Result>(_ body: (Workspace) throws -> Result) rethrows -> Result {
        let loan = free.withLock { $0.popLast() } ?? Loan(workspace: make())
        let result = try body(loan.workspace)
        free.withLock { $0.append(loan) }
        return result
    }

    /// Calls `body` once for each index in `0 ..< count`, `chunk` of them in a row, on at most `threads` threads.
    public func forEach(count: Int, chunk: Int = 1, threads: Int, _ body: @Sendable (Workspace, Int) -> Void) {
        Parallel.forEachRange(count: count, chunk: chunk, threads: threads) { range in
            withWorkspace { workspace in for index in range { body(workspace, index) } }
        }
    }
}
