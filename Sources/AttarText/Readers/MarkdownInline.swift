import Foundation

/// Takes the marks of Markdown out of a line of text.
enum MarkdownInline {
    /// The line as it would be read: link and image texts without addresses, no emphasis marks, no comments, no quote
    /// marks. `isInComment` carries an open `<!--` from line to line.
    static func plain(_ line: String, isInComment: inout Bool) -> String {
        var source = Array(withoutComments(line, &isInComment).unicodeScalars)[...]
        while source.first == ">" || source.first == " " && source.dropFirst().first == ">" {
            source = source.dropFirst(source.first == ">" ? 1 : 2)
            if source.first == " " { source = source.dropFirst() }
        }
        var output = String.UnicodeScalarView()
        var index = source.startIndex
        var isInCode = false
        while index < source.endIndex {
            let scalar = source[index]
            if scalar == "`" {
                isInCode.toggle()
            } else if isInCode {
                output.append(scalar)
            } else if scalar == "\\", index + 1 < source.endIndex, isPunctuation(source[index + 1]) {
                index += 1
                output.append(source[index])
            } else if let link = link(in: source, at: index) {
                var nested = isInComment
                output.append(
                    contentsOf: plain(String(String.UnicodeScalarView(source[link.text])), isInComment: &nested)
                        .unicodeScalars)
                index = link.end
                continue
            } else if !isEmphasis(in: source, at: index), !(scalar == "!" && next(source, index) == "[") {
                output.append(scalar)
            }
            index += 1
        }
        return String(output)
    }

    /// GitHub's anchor of a heading: lowercase, spaces to hyphens, other punctuation out.
    static func slug(of title: String) -> String {
        var slug = String.UnicodeScalarView()
        for scalar in title.lowercased().unicodeScalars {
            if scalar == " " || scalar == "-" {
                slug.append("-")
            } else if AddedTokenMatcher.isWordCharacter(scalar) {
                slug.append(scalar)
            }
        }
        return String(slug)
    }

    private static func withoutComments(_ line: String, _ isInComment: inout Bool) -> String {
        guard isInComment || line.contains("<!--") else { return line }
        var output = ""
        var rest = line[...]
        while !rest.isEmpty {
            let mark = isInComment ? "-->" : "<!--"
            guard let found = rest.range(of: mark) else {
                if !isInComment { output += rest }
                break
            }
            if !isInComment { output += rest[..<found.lowerBound] }
            isInComment.toggle()
            rest = rest[found.upperBound...]
        }
        return output
    }

    private static func next(_ source: ArraySlice<Unicode.Scalar>, _ index: Int) -> Unicode.Scalar? {
        index + 1 < source.endIndex ? source[index + 1] : nil
    }

    /// `[text](address)` or `[text][reference]`: where the text stands, and where the whole ends.
    private static func link(in source: ArraySlice<Unicode.Scalar>, at start: Int) -> (text: Range<Int>, end: Int)? {
        guard source[start] == "[", let close = matching("]", of: "[", in: source, from: start) else { return nil }
        guard let opening = next(source, close), opening == "(" || opening == "[" else { return nil }
        let closing: Unicode.Scalar = opening == "(" ? ")" : "]"
        guard let end = matching(closing, of: opening, in: source, from: close + 1) else { return nil }
        return (start + 1..<close, end + 1)
    }

    /// The bracket that closes the one at `start`; nil when it is farther than a link ever reaches.
    private static func matching(
        _ close: Unicode.Scalar, of open: Unicode.Scalar, in source: ArraySlice<Unicode.Scalar>, from start: Int
    ) -> Int? {
        var depth = 0
        for index in start..<min(source.endIndex, start + 2_000) {
            if source[index] == open { depth += 1 }
            if source[index] == close {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }

    /// Whether a `*` or `_` is a mark: stars always unless they stand alone, underscores only at the edge of a word, so
    /// that `snake_case` stays.
    private static func isEmphasis(in source: ArraySlice<Unicode.Scalar>, at index: Int) -> Bool {
        let scalar = source[index]
        guard scalar == "*" || scalar == "_" else { return false }
        let before = index > source.startIndex ? source[index - 1] : " "
        let after = next(source, index) ?? " "
        let isAlone = before.properties.isWhitespace && after.properties.isWhitespace
        if scalar == "*" { return !isAlone }
        let joinsWord =
            AddedTokenMatcher.isWordCharacter(before) && before != "_"
            && AddedTokenMatcher.isWordCharacter(after) && after != "_"
        return !isAlone && !joinsWord
    }

    private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && scalar.value > 0x20 && scalar.value < 0x7F && !AddedTokenMatcher.isWordCharacter(scalar)
            || scalar == "_"
    }
}
