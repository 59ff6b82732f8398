import AttarTensor
import AttarText
import Foundation
import Synchronization

/// What an encoder does to a text before it becomes ids: prompt, lower case, tokenizer, limit.
struct TextPreparation: Sendable {
    let tokenizer: any Tokenizer
    let prompts: ModelPrompts
    let lowercases: Bool
    let addsSpecialTokens: Bool

    /// Appends the ids of a text in a role.
    func append(_ text: String, role: TextRole, maximumLength: Int?, to ids: inout [Int32]) {
        let prompt = role == .plain ? "" : prompts.prompt(for: role)
        var text = prompt.isEmpty ? text : prompt + text
        if lowercases { text = text.lowercased() }
        tokenizer.append(text, maximumLength: maximumLength, addSpecialTokens: addsSpecialTokens, to: &ids)
    }

    /// The number of ids that the prompt of a role puts before the text's own, the opening special token included.
    func promptLength(for role: TextRole) -> Int {
        let prompt = prompts.prompt(for: role)
        guard !prompt.isEmpty else { return 0 }
        var ids: [Int32] = []
        append("", role: role, maximumLength: nil, to: &ids)
        if let last = ids.last, addsSpecialTokens, tokenizer.specialIDs.contains(last) { ids.removeLast() }
        return ids.count
    }

    /// The ids of all texts, made on several threads.
    func ids(of texts: [String], role: TextRole, maximumLength: Int?, threads: Int) -> [[Int32]] {
        let parts = Mutex<[(Int, [[Int32]])]>([])
        Parallel.forEachRange(count: texts.count, chunk: 64, threads: threads) { range in
            let part = range.map { index in
                var ids: [Int32] = []
                append(texts[index], role: role, maximumLength: maximumLength, to: &ids)
                return ids
            }
            parts.withLock { $0.append((range.lowerBound, part)) }
        }
        return parts.withLock { $0.sorted { $0.0 < $1.0 }.flatMap(\.1) }
    }
}

extension Tokenizer {
    /// Refuses a tokenizer whose ids leave a table of `rows` vectors.
    ///
    /// - Parameter path: the tokenizer's file, for the message.
    func requireRows(_ rows: Int, path: String) throws {
        guard vocabularySize <= rows else {
            throw ModelError.mismatch(
                file: path,
                detail: "it has ids up to \(vocabularySize - 1), but the model has vectors for \(rows) tokens. "
                    + "Weights and tokenizer are of two models.")
        }
    }
}
