import AttarTensor
import Synchronization

/// Percentile bootstrap intervals of means (Efron 1979).
///
/// The queries are drawn with replacement as often as there are queries; the interval holds the middle part of the
/// means of many such draws.
public enum Bootstrap {
    /// The interval of the mean of one series; nil with fewer than two values.
    public static func interval(of values: [Double], options: StatisticsOptions = StatisticsOptions()) -> Interval? {
        intervals(of: [values], options: options)[0]
    }

    /// The intervals of the means of several series over the same queries; nil with fewer than two queries.
    ///
    /// Every resample draws its queries once for all series. The result depends on the seed, not on the threads.
    ///
    /// - Parameter series: `[series, queries]`.
    /// - Complexity: O(resamples · queries · series).
    public static func intervals(of series: [[Double]], options: StatisticsOptions = StatisticsOptions()) -> [Interval?]
    {
        let queryCount = series.first?.count ?? 0
        precondition(series.allSatisfy { $0.count == queryCount }, "series over different numbers of queries")
        guard queryCount > 1 else { return series.map { _ in nil } }
        let means = resampledMeans(of: series, options: options)
        return means.map { unsorted in
            let sorted = unsorted.sorted()
            let tail = (1 - options.confidence) / 2
            return Interval(lower: quantile(tail, of: sorted), upper: quantile(1 - tail, of: sorted))
        }
    }

    /// The means, `[series, resamples]`.
    private static func resampledMeans(of series: [[Double]], options: StatisticsOptions) -> [[Double]] {
        let table = interleaved(series)
        let blockSize = 64
        let blockCount = (options.resamples + blockSize - 1) / blockSize
        let blocks = Mutex([[Double]](repeating: [], count: blockCount))
        let (seriesCount, queryCount) = (series.count, series[0].count)
        Parallel.forEach(count: blockCount) { block in
            let count = min(blockSize, options.resamples - block * blockSize)
            var generator = SeededGenerator(seed: options.seed &+ UInt64(block) &* 0x9E37_79B9_7F4A_7C15)
            let sums = sums(
                of: table, seriesCount: seriesCount, queryCount: queryCount, resamples: count, using: &generator)
            blocks.withLock { $0[block] = sums }
        }
        let all = blocks.withLock { $0.flatMap { $0 } }
        return (0..<seriesCount).map { index in
            stride(from: index, to: all.count, by: seriesCount).map { all[$0] / Double(queryCount) }
        }
    }

    /// The series as `[queries, series]`, so that one draw reads one run of memory.
    private static func interleaved(_ series: [[Double]]) -> [Double] {
        var table: [Double] = []
        table.reserveCapacity(series.count * series[0].count)
        for query in series[0].indices { for values in series { table.append(values[query]) } }
        return table
    }

    /// The sums over drawn queries, `[resamples, series]`.
    private static func sums(
        of table: [Double], seriesCount: Int, queryCount: Int, resamples: Int, using generator: inout SeededGenerator
    ) -> [Double] {
        var sums = [Double](repeating: 0, count: resamples * seriesCount)
        // One word gives two indices: the product of 32 random bits and the count, shifted back (Lemire 2019). The bias
        // is below count / 2^32.
        let scale = UInt64(queryCount)
        for resample in 0..<resamples {
            let base = resample * seriesCount
            var word: UInt64 = 0
            for draw in 0..<queryCount {
                word = draw & 1 == 0 ? generator.next() : word >> 32
                let row = Int(((word & 0xFFFF_FFFF) &* scale) >> 32) * seriesCount
                for index in 0..<seriesCount { sums[base + index] += table[row + index] }
            }
        }
        return sums
    }

    /// The quantile of sorted values, interpolated linearly between neighbours (definition 7 of Hyndman & Fan 1996).
    static func quantile(_ fraction: Double, of sorted: [Double]) -> Double {
        let position = fraction * Double(sorted.count - 1)
        let below = Int(position)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (position - Double(below)) * (sorted[above] - sorted[below])
    }
}
