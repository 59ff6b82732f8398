/// Decodes character references: `&amp;`, `&#39;`, `&#x27;`.
///
/// The names are those of HTML 4, which real pages use; any other name stays as it is written.
enum HTMLEntities {
    /// The text of bytes, references decoded.
    ///
    /// - Complexity: O(`bytes.count`).
    static func decode(_ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.contains(UInt8(ascii: "&")) else { return String(decoding: bytes, as: UTF8.self) }
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var position = bytes.startIndex
        while position < bytes.endIndex {
            if bytes[position] == UInt8(ascii: "&"), let found = reference(in: bytes, at: position) {
                UTF8Bytes.append(found.scalar, to: &output)
                position = found.end
            } else {
                output.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func reference(in bytes: ArraySlice<UInt8>, at start: Int) -> (scalar: Unicode.Scalar, end: Int)? {
        // No reference is longer than "&thetasym;".
        let window = bytes[start + 1..<min(start + 12, bytes.endIndex)]
        guard let first = window.first else { return nil }
        if first == UInt8(ascii: "#") { return numeric(window) }
        let name = window.prefix { ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 }
        guard let scalar = names[String(decoding: name, as: UTF8.self)] else { return nil }
        let isClosed = name.endIndex < bytes.endIndex && bytes[name.endIndex] == UInt8(ascii: ";")
        // Without its semicolon a reference counts only where nothing else can be meant: "&copy=" is an address.
        if !isClosed {
            guard scalar.value < 0x100, name.endIndex == bytes.endIndex || bytes[name.endIndex] != UInt8(ascii: "=")
            else {
                return nil
            }
        }
        return (scalar, name.endIndex + (isClosed ? 1 : 0))
    }

    private static func numeric(_ window: ArraySlice<UInt8>) -> (scalar: Unicode.Scalar, end: Int)? {
        var digits = window.dropFirst()
        let isHexadecimal = digits.first.map { $0 | 0x20 == UInt8(ascii: "x") } ?? false
        if isHexadecimal { digits = digits.dropFirst() }
        let radix: UInt32 = isHexadecimal ? 16 : 10
        var value: UInt32 = 0
        var end = digits.startIndex
        while end < digits.endIndex, let digit = Character(Unicode.Scalar(digits[end])).hexDigitValue,
            UInt32(digit) < radix, digits[end] < 0x80
        {
            value = min(value * radix + UInt32(digit), 0x11_0000)
            end += 1
        }
        guard end > digits.startIndex else { return nil }
        if end < digits.endIndex, digits[end] == UInt8(ascii: ";") { end += 1 }
        if 0x80...0x9F ~= value { return (Unicode.Scalar(windows1252[Int(value) - 0x80]) ?? "\u{FFFD}", end) }
        guard value != 0, let scalar = Unicode.Scalar(value) else { return ("\u{FFFD}", end) }
        return (scalar, end)
    }

    /// Numeric references from 128 to 159 mean the Windows code page, as browsers do it.
    private static let windows1252: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0x8D, 0x17D,
        0x8F,
        0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0x9D, 0x17E,
        0x178,
    ]

    private static let names: [String: Unicode.Scalar] = {
        var names: [String: Unicode.Scalar] = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"]
        for (offset, name) in latin1.split(separator: " ").enumerated() {
            names[String(name)] = Unicode.Scalar(UInt8(0xA0 + offset))
        }
        for (first, list) in runs {
            for (offset, name) in list.split(separator: " ").enumerated() where name != "-" {
                names[String(name)] = Unicode.Scalar(first + UInt32(offset))
            }
        }
        return names
    }()

    /// U+00A0 to U+00FF in order.
    private static let latin1 = """
        nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 \
        sup3 acute micro \
        para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring \
        AElig Ccedil \
        Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times \
        Oslash Ugrave \
        Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute \
        ecirc euml \
        igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc \
        uuml yacute \
        thorn yuml
        """

    /// The others, each list from its first scalar on; "-" leaves one out.
    private static let runs: [(UInt32, String)] = [
        (0x152, "OElig oelig"), (0x160, "Scaron scaron"), (0x178, "Yuml"), (0x192, "fnof"), (0x2C6, "circ"),
        (0x2DC, "tilde"),
        (
            0x391,
            "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho"
        ),
        (0x3A3, "Sigma Tau Upsilon"), (0x3A6, "Phi Chi Psi Omega"),
        (
            0x3B1,
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau"
        ),
        (0x3C5, "upsilon phi chi psi omega"), (0x3D1, "thetasym upsih"), (0x3D6, "piv"),
        (0x2002, "ensp emsp"), (0x2009, "thinsp"), (0x200C, "zwnj zwj lrm rlm"), (0x2013, "ndash mdash"),
        (0x2018, "lsquo rsquo sbquo"), (0x201C, "ldquo rdquo bdquo"), (0x2020, "dagger Dagger bull"),
        (0x2026, "hellip"),
        (0x2030, "permil"), (0x2032, "prime Prime"), (0x2039, "lsaquo rsaquo"), (0x203E, "oline"), (0x2044, "frasl"),
        (0x20AC, "euro"), (0x2111, "image"), (0x2118, "weierp"), (0x211C, "real"), (0x2122, "trade"),
        (0x2135, "alefsym"),
        (0x2190, "larr uarr rarr darr harr"), (0x21B5, "crarr"), (0x21D0, "lArr uArr rArr dArr hArr"),
        (0x2200, "forall - part exist - empty - nabla isin notin - ni"), (0x220F, "prod - sum minus"),
        (0x2217, "lowast"),
        (0x221A, "radic"), (0x221D, "prop infin"), (0x2220, "ang"), (0x2227, "and or cap cup int"), (0x2234, "there4"),
        (0x223C, "sim"), (0x2245, "cong"), (0x2248, "asymp"), (0x2260, "ne equiv"), (0x2264, "le ge"),
        (0x2282, "sub sup nsub - sube supe"), (0x2295, "oplus"), (0x2297, "otimes"), (0x22A5, "perp"), (0x22C5, "sdot"),
        (0x2308, "lceil rceil lfloor rfloor"), (0x2329, "lang rang"), (0x25CA, "loz"), (0x2660, "spades"),
        (0x2663, "clubs"),
        (0x2665, "hearts diams"),
    ]
}
