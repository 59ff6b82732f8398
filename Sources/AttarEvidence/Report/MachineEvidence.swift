import Foundation

/// The computer that measured.
public struct MachineEvidence: Sendable, Codable, Equatable {
    /// The processor's name.
    public var processor: String
    /// How many processors the program may use.
    public var cores: Int
    /// The memory in bytes.
    public var memoryBytes: Int
    /// The operating system and its version.
    public var system: String
    /// Which kernels ran, such as "avx512vnni".
    public var kernels: String?

    /// A computer.
    public init(processor: String, cores: Int, memoryBytes: Int, system: String, kernels: String? = nil) {
        self.processor = processor
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.system = system
        self.kernels = kernels
    }

    /// The computer that this runs on.
    ///
    /// - Parameter kernels: the level of the kernels that were chosen, which this layer does not know.
    public static func current(kernels: String? = nil) -> MachineEvidence {
        let process = ProcessInfo.processInfo
        let processorFacts = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let releaseFacts = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? ""
        let release = value(of: "PRETTY_NAME", separator: "=", in: releaseFacts)
        return MachineEvidence(
            processor: processorName(in: processorFacts) ?? "unknown processor",
            cores: process.activeProcessorCount,
            memoryBytes: Int(clamping: process.physicalMemory),
            system: release ?? process.operatingSystemVersionString,
            kernels: kernels)
    }

    /// The processor's name in the text of /proc/cpuinfo.
    static func processorName(in facts: String) -> String? {
        value(of: "model name", separator: ":", in: facts) ?? value(of: "Model", separator: ":", in: facts)
    }

    private static func value(of key: String, separator: Character, in facts: String) -> String? {
        for line in facts.split(separator: "\n") {
            let parts = line.split(separator: separator, maxSplits: 1)
            guard parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == key else { continue }
            return parts[1].trimmingCharacters(in: CharacterSet(charactersIn: " \t\""))
        }
        return nil
    }
}
