import CAttarKernels

extension BertEncoder {
    /// Runs a group through the model.
    ///
    /// - Parameter skipped: tokens at the beginning of each text that pooling leaves out.
    /// - Returns: `[texts, dimension]`, inside the work area.
    func forward(_ group: TokenGroup, skipping skipped: Int, in work: BertWorkspace) -> UnsafeMutablePointer<Float> {
        backbone.run(group, in: work)
        pool(group, skipping: skipped, in: work)
        return heads.apply(rows: group.texts.count, work.pooled.start, work.mapped.start, scratch: work.linear)
    }

    /// One vector a text, in the work area; a text without tokens has the zero vector.
    func pool(_ group: TokenGroup, skipping skipped: Int, in work: BertWorkspace) {
        let width = configuration.hiddenSize
        var start = 0
        for (text, end) in group.ends.enumerated() {
            let first = min(start + skipped, end)
            let count = end - first
            let vector = work.pooled.start + text * width
            let states = work.states.start + first * width
            vector.update(repeating: 0, count: width)
            if count > 0 {
                switch pooling.mode {
                case .cls: vector.update(from: states, count: width)
                case .mean:
                    attar_column_sums_f32(states, width, count, width, vector)
                    attar_scale_f32(1 / Float(count), vector, width)
                case .max:
                    vector.update(from: states, count: width)
                    attar_column_max_f32(states, width, count, width, vector)
                }
            }
            start = end
        }
    }
}
