import AttarDistill
import AttarEvidence
import AttarModels
import AttarStorage
import AttarText
import Foundation

/// A student that stands in its folder, and how it came there.
struct TrainedStudent {
    let specification: StudentSpecification
    let folder: String
    let encoder: any TextEncoder
    let curve: TrainingCurve

    /// The seconds that training took, over all processes that took part.
    var trainSeconds: Double { curve.points.last?.seconds ?? 0 }
}

/// Where the files of one student stand in a run's folder, and whether they are those of this run.
struct StudentFiles {
    let specification: StudentSpecification
    /// What decides the student: teacher, corpus, configuration, seed, steps. Equal identities have equal bytes.
    let identity: String
    private let output: String

    /// The files of a student in the run's folder.
    ///
    /// - Parameter decisive: everything that decides what the student becomes, as text.
    init(_ specification: StudentSpecification, in output: String, decidedBy decisive: [String]) {
        self.specification = specification
        self.output = output
        identity = SHA256Digest.hex(of: ([specification.description] + decisive).joined(separator: "\u{0}"))
    }

    var folder: String { "\(output)/students/\(specification.folderName)" }
    private var curvePath: String { "\(output)/state/\(specification.folderName).curve.json" }

    /// The checkpoint of this run; another run's has another name, so that neither can be mistaken for the other.
    var checkpoint: Checkpoint {
        Checkpoint(path: "\(output)/state/\(specification.folderName)-\(identity.prefix(12)).checkpoint")
    }

    /// The finished student; nil when it must still be trained.
    func finished() throws -> TrainedStudent? {
        guard try LocalFileSystem().exists(folder + "/attar.json"),
            let facts = try ModelFolder(path: folder).facts, facts.training["identity"] == .string(identity),
            let data = FileManager.default.contents(atPath: curvePath),
            let curve = try? JSONDecoder().decode(TrainingCurve.self, from: data)
        else { return nil }
        return TrainedStudent(
            specification: specification, folder: folder, encoder: try EncoderLoader.load(path: folder), curve: curve)
    }

    /// Keeps the training curve, then lets `write` make the folder, then drops the checkpoint: in this order a kill at
    /// any moment leaves either a resumable or a finished run.
    func finish(_ curve: TrainingCurve, write: (_ folder: String) throws -> Void) throws -> TrainedStudent {
        try LocalFileSystem().makeDirectory(output + "/students")
        try AtomicFile.write([UInt8](JSONEncoder().encode(curve)), to: curvePath)
        try write(folder)
        try checkpoint.remove()
        return TrainedStudent(
            specification: specification, folder: folder, encoder: try EncoderLoader.load(path: folder), curve: curve)
    }
}
