/// What kind of student to train.
///
/// Its text form is what the command line takes and what folders are named after:
///
/// ```
/// layers=3        three of the teacher's layers, evenly spaced, the last among them
/// layers=1+3+5    exactly these layers of the teacher, counted from 0
/// width=128       a fresh transformer, 128 wide, with a projection to the teacher's width (layers=… may follow: width=128,layers=2)
/// static          a token table: no transformer at all
/// ```
public enum StudentSpecification: Hashable, Sendable {
    /// A number of the teacher's own layers, evenly spaced and ending with the last.
    case layers(Int)
    /// These layers of the teacher, counted from 0.
    case chosenLayers([Int])
    /// A narrower fresh transformer of some layers, projected to the teacher's width.
    case narrow(width: Int, layers: Int)
    /// A token table, summed and normalised.
    case staticTable

    /// Reads the text form.
    ///
    /// - Throws: `DistillError.badStudent`.
    public init(parsing text: String) throws {
        if text == "static" {
            self = .staticTable
            return
        }
        var fields: [String: String] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, fields.updateValue(String(pair[1]), forKey: String(pair[0])) == nil else {
                throw DistillError.badStudent(text, detail: "\"\(part)\" is not of the form name=value")
            }
        }
        self = try Self.read(fields, text)
    }

    private static func read(_ fields: [String: String], _ text: String) throws -> Self {
        func number(_ value: String, in range: ClosedRange<Int>, _ name: String) throws -> Int {
            guard let number = Int(value), range.contains(number) else {
                throw DistillError.badStudent(
                    text, detail: "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
        if let unknown = fields.keys.sorted().first(where: { $0 != "layers" && $0 != "width" }) {
            throw DistillError.badStudent(text, detail: "it has no property \"\(unknown)\"")
        }
        if let width = fields["width"] {
            let width = try number(width, in: 32...4096, "width")
            guard width.isMultiple(of: 32) else {
                throw DistillError.badStudent(text, detail: "width must be a multiple of 32, the size of a head")
            }
            return .narrow(width: width, layers: try number(fields["layers"] ?? "2", in: 1...48, "layers"))
        }
        let layers = fields["layers"] ?? ""
        guard layers.contains("+") else { return .layers(try number(layers, in: 1...48, "layers")) }
        let chosen = try layers.split(separator: "+").map { try number(String($0), in: 0...47, "a layer") }
        guard chosen == Set(chosen).sorted() else {
            throw DistillError.badStudent(text, detail: "layers must be named once each, in rising order")
        }
        return .chosenLayers(chosen)
    }

    /// The teacher's layers that this student copies, out of `count`; empty for a student that copies none.
    ///
    /// The last layer is always among evenly spaced ones: without it a copy loses the map to the teacher's space.
    ///
    /// - Throws: `DistillError.badStudent` when the teacher has too few.
    public func copiedLayers(ofTeacherWith count: Int) throws -> [Int] {
        switch self {
        case .layers(let kept) where kept <= count:
            (1...kept).map { $0 * count / kept - 1 }
        case .chosenLayers(let chosen) where chosen.allSatisfy { $0 < count }:
            chosen
        case .narrow, .staticTable:
            []
        case .layers, .chosenLayers:
            throw DistillError.badStudent(description, detail: "the teacher has only \(count) layers")
        }
    }
}

extension StudentSpecification: CustomStringConvertible {
    public var description: String {
        switch self {
        case .layers(let count): "layers=\(count)"
        case .chosenLayers(let chosen): "layers=" + chosen.map(String.init).joined(separator: "+")
        case .narrow(let width, let layers): "width=\(width),layers=\(layers)"
        case .staticTable: "static"
        }
    }

    /// The text form with only the characters that names of folders and encoders may have.
    public var folderName: String {
        String(description.map { "=,+".contains($0) ? "-" : $0 })
    }
}

extension StudentSpecification: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
