import AttarTensor

/// What a disk holds while a program writes to it, and what a power cut may leave of that.
///
/// POSIX promises less than file systems mostly do: only bytes that were synchronised, under names whose folder was
/// synchronised. Everything else may be there or not, in any order: `image` draws one of these outcomes. The idea is
/// that of ALICE (Pillai et al. 2014, "All File Systems Are Not Created Equal") and CrashMonkey (Mohan et al. 2018):
/// one run is recorded, and each prefix of it is cut off.
///
/// A rename takes one step for the name it replaces, which is never missing; the old name may stay all the same.
public struct PowerCutDisk: Sendable {
    /// What survives of what was not synchronised.
    public enum Survival: Sendable, CaseIterable {
        /// Nothing.
        case nothing
        /// Everything, as when only the process was killed.
        case everything
        /// Names at random; of each file's changes none, all, some of the first, or any of their sectors.
        case anything
    }

    /// What stands under a name after a cut; nil for a folder.
    public typealias Image = [String: [UInt8]?]

    private var files: [Int: FileContent] = [:]
    /// The names in each folder, by its number; 0 is the root.
    private var folders: [Int: [String: Name]] = [0: [:]]
    private var nextNumber = 1

    /// A name in a folder: the numbers of what it stood for, nil for nothing.
    private struct Name {
        var durable: Int?
        var recent: [Int?] = []
        var current: Int? { recent.last ?? durable }
    }

    /// An empty disk.
    public init() {}

    // ------------------------------------------------------------------------------------------------------- changes

    /// Takes in what a program did.
    public mutating func apply(_ change: PowerCutTrace.Change) {
        switch change {
        case .createFile(let path): replaceFile(path)
        case .createFolder(let path): createFolder(path)
        case .write(let path, let offset, let bytes):
            changeFile(path) { $0.pending.append(.write(offset ?? $0.currentCount, bytes)) }
        case .truncate(let path, let size): changeFile(path) { $0.pending.append(.truncate(size)) }
        case .synchronize(let path): changeFile(path) { $0.synchronize() }
        case .synchronizeFolder(let path): synchronizeFolder(path)
        case .rename(let source, let destination):
            let number = self.number(of: source)
            bind(destination, to: number)
            bind(source, to: nil)
        case .remove(let path): bind(path, to: nil)
        }
    }

    private mutating func replaceFile(_ path: String) {
        if let number = number(of: path), files[number] != nil {
            files[number]?.pending.append(.truncate(0))
        } else {
            files[nextNumber] = FileContent()
            bind(path, to: nextNumber)
            nextNumber += 1
        }
    }

    private mutating func createFolder(_ path: String) {
        guard number(of: path) == nil else { return }
        folders[nextNumber] = [:]
        bind(path, to: nextNumber)
        nextNumber += 1
    }

    private mutating func changeFile(_ path: String, _ body: (inout FileContent) -> Void) {
        guard let number = number(of: path), var file = files[number] else { return }
        body(&file)
        files[number] = file
    }

    private mutating func synchronizeFolder(_ path: String) {
        guard let number = number(of: path), let names = folders[number] else { return }
        folders[number] = names.compactMapValues { name in name.current.map { Name(durable: $0) } }
    }

    private mutating func bind(_ path: String, to target: Int?) {
        guard let folder = number(of: Self.folder(of: path)) else { return }
        folders[folder]?[Self.name(of: path), default: Name()].recent.append(target)
    }

