import CLibstemmer
import Synchronization

/// One Snowball stemmer with the stems it found before. It may be used by one thread at a time only.
final class Stemmer {
    private let handle: OpaquePointer
    private var cache: [String: String] = [:]

    /// Beyond this many words the cache starts anew: natural text has few frequent words, hostile text many rare ones.
    private static let maximumCachedWords = 1 << 16

    /// - Precondition: libstemmer knows the algorithm.
    init(algorithm: String) {
        guard let handle = sb_stemmer_new(algorithm, "UTF_8") else {
            preconditionFailure("libstemmer has no algorithm \"\(algorithm)\"")
        }
        self.handle = handle
    }

    deinit {
        sb_stemmer_delete(handle)
    }

    /// The stem of a lowercased word.
    func stem(_ word: String) -> String {
        if let known = cache[word] { return known }
        let stem = uncached(word)
        if cache.count >= Self.maximumCachedWords { cache.removeAll(keepingCapacity: true) }
        cache[word] = stem
        return stem
    }

    private func uncached(_ word: String) -> String {
        let bytes = Array(word.utf8)
        return bytes.withUnsafeBufferPointer { buffer in
            guard let stem = sb_stemmer_stem(handle, buffer.baseAddress, Int32(buffer.count)) else { return word }
            let length = Int(sb_stemmer_length(handle))
            return String(decoding: UnsafeBufferPointer(start: stem, count: length), as: UTF8.self)
        }
    }
}

/// Stemmers of one algorithm, lent to one caller at a time: Snowball's objects are not thread-safe.
final class StemmerPool: Sendable {
    /// A stemmer that is on loan or in the pool: one owner at any time, which is what makes passing it on safe.
    struct Loan: @unchecked Sendable {
        fileprivate let stemmer: Stemmer

        func stem(_ word: String) -> String { stemmer.stem(word) }
    }

    private let algorithm: String
    private let idle = Mutex<[Loan]>([])

    init(algorithm: String) {
        self.algorithm = algorithm
    }

    /// A stemmer that nobody else uses until it is given back.
    func take() -> Loan {
        idle.withLock { $0.popLast() } ?? Loan(stemmer: Stemmer(algorithm: algorithm))
    }

    /// Ends the use of a stemmer.
    func giveBack(_ loan: Loan) {
        idle.withLock { $0.append(loan) }
    }
}
