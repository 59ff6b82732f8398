import AttarStorage
import AttarTensor
import AttarText
import Foundation

/// The form of PEFT: `adapter_config.json` and `adapter_model.safetensors` in a folder.
extension DecoderAdapter {
    static let configurationFile = "adapter_config.json"
    static let weightFile = "adapter_model.safetensors"

    /// PEFT wraps the model twice before it names its tensors.
    private static let prefix = "base_model.model."
    private static let downSuffix = ".lora_A.weight"
    private static let upSuffix = ".lora_B.weight"

    /// Reads a folder.
    ///
    /// - Parameter shape: the decoder that it is for.
    /// - Throws: `ModelError` when a file is missing, when the configuration means what is not built in or what the
    ///   decoder does not have, and when the tensors are not exactly those that it means; `TensorError` for a damaged
    ///   file, or tensors of other shapes; `StorageError`. Each names the file.
    /// - Complexity: O(numbers); nothing is made for what a file merely claims.
    public init(folder: String, for shape: DecoderConfiguration) throws {
        let folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        let configurationPath = folder + "/" + Self.configurationFile, weightPath = folder + "/" + Self.weightFile
        guard let file = try ConfigurationFile(ifPresent: configurationPath) else {
            throw ModelError.missingFile(
                folder: folder, file: Self.configurationFile, mend: "An adapter is a folder as PEFT writes it.")
        }
        guard try LocalFileSystem().exists(weightPath) else {
            throw ModelError.missingFile(
                folder: folder, file: Self.weightFile,
                mend: "Save the adapter with safe serialisation: weights are read from safetensors only.")
        }
        let configuration = try LowRankConfiguration(file)
        let places = try configuration.places(in: shape, file: configurationPath)
        let changes = try Self.changes(Safetensors(path: weightPath), places, rank: configuration.rank)
        self.init(configuration, changes: changes, baseModel: try file.text("base_model_name_or_path"))
        files = [configurationPath, weightPath]
    }

    private static func changes(
        _ file: Safetensors, _ places: [DecoderMatrix], rank: Int
    ) throws -> [String: Change] {
        let expected = Set(places.flatMap { [prefix + $0.name + downSuffix, prefix + $0.name + upSuffix] })
        if let stranger = file.names.first(where: { !expected.contains($0) }) {
            throw ModelError.mismatch(
                file: file.path,
                detail: "its tensor \"\(stranger)\" belongs to no matrix that \(configurationFile) says is changed.")
        }
        var changes: [String: Change] = [:]
        for place in places {
            let names = [prefix + place.name + downSuffix, prefix + place.name + upSuffix]
            if let missing = names.first(where: { file.entries[$0] == nil }) {
                throw ModelError.mismatch(
                    file: file.path,
                    detail: "it lacks \"\(missing)\", though \(configurationFile) says that \(place.name) is changed.")
            }
            let shapes = [[rank, place.inputs], [place.outputs, rank]]
            let values = try zip(names, shapes).map { name, shape in
                TensorValues(shape: shape, values: try file.floats(named: name, shape: shape))
            }
            changes[place.name] = Change(down: values[0], up: values[1])
        }
        return changes
    }

    /// Writes a folder that PEFT opens. It appears whole or not at all; an older adapter in its place is replaced.
    ///
    /// - Throws: `StorageError`, also when the folder holds anything else than an adapter.
    public func write(to folder: String, on fileSystem: any FileSystem = LocalFileSystem()) throws {
        let folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        if try fileSystem.exists(folder) {
            let strange = try fileSystem.list(folder).first { $0 != Self.configurationFile && $0 != Self.weightFile }
            if let strange {
                throw StorageError(
                    .alreadyExists, path: folder,
                    "it holds \(strange), so it is not replaced by an adapter. Choose another folder.")
            }
        }
        var tensors: [String: TensorValues] = [:]
        for (name, change) in changes {
            tensors[Self.prefix + name + Self.downSuffix] = change.down
            tensors[Self.prefix + name + Self.upSuffix] = change.up
        }
        let temporary = AtomicFile.temporaryName(for: folder)
        do {
            try fileSystem.removeTree(temporary)
            try fileSystem.makeDirectory(temporary)
            try SafetensorsWriter.write(
                tensors, metadata: ["format": "pt"], to: temporary + "/" + Self.weightFile, on: fileSystem)
            try AtomicFile.write(
                configuration.json(baseModel: baseModel), to: temporary + "/" + Self.configurationFile, on: fileSystem)
            try fileSystem.synchronizeDirectory(temporary)
            try fileSystem.removeTree(folder)
            try fileSystem.rename(temporary, to: folder)
        } catch {
            try? fileSystem.removeTree(temporary)
            throw error
        }
        try fileSystem.synchronizeDirectory(LocalFileSystem.folder(of: folder))
    }
}

