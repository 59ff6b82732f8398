import AttarStorage
import Foundation

extension EvaluationReport {
    /// The report as JSON: keys sorted, so that equal reports are equal bytes.
    ///
    /// Numbers that JSON lacks are written as the strings "inf", "-inf" and "nan".
    public func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return [UInt8](try encoder.encode(self)) + [0x0A]
    }

    /// Reads what `json()` wrote.
    ///
    /// - Throws: `malformedLine` when the file is no report, `StorageError` (`newerVersion`) when a newer Attar wrote
    ///   it.
    public init(path: String) throws {
        let text = try TextFile.read(path)
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let data = Data(text.utf8)
        if let header = try? decoder.decode(VersionOnly.self, from: data), header.version > Self.currentVersion {
            throw StorageError(
                .newerVersion, path: path,
                "the report has version \(header.version), this program reads \(Self.currentVersion); update Attar.")
        }
        do {
            self = try decoder.decode(EvaluationReport.self, from: data)
        } catch {
            throw EvidenceError(.malformedLine, "\(path) is no evaluation report: \(error)")
        }
    }

    private struct VersionOnly: Decodable {
        let version: Int
    }

    /// Writes `report.json` and `report.html` into a folder, each atomically, the latter last.
    ///
    /// - Returns: the path of the HTML file.
    @discardableResult
    public func write(toFolder folder: String, on fileSystem: any FileSystem = LocalFileSystem()) throws -> String {
        try AtomicFile.write(json(), to: folder + "/report.json", on: fileSystem)
        try AtomicFile.write(Array(HTMLReport(self).text.utf8), to: folder + "/report.html", on: fileSystem)
        return folder + "/report.html"
    }
}
