import AttarStorage
import AttarTensor
import CAttarKernels

/// The best entries of some lists by their codes, and the memory that finding them takes, which is used again.
///
/// Lists are met with the best centroid's first: what is found there leaves little to look at in the others.
final class ListScan {
    private var query: [Float] = []
    private var queryCodes: [Int8] = []
    private var centroidProducts: [Int32] = []
    private var centroidScores: [Float] = []
    /// Lists within the margin, and their centroids' scores.
    private var nearLists: [UInt32] = []
    private var nearScores: [Float] = []
    /// Lists and their centroids' scores, the best first, as far as they were asked for.
    private var order: [UInt32] = []
    private var orderScores: [Float] = []
    /// `[subspaces, codewords]`, and the same as bytes for 16 codewords.
    private var tables: [Float] = []
    private var tableBytes: [UInt8] = []
    private var scale: Float = 1
    private var offset: Float = 0
    /// Of a list: the entries that may be among the best, and what their codes' tables add up to.
    private var places: [UInt32] = []
    private var sums: [UInt16] = []
    /// Of a list whose codes are bytes.
    private var scores: [Float] = []
    /// The best entries so far, by their number among those of all lists.
    private var best = TopK(0)
    /// How many lists were met.
    private var met = 0
    /// How many entries were met.
    private(set) var scanned = 0

    /// How many of the best entries are known: as many as are wanted, or all allowed ones that were met.
    var found: Int { best.count }

    /// Begins a search for so many entries.
    ///
    /// - Precondition: the query has the index's dimension.
    func begin(_ query: [Float], _ index: IVFIndex, candidates: Int) {
        let (sections, dimension) = (index.sections, index.dimension)
        self.query.grow(to: dimension, filledWith: 0)
        if let rotation = sections.rotation {
            rotation.withUnsafeBufferPointer {
                attar_dot_f32(query, $0.baseAddress, dimension, nil, dimension, dimension, &self.query)
            }
        } else {
            self.query = query
        }
        scoreCentroids(sections, dimension)
        makeTables(sections, index.parameters, width: dimension / index.parameters.subspaces)
        best.reset(candidates)
        (met, scanned) = (0, 0)
    }

