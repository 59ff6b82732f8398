/// One piece of work, and all who do it.
public struct BenchCase {
    /// What is shown of a time.
    public enum Quantity: Codable, Sendable, Equatable {
        /// The milliseconds of one repetition: less is better.
        case milliseconds
        /// The microseconds of one of something: less is better.
        case microseconds(of: String)
        /// So many of something a second: more is better.
        case rate(of: String)
    }

    /// The name, such as `1 x 128 tokens`.
    public var name: String
    /// What is shown.
    public var quantity: Quantity
    /// What one repetition works through, in the unit of the quantity.
    public var amount: Double
    /// Floating-point operations of a repetition; when known, the share of the core's peak is shown.
    public var operations: Double?
    /// Who does it; every one of ours is compared with every other.
    public var contenders: [any Contender]
    /// What was found out about how well they agree, by contender (`description` of its label).
    public var agreement: [String: String]

    /// A case.
    public init(
        name: String, quantity: Quantity, amount: Double = 1, operations: Double? = nil, contenders: [any Contender],
        agreement: [String: String] = [:]
    ) {
        self.name = name
        self.quantity = quantity
        self.amount = amount
        self.operations = operations
        self.contenders = contenders
        self.agreement = agreement
    }
}
