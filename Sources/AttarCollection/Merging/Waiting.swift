import AttarStorage
import Foundation

/// Waiting for locks that others hold.
enum Waiting {
    /// Seconds between two looks.
    static let pause = 0.02

    /// Calls `body` until it finds no lock in its way, or the time is over.
    ///
    /// - Throws: what `body` throws, its last `CollectionError.locked` included; `CancellationError`.
    static func retry<Result>(for time: Duration, _ body: () throws -> Result) throws -> Result {
        let clock = ContinuousClock()
        let end = clock.now + time
        while true {
            do {
                return try body()
            } catch let error as CollectionError where error.kind == .locked && clock.now < end {
                try Task.checkCancellation()
                Thread.sleep(forTimeInterval: pause)
            }
        }
    }
}
