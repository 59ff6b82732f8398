import AttarIndex
import AttarTensor
import Testing

struct KMeansTests {
    /// Points around `clusters` centres far from each other.
    static func clouds(_ clusters: Int, each: Int, dimension: Int, seed: UInt64) -> Matrix {
        var generator = SeededGenerator(seed: seed)
        var matrix = Matrix(rows: clusters * each, columns: dimension)
        for row in 0..<matrix.rows {
            let centre = Float(row % clusters) * 10
            for d in 0..<dimension { matrix.values[row * dimension + d] = centre + Float(0.1 * generator.normal()) }
        }
        return matrix
    }

    static func random(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
        var generator = SeededGenerator(seed: seed)
        return Matrix(
            rows: rows, columns: columns, values: (0..<(rows * columns)).map { _ in Float(generator.normal()) })
    }

    @Test func separateCloudsBecomeTheirMeans() throws {
        let points = Self.clouds(4, each: 50, dimension: 3, seed: 1)
        // The first four points lie in different clouds.
        let start = points.gathered(0..<4)
        let clustering = KMeans(points, options: .init(clusters: 4, iterations: 5), start: start)
        let assigned = clustering.assign(points)
        for row in 0..<points.rows { #expect(assigned[row] == UInt32(row % 4)) }
        for cluster in 0..<4 {
            for d in 0..<3 {
                let mean =
                    (0..<50).reduce(0.0) { $0 + Double(points.row($1 * 4 + cluster)[($1 * 4 + cluster) * 3 + d]) } / 50
                #expect((Double(clustering.centroids.values[cluster * 3 + d]) - mean).magnitude < 1e-4)
            }
        }
    }

    @Test func errorsFallAndAreThoseOfTheAssignment() {
        let points = Self.random(2000, 17, seed: 2)
        let clustering = KMeans(points, options: .init(clusters: 20, iterations: 12))
        for (earlier, later) in zip(clustering.errors, clustering.errors.dropFirst()) {
            #expect(later <= earlier * 1.00001)
        }
        let again = KMeans(points, options: .init(clusters: 20, iterations: 1), start: clustering.centroids)
        let assigned = again.centroids.rows == 20 ? clustering.assign(points) : []
        let exact = (0..<points.rows).reduce(0.0) { sum, row in
            let distances = (0..<20).map { cluster in
                zip(points.row(row), clustering.centroids.row(cluster)).reduce(0.0) {
                    $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
                }
            }
            let nearest = distances.min() ?? 0
            #expect(distances[Int(assigned[row])] <= nearest + 1e-4)
            return sum + nearest
        }
        #expect((again.errors[0] - exact / 2000).magnitude < 1e-3)
    }

    @Test func theNumberOfThreadsChangesNothing() {
        let points = Self.random(40_000, 24, seed: 3)
        let options = KMeans.Options(clusters: 50, iterations: 4, mostVectorsACluster: 600, seed: 9)
        let one = KMeans(points, options: options, threads: 1)
        let three = KMeans(points, options: options, threads: 3)
        #expect(one.centroids == three.centroids && one.errors == three.errors)
        #expect(KMeans(points, options: .init(clusters: 50, iterations: 4, seed: 10)).centroids != one.centroids)
    }

    @Test func clustersThatLoseAllTakeFromTheLargest() {
        // Three of four first centroids are the same point: all but one have no vector at first.
        let points = Self.clouds(4, each: 100, dimension: 5, seed: 4)
        let start = points.gathered([0, 0, 0, 0])
        let clustering = KMeans(points, options: .init(clusters: 4, iterations: 20), start: start)
        #expect(Set(clustering.assign(points)).count == 4)
    }

    @Test func fewVectorsAreTheirOwnCentroids() {
        let points = Self.random(5, 4, seed: 5)
        let clustering = KMeans(points, options: .init(clusters: 9, iterations: 3))
        #expect(clustering.centroids.rows == 5)
        #expect(clustering.errors.last.map { $0 < 1e-5 } ?? false)
        let one = KMeans(points.gathered([2]), options: .init(clusters: 1, iterations: 2))
        #expect(zip(one.centroids.values, points.row(2)).allSatisfy { ($0 - $1).magnitude < 1e-6 })
    }
}
