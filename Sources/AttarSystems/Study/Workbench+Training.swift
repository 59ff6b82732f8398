import AttarCollection
import AttarDistill
import AttarEvidence
import AttarModels
import AttarSignals
import AttarTensor
import AttarIndex
import AttarText
import CAttarKernels
import Foundation

extension Workbench {
    /// The name of the collection: its folder's.
    var collectionName: String { URL(filePath: context.collection).lastPathComponent }

    /// The language of the collection, an ISO 639-1 code.
    var language: String { collection.manifest.configuration.analyzer.language }

    /// The kernels in use: "avx2".
    static var kernels: String { String(cString: attar_cpu_name(attar_cpu_current())) }

    /// What this machine can train in a given time.
    var computeBudget: ComputeBudget {
        .ofThisMachine(threads: context.threads)
    }

    /// The files of a student whose identity covers all that decides it.
    func files(
        of specification: StudentSpecification, settings: some Encodable, _ configuration: some Encodable
    ) throws -> StudentFiles {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let decisive = try [encoder.encode(settings)].map { String(decoding: $0, as: UTF8.self) }
        return StudentFiles(
            specification, in: context.output,
            decidedBy: decisive + [
                teacher.encoder.fingerprint.id, collection.contentHash, "\(context.seed)",
                String(decoding: try encoder.encode(configuration), as: UTF8.self),
            ])
    }

    /// Reports a trainer's steps.
    func trainingProgress(
        of specification: StudentSpecification
    ) -> (_ step: Int, _ of: Int, _ last: TrainingCurve.Point?) -> Void {
        { [context] step, total, last in
            let note = last?.heldOutCosine.map { "held-out cosine \(rounded($0))" }
            context.progress(.init(
                stage: "training \(specification)", completed: step, total: total, unit: "steps", note: note))
        }
    }

    /// What is known of a student, for its folder.
    func facts(of specification: StudentSpecification, identity: String, settings: TrainerSettings) -> AttarFacts {
        AttarFacts(
            name: "\(teacher.encoder.fingerprint.name)-\(specification.folderName)",
            teacher: teacher.encoder.fingerprint, system: LEAF.card.id, dimension: teacher.encoder.dimension,
            normalized: true,
            training: [
                "identity": .string(identity), "student": .string(specification.description),
                "seed": .number(Double(context.seed)), "steps": .number(Double(settings.steps)),
                "batch": .number(Double(settings.batch)), "objective": .string(settings.objective.description),
                "corpus": .string(collection.contentHash),
            ])
    }

    /// The teacher's vector of each token of a vocabulary, as a text of its own: `[vocabulary, dimension]`.
    ///
    /// Pieces that continue a word are asked without their mark.
    func vectors(ofTokensOf tokenizer: any Tokenizer) throws -> Matrix {
        let texts = (0..<tokenizer.vocabularySize).map { id in
            let token = tokenizer.token(for: Int32(id)) ?? ""
            return token.hasPrefix("##") ? String(token.dropFirst(2)) : token
        }
        return try teacher.vectors(
            for: texts, role: .plain, options: EncodingOptions(threads: context.threads), batch: 2048
        ) { done, total in
            self.context.progress(.init(stage: "teacher reads the vocabulary", completed: done, total: total, unit: "tokens"))
        }
    }
}

extension Workbench {
    /// Every which passage takes part in training: at most about 20,000 of them do, evenly spread.
    var documentStride: Int { max(1, collection.livePassageCount / 20_000) }

    /// The teacher's vectors of the passages that take part in training, `[passages, dimension]`.
    func teacherDocumentVectors() throws -> Matrix {
        guard let record = collection.encoders.first(where: { $0.fingerprint == teacher.encoder.fingerprint }) else {
            preconditionFailure("the teacher has not encoded the collection yet")
        }
        var values: [Float] = []
        var rows = 0
        for place in collection.passageOrdinals(every: documentStride) {
            let (segment, ordinal) = collection.locate(passage: place)
            guard let index = segment.vectors(of: record) else { continue }
            values += index.vector(UInt32(ordinal))
            rows += 1
        }
        return Matrix(rows: rows, columns: teacher.encoder.dimension, values: values)
    }
}

/// Three decimals.
func rounded(_ value: Double) -> String { String(format: "%.3f", value) }
