import Foundation

/// Brings a word into the form under which it is looked up.
struct TermNormalizer: Sendable {
    /// Turkish lowercases `I` to dotless `ı` and `İ` to `i`.
    let isTurkish: Bool
    /// Whether a final `'s` is taken off.
    let stripsPossessive: Bool

    /// The lowercased word of ASCII bytes; `scratch` is reused from word to word.
    @inline(__always)
    func asciiTerm(_ bytes: [UInt8], _ range: Range<Int>, _ scratch: inout [UInt8]) -> String {
        if isTurkish { return term(bytes, range) }
        scratch.removeAll(keepingCapacity: true)
        for index in range {
            let byte = bytes[index]
            scratch.append(byte &- 0x41 < 26 ? byte | 0x20 : byte)
        }
        let count = scratch.count
        if stripsPossessive, count > 2, scratch[count - 1] == UInt8(ascii: "s"), scratch[count - 2] == UInt8(ascii: "'")
        {
            scratch.removeLast(2)
        }
        return String(decoding: scratch, as: UTF8.self)
    }

    /// The word of any bytes: joiners out, compatibility forms unified, composed, lowercased.
    func term(_ bytes: [UInt8], _ range: Range<Int>) -> String {
        var scalars = String.UnicodeScalarView()
        var needsComposition = false
        for scalar in String(decoding: bytes[range], as: UTF8.self).unicodeScalars {
            if scalar.properties.isJoinControl || scalar.value == 0xAD { continue }
            needsComposition = needsComposition || Self.mayCompose(scalar.value)
            scalars.append(scalar == "\u{2019}" ? "'" : scalar)
        }
        var word = String(scalars)
        if needsComposition { word = word.precomposedStringWithCompatibilityMapping }
        if isTurkish {
            word = word.replacingOccurrences(of: "I", with: "ı").replacingOccurrences(of: "İ", with: "i")
        }
        word = word.lowercased()
        if stripsPossessive, word.utf8.count > 2, word.hasSuffix("'s") { word.removeLast(2) }
        return word
    }

    /// Combining marks, conjoining Hangul, ligatures, half and full width: what Unicode writes in more than one way.
    private static func mayCompose(_ value: UInt32) -> Bool {
        switch value {
        case 0x0300...0x036F, 0x0900...0x0DFF, 0x1100...0x11FF, 0x1DC0...0x1DFF, 0x20D0...0x20FF: true
        case 0x3099...0x309C, 0xF900...0xFDFF, 0xFE20...0xFEFE, 0xFF01...0xFFEF, 0x1D400...0x1D7FF: true
        default: false
        }
    }
}

/// Takes accents off: `é` becomes `e`, `ß` becomes `ss`.
enum AccentFolding {
    /// Letters with a stroke or joined letters, which Unicode does not decompose.
    private static let letters: [Unicode.Scalar: String] = [
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i", "ħ": "h",
    ]

    /// The term without accents.
    static func fold(_ term: String) -> String {
        var folded = String.UnicodeScalarView()
        for scalar in term.decomposedStringWithCanonicalMapping.unicodeScalars {
            if scalar.properties.generalCategory == .nonspacingMark { continue }
            if let letters = letters[scalar] {
                folded.append(contentsOf: letters.unicodeScalars)
            } else {
                folded.append(scalar)
            }
        }
        return String(folded).precomposedStringWithCanonicalMapping
    }
}
