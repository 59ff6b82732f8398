import CAttarKernels
import Foundation

/// Binds this process, and the processes it starts afterwards, to a few processors.
public enum ProcessorPinning {
    /// The processors this thread may use, ascending; empty where the system does not tell.
    public static func allowed() -> [Int] {
        var processors = [Int32](repeating: 0, count: 1024)
        let count = attar_processors_allowed(&processors, processors.count)
        return processors.prefix(count).map(Int.init)
    }

    /// Binds every thread of the process to the first `count` processors it may use; threads and processes that are
    /// started later inherit this.
    ///
    /// - Returns: the processors, or nothing where the system cannot bind.
    /// - Throws: `BenchError` when there are not so many.
    public static func pin(to count: Int) throws -> [Int] {
        let processors = allowed()
        guard !processors.isEmpty else { return [] }
        guard count <= processors.count else {
            throw BenchError.usage(
                "\(count) threads need as many processors; this process may use \(processors.count).")
        }
        let chosen = processors.prefix(count).map(Int32.init)
        // A thread that ends meanwhile cannot be bound, and need not be.
        for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").compactMap(Int32.init) {
            _ = attar_bind_thread(thread, chosen, chosen.count)
        }
        return chosen.map(Int.init)
    }
}
