import Foundation

/// The Unicode normalization forms of the `tokenizer.json` normalizers NFC, NFD, NFKC and NFKD.
enum UnicodeForm: String, Sendable {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"

    /// Whether the form puts decomposed scalars together again.
    var isComposed: Bool { self == .nfc || self == .nfkc }

    /// The text in this form, with the tables of the running system. Foundation's compatibility mappings leave apart
    /// what they map to a base and a mark (half-width katakana), so a canonical one follows them.
    func apply(to text: String) -> String {
        switch self {
        case .nfc: text.precomposedStringWithCanonicalMapping
        case .nfd: text.decomposedStringWithCanonicalMapping
        case .nfkc: text.decomposedStringWithCompatibilityMapping.precomposedStringWithCanonicalMapping
        case .nfkd: text.decomposedStringWithCompatibilityMapping.decomposedStringWithCanonicalMapping
        }
    }
}

/// Brings UTF-8 into a normalization form, with the tables of Unicode 9 that the Hugging Face tokenizers use: scalars
/// that are younger stay as they are, whatever the system's own tables say.
///
/// Nearly all text is in the form already. It is recognised by the quick check of Unicode standard annex 15, section 9,
/// and copied; only the few segments that fail it go through Foundation.
struct UnicodeNormalizer: Sendable {
    /// The form that comes out.
    let form: UnicodeForm
    /// By scalar: the combining class of one that is in the form, or `slow`. Scalars of class 0 here never interact
    /// with what stands before them.
    private let classes: [UInt8]

    /// Not in the form, perhaps not, or unknown without a closer look. No combining class has this number.
    private static let slow: UInt8 = 0xFF
    /// The newest version of Unicode whose scalars are normalized.
    private static let newestAge = 9

    private static let normalizers: [UnicodeForm: UnicodeNormalizer] = Dictionary(
        uniqueKeysWithValues: [.nfc, .nfd, .nfkc, .nfkd].map { ($0, UnicodeNormalizer(making: $0)) })

    /// The normalizer of a form; its table is made once per process.
    init(_ form: UnicodeForm) {
        self = Self.normalizers[form] ?? UnicodeNormalizer(making: form)
    }

    private init(making form: UnicodeForm) {
        self.form = form
        let joining = form.isComposed ? Self.joiningScalars() : []
        classes = (0..<BertCharacters.tableSize).map { value in
            guard let scalar = Unicode.Scalar(value), value >= 0x80, Self.isKnown(scalar) else { return 0 }
            let text = String(scalar)
            guard !joining.contains(value), form.apply(to: text).unicodeScalars.elementsEqual([scalar]) else {
                return Self.slow
            }
            return scalar.properties.canonicalCombiningClass.rawValue
        }
    }

    /// The scalars that may join with one before them (the quick check's "maybe"), and a few more: the last scalars of
    /// all decompositions, and the vowels and trailing consonants of Hangul.
    private static func joiningScalars() -> Set<UInt32> {
        var joining = Set<UInt32>(0x1161...0x1175)
        joining.formUnion(0x11A8...0x11C2)
        for value in 0..<BertCharacters.tableSize {
            guard let scalar = Unicode.Scalar(value), let parts = BertCharacters.decomposition(of: scalar),
                parts.count > 1, let last = parts.last
            else { continue }
            joining.insert(last.value)
        }
        return joining
    }

    private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x80 || (scalar.properties.age?.major ?? .max) <= newestAge
    }

    /// The class of the scalar at `position`, which moves behind it.
    @inline(__always)
    private func combiningClass(in bytes: [UInt8], at position: inout Int) -> UInt8 {
        if bytes[position] < 0x80 {
            position &+= 1
            return 0
        }
        let scalar = UTF8Bytes.scalar(in: bytes, at: &position)
        switch scalar.value {
        case 0..<BertCharacters.tableSize: return classes[Int(scalar.value)]
        case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0x1F300...0x1F64F, 0x1F900...0x1FAFF: return 0
        case 0xAC00...0xD7A3: return form.isComposed ? 0 : Self.slow
        default: return Self.slow
        }
    }

    /// The normalized UTF-8 of `bytes[range]`, which must be valid UTF-8.
    ///
    /// - Complexity: O(`range.count`), and O(n log n) for a run of n combining marks.
    func normalize(_ bytes: [UInt8], _ range: Range<Int>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(range.count + 8)
        // Everything before `copied` is in the output; a segment starts at each scalar of class 0.
        var copied = range.lowerBound
        var segment = range.lowerBound
        var last: UInt8 = 0
        var isSlow = false
        var position = range.lowerBound
        while position < range.upperBound {
            let start = position
            let found = combiningClass(in: bytes, at: &position)
            if found == 0 {
                if isSlow {
                    output.append(contentsOf: bytes[copied..<segment])
                    appendSlowly(bytes, segment..<start, to: &output)
                    copied = start
                    isSlow = false
                }
                segment = start
                last = 0
            } else if found == Self.slow || found < last {
                isSlow = true
            } else {
                last = found
            }
        }
        let end = isSlow ? segment : range.upperBound
        output.append(contentsOf: bytes[copied..<end])
        appendSlowly(bytes, end..<range.upperBound, to: &output)
        return output
    }

    /// Normalizes with Foundation what stands between scalars that are too young.
    private func appendSlowly(_ bytes: [UInt8], _ range: Range<Int>, to output: inout [UInt8]) {
        var known = String.UnicodeScalarView()
        var position = range.lowerBound
        while position < range.upperBound {
            let scalar = UTF8Bytes.scalar(in: bytes, at: &position)
            if Self.isKnown(scalar) {
                known.append(scalar)
                continue
            }
            if !known.isEmpty { output.append(contentsOf: form.apply(to: String(known)).utf8) }
            known = String.UnicodeScalarView()
            UTF8Bytes.append(scalar, to: &output)
        }
        if !known.isEmpty { output.append(contentsOf: form.apply(to: String(known)).utf8) }
    }
}
