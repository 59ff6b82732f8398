import AttarCollection
import AttarDistill
import AttarModels
import AttarSignals
import AttarText
import Foundation

/// What a distillation would take, without doing any of it.
public struct DistillationEstimate: Codable, Sendable, CustomStringConvertible {
    /// Passages to encode.
    public let passages: Int
    /// Training texts at most.
    public let trainingTexts: Int
    /// Seconds for the teacher, if it remembers nothing.
    public let teacherSeconds: Double
    /// Seconds of training, by student.
    public let trainingSeconds: [String: Double]
    /// Bytes of memory at the peak.
    public let memoryBytes: Int
    /// Bytes on disk: vectors, remembered answers, students.
    public let diskBytes: Int

    /// Estimates from the sizes of the models, a sample of the passages, and the measured speed of this machine.
    ///
    /// - Throws: what opening the collection and the teacher throws.
    public init(_ context: RunContext, _ configuration: LEAF.Configuration) throws {
        let collection = try Collection.open(at: context.collection)
        let folder = try ModelFolder(path: ModelStore().resolve(context.teacher))
        let speed = ComputeBudget.ofThisMachine(threads: context.threads)
        let mixture = configuration.mixture
        passages = collection.livePassageCount
        trainingTexts = mixture.total
        let sample = try Self.meanTokens(of: collection, folder, limit: configuration.passageTokens)
        let tokens = Double(passages) * sample + Double(trainingTexts * Self.meanTrainingTokens(configuration))
        let shape = try Shape(folder)
        teacherSeconds = speed.secondsPerStep(tokens: Int(tokens), weights: shape.weights) / 3
        trainingSeconds = Dictionary(uniqueKeysWithValues: configuration.students.map {
            ($0.description, Self.seconds($0, configuration, shape, speed, budget: context.budget))
        })
        let vectors = 4 * shape.dimension * passages
        memoryBytes = 250_000_000 + 5 * shape.bytes + 8 * shape.dimension * trainingTexts
        diskBytes = vectors * (2 + configuration.students.count) + 4 * shape.dimension * trainingTexts
            + configuration.students.count * shape.bytes
    }

    public var description: String {
        let training = trainingSeconds.sorted { $0.key < $1.key }.map { "  training \($0.key): \(Self.clock($0.value))" }
        return """
            \(passages) passages, up to \(trainingTexts) training texts
              teacher: \(Self.clock(teacherSeconds)), less what it already answered
            \(training.joined(separator: "\n"))
            memory: about \(memoryBytes / 1_000_000) MB
            disk: about \(diskBytes / 1_000_000) MB
            """
    }

    /// Most training texts are as short as queries: 11 to 16 tokens on average at the default limit of 64, special ones
    /// included (measured on cosqa, cisi, cranfield and scifact).
    private static func meanTrainingTokens(_ configuration: LEAF.Configuration) -> Int {
        max(1, configuration.trainingTokens / 5)
    }

    private static func clock(_ seconds: Double) -> String {
        seconds < 90 ? "about \(Int(seconds.rounded(.up))) s" : "about \(Int((seconds / 60).rounded(.up))) min"
    }

    private static func meanTokens(of collection: Collection, _ folder: ModelFolder, limit: Int) throws -> Double {
        let tokenizer = try folder.tokenizer()
        let places = collection.passageOrdinals(every: max(1, collection.livePassageCount / 100))
        var total = 0
        var seen = 0
        for place in places {
            let text = try collection.passage(at: place).embeddingText
            total += tokenizer.encode(text, maximumLength: limit).count
            seen += 1
        }
        return Double(total) / Double(max(1, seen))
    }

    private static func seconds(
        _ student: StudentSpecification, _ configuration: LEAF.Configuration, _ teacher: Shape, _ speed: ComputeBudget,
        budget: Duration?
    ) -> Double {
        let settings = configuration.transformer.settings
        let tokens = settings.batch * meanTrainingTokens(configuration)
        let weights: Int
        switch student {
        case .layers(let count): weights = count * teacher.weightsPerLayer
        case .chosenLayers(let chosen): weights = chosen.count * teacher.weightsPerLayer
        case .narrow(let width, let layers): weights = 12 * layers * width * width
        case .staticTable: return min(budget?.seconds ?? .infinity, 60)
        }
        let all = Double(settings.steps) * speed.secondsPerStep(tokens: tokens, weights: weights)
        return min(budget?.seconds ?? .infinity, all)
    }

    /// The sizes of a teacher that decide what it costs.
    private struct Shape {
        var weightsPerLayer = 0
        var weights = 0
        let dimension: Int
        let bytes: Int

        init(_ folder: ModelFolder) throws {
            if case .bert(let bert, _) = folder.backbone {
                weightsPerLayer = bert.hiddenSize * (4 * bert.hiddenSize + 2 * bert.intermediateSize)
                weights = bert.layers * weightsPerLayer
            }
            dimension = try EncoderLoader.load(path: folder.path).dimension
            bytes = ((try? FileManager.default.attributesOfItem(atPath: folder.weightsPath)[.size]) as? Int) ?? 0
        }
    }
}
