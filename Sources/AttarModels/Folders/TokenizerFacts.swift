import AttarStorage
import AttarText
import Foundation

/// Reads and changes single entries of a `tokenizer.json`: `truncation` and `padding`, which say how it was last used,
/// not how it splits, and the end of its vocabulary.
///
/// The file is scanned, not parsed and written anew, so that every other byte stays what it was.
enum TokenizerFacts {
    /// The length to which the file asks to cut texts; nil when it does not.
    static func truncation(in file: [UInt8]) -> Int? {
        guard let range = value(of: "truncation", in: file) else { return nil }
        return (try? JSONParser.parse(Array(file[range])))?["max_length"]?.integer
    }

    /// The file without truncation and padding: as it must be where every token of a text counts.
    static func untruncated(_ file: [UInt8]) -> [UInt8] {
        var result = file
        for key in ["truncation", "padding"] {
            if let range = value(of: key, in: result) { result.replaceSubrange(range, with: Array("null".utf8)) }
        }
        return result
    }

    /// The file with more whole words in its vocabulary, numbered from `firstID` on; nil when it has no vocabulary by
    /// name and id.
    static func adding(_ words: [String], firstID: Int, to file: [UInt8]) -> [UInt8]? {
        guard let model = value(of: "model", in: file), let vocabulary = value(of: "vocab", in: file, within: model),
            file[vocabulary].first == UInt8(ascii: "{")
        else { return nil }
        let encoder = JSONEncoder()
        var entries: [UInt8] = []
        for (offset, word) in words.enumerated() {
            guard let name = try? encoder.encode(word) else { return nil }
            entries += [UInt8(ascii: ",")] + name + Array(":\(firstID + offset)".utf8)
        }
        var result = file
        result.insert(contentsOf: entries, at: vocabulary.upperBound - 1)
        return result
    }

    /// Where the value of a key of the outermost object stands, or of the object that fills the range.
    static func value(of key: String, in file: [UInt8], within range: Range<Int>? = nil) -> Range<Int>? {
        let quoted = Array("\"\(key)\"".utf8)
        let range = range ?? file.indices
        var depth = 0
        var position = range.lowerBound
        while position < range.upperBound {
            switch file[position] {
            case UInt8(ascii: "\""):
                let end = endOfString(at: position, in: file)
                if depth == 1, file[position..<end].elementsEqual(quoted), let start = valueStart(after: end, in: file)
                {
                    return start..<endOfValue(at: start, in: file)
                }
                position = end
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            position += 1
        }
        return nil
    }

    /// The first byte of the value behind a key; nil when no colon follows, so that it was a value itself.
    private static func valueStart(after end: Int, in file: [UInt8]) -> Int? {
        var position = end
        while position < file.count, isSpace(file[position]) { position += 1 }
        guard position < file.count, file[position] == UInt8(ascii: ":") else { return nil }
        position += 1
        while position < file.count, isSpace(file[position]) { position += 1 }
        return position < file.count ? position : nil
    }

    private static func endOfValue(at start: Int, in file: [UInt8]) -> Int {
        var depth = 0
        var position = start
        while position < file.count {
            switch file[position] {
            case UInt8(ascii: "\""):
                position = endOfString(at: position, in: file)
                if depth == 0 { return position }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return position }
                depth -= 1
                if depth == 0 { return position + 1 }
            case UInt8(ascii: ",") where depth == 0: return position
            case let byte where depth == 0 && isSpace(byte): return position
            default: break
            }
            position += 1
        }
        return file.count
    }

    private static func endOfString(at start: Int, in file: [UInt8]) -> Int {
        var position = start + 1
        while position < file.count, file[position] != UInt8(ascii: "\"") {
            position += file[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(file.count, position + 1)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }
}
