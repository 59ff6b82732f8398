import AttarStorage
import AttarText

/// A small JSON object on disk, read with the types that its user expects.
struct ConfigurationFile {
    let path: String
    let value: JSONValue

    /// The file, or nil when none stands there.
    ///
    /// - Throws: `StorageError` when it cannot be read, `ModelError` when it is no JSON object.
    init?(ifPresent path: String) throws {
        guard try LocalFileSystem().exists(path) else { return nil }
        try self.init(path)
    }

    init(_ path: String) throws {
        self.path = path
        let bytes = try LocalFileSystem().read(path, maximumBytes: 16 << 20)
        do {
            value = try JSONParser.parse(bytes)
        } catch {
            throw ModelError.badConfiguration(file: path, detail: "it is no JSON: \(error).")
        }
        guard value.members != nil || value.array != nil else {
            throw ModelError.badConfiguration(file: path, detail: "an object was expected, it is \(value.typeName).")
        }
    }

    /// A positive whole number.
    func count(_ key: String, default fallback: Int? = nil) throws -> Int {
        guard let found = value[key], !found.isNull else {
            guard let fallback else { throw bad(key, "it is missing") }
            return fallback
        }
        guard let number = found.integer, number > 0, number < 1 << 31 else {
            throw bad(key, "a positive whole number was expected")
        }
        return number
    }

    /// A number.
    func number(_ key: String, default fallback: Double) throws -> Double {
        switch value[key] {
        case nil, .null?: return fallback
        case .integer(let whole)?: return Double(whole)
        case .number(let number)?: return number
        default: throw bad(key, "a number was expected")
        }
    }

    /// A truth value.
    func flag(_ key: String, default fallback: Bool) throws -> Bool {
        guard let found = value[key], !found.isNull else { return fallback }
        guard let flag = found.bool else { throw bad(key, "true or false was expected") }
        return flag
    }

    /// A text, or nil when there is none.
    func text(_ key: String) throws -> String? {
        guard let found = value[key], !found.isNull else { return nil }
        guard let text = found.string else { throw bad(key, "a text was expected") }
        return text
    }

    func bad(_ key: String, _ detail: String) -> ModelError {
        .badConfiguration(file: path, detail: "\"\(key)\": \(detail).")
    }
}
