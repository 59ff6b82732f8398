/// What a post-processor puts around two texts that are read together: ids before the first, between them and behind
/// the second, and to which segment each belongs.
public struct PairTemplate: Sendable, Equatable {
    /// An id and its segment (token type).
    public struct Token: Sendable, Equatable {
        var id: Int32
        var segment: Int
    }

    /// Ids before the first text.
    var prefix: [Token] = []
    /// Ids between the texts.
    var middle: [Token] = []
    /// Ids behind the second text.
    var suffix: [Token] = []
    /// The segments of the two texts.
    var segments: (first: Int, second: Int) = (0, 1)

    /// How many ids it adds.
    public var count: Int { prefix.count + middle.count + suffix.count }

    /// All that decides what comes out.
    public var description: String { "\(prefix) \(segments.first) \(middle) \(segments.second) \(suffix)" }

    public static func == (one: PairTemplate, other: PairTemplate) -> Bool { one.description == other.description }

    /// Puts two texts' ids together, cut to `maximumLength` ids as the reference does it (strategy `longest_first`):
    /// the longer one gives first, and when both are too long each keeps a half.
    ///
    /// - Returns: the ids, and which of them are of segment 1. Segments other than 0 and 1, or 1 in several places, do
    ///   not occur in templates that `init` accepts.
    public func joined(
        _ first: [Int32], _ second: [Int32], maximumLength: Int?
    ) -> (ids: [Int32], secondSegment: Range<Int>) {
        let room = maximumLength.map { max(0, $0 - count) } ?? .max
        let kept = Self.kept(first.count, second.count, room: room)
        var ids: [Int32] = []
        var segments: [Int] = []
        func add(_ tokens: [Token]) {
            ids += tokens.map(\.id)
            segments += tokens.map(\.segment)
        }
        func add(_ text: ArraySlice<Int32>, _ segment: Int) {
            ids += text
            segments += Array(repeating: segment, count: text.count)
        }
        add(prefix)
        add(first.prefix(kept.first), self.segments.first)
        add(middle)
        add(second.prefix(kept.second), self.segments.second)
        add(suffix)
        let start = segments.firstIndex(of: 1) ?? segments.count
        return (ids, start..<(segments.lastIndex(of: 1).map { $0 + 1 } ?? start))
    }

    /// How many ids of each text fit.
    static func kept(_ first: Int, _ second: Int, room: Int) -> (first: Int, second: Int) {
        let (excess, overflows) = first.addingReportingOverflow(second)
        guard overflows || excess > room else { return (first, second) }
        let shorter = min(first, second)
        let keptShorter = min(shorter, room / 2)
        let keptLonger = min(max(first, second), room - keptShorter)
        return first <= second ? (keptShorter, keptLonger) : (keptLonger, keptShorter)
    }
}

extension PairTemplate {
    /// Reads the template for pairs of a post-processor; nil when it has none, or one that puts the second text first,
    /// repeats a text, or scatters segment 1.
    ///
    /// - Throws: `TextError` for ids that are none.
    init?(_ node: TokenizerNode?) throws {
        guard let node else { return nil }
        self.init()
        switch try node.optionalString("type") ?? "" {
        case "TemplateProcessing":
            guard let pair = node.optional("pair"), try read(pair.elements(), of: node) else { return nil }
        case "BertProcessing":
            let (cls, sep) = try Self.boundaries(node)
            prefix = [Token(id: cls, segment: 0)]
            middle = [Token(id: sep, segment: 0)]
            suffix = [Token(id: sep, segment: 1)]
        case "RobertaProcessing":
            let (cls, sep) = try Self.boundaries(node)
            prefix = [Token(id: cls, segment: 0)]
            middle = [Token(id: sep, segment: 0), Token(id: sep, segment: 0)]
            suffix = [Token(id: sep, segment: 0)]
            segments = (0, 0)
        case "Sequence":
            // Of the processors that stand in sequences only one adds ids.
            for part in try node.required("processors").elements() where try part.optionalString("type") != "Sequence" {
                guard let template = try PairTemplate(part) else { continue }
                self = template
                return
            }
            return nil
        default: return nil
        }
        guard hasOneSecondSegment else { return nil }
    }

    private static func boundaries(_ node: TokenizerNode) throws -> (cls: Int32, sep: Int32) {
        (try SpecialTokenTemplate.pairID(node.required("cls")), try SpecialTokenTemplate.pairID(node.required("sep")))
    }

    /// - Returns: whether both texts have their place, in order.
    private mutating func read(_ pieces: [TokenizerNode], of node: TokenizerNode) throws -> Bool {
        try SpecialTokenTemplate.check(pieces.count, node)
        var texts = 0
        for piece in pieces {
            if let sequence = piece.optional("Sequence") {
                guard texts < 2, try sequence.optionalString("id") == (texts == 0 ? "A" : "B") else { return false }
                let segment = sequence.optional("type_id")?.value.integer ?? 0
                if texts == 0 { segments.first = segment } else { segments.second = segment }
                texts += 1
                continue
            }
            let token = try piece.object("SpecialToken")
            let segment = token.optional("type_id")?.value.integer ?? 0
            let added = try SpecialTokenTemplate.ids(of: token, in: node).map { Token(id: $0, segment: segment) }
            switch texts {
            case 0: prefix += added
            case 1: middle += added
            default: suffix += added
            }
            try SpecialTokenTemplate.check(count, node)
        }
        return texts == 2
    }

    /// Whether segments are 0 and 1, and those of 1 stand together, whatever the texts.
    private var hasOneSecondSegment: Bool {
        let order = prefix.map(\.segment) + [segments.first] + middle.map(\.segment) + [segments.second]
            + suffix.map(\.segment)
        let changes = zip(order, order.dropFirst()).count { $0 != $1 }
        return order.allSatisfy { $0 == 0 || $0 == 1 } && (order.first == 0 ? changes <= 2 : changes <= 1)
    }
}
