import AttarTensor
import CAttarKernels
import Foundation

/// The machine on which something was measured.
public struct Machine: Codable, Sendable {
    /// The processor's name.
    public var processor: String
    /// Processors that the system shows.
    public var processors: Int
    /// Memory in GiB.
    public var memory: Int
    /// The level of Attar's kernels.
    public var kernels: String
    /// The operating system.
    public var system: String

    /// This machine.
    public static func current() -> Machine {
        let information = ProcessInfo.processInfo
        return Machine(
            processor: processorName(), processors: information.processorCount,
            memory: Int((Double(information.physicalMemory) / 1_073_741_824).rounded()),
            kernels: String(cString: attar_cpu_name(attar_cpu_current())), system: information.operatingSystemVersionString)
    }

    /// The load averages over one, five and fifteen minutes.
    public static func load() -> [Double] {
        var averages = [Double](repeating: 0, count: 3)
        let count = getloadavg(&averages, 3)
        return Array(averages.prefix(max(0, Int(count))))
    }

    /// The most memory that this process ever held, in bytes; 0 where the system does not tell.
    static var peakMemory: Int {
        let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n") ?? []
        let line = lines.first { $0.hasPrefix("VmHWM:") }
        return 1024 * (line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0)
    }

    private static func processorName() -> String {
        let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
        let name = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
        return name.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
    }

    /// One line for people.
    public var text: String {
        "\(processor), \(processors) processors, \(memory) GiB, kernels \(kernels), \(system)"
    }
}
