import AttarTensor

/// Makes JSON hostile by construction, from a seed: what comes out is mostly well-formed, and its content absurd.
///
/// Random bytes seldom get past a parser; these edits do: extreme numbers where counts, ids and offsets stand, values
/// in each other's places (also inside themselves, which is as near as JSON comes to a cycle), elements repeated a few
/// or very many times, deep nesting, names exchanged, so that some stand twice.
public struct JSONMutator {
    /// A value or the key of a member, in bytes.
    private struct Span {
        var range: Range<Int>
        var isKey: Bool
    }

    private static let numbers = [
        "-1", "0", "1", "2", "255", "65536", "16777215", "16777216", "2147483647", "2147483648", "4294967295",
        "4294967296", "9007199254740993", "4611686018427387904", "9223372036854775807", "9223372036854775808",
        "18446744073709551615", "18446744073709551616", "-9223372036854775808", "1e308", "-1e308", "1e-320", "0.5",
        "1e999",
    ]
    private static let others = [
        "null", "true", "[]", "{}", "\"\"", "\"\\u0000\"", "\"\\ud800\"", "\" \"", "\"Sequence\"", "\"ByteLevel\"",
    ]

    private var generator: SeededGenerator

    /// One seed gives one sequence of edits.
    public init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// The text with one to three edits; never longer than `limit` bytes.
    public mutating func damaged(_ bytes: [UInt8], limit: Int = 1 << 18) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let edited = edit(result, limit: limit)
            if edited.count <= limit { result = edited }
        }
        return result
    }

    private mutating func edit(_ bytes: [UInt8], limit: Int) -> [UInt8] {
        let spans = Self.spans(of: bytes)
        guard let target = spans.randomElement(using: &generator), let other = spans.randomElement(using: &generator)
        else { return bytes }
        let (range, text) = (target.range, Array(bytes[target.range]))
        let replacement: [UInt8]
        if target.isKey {
            replacement = Array(bytes[(spans.filter(\.isKey).randomElement(using: &generator) ?? target).range])
        } else {
            switch Int.random(in: 0..<6, using: &generator) {
            case 0, 1: replacement = Array((Self.numbers.randomElement(using: &generator) ?? "0").utf8)
            case 2: replacement = Array((Self.others.randomElement(using: &generator) ?? "null").utf8)
            case 3: replacement = Array(bytes[other.range])
            case 4: replacement = nested(text)
            default: replacement = repeated(text, limit: limit)
            }
        }
        return Array(bytes[..<range.lowerBound]) + replacement + Array(bytes[range.upperBound...])
    }

    /// The value in arrays, or in sequences of a tokenizer's parts, a few or very many times.
    private mutating func nested(_ text: [UInt8]) -> [UInt8] {
        let depth = [1, 2, 9, 200, 5000].randomElement(using: &generator) ?? 1
        let (before, behind) =
            [
                ("[", "]"), (#"{"type":"Sequence","normalizers":["#, "]}"),
                (#"{"type":"Sequence","pretokenizers":["#, "]}"),
                (#"{"type":"Sequence","processors":["#, "]}"),
            ].randomElement(using: &generator) ?? ("[", "]")
        return Array(String(repeating: before, count: depth).utf8) + text
            + Array(String(repeating: behind, count: depth).utf8)
    }

    /// The value up to some thousand times: in an array well-formed, elsewhere seldom.
    private mutating func repeated(_ text: [UInt8], limit: Int) -> [UInt8] {
        let count = [2, 3, 17, 1025, 20_000].randomElement(using: &generator) ?? 2
        let allowed = min(count, limit / (text.count + 1))
        return Array(Array(repeating: text, count: allowed).joined(separator: [UInt8(ascii: ",")]))
    }

    /// All values and keys, found by one pass over brackets, strings and words.
    private static func spans(of bytes: [UInt8]) -> [Span] {
        var spans: [Span] = []
        var open: [Int] = []
        var position = 0
        while position < bytes.count {
            let start = position
            position += 1
            switch bytes[start] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): open.append(start)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if let first = open.popLast() { spans.append(Span(range: first..<position, isKey: false)) }
            case UInt8(ascii: "\""):
                while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
                    position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
                }
                position = min(position + 1, bytes.count)
                let isKey = position < bytes.count && bytes[position] == UInt8(ascii: ":")
                spans.append(Span(range: start..<position, isKey: isKey))
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0...0x20: break
            default:
                while position < bytes.count, !",:]} ".utf8.contains(bytes[position]) { position += 1 }
                spans.append(Span(range: start..<position, isKey: false))
            }
        }
        return spans
    }
}
