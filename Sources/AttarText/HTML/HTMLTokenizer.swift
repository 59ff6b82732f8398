/// A piece of an HTML page.
enum HTMLToken: Equatable {
    case start(name: String, attributes: [HTMLAttribute], isSelfClosing: Bool)
    case end(name: String)
    /// Text with its entities decoded.
    case text(String)
}

/// A name and its value, entities decoded.
struct HTMLAttribute: Equatable, Sendable {
    var name: String
    var value: String
}

/// Cuts a page into tags and text. Nothing is an error: what is no tag is text, what is cut off ends with the page.
///
/// Every step moves forward by at least one byte, and unclosed constructs are looked for once only, so that hostile
/// pages take linear time.
struct HTMLTokenizer {
    private let bytes: [UInt8]
    private var position = 0
    /// The element whose content is text up to its own end tag (script, style, title, …).
    private var rawElement: String?
    /// Elements whose end tag is known not to come any more.
    private var unclosed: Set<String> = []

    private static let rawElements: Set<String> = ["script", "style", "textarea", "title", "xmp", "iframe", "noembed"]

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// The next piece, nil at the end.
    mutating func next() -> HTMLToken? {
        if let element = rawElement {
            rawElement = nil
            if let text = rawText(of: element) { return text }
        }
        while position < bytes.count {
            guard bytes[position] == UInt8(ascii: "<") else { return text() }
            switch byte(at: position + 1) {
            case UInt8(ascii: "!"), UInt8(ascii: "?"): skipDeclaration()
            case UInt8(ascii: "/"):
                if Self.isLetter(byte(at: position + 2)) { return endTag() }
                skip(past: ">")
            case let byte where Self.isLetter(byte): return startTag()
            default: return text()
            }
        }
        return nil
    }

    private func byte(at index: Int) -> UInt8 {
        index < bytes.count ? bytes[index] : 0
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || 0x09...0x0D ~= byte
    }

    /// Text up to the next thing that may be a tag; a lone `<` belongs to it.
    private mutating func text() -> HTMLToken {
        let start = position
        position += 1
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "<") {
                let following = byte(at: position + 1)
                if Self.isLetter(following)
                    || [UInt8(ascii: "/"), UInt8(ascii: "!"), UInt8(ascii: "?")].contains(following)
                {
                    break
                }
            }
            position += 1
        }
        return .text(HTMLEntities.decode(bytes[start..<position]))
    }

    private mutating func skip(past character: Unicode.Scalar) {
        while position < bytes.count, bytes[position] != UInt8(ascii: character) { position += 1 }
        position = min(position + 1, bytes.count)
    }

    private mutating func skipDeclaration() {
        guard bytes[position...].starts(with: "<!--".utf8) else { return skip(past: ">") }
        position += 4
        // "<!-->" and "<!--->" are whole comments.
        if byte(at: position) == UInt8(ascii: ">") { return position += 1 }
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: ">"), bytes[position - 1] == UInt8(ascii: "-"),
                bytes[position - 2] == UInt8(ascii: "-")
            {
                return position += 1
            }
            position += 1
        }
    }

    private mutating func name() -> String {
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if Self.isSpace(byte) || byte == UInt8(ascii: "/") || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "=")
            {
                break
            }
            position += 1
        }
        return String(decoding: bytes[start..<position].map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    private mutating func endTag() -> HTMLToken {
        position += 2
        let name = name()
        skip(past: ">")
        return .end(name: name)
    }

    private mutating func startTag() -> HTMLToken {
        position += 1
        let name = name()
        var attributes: [HTMLAttribute] = []
        var isSelfClosing = false
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: ">") {
                position += 1
                break
            }
            if Self.isSpace(byte) || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "=") {
                isSelfClosing = byte == UInt8(ascii: "/") && self.byte(at: position + 1) == UInt8(ascii: ">")
                position += 1
            } else if let attribute = attribute(), attributes.count < 64 {
                attributes.append(attribute)
            }
        }
        if Self.rawElements.contains(name), !isSelfClosing { rawElement = name }
        return .start(name: name, attributes: attributes, isSelfClosing: isSelfClosing)
    }

    private mutating func attribute() -> HTMLAttribute? {
        let name = name()
        skipSpaces()
        guard byte(at: position) == UInt8(ascii: "=") else { return HTMLAttribute(name: name, value: "") }
        position += 1
        skipSpaces()
        let quote = byte(at: position)
        let start: Int
        let end: Int
        if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            start = position + 1
            position = start
            while position < bytes.count, bytes[position] != quote { position += 1 }
            end = position
            position = min(position + 1, bytes.count)
        } else {
            start = position
            while position < bytes.count, !Self.isSpace(bytes[position]), bytes[position] != UInt8(ascii: ">") {
                position += 1
            }
            end = position
        }
        return HTMLAttribute(name: name, value: HTMLEntities.decode(bytes[start..<end]))
    }

    private mutating func skipSpaces() {
        while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
    }

    /// Everything up to the element's end tag; entities count only in titles and text areas.
    private mutating func rawText(of element: String) -> HTMLToken? {
        guard !unclosed.contains(element) else { return nil }
        let start = position
        var end = start
        while end < bytes.count, !isEndTag(of: element, at: end) { end += 1 }
        if end == bytes.count {
            // An end tag that never comes would hide the rest of the page: the content is then read as usual.
            unclosed.insert(element)
            return nil
        }
        guard end > start else { return nil }
        position = end
        let isDecoded = element == "title" || element == "textarea"
        return .text(
            isDecoded ? HTMLEntities.decode(bytes[start..<end]) : String(decoding: bytes[start..<end], as: UTF8.self))
    }

    private func isEndTag(of element: String, at start: Int) -> Bool {
        guard bytes[start] == UInt8(ascii: "<"), byte(at: start + 1) == UInt8(ascii: "/") else { return false }
        var index = start + 2
        for letter in element.utf8 {
            guard byte(at: index) | 0x20 == letter else { return false }
            index += 1
        }
        return !Self.isLetter(byte(at: index))
    }
}
