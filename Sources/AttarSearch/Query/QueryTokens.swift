import Foundation

/// A piece of a query in boolean syntax.
struct QueryToken {
    enum Kind: Equatable {
        case word(String)
        case prefix(String)
        case phrase(String, slop: Int)
        case plus, minus, and, or, not, open, close
    }

    var kind: Kind
    /// The character at which it begins, from 1.
    let column: Int
    /// What `^` says; 1 without.
    var boost: Float = 1
}

/// Cuts a query into pieces.
struct QueryLexer {
    private let characters: [Character]
    private var index = 0

    init(_ query: String) { characters = Array(query) }

    /// All pieces.
    ///
    /// - Throws: `SearchError.badQuery`.
    mutating func tokens() throws -> [QueryToken] {
        var tokens: [QueryToken] = []
        while let character = peek {
            if character.isWhitespace {
                index += 1
                continue
            }
            var token = try token(character)
            token.boost = try boost(after: token)
            tokens.append(token)
        }
        return tokens
    }

    private var peek: Character? { index < characters.count ? characters[index] : nil }

    private mutating func token(_ character: Character) throws -> QueryToken {
        let column = index + 1
        switch character {
        case "(", ")":
            index += 1
            return QueryToken(kind: character == "(" ? .open : .close, column: column)
        case "+", "-":
            index += 1
            guard let next = peek, !next.isWhitespace, next != ")" else {
                throw SearchError.badQuery(
                    "a \(character) stands before nothing; write it right before a word, or \\\(character) for the sign",
                    column: column)
            }
            return QueryToken(kind: character == "+" ? .plus : .minus, column: column)
        case "\"": return try phrase(column)
        default: return try word(column)
        }
    }

    private mutating func phrase(_ column: Int) throws -> QueryToken {
        index += 1
        var text = ""
        while let character = peek, character != "\"" {
            if character == "\\", index + 1 < characters.count { index += 1 }
            text.append(characters[index])
            index += 1
        }
        guard peek != nil else {
            throw SearchError.badQuery("the quote is never closed; write \\\" for the sign", column: column)
        }
        index += 1
        guard peek == "~" else { return QueryToken(kind: .phrase(text, slop: 0), column: column) }
        index += 1
        guard let slop = Int(digits()), slop <= 1000 else {
            throw SearchError.badQuery("behind ~ a number up to 1000 was expected, such as \"two words\"~3", column: index)
        }
        return QueryToken(kind: .phrase(text, slop: slop), column: column)
    }

    private mutating func word(_ column: Int) throws -> QueryToken {
        var text = ""
        var isPlain = true
        while let character = peek, !character.isWhitespace, !"()\"^".contains(character) {
            switch character {
            case "\\" where index + 1 < characters.count:
                index += 1
                isPlain = false
                text.append(characters[index])
            case "*":
                index += 1
                let ends = peek.map { $0.isWhitespace || ")^".contains($0) } ?? true
                guard ends, !text.isEmpty else {
                    throw SearchError.badQuery(
                        "a * stands only at the end of a word's beginning, such as index*; write \\* for the sign",
                        column: index)
                }
                return QueryToken(kind: .prefix(text), column: column)
            case "~":
                throw SearchError.badQuery(
                    "a ~ stands only behind a phrase in quotes, and similar words are not searched; write \\~ for the sign",
                    column: index + 1)
            default: text.append(character)
            }
            index += 1
        }
        let operators: [String: QueryToken.Kind] = ["AND": .and, "OR": .or, "NOT": .not]
        return QueryToken(kind: isPlain ? operators[text] ?? .word(text) : .word(text), column: column)
    }

    private mutating func boost(after token: QueryToken) throws -> Float {
        guard peek == "^" else { return 1 }
        index += 1
        let start = index
        let text = digits(with: ".")
        let isOperand = switch token.kind {
        case .word, .prefix, .phrase, .close: true
        default: false
        }
        guard isOperand, let boost = Float(text), boost.isFinite, boost > 0 else {
            throw SearchError.badQuery(
                "a ^ stands behind a word, a phrase or a group, and before a number above 0, such as word^2; "
                    + "write \\^ for the sign", column: start)
        }
        return boost
    }

    private mutating func digits(with others: String = "") -> String {
        var text = ""
        while let character = peek, character.isASCII, character.isNumber || others.contains(character) {
            text.append(character)
            index += 1
        }
        return text
    }
}
