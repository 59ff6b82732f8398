/// Everything that a training run needs to go on as if nothing had happened: parameters, moments, steps, random
/// numbers.
///
///     let bytes = TrainingState.encode(optimizer: optimizer, step: step, generators: [generator])
///     …
///     let resumed = try TrainingState.restore(bytes, into: optimizer)
///     generator = resumed.generators[0]
///
/// All trained parameters of the optimiser's groups are written, and those that are moved by other means, where these
/// are given; frozen ones come from where they came from. Floats are written bit by bit, so a resumed run computes the
/// same bits as an undisturbed one. Of a row-sparse table's moments only the rows are written that a step has met.
///
/// Format, little-endian: `ATTARTS1`, step, generators, note, parameters sorted by name, CRC-32C of all before it.
public struct TrainingState: Sendable, Equatable {
    /// The step that comes next, as the trainer counts.
    public let step: Int
    /// The states of the trainer's generators.
    public let generators: [SeededGenerator]
    /// Whatever else the trainer kept.
    public let note: [UInt8]

    /// The state as bytes.
    ///
    /// - Parameters:
    ///   - optimizer: Whose parameters, moments and step count are kept.
    ///   - others: Parameters that are trained beside the optimiser, without moments, such as by plain descent.
    ///   - step: The step that comes next, as the trainer counts.
    ///   - generators: The trainer's generators.
    ///   - note: Whatever else the trainer wants back: position in the data, best loss so far.
    /// - Complexity: O(trained elements).
    public static func encode(
        optimizer: AdamW, others: [Parameter] = [], step: Int, generators: [SeededGenerator] = [], note: [UInt8] = []
    ) -> [UInt8] {
        var writer = StateWriter()
        writer.bytes.append(contentsOf: magic)
        writer.append(UInt64(step))
        writer.append(UInt64(optimizer.stepCount))
        writer.append(UInt64(generators.count))
        for generator in generators { for word in generator.words { writer.append(word) } }
        writer.append(blob: note)
        let parameters = (optimizer.parameters + others).sorted { $0.name < $1.name }
        writer.append(UInt64(parameters.count))
        for parameter in parameters { writer.append(parameter, optimizer.moments[parameter.name]) }
        return writer.finished()
    }

    /// Puts a state back into an optimiser and the parameters that it trains.
    ///
    /// - Parameters:
    ///   - bytes: What `encode` gave.
    ///   - optimizer: Made as it was made then, with parameters of the same names and shapes.
    ///   - others: As they were given to `encode`, of the same names and shapes.
    /// - Returns: What the trainer gave to `encode`.
    /// - Throws: `TensorError` when the bytes are damaged, newer, or of another model. Damage and mismatches are found
    ///   before anything is changed.
    public static func restore(
        _ bytes: [UInt8], into optimizer: AdamW, others: [Parameter] = []
    ) throws -> TrainingState {
        var reader = try StateReader(bytes, magic: magic)
        let step = try reader.count("step", limit: StateReader.mostSteps)
        let optimizerSteps = try reader.count("step count", limit: StateReader.mostSteps)
        let generators = try (0..<reader.count("generators", limit: 1024)).map { _ in
            SeededGenerator(words: try (0..<4).map { _ in try reader.word("generator") })
        }
        let note = try reader.blob("note")
        let parameters = (optimizer.parameters + others).sorted { $0.name < $1.name }
        let saved = try (0..<reader.count("parameters", limit: bytes.count)).map { _ in try reader.parameter() }
        try reader.requireEnd()
        try requireSame(saved, parameters)
        for (saved, parameter) in zip(saved, parameters) { saved.restore(parameter, optimizer) }
        optimizer.stepCount = optimizerSteps
        return TrainingState(step: step, generators: generators, note: note)
    }

    private static let magic: [UInt8] = Array("ATTARTS1".utf8)

    private static func requireSame(_ saved: [SavedParameter], _ parameters: [Parameter]) throws {
        let savedNames = Set(saved.map(\.name))
        let names = Set(parameters.map(\.name))
        if let name = savedNames.symmetricDifference(names).sorted().first {
            throw TensorError(
                .mismatch,
                "The checkpoint \(savedNames.contains(name) ? "has" : "lacks") the parameter \(name), which the student "
                    + "\(names.contains(name) ? "trains" : "does not train"). Resume with the options of the first run."
            )
        }
        for (saved, parameter) in zip(saved, parameters) {
            let isSparse = parameter.tensor.rowGradient != nil
            guard saved.shape != parameter.shape || saved.isRowSparse != isSparse else { continue }
            throw TensorError(
                .mismatch,
                "The checkpoint's parameter \(saved.name) has shape \(saved.shape), the student's \(parameter.shape)"
                    + "\(saved.isRowSparse == isSparse ? "" : " and another kind of gradient"). "
                    + "Resume with the options of the first run.")
        }
    }
}
