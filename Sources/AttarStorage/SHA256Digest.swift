import CLibcrypto
import Foundation

/// SHA-256, computed by the system's libcrypto: 32 bytes that stand for any number of bytes.
public struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    public let bytes: [UInt8]

    fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

    /// The digest of some bytes.
    public init(of data: some DataProtocol) {
        let hasher = SHA256Hasher()
        for region in data.regions { region.withUnsafeBytes { hasher.update($0) } }
        self = hasher.finish()
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The hexadecimal form.
    public var description: String { hex }

    /// The hexadecimal digest of some bytes.
    public static func hex(of data: some DataProtocol) -> String { SHA256Digest(of: data).hex }

    /// The hexadecimal digest of a text's UTF-8 bytes.
    public static func hex(of text: String) -> String { SHA256Digest(of: Array(text.utf8)).hex }

    /// The hexadecimal digest of a file, read in pieces of 1 MiB.
    public static func hex(ofFile path: String) throws -> String {
        let hasher = SHA256Hasher()
        let reader = try ByteReader(path: path, decompression: .none)
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try chunk.withUnsafeMutableBytes { try reader.read(into: $0) }
            if count == 0 { return hasher.finish().hex }
            chunk.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}

/// A digest under construction.
public final class SHA256Hasher {
    private let context: OpaquePointer?
    private var finished = false

    /// The digest of nothing yet.
    public init() {
        context = EVP_MD_CTX_new()
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "libcrypto offers no SHA-256")
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Adds bytes.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        precondition(!finished, "bytes were added to a finished digest")
        guard bytes.count > 0 else { return }
        precondition(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1, "libcrypto refused bytes")
    }

    /// Adds bytes.
    public func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The digest; nothing can be added afterwards.
    public func finish() -> SHA256Digest {
        precondition(!finished, "a digest was finished twice")
        finished = true
        var bytes = [UInt8](repeating: 0, count: 32)
        precondition(EVP_DigestFinal_ex(context, &bytes, nil) == 1, "libcrypto gave no digest")
        return SHA256Digest(bytes: bytes)
    }
}
