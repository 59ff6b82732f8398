import Foundation

/// A hold on a file that says: somebody still reads what belongs to it.
///
/// Any number of readers, in all processes, hold a lease on the same file; whoever would like to remove things asks
/// `isHeld`. It is a shared `flock` on a descriptor for reading, so it needs no permission to write, leaves nothing
/// behind, and ends with its process at the latest.
public final class FileLease: Sendable {
    private let descriptor: FileDescriptor

    /// Takes a lease.
    ///
    /// On a file system without locks nothing is taken: reading is possible there, and `isHeld` says true.
    ///
    /// - Throws: `StorageError` when the file cannot be opened.
    public init(path: String) throws {
        descriptor = try LocalFileSystem().open(path, flags: O_RDONLY, action: "read")
        _ = retrying { flock(descriptor.handle, LOCK_SH) }
    }

    /// Whether anybody holds a lease on the file; true when that cannot be known, false when there is no such file.
    ///
    /// A lease that is taken after the question was put is not seen: see that nobody new has a reason to take one.
    public static func isHeld(_ path: String) -> Bool {
        do {
            let descriptor = try LocalFileSystem().open(path, flags: O_RDONLY, action: "look for readers")
            return retrying({ flock(descriptor.handle, LOCK_EX | LOCK_NB) }) != 0
        } catch let error as StorageError {
            return error.kind != .notFound && error.kind != .notADirectory
        } catch {
            return true
        }
    }
}