extension LowRankConfiguration {
    /// Reads `adapter_config.json`.
    ///
    /// - Throws: `ModelError.unsupported` for other kinds of adapters and for what is not built in, `badConfiguration`
    ///   for values of other types than PEFT writes.
    init(_ file: ConfigurationFile) throws {
        try Self.checkOptions(file)
        self.init(
            rank: try file.count("r", default: 8), alpha: try file.number("lora_alpha", default: 8),
            dropout: try file.number("lora_dropout", default: 0), targets: try Self.targets(file),
            layers: try Self.layers(file), usesRootOfRank: try file.flag("use_rslora", default: false))
    }

    private static func checkOptions(_ file: ConfigurationFile) throws {
        func refuse(_ detail: String) -> ModelError { .unsupported(folder: file.path, detail: detail) }
        let kind = try file.text("peft_type") ?? "(none)"
        guard kind == "LORA" else { throw refuse("its peft_type is \"\(kind)\"; LORA can be run.") }
        let bias = try file.text("bias") ?? "none"
        guard bias == "none" else { throw refuse("it changes biases (\"\(bias)\"), which is not built in.") }
        for key in ["use_dora", "lora_bias", "fan_in_fan_out", "use_qalora", "use_bdlora"]
        where isSet(file.value[key]) {
            throw refuse("it sets \"\(key)\", which is not built in.")
        }
        // The others begin from weights of the model that they change.
        if let start = file.value["init_lora_weights"]?.string, !["gaussian", "eva", "orthogonal"].contains(start) {
            throw refuse(
                "it began from weights that \"\(start)\" changed. Have PEFT convert it to a plain adapter when it is saved.")
        }
        let patterns = [
            "rank_pattern", "alpha_pattern", "modules_to_save", "trainable_token_indices", "target_parameters",
            "exclude_modules", "layer_replication", "alora_invocation_tokens", "arrow_config", "kasa_config",
            "monteclora_config",
        ]
        for key in patterns where isSet(file.value[key]) {
            throw refuse("it uses \"\(key)\", which is not built in.")
        }
    }

    /// Whether an option of another kind than the plain form is there: not null, not false, not empty.
    private static func isSet(_ value: JSONValue?) -> Bool {
        switch value {
        case nil, .null?, .bool(false)?: false
        case .array(let values)?: !values.isEmpty
        case .object(let members)?: !members.isEmpty
        case .string(let text)?: !text.isEmpty
        default: true
        }
    }

    private static func targets(_ file: ConfigurationFile) throws -> [String] {
        let value = file.value["target_modules"]
        if value?.string == "all-linear" { return allLinear }
        guard let items = value?.array, !items.isEmpty else {
            throw file.bad("target_modules", "a list of names was expected; patterns are not built in")
        }
        return try items.map { item in
            guard let name = item.string, !name.isEmpty else { throw file.bad("target_modules", "names were expected") }
            return name
        }
    }

    private static func layers(_ file: ConfigurationFile) throws -> [Int]? {
        guard let value = file.value["layers_to_transform"], !value.isNull else { return nil }
        return try (value.array ?? [value]).map { item in
            guard let layer = item.integer else { throw file.bad("layers_to_transform", "whole numbers were expected") }
            return layer
        }
    }

    /// What PEFT reads; it fills in the defaults of all that is not here.
    private struct Lines: Encodable {
        let peft_type = "LORA"
        let task_type = "CAUSAL_LM"
        let base_model_name_or_path: String?
        let r: Int
        let lora_alpha: Double
        let lora_dropout: Double
        let target_modules: [String]
        let layers_to_transform: [Int]?
        let use_rslora: Bool
        let bias = "none"
        let fan_in_fan_out = false
        let inference_mode = true
    }

    func json(baseModel: String?) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let lines = Lines(
            base_model_name_or_path: baseModel, r: rank, lora_alpha: alpha, lora_dropout: dropout,
            target_modules: targets, layers_to_transform: layers, use_rslora: usesRootOfRank)
        return try Array(encoder.encode(lines)) + [UInt8(ascii: "\n")]
    }
}
