import AttarEvidence
import Foundation

/// The systems that this Attar has, by id.
///
/// A new system is one file and one line here.
public struct Registry: Sendable {
    /// A system whose configuration type is out of sight.
    public struct Entry: Sendable {
        /// The facts about the method.
        public let card: SystemCard
        /// What must hold.
        public let claims: [Claim]
        /// The configuration with every default, as JSON.
        public let defaultConfiguration: @Sendable () throws -> Data
        /// Runs the method as its claims want it run.
        let check: @Sendable (_ context: RunContext) async throws -> EvaluationReport
        /// Runs the method with a configuration given as JSON, or its defaults; what the JSON leaves out keeps its
        /// default.
        public let run: @Sendable (_ configuration: Data?, _ context: RunContext) async throws -> EvaluationReport

        init<Method: System>(_ method: Method.Type) {
            card = method.card
            claims = method.claims
            defaultConfiguration = { try Entry.encoder.encode(method.defaultConfiguration) }
            run = { data, context in
                let defaults = try Entry.encoder.encode(method.defaultConfiguration)
                let merged = try data.map { try JSONOverlay.merged(defaults, with: $0, system: method.card.id) }
                let configuration = try Entry.decode(Method.Configuration.self, merged ?? defaults, method.card.id)
                return try await method.init(configuration: configuration).run(context)
            }
            check = { try await method.init(configuration: method.checkedConfiguration).run($0) }
        }

        private static var encoder: JSONEncoder {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return encoder
        }

        private static func decode<Value: Decodable>(_ type: Value.Type, _ data: Data, _ system: String) throws -> Value {
            do {
                return try JSONDecoder().decode(type, from: data)
            } catch let error as DecodingError {
                throw SystemError.badConfiguration(system: system, detail: "\(error)")
            }
        }
    }

    /// All systems, in the order of their ids.
    public static let all: [Entry] = [Entry(DistillVQ.self), Entry(TwoStageReranking.self), Entry(LEAF.self)]

    /// The system of an id, such as "S36"; upper and lower case are the same.
    ///
    /// - Throws: `SystemError.unknownSystem`.
    public static func entry(_ id: String) throws -> Entry {
        guard let entry = all.first(where: { $0.card.id == id.uppercased() }) else {
            throw SystemError.unknownSystem(id, known: all.map(\.card.id))
        }
        return entry
    }
}
