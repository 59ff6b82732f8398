import AttarStorage

/// A failure of running or checking a system.
public enum SystemError: AttarError, Equatable {
    /// There is no system of this id.
    case unknownSystem(String, known: [String])
    /// A configuration cannot be read.
    case badConfiguration(system: String, detail: String)
    /// No query of the file has a judgement.
    case noJudgedQueries(queries: String, judgements: String)
    /// A claim names a pipeline or metric that the run did not measure.
    case notMeasured(claim: String, what: String)
    /// The data set of a claim is not there.
    case missingData(claim: String, path: String)
    /// Nothing was distilled for a collection, and no encoder was named.
    case noModels(collection: String)
    /// The output folder belongs to another run.
    case otherRun(path: String, detail: String)

    public var category: ErrorCategory {
        switch self {
        case .unknownSystem, .badConfiguration: .usage
        case .noJudgedQueries, .missingData, .otherRun, .noModels: .input
        case .notMeasured: .claim
        }
    }

    public var description: String {
        switch self {
        case .unknownSystem(let id, let known):
            "There is no system \(id). Known: \(known.joined(separator: ", "))."
        case .badConfiguration(let system, let detail):
            "The configuration of \(system) cannot be used: \(detail)."
        case .noJudgedQueries(let queries, let judgements):
            "No query of \(queries) has a judgement in \(judgements). Check that both files belong to one data set."
        case .notMeasured(let claim, let what):
            "The claim \(claim) needs \(what), which this run did not measure."
        case .missingData(let claim, let path):
            "The claim \(claim) is measured on \(path), which is not there. Give the folder of data sets with --data."
        case .noModels(let collection):
            "Nothing was distilled for \(collection) yet. Run `attar distill` first, or name a model with --encoder."
        case .otherRun(let path, let detail):
            "\(path) holds another run: \(detail). Give another folder with --out, or remove this one."
        }
    }
}
