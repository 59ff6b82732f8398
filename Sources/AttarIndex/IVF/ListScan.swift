import AttarStorage
import AttarTensor
import CAttarKernels

/// The scores of the entries of some lists, and the memory for them, which is used again.
///
/// Entries stand in the order in which they were met: list by list, the best centroid's first.
final class ListScan {
    private var query: [Float] = []
    private var queryCodes: [Int8] = []
    private var centroidProducts: [Int32] = []
    private var centroidScores: [Float] = []
    /// Lists and their centroids' scores, the best first, as far as they were asked for.
    private var order: [UInt32] = []
    private var orderScores: [Float] = []
    /// `[subspaces, codewords]`, and the same as bytes for 16 codewords.
    private var tables: [Float] = []
    private var tableBytes: [UInt8] = []
    private var scale: Float = 1
    private var offset: Float = 0
    /// Of the entries met, in whole blocks for each list; what fills a list's last block up is not a number.
    private var scores: [Float] = []
    /// For each block of `scores`, its first entry among those of all lists.
    private var blocks: [UInt32] = []
    private var positions: [UInt32] = []
    private var positionScores: [Float] = []
    /// How many lists were met.
    private var met = 0
    /// How many entries were met.
    private(set) var scanned = 0
    /// How many of the entries met are allowed.
    private(set) var allowed = 0

    private static let block = Int(ATTAR_SCAN_BLOCK)

    /// Begins a search.
    ///
    /// - Precondition: the query has the index's dimension.
    func begin(_ query: [Float], _ index: IVFIndex) {
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
        blocks.removeAll(keepingCapacity: true)
        (met, scanned, allowed) = (0, 0, 0)
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
    ///   - filter: entries that are not in it get no score.
    func probe(_ count: Int, _ index: IVFIndex, _ filter: OrdinalSet?) {
        order.grow(to: count, filledWith: 0)
        orderScores.grow(to: count, filledWith: 0)
        let found = attar_top_k_f32(centroidScores, index.parameters.lists, count, &order, &orderScores)
        guard found > met else { return }
        let firstBlock = blocks.count
        for list in order[met..<found] { meet(index.sections.entries(of: list)) }
        scores.grow(to: blocks.count * Self.block, filledWith: .nan)
        score(met..<found, firstBlock: firstBlock, index)
        if let filter { drop(met..<found, firstBlock: firstBlock, notIn: filter, index) } else { allowed = scanned }
        met = found
    }

    /// Gives a list's entries their blocks.
    private func meet(_ entries: Range<Int>) {
        for first in stride(from: entries.lowerBound, to: entries.upperBound, by: Self.block) {
            blocks.append(UInt32(first))
        }
        scanned += entries.count
    }

    private func score(_ places: Range<Int>, firstBlock: Int, _ index: IVFIndex) {
        let (sections, parameters, order, orderScores) = (index.sections, index.parameters, order, orderScores)
        sections.codes.withUnsafeBufferPointer { codes in
            scores.withUnsafeMutableBufferPointer { scores in
                guard let codes = codes.baseAddress, var target = scores.baseAddress else { return }
                target += firstBlock * Self.block
                for place in places {
                    let (list, count) = (Int(order[place]), sections.entries(of: order[place]).count)
                    let base = parameters.codesResiduals ? orderScores[place] : 0
                    if parameters.codewords == 16 {
                        let next = place + 1 < places.upperBound ? Int(order[place + 1]) : list
                        attar_scan_codes(
                            tableBytes, parameters.subspaces, codes + sections.codeOffsets[list], count, scale,
                            offset + base, codes + sections.codeOffsets[next], target)
                    } else {
                        attar_table_scores_f32(
                            tables, parameters.subspaces, codes + sections.codeOffsets[list], nil, count, target)
                        for entry in 0..<count { target[entry] += base }
                    }
                    let padded = (count + Self.block - 1) / Self.block * Self.block
                    (target + count).update(repeating: .nan, count: padded - count)
                    target += padded
                }
            }
        }
    }

    /// What is not a number is never among the best.
    private func drop(_ places: Range<Int>, firstBlock: Int, notIn filter: OrdinalSet, _ index: IVFIndex) {
        var position = firstBlock * Self.block
        for list in order[places] {
            let entries = index.sections.entries(of: list)
            for (place, entry) in entries.enumerated() {
                if filter.contains(index.sections.ordinals[entry]) {
                    allowed += 1
                } else {
                    scores[position + place] = .nan
                }
            }
            position += (entries.count + Self.block - 1) / Self.block * Self.block
        }
    }

    /// The best allowed entries met, by their codes; of equal scores those met first.
    func best(_ count: Int, _ index: IVFIndex) -> [SearchHit] {
        positions.grow(to: count, filledWith: 0)
        positionScores.grow(to: count, filledWith: 0)
        let found = attar_top_k_f32(scores, blocks.count * Self.block, count, &positions, &positionScores)
        return (0..<found).compactMap { rank in
            let (block, place) = Int(positions[rank]).quotientAndRemainder(dividingBy: Self.block)
            let ordinal = index.sections.ordinals[Int(blocks[block]) + place]
            // Beyond the last only in a broken file.
            return ordinal < index.count ? SearchHit(ordinal: ordinal, score: positionScores[rank]) : nil
        }
    }
}

extension Array {
    /// Makes room for so many elements at least.
    fileprivate mutating func grow(to count: Int, filledWith element: Element) {
        if self.count < count { append(contentsOf: repeatElement(element, count: count - self.count)) }
    }
}
