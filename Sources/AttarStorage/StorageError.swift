import Foundation

/// What went wrong with a file or folder: the kind, the path, and a sentence that says what to do.
public struct StorageError: AttarError, Equatable {
    /// The kinds of failure that callers tell apart.
    public enum Kind: String, Sendable, Codable {
        /// No file or folder stands at the path.
        case notFound
        /// A regular file was expected.
        case notAFile
        /// A folder was expected.
        case notADirectory
        /// Something already stands at the path.
        case alreadyExists
        /// A symbolic link, or a path that leaves its root, was refused.
        case outsideRoot
        /// The system refused access.
        case permission
        /// The disk or the quota is full.
        case diskFull
        /// Whoever read the other end of the pipe has gone.
        case closedPipe
        /// Another writer holds the lock.
        case locked
        /// Any other failure of the device or the system.
        case inputOutput
        /// Bytes are not what the format says they must be.
        case corrupt
        /// The file was written by a newer Attar.
        case newerVersion
        /// The bytes are not UTF-8.
        case invalidUTF8
        /// A size is above its limit.
        case tooLarge
    }

    /// The kind of failure.
    public let kind: Kind
    /// The file or folder concerned.
    public let path: String
    /// What was found and how to mend it, one sentence without the path.
    public let detail: String

    /// An error about one path; `detail` completes the sentence "`path`: …".
    public init(_ kind: Kind, path: String, _ detail: String) {
        self.kind = kind
        self.path = path
        self.detail = detail
    }

    /// Who has to act: the owner of the machine for a full disk, a lock or a broken device, else the giver of the
    /// input.
    public var category: ErrorCategory {
        switch kind {
        case .diskFull, .closedPipe, .locked, .inputOutput: .resource
        default: .input
        }
    }

    /// The path and the sentence.
    public var description: String { "\(path): \(detail)" }

    /// The error for a failed system call.
    ///
    /// - Parameters:
    ///   - code: the value of `errno`.
    ///   - action: what was tried, as in "cannot `action`".
    public static func system(_ code: Int32, path: String, action: String) -> StorageError {
        switch code {
        case ENOENT: StorageError(.notFound, path: path, "cannot \(action): no such file or folder.")
        case ENOTDIR: StorageError(.notADirectory, path: path, "cannot \(action): a part of the path is not a folder.")
        case EISDIR: StorageError(.notAFile, path: path, "cannot \(action): this is a folder, a file was expected.")
        case EEXIST, ENOTEMPTY: StorageError(.alreadyExists, path: path, "cannot \(action): \(reason(code)).")
        case ELOOP: StorageError(.outsideRoot, path: path, "cannot \(action): symbolic links are not followed here.")
        case EACCES, EPERM, EROFS: StorageError(.permission, path: path, "cannot \(action): \(reason(code)).")
        case ENOSPC, EDQUOT:
            StorageError(
                .diskFull, path: path, "cannot \(action): disk full. Free some space and run the command again.")
        case EPIPE: StorageError(.closedPipe, path: path, "cannot \(action): nobody reads it any more.")
        default: StorageError(.inputOutput, path: path, "cannot \(action): \(reason(code)) (error \(code)).")
        }
    }

    private static func reason(_ code: Int32) -> String {
        String(cString: strerror(code)).lowercased()
    }
}
