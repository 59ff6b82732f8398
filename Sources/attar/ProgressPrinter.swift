import AttarStorage
import AttarSystems
import Foundation

/// Shows progress on standard error: a bar with rate and time left on a terminal, otherwise a line every few seconds.
///
/// One printer serves one command; updates may come from any thread.
final class ProgressPrinter: @unchecked Sendable {
    private let lock = NSLock()
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let clock = ContinuousClock()
    private let isQuiet: Bool
    private var stage = ""
    private var stageStart: ContinuousClock.Instant
    private var firstCompleted = 0
    private var lastPrinted: ContinuousClock.Instant?
    private var hasOpenLine = false

    init(quiet: Bool = false) {
        isQuiet = quiet
        stageStart = clock.now
    }

    /// Shows one update.
    func show(_ update: ProgressUpdate) {
        guard !isQuiet else { return }
        lock.withLock {
            if update.stage != stage { begin(update) }
            let isLast = update.total > 0 && update.completed >= update.total
            let interval: Duration = isTerminal ? .milliseconds(100) : .seconds(5)
            if let lastPrinted, !isLast, clock.now - lastPrinted < interval { return }
            lastPrinted = clock.now
            write(line(for: update), closing: isLast)
        }
    }

    /// Ends an unfinished bar, so that what follows starts on its own line.
    func finish() {
        lock.withLock { closeLine() }
    }

    private func begin(_ update: ProgressUpdate) {
        closeLine()
        stage = update.stage
        stageStart = clock.now
        firstCompleted = update.completed
        lastPrinted = nil
    }

    private func closeLine() {
        guard hasOpenLine else { return }
        StandardStream.error.say("\n")
        hasOpenLine = false
    }

    private func write(_ line: String, closing: Bool) {
        let text = isTerminal ? "\r\u{1B}[K" + line + (closing ? "\n" : "") : line + "\n"
        StandardStream.error.say(text)
        hasOpenLine = isTerminal && !closing
    }

    private func line(for update: ProgressUpdate) -> String {
        var parts = [update.stage]
        let elapsed = Self.seconds(clock.now - stageStart)
        let done = Double(update.completed - firstCompleted)
        if update.total > 0 {
            if isTerminal { parts.append(bar(Double(update.completed) / Double(update.total))) }
            parts.append("\(update.completed)/\(update.total) \(update.unit)")
            if done > 0, elapsed > 0.5, update.completed < update.total {
                let rate = done / elapsed
                parts.append(String(format: rate < 10 ? "%.1f/s" : "%.0f/s", rate))
                parts.append(Self.clockText(Double(update.total - update.completed) / rate) + " left")
            } else if update.completed >= update.total, elapsed > 1 {
                parts.append("in " + Self.clockText(elapsed))
            }
        }
        if let note = update.note { parts.append(note) }
        return parts.joined(separator: "  ")
    }

    private func bar(_ fraction: Double) -> String {
        let filled = Int(24 * min(1, max(0, fraction)))
        return "[" + String(repeating: "=", count: filled) + String(repeating: " ", count: 24 - filled) + "]"
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }

    /// `75` as "1m15s".
    static func clockText(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole)s" }
        if whole < 3600 { return "\(whole / 60)m\(whole % 60 < 10 ? "0" : "")\(whole % 60)s" }
        return "\(whole / 3600)h\(whole % 3600 / 60 < 10 ? "0" : "")\(whole % 3600 / 60)m"
    }
}
