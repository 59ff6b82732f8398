import AttarText
import Foundation

/// One turn of a conversation.
public struct ChatMessage: Sendable, Equatable, Codable {
    /// Who speaks.
    public enum Role: String, Sendable, Codable {
        case system, user, assistant
    }

    /// Who speaks.
    public var role: Role
    /// What is said.
    public var content: String

    /// A turn.
    public init(_ role: Role, _ content: String) {
        self.role = role
        self.content = content
    }

    /// Instructions for the whole conversation.
    public static func system(_ content: String) -> ChatMessage { ChatMessage(.system, content) }
    /// A question or task.
    public static func user(_ content: String) -> ChatMessage { ChatMessage(.user, content) }
    /// What the model said.
    public static func assistant(_ content: String) -> ChatMessage { ChatMessage(.assistant, content) }
}

/// How a model's family writes conversations down.
///
/// Models carry their template as a program in the language Jinja. Attar runs no programs from model files: it
/// recognises the families by what their templates hold, and refuses the others.
public struct ChatTemplate: Sendable, Equatable {
    /// The families.
    public enum Family: Sendable, Equatable {
        /// `<|im_start|>role`, the content, `<|im_end|>`; with a system message of the model's own when the
        /// conversation begins with none (SmolLM2, Qwen2.5).
        case chatML(defaultSystem: String?)
        /// `<|start_header_id|>role<|end_header_id|>`, the content without white space around it, `<|eot_id|>` (Llama
        /// 3).
        case llama3
    }

    /// The family.
    public let family: Family

    /// A template of a family.
    public init(family: Family) {
        self.family = family
    }

    /// Recognises a template.
    ///
    /// - Throws: `ModelError.unsupported` for a template of another family.
    public init(_ jinja: String, path: String) throws {
        if jinja.contains("<|im_start|>"), Self.isPlain(jinja) {
            family = .chatML(defaultSystem: Self.defaultSystem(jinja))
        } else if jinja.contains("<|start_header_id|>"), Self.isPlainLlama3(jinja) {
            family = .llama3
        } else {
            throw ModelError.unsupported(
                folder: path,
                detail: "its chat template is of no family that is built in (ChatML as of SmolLM2 and Qwen2.5, Llama 3). "
                    + "Give the whole prompt yourself, with --raw.")
        }
    }

    /// What other templates with the same marks do besides: think, trim, know the date, complain.
    private static func isPlain(_ jinja: String) -> Bool {
        !["think", "reasoning", "trim", "strip", "strftime", "raise_exception", "date"].contains { jinja.contains($0) }
    }

    /// Llama 3.0; its followers begin with dates and tools.
    private static func isPlainLlama3(_ jinja: String) -> Bool {
        jinja.contains("| trim") && jinja.contains("<|eot_id|>")
            && !["strftime", "Cutting Knowledge", "tools", "raise_exception"].contains { jinja.contains($0) }
    }

    /// The text that stands whole between the marks of a system message: the one that the model brings along.
    private static func defaultSystem(_ jinja: String) -> String? {
        let opening = "<|im_start|>system"
        for part in jinja.components(separatedBy: opening).dropFirst() {
            guard let end = part.range(of: "<|im_end|>") else { continue }
            let literal = part[..<end.lowerBound]
            guard !literal.contains("'"), !literal.contains("}}") else { continue }
            let text = literal.replacing("\\n", with: "\n")
            if text.hasPrefix("\n") { return String(text.dropFirst()) }
        }
        return nil
    }

    /// A part of a written conversation.
    public enum Piece: Equatable, Sendable {
        /// A special token, by its text.
        case special(String)
        /// Plain text.
        case text(String)
    }

    /// The conversation as pieces, ending where the assistant is to speak.
    public func pieces(of messages: [ChatMessage]) -> [Piece] {
        switch family {
        case .chatML(let defaultSystem):
            var all = messages
            if let defaultSystem, messages.first?.role != .system { all.insert(.system(defaultSystem), at: 0) }
            let turns = all.flatMap { message -> [Piece] in
                [
                    .special("<|im_start|>"), .text(message.role.rawValue + "\n" + message.content),
                    .special("<|im_end|>"), .text("\n"),
                ]
            }
            return turns + [.special("<|im_start|>"), .text("assistant\n")]
        case .llama3:
            let turns = messages.flatMap { message in
                Self.header(message.role) + [.text("\n\n" + message.content.trimmedOfSpace), .special("<|eot_id|>")]
            }
            return [.special("<|begin_of_text|>")] + turns + Self.header(.assistant) + [.text("\n\n")]
        }
    }

    private static func header(_ role: ChatMessage.Role) -> [Piece] {
        [.special("<|start_header_id|>"), .text(role.rawValue), .special("<|end_header_id|>")]
    }

    /// The conversation as text.
    public func text(of messages: [ChatMessage]) -> String {
        pieces(of: messages).map { piece in
            switch piece {
            case .special(let text), .text(let text): text
            }
        }.joined()
    }

    /// The conversation as tokens. Special tokens in what is said are plain text.
    ///
    /// - Parameter path: of the model, for messages.
    /// - Throws: `ModelError.mismatch` when the vocabulary lacks a special token of the family.
    func ids(of messages: [ChatMessage], tokenizer: SubwordTokenizer, path: String) throws -> [Int32] {
        try pieces(of: messages).flatMap { piece in
            switch piece {
            case .text(let text): return tokenizer.encodeAsContent(text)
            case .special(let text):
                guard let id = tokenizer.id(for: text) else {
                    throw ModelError.mismatch(
                        file: path,
                        detail: "the chat template needs \"\(text)\", which the tokenizer does not have.")
                }
                return [id]
            }
        }
    }
}

extension String {
    /// Without white space at both ends, as Python's `strip`.
    fileprivate var trimmedOfSpace: String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }
}
