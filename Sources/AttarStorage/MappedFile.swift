import Foundation

/// A file in memory, read-only, brought in by the system page by page.
///
/// The file must not be shortened while it is mapped: Attar's files are immutable once they have their final name.
public final class MappedFile: Sendable {
    /// The path it was opened by.
    public let path: String
    /// The number of bytes.
    public let count: Int
    private nonisolated(unsafe) let start: UnsafeMutableRawPointer?

    /// Maps the whole file; an empty file has no bytes and is fine.
    ///
    /// - Parameter followingLinks: whether the last component may be a symbolic link.
    /// - Throws: `StorageError`: `notFound`, `notAFile`, `permission`, `outsideRoot` (a link that may not be followed).
    public init(path: String, followingLinks: Bool = true) throws {
        let flags = O_RDONLY | O_CLOEXEC | (followingLinks ? 0 : O_NOFOLLOW)
        let handle = retrying { open(path, flags) }
        guard handle >= 0 else { throw StorageError.system(errno, path: path, action: "open it") }
        let descriptor = FileDescriptor(handle, path: path)
        let information = try descriptor.information()
        guard information.kind == .file else {
            throw StorageError(.notAFile, path: path, "a regular file was expected here.")
        }
        self.path = path
        count = information.size
        guard information.size > 0 else {
            start = nil
            return
        }
        let mapping = mmap(nil, information.size, PROT_READ, MAP_PRIVATE, handle, 0)
        guard let mapping, mapping != MAP_FAILED else {
            throw StorageError.system(errno, path: path, action: "map it into memory")
        }
        start = mapping
    }

    deinit {
        if let start { munmap(start, count) }
    }

    /// The bytes; valid only while this object lives, which the caller must see to (`withExtendedLifetime`): the
    /// optimiser may release an object right after its last use by name. Prefer `withBytes`.
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start, count: count)
    }

    /// Calls `body` with the bytes, which are valid only during the call.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) { try body(bytes) }
    }

    /// How the bytes will be read, so that the system can fetch ahead or not.
    public enum Access: Sendable {
        case sequential, random, soon
    }

    /// Tells the system how the bytes will be read; only a hint.
    public func advise(_ access: Access) {
        guard let start else { return }
        let advice: Int32 =
            switch access {
            case .sequential: Int32(MADV_SEQUENTIAL)
            case .random: Int32(MADV_RANDOM)
            case .soon: Int32(MADV_WILLNEED)
            }
        _ = madvise(start, count, advice)
    }
}

/// Fixed-size elements in a mapped file, kept alive together with the file.
public struct MappedArray<Element: BitwiseCopyable>: RandomAccessCollection, @unchecked Sendable {
    private let file: MappedFile
    /// The elements, for kernels; valid only while this value lives.
    public let elements: UnsafeBufferPointer<Element>

    /// Elements over part of a mapped file.
    ///
    /// - Precondition: the bytes lie in the file, are aligned for `Element`, and hold a whole number of them.
    init(file: MappedFile, bytes: UnsafeRawBufferPointer) {
        let stride = MemoryLayout<Element>.stride
        precondition(bytes.count % stride == 0, "\(bytes.count) bytes are no whole number of \(stride)-byte elements")
        self.file = file
        elements = bytes.assumingMemoryBound(to: Element.self)
    }

    /// 0.
    public var startIndex: Int { 0 }
    /// The number of elements.
    public var endIndex: Int { elements.count }
    /// The element at an index; out of range stops the program.
    public subscript(index: Int) -> Element {
        precondition(index >= 0 && index < elements.count, "index \(index) of \(elements.count) mapped elements")
        return elements[index]
    }

    /// Calls `body` with the elements, which are valid only during the call.
    public func withUnsafeBufferPointer<Result>(_ body: (UnsafeBufferPointer<Element>) throws -> Result) rethrows
        -> Result
    {
        try withExtendedLifetime(file) { try body(elements) }
    }
}
