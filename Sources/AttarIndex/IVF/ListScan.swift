import AttarStorage
import AttarTensor
import CAttarKernels

/// The scores of the entries of some lists, and the memory for them, which is used again.
///
/// Entries stand in the order in which they were met: list by list, the best centroid's first.
final class ListScan {
    private var query: [Float] = []
    private var centroidScores: [Float] = []
    /// Lists and their centroids' scores, the best first, as far as they were asked for.
    private var order: [UInt32] = []
    private var orderScores: [Float] = []
    /// `[subspaces, codewords]`, and the same as bytes for 16 codewords.
    private var tables: [Float] = []
    private var tableBytes: [UInt8] = []
    private var scale: Float = 1
    private var offset: Float = 0
    private var scores: [Float] = []
    /// Where the entries of each list that was met begin in `scores`, and where the last ends.
    private var starts: [Int] = [0]
    private var positions: [UInt32] = []
    private var positionScores: [Float] = []
    /// How many of the entries met are allowed.
    private(set) var allowed = 0

    /// How many entries were met.
    var scanned: Int { starts[starts.count - 1] }

    /// Begins a search.
    ///
    /// - Precondition: the query has the index's dimension.
    func begin(_ query: [Float], _ index: IVFIndex) {
        let (sections, dimension, lists) = (index.sections, index.dimension, index.parameters.lists)
        self.query.grow(to: dimension, filledWith: 0)
        if let rotation = sections.rotation {
            rotation.withUnsafeBufferPointer {
                attar_dot_f32(query, $0.baseAddress, dimension, nil, dimension, dimension, &self.query)
            }
        } else {
            self.query = query
        }
        centroidScores.grow(to: lists, filledWith: 0)
        sections.centroids.withUnsafeBufferPointer {
            attar_dot_f32(self.query, $0.baseAddress, dimension, nil, lists, dimension, &centroidScores)
        }
        makeTables(sections, index.parameters, width: dimension / index.parameters.subspaces)
        starts.removeAll(keepingCapacity: true)
        starts.append(0)
        allowed = 0
    }

    /// What each codeword adds to a score: the sum of the codebook's columns, times the query's numbers.
    private func makeTables(_ sections: IVFSections, _ parameters: IVFParameters, width: Int) {
        let codewords = parameters.codewords
        tables.grow(to: parameters.subspaces * codewords, filledWith: 0)
        tables.withUnsafeMutableBufferPointer { tables in
            sections.columns.withUnsafeBufferPointer { columns in
                guard let tables = tables.baseAddress, let columns = columns.baseAddress else { return }
                tables.update(repeating: 0, count: parameters.subspaces * codewords)
                for d in 0..<(parameters.subspaces * width) {
                    attar_axpy_f32(query[d], columns + d * codewords, tables + d / width * codewords, codewords)
                }
            }
        }
        guard codewords == 16 else { return }
        tableBytes.grow(to: attar_scan_tables_size(parameters.subspaces), filledWith: 0)
        attar_quantize_scan_tables(tables, parameters.subspaces, &tableBytes, &scale, &offset)
    }

    /// Scores the entries of the best lists, as far as that has not been done.
    ///
    /// - Parameters:
    ///   - count: how many lists shall have been met, at most all.
    ///   - filter: entries that are not in it get no score.
    func probe(_ count: Int, _ index: IVFIndex, _ filter: OrdinalSet?) {
        order.grow(to: count, filledWith: 0)
        orderScores.grow(to: count, filledWith: 0)
        let found = attar_top_k_f32(centroidScores, index.parameters.lists, count, &order, &orderScores)
        let met = starts.count - 1
        guard found > met else { return }
        let entries = order[met..<found].reduce(scanned) { total, list in
            total + index.sections.offsets[Int(list) + 1] - index.sections.offsets[Int(list)]
        }
        scores.grow(to: entries, filledWith: 0)
        for place in met..<found {
            let list = Int(order[place])
            score(list, base: index.parameters.codesResiduals ? orderScores[place] : 0, index)
            let entries = index.sections.offsets[list + 1] - index.sections.offsets[list]
            if let filter { drop(list, notIn: filter, index) } else { allowed += entries }
            starts.append(scanned + entries)
        }
    }

    private func score(_ list: Int, base: Float, _ index: IVFIndex) {
        let (sections, parameters, first) = (index.sections, index.parameters, scanned)
        let entries = sections.offsets[list + 1] - sections.offsets[list]
        sections.codes.withUnsafeBufferPointer { codes in
            scores.withUnsafeMutableBufferPointer { scores in
                guard let all = codes.baseAddress, let scores = scores.baseAddress else { return }
                let codes = all + sections.codeOffsets[list]
                if parameters.codewords == 16 {
                    attar_scan_codes(
                        tableBytes, parameters.subspaces, codes, entries, scale, offset + base, scores + first)
                } else {
                    attar_table_scores_f32(tables, parameters.subspaces, codes, nil, entries, scores + first)
                    for entry in first..<(first + entries) { scores[entry] += base }
                }
            }
        }
    }

    /// What is not a number is never among the best.
    private func drop(_ list: Int, notIn filter: OrdinalSet, _ index: IVFIndex) {
        let first = scanned
        for (place, entry) in (index.sections.offsets[list]..<index.sections.offsets[list + 1]).enumerated() {
            if filter.contains(index.sections.ordinals[entry]) {
                allowed += 1
            } else {
                scores[first + place] = .nan
            }
        }
    }

    /// The best allowed entries met, by their codes; of equal scores those met first.
    func best(_ count: Int, _ index: IVFIndex) -> [SearchHit] {
        positions.grow(to: count, filledWith: 0)
        positionScores.grow(to: count, filledWith: 0)
        let found = attar_top_k_f32(scores, scanned, count, &positions, &positionScores)
        return (0..<found).compactMap { rank in
            let ordinal = ordinal(at: Int(positions[rank]), index)
            // Beyond the last only in a broken file.
            return ordinal < index.count ? SearchHit(ordinal: ordinal, score: positionScores[rank]) : nil
        }
    }

    private func ordinal(at position: Int, _ index: IVFIndex) -> UInt32 {
        var (low, high) = (0, starts.count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= position { low = middle } else { high = middle }
        }
        return index.sections.ordinals[index.sections.offsets[Int(order[low])] + position - starts[low]]
    }
}

extension Array {
    /// Makes room for so many elements at least.
    fileprivate mutating func grow(to count: Int, filledWith element: Element) {
        if self.count < count { append(contentsOf: repeatElement(element, count: count - self.count)) }
    }
}