    /// What a path stands for now; the empty path is the root.
    private func number(of path: String) -> Int? {
        path.split(separator: "/").reduce(0) { folder, name in
            folder.flatMap { folders[$0]?[String(name)]?.current }
        }
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    private static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    // --------------------------------------------------------------------------------------------------------- a cut

    /// What the disk may hold after a cut at this moment, by paths; folders come before what they hold when sorted.
    public func image(_ survival: Survival, using generator: inout SeededGenerator) -> Image {
        var image: Image = [:]
        var contents: [Int: [UInt8]] = [:]
        collect(folder: 0, path: "", survival, &generator, &contents, &image)
        return image
    }

    private func collect(
        folder: Int, path: String, _ survival: Survival, _ generator: inout SeededGenerator,
        _ contents: inout [Int: [UInt8]], _ image: inout Image
    ) {
        for (name, history) in (folders[folder] ?? [:]).sorted(by: { $0.key < $1.key }) {
            let target: Int?
            switch survival {
            case .nothing: target = history.durable
            case .everything: target = history.current
            case .anything: target = ([history.durable] + history.recent)[generator.index(below: history.recent.count + 1)]
            }
            guard let target else { continue }
            let place = path.isEmpty ? name : path + "/" + name
            if let file = files[target] {
                // The same bytes under both names of a rename.
                let bytes = contents[target] ?? file.surviving(survival, &generator)
                contents[target] = bytes
                image[place] = bytes
            } else {
                image[place] = .some(nil)
                collect(folder: target, path: place, survival, &generator, &contents, &image)
            }
        }
    }
}

/// The bytes of a file that are safe, and what was done to them since.
private struct FileContent {
    enum Change {
        case write(Int, [UInt8])
        case truncate(Int)
    }

    private var durable: [UInt8] = []
    var pending: [Change] = [] {
        didSet { if let last = pending.last, pending.count > oldValue.count { follow(last) } }
    }
    private(set) var currentCount = 0

    private mutating func follow(_ change: Change) {
        switch change {
        case .write(let offset, let bytes): currentCount = max(currentCount, offset + bytes.count)
        case .truncate(let size): currentCount = size
        }
    }

    mutating func synchronize() {
        for change in pending { Self.apply(change, to: &durable) }
        pending = []
    }

    private static func apply(_ change: Change, to bytes: inout [UInt8]) {
        switch change {
        case .truncate(let size): resize(&bytes, size)
        case .write(let offset, let new):
            if bytes.count < offset + new.count { resize(&bytes, offset + new.count) }
            bytes.replaceSubrange(offset..<(offset + new.count), with: new)
        }
    }

    /// Bytes that were never written are zeros.
    private static func resize(_ bytes: inout [UInt8], _ size: Int) {
        if bytes.count > size { bytes.removeSubrange(size...) }
        bytes += [UInt8](repeating: 0, count: size - bytes.count)
    }

    func surviving(_ survival: PowerCutDisk.Survival, _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = durable
        guard !pending.isEmpty, survival != .nothing else { return bytes }
        let outcome = survival == .everything ? 0 : generator.index(below: 4)
        switch outcome {
        case 0: for change in pending { Self.apply(change, to: &bytes) }
        case 1: break
        case 2: applyFirst(to: &bytes, &generator)
        default: applySectors(to: &bytes, &generator)
        }
        return bytes
    }

    /// Some of the first changes, the last of them torn.
    private func applyFirst(to bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let count = generator.index(below: pending.count)
        for change in pending[..<count] { Self.apply(change, to: &bytes) }
        if case .write(let offset, let new) = pending[count] {
            Self.apply(.write(offset, Array(new.prefix(generator.index(below: new.count + 1)))), to: &bytes)
        }
    }

    /// Any sectors of any changes, whatever their order.
    private func applySectors(to bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let sector = 512
        for change in pending {
            guard case .write(let offset, let new) = change else {
                if generator.index(below: 2) == 0 { Self.apply(change, to: &bytes) }
                continue
            }
            for start in stride(from: 0, to: new.count, by: sector) where generator.index(below: 2) == 0 {
                Self.apply(.write(offset + start, Array(new[start..<min(start + sector, new.count)])), to: &bytes)
            }
        }
    }
}

extension SeededGenerator {
    /// A whole number of 0 ..< count.
    fileprivate mutating func index(below count: Int) -> Int { min(Int(uniform() * Double(count)), count - 1) }
}
