import AttarIndex
import AttarStorage

extension Collection {
    /// Writes the word index in the Common Index File Format, for PISA, Terrier, JASS and others.
    ///
    /// Each passage is a document there. It is named by its document's id; passages of a document that has several are
    /// told apart as Anserini does: `id#0`, `id#1` …
    ///
    /// Deleted documents are not part of it.
    ///
    /// - Throws: `StorageError`, `IndexError`; nothing is left behind then.
    /// - Complexity: O(postings). Several segments are merged first, into a file beside `path` that is removed again.
    public func exportCIFF(to path: String, on fileSystem: any FileSystem = LocalFileSystem()) throws {
        try AtomicFile.requireDestination(path, on: fileSystem)
        let name = self.path.split(separator: "/").last.map(String.init) ?? self.path
        let description = "\(name), a passage each, exported by Attar; terms: \(manifest.configuration.analyzer)"
        if segments.count == 1, live == nil {
            try segments[0].text.writeCIFF(
                to: path, description: description, on: fileSystem, identifier: passageIdentifier)
            return
        }
        let merged = AtomicFile.temporaryName(for: path)
        defer { try? fileSystem.remove(merged) }
        try InvertedIndexMerger(segments.map { ($0.text, $0.live) }).write(to: merged, on: fileSystem)
        let ordinals = passageOrdinals(every: 1)
        try InvertedIndex(path: merged).writeCIFF(to: path, description: description, on: fileSystem) {
            passageIdentifier(UInt32(ordinals[Int($0)]))
        }
    }

    /// How results of other engines name a passage.
    private func passageIdentifier(_ passage: UInt32) -> String {
        let document = document(ofPassage: Int(passage))
        let identifier = identifier(ofDocument: document)
        var first = Int(passage)
        while first > 0, self.document(ofPassage: first - 1) == document { first -= 1 }
        let next = Int(passage) + 1
        let isOnly = first == passage && (next == passageCount || self.document(ofPassage: next) != document)
        return isOnly ? identifier : "\(identifier)#\(Int(passage) - first)"
    }
}