    private func scoreCentroids(_ sections: IVFSections, _ dimension: Int) {
        let lists = sections.centroidScales.count
        queryCodes.grow(to: dimension, filledWith: 0)
        centroidProducts.grow(to: lists, filledWith: 0)
        centroidScores.grow(to: lists, filledWith: 0)
        var queryScale: Float = 1
        attar_quantize_i8(query, 1, dimension, &queryCodes, &queryScale)
        attar_dot_i8(queryCodes, sections.centroidCodes, dimension, nil, lists, dimension, &centroidProducts)
        centroidProducts.withUnsafeBufferPointer { products in
            sections.centroidScales.withUnsafeBufferPointer { scales in
                centroidScores.withUnsafeMutableBufferPointer { scores in
                    for list in 0..<lists { scores[list] = Float(products[list]) * (queryScale * scales[list]) }
                }
            }
        }
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
    ///   - margin: lists that are worse than the best by more are passed over; nil for none.
    ///   - filter: ordinals that are not in it are passed over.
    func probe(_ count: Int, margin: Float?, _ index: IVFIndex, _ filter: OrdinalSet?) {
        let found = choose(count, margin: margin, of: index.parameters.lists)
        guard found > met else { return }
        if index.parameters.codewords == 16 {
            scan(met..<found, index.sections, index.parameters, filter)
        } else {
            score(met..<found, index.sections, index.parameters, filter)
        }
        for list in order[met..<found] { scanned += index.sections.entries(of: list).count }
        met = found
    }

    /// Puts the best lists in order; returns how many there are.
    private func choose(_ count: Int, margin: Float?, of lists: Int) -> Int {
        order.grow(to: count, filledWith: 0)
        orderScores.grow(to: count, filledWith: 0)
        guard let margin, attar_top_k_f32(centroidScores, lists, 1, &order, &orderScores) == 1 else {
            return attar_top_k_f32(centroidScores, lists, count, &order, &orderScores)
        }
        // Few are near: what is compared again and again below fits the first cache.
        let near = gatherLists(notBelow: orderScores[0] - margin, of: lists)
        let found = attar_top_k_f32(nearScores, near, count, &order, &orderScores)
        for place in 0..<found { order[place] = nearLists[Int(order[place])] }
        return found
    }

    private func gatherLists(notBelow least: Float, of lists: Int) -> Int {
        nearLists.grow(to: lists, filledWith: 0)
        nearScores.grow(to: lists, filledWith: 0)
        return nearLists.withUnsafeMutableBufferPointer { nearLists in
            nearScores.withUnsafeMutableBufferPointer { nearScores in
                centroidScores.withUnsafeBufferPointer { scores in
                    var near = 0
                    for list in 0..<lists {
                        (nearLists[near], nearScores[near]) = (UInt32(list), scores[list])
                        near += scores[list] >= least ? 1 : 0
                    }
                    return near
                }
            }
        }
    }

    /// Codes of half bytes: only those are looked at again that may enter.
    private func scan(_ met: Range<Int>, _ sections: IVFSections, _ parameters: IVFParameters, _ filter: OrdinalSet?) {
        places.grow(to: sections.longestList, filledWith: 0)
        sums.grow(to: sections.longestList, filledWith: 0)
        // Locals cost no checks of exclusive access, of which there would be several an entry.
        let (tables, scale, order, orderScores) = (tableBytes, scale, order, orderScores)
        var best = TopK(0)
        swap(&best, &self.best)
        defer { swap(&best, &self.best) }
        sections.codes.withUnsafeBufferPointer { codes in
            places.withUnsafeMutableBufferPointer { places in
                sums.withUnsafeMutableBufferPointer { sums in
                    guard let codes = codes.baseAddress else { return }
                    for place in met {
                        let (list, next) = (Int(order[place]), Int(order[min(place + 1, met.upperBound - 1)]))
                        let first = sections.offsets[list]
                        let base = offset + (parameters.codesResiduals ? orderScores[place] : 0)
                        let found = attar_scan_codes(
                            tables, parameters.subspaces, codes + sections.codeOffsets[list],
                            sections.offsets[list + 1] - first, Self.least(best.threshold, base, scale),
                            codes + sections.codeOffsets[next], places.baseAddress, sums.baseAddress)
                        for candidate in 0..<found {
                            let entry = first + Int(places[candidate])
                            if let filter, !filter.contains(sections.ordinals[entry]) { continue }
                            best.offer(UInt32(truncatingIfNeeded: entry), base + scale * Float(sums[candidate]))
                        }
                    }
                }
            }
        }
    }

    /// A sum that is smaller, by more than rounding, does not enter.
    private static func least(_ threshold: Float, _ base: Float, _ scale: Float) -> UInt16 {
        let sum = ((threshold - base) / scale).rounded(.down) - 1
        return sum > 0 ? UInt16(min(sum, Float(UInt16.max))) : 0
    }

    /// Codes of bytes: their tables are exact, and so are the scores of the chosen lists' centroids then.
    private func score(_ met: Range<Int>, _ sections: IVFSections, _ parameters: IVFParameters, _ filter: OrdinalSet?) {
        scores.grow(to: sections.longestList, filledWith: 0)
        if parameters.codesResiduals { scoreExactly(met, sections) }
        var best = TopK(0)
        swap(&best, &self.best)
        defer { swap(&best, &self.best) }
        for place in met {
            let entries = sections.entries(of: order[place])
            let base = parameters.codesResiduals ? orderScores[place] : 0
            sections.codes.withUnsafeBufferPointer { codes in
                guard let codes = codes.baseAddress else { return }
                attar_table_scores_f32(
                    tables, parameters.subspaces, codes + sections.codeOffsets[Int(order[place])], nil, entries.count,
                    &scores)
            }
            for (entry, score) in zip(entries, scores) where score + base >= best.threshold {
                if let filter, !filter.contains(sections.ordinals[entry]) { continue }
                best.offer(UInt32(truncatingIfNeeded: entry), score + base)
            }
        }
    }

    private func scoreExactly(_ chosen: Range<Int>, _ sections: IVFSections) {
        let dimension = sections.centroids.count / sections.centroidScales.count
        sections.centroids.withUnsafeBufferPointer { centroids in
            order.withUnsafeBufferPointer { order in
                orderScores.withUnsafeMutableBufferPointer { scores in
                    guard let order = order.baseAddress, let scores = scores.baseAddress else { return }
                    attar_dot_f32(
                        query, centroids.baseAddress, dimension, order + chosen.lowerBound, chosen.count, dimension,
                        scores + chosen.lowerBound)
                }
            }
        }
    }

    /// The best allowed entries met, by their codes, in no particular order.
    func best(in sections: IVFSections) -> [SearchHit] {
        best.unorderedHits.compactMap { hit in
            let ordinal = sections.ordinals[Int(hit.ordinal)]
            // Beyond the last only in a broken file.
            return ordinal < sections.ordinals.count ? SearchHit(ordinal: ordinal, score: hit.score) : nil
        }
    }
}

extension Array {
    /// Makes room for so many elements at least.
    fileprivate mutating func grow(to count: Int, filledWith element: Element) {
        if self.count < count { append(contentsOf: repeatElement(element, count: count - self.count)) }
    }
}
