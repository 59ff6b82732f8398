import Foundation

/// Lays one JSON object over another: what the upper one does not name keeps the lower one's value.
enum JSONOverlay {
    /// The lower object with the upper one's values, at every depth; lists are replaced whole.
    ///
    /// - Throws: `SystemError.badConfiguration` when the upper one is no object, or names what the lower one does not
    ///   have.
    static func merged(_ lower: Data, with upper: Data, system: String) throws -> Data {
        func object(_ data: Data) throws -> [String: Any] {
            guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
                throw SystemError.badConfiguration(system: system, detail: "it is no JSON object")
            }
            return object
        }
        return try JSONSerialization.data(withJSONObject: merged(object(lower), with: object(upper), at: "", system))
    }

    private static func merged(
        _ lower: [String: Any], with upper: [String: Any], at path: String, _ system: String
    ) throws -> [String: Any] {
        var result = lower
        for (key, value) in upper {
            guard let known = lower[key] else {
                throw SystemError.badConfiguration(
                    system: system, detail: "there is no \(path)\(key); known are \(lower.keys.sorted().joined(separator: ", "))")
            }
            if let inner = value as? [String: Any], let base = known as? [String: Any] {
                result[key] = try merged(base, with: inner, at: path + key + ".", system)
            } else {
                result[key] = value
            }
        }
        return result
    }
}
