import AttarStorage
import CAttarKernels

/// The rows of a flat index, in the form in which they are kept.
enum VectorRows: Sendable {
    case float32(MappedArray<Float>)
    case bfloat16(MappedArray<UInt16>)
    case int8(MappedArray<Int8>, scales: MappedArray<Float>)
    case binary(MappedArray<UInt8>)

    init(_ file: SectionFile, _ header: VectorHeader) throws {
        // At most 2³² · 2¹⁶, far below overflow.
        let numbers = header.count * header.dimension
        switch header.precision {
        case .float32: self = .float32(try file.array("vectors", count: numbers))
        case .bfloat16: self = .bfloat16(try file.array("vectors", count: numbers))
        case .int8:
            self = .int8(
                try file.array("vectors", count: numbers), scales: try file.array("scales", count: header.count))
        case .binary:
            let bytes = header.precision.bytes(dimension: header.dimension)
            self = .binary(try file.array("vectors", count: header.count * bytes))
        }
    }

    /// Calls `body` with the bytes of all rows, one behind the other, without their scales.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        switch self {
        case .float32(let all): try all.withUnsafeBufferPointer { try body(UnsafeRawBufferPointer($0)) }
        case .bfloat16(let all): try all.withUnsafeBufferPointer { try body(UnsafeRawBufferPointer($0)) }
        case .int8(let all, _): try all.withUnsafeBufferPointer { try body(UnsafeRawBufferPointer($0)) }
        case .binary(let all): try all.withUnsafeBufferPointer { try body(UnsafeRawBufferPointer($0)) }
        }
    }

    /// What a row stands for.
    func vector(_ row: Int, dimension: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: dimension) { target, initialized in
            guard let start = target.baseAddress else { return }
            start.initialize(repeating: 0, count: dimension)
            copy(row, dimension: dimension, to: start)
            initialized = dimension
        }
    }

    /// Writes what a row stands for to `target`, which takes `dimension` floats.
    ///
    /// - Precondition: the row is there.
    func copy(_ row: Int, dimension: Int, to target: UnsafeMutablePointer<Float>) {
        let range = (row * dimension)..<((row + 1) * dimension)
        switch self {
        case .float32(let all):
            all.withUnsafeBufferPointer { all in for (d, from) in range.enumerated() { target[d] = all[from] } }
        case .bfloat16(let all):
            all.withUnsafeBufferPointer { all in
                for (d, from) in range.enumerated() { target[d] = Float(bitPattern: UInt32(all[from]) << 16) }
            }
        case .int8(let codes, let scales):
            let scale = scales[row]
            codes.withUnsafeBufferPointer { codes in
                for (d, from) in range.enumerated() { target[d] = Float(codes[from]) * scale }
            }
        case .binary(let bits):
            let bytes = VectorPrecision.binary.bytes(dimension: dimension)
            let size = 1 / Float(dimension).squareRoot()
            for d in 0..<dimension {
                target[d] = bits[row * bytes + d >> 3] >> UInt8(d & 7) & 1 == 1 ? size : -size
            }
        }
    }
}

/// Which rows are scored: some in a row, or those of a list.
enum RowSelection {
    case range(Range<Int>)
    case list(UnsafeBufferPointer<UInt32>)

    var count: Int {
        switch self {
        case .range(let range): range.count
        case .list(let list): list.count
        }
    }

    /// The row that is scored at a position.
    func row(_ position: Int) -> Int {
        switch self {
        case .range(let range): range.lowerBound + position
        case .list(let list): Int(list[position])
        }
    }
}

/// A query in the form that the stored vectors have, and room for integer scores.
struct PreparedQuery: Sendable {
    private let floats: [Float]
    private let codes: [Int8]
    private let bits: [UInt8]
    private let scale: Float

    init(_ query: [Float], precision: VectorPrecision) {
        floats = query
        bits = precision == .binary ? signBits(query) : []
        guard precision == .int8 else {
            (codes, scale) = ([], 1)
            return
        }
        var codes = [Int8](repeating: 0, count: query.count)
        var scale: Float = 1
        attar_quantize_i8(query, 1, query.count, &codes, &scale)
        self.codes = codes
        self.scale = scale
    }

    /// scores.floats[i] = the score of the i-th row that is selected; each the same bits alone as among others.
    ///
    /// - Precondition: the rows are there; `scores` has room for all of them.
    func score(_ rows: VectorRows, _ selection: RowSelection, _ scores: inout BlockScores) {
        let dimension = floats.count
        switch rows {
        case .float32(let all):
            RowKernel(function: attar_dot_f32).run(floats, all, dimension, selection, &scores.floats)
        case .bfloat16(let all):
            RowKernel(function: attar_dot_bf16).run(floats, all, dimension, selection, &scores.floats)
        case .int8(let all, let scales):
            RowKernel(function: attar_dot_i8).run(codes, all, dimension, selection, &scores.integers)
            scales.withUnsafeBufferPointer { scales in
                for index in 0..<selection.count {
                    scores.floats[index] = Float(scores.integers[index]) * (scale * scales[selection.row(index)])
                }
            }
        case .binary(let all):
            RowKernel(function: attar_hamming).run(bits, all, bits.count, selection, &scores.integers)
            for index in 0..<selection.count {
                scores.floats[index] = Float(dimension - 2 * Int(scores.integers[index])) / Float(dimension)
            }
        }
    }
}

/// Room for the scores of some rows.
struct BlockScores {
    var floats: [Float]
    var integers: [Int32]

    init(rows: Int) {
        floats = [Float](repeating: 0, count: rows)
        integers = [Int32](repeating: 0, count: rows)
    }

    /// Offers those that can enter; NaN compares as false, so it never does.
    func offer(_ rows: Range<Int>, allowed: OrdinalSet?, to best: inout TopK) {
        for index in 0..<rows.count where floats[index] >= best.threshold {
            let ordinal = UInt32(rows.lowerBound + index)
            if let allowed, !allowed.contains(ordinal) { continue }
            best.offer(ordinal, floats[index])
        }
    }
}

/// A kernel that scores rows.
private struct RowKernel<Query, Element: BitwiseCopyable, Score> {
    let function: (
        UnsafePointer<Query>?, UnsafePointer<Element>?, Int, UnsafePointer<UInt32>?, Int, Int,
        UnsafeMutablePointer<Score>?
    ) -> Void

    /// - Parameter width: the elements of a row.
    func run(
        _ query: [Query], _ rows: MappedArray<Element>, _ width: Int, _ selection: RowSelection,
        _ scores: UnsafeMutablePointer<Score>
    ) {
        rows.withUnsafeBufferPointer { all in
            guard let base = all.baseAddress else { return }
            switch selection {
            case .range(let range):
                precondition(range.upperBound * width <= all.count, "rows \(range) of \(all.count / width)")
                function(query, base + range.lowerBound * width, width, nil, range.count, width, scores)
            case .list(let list):
                precondition(list.allSatisfy { (Int($0) + 1) * width <= all.count }, "a row beyond the last")
                function(query, base, width, list.baseAddress, list.count, width, scores)
            }
        }
    }
}
