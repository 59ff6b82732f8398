import AttarText
import Foundation

/// What can still be read of a damaged `collection.json`, part by part; nothing of it is believed without a look at the
/// files.
struct ManifestRemains: Decodable {
    let configuration: CollectionConfiguration?
    let segments: [SegmentRecord]?
    let encoders: [EncoderRecord]?

    private enum CodingKeys: CodingKey { case configuration, segments, encoders }

    /// What is left in some bytes, which may be none.
    init(_ bytes: [UInt8]) {
        self = (try? JSONDecoder().decode(Self.self, from: Data(bytes))) ?? Self()
    }

    private init() { (configuration, segments, encoders) = (nil, nil, nil) }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let found = try? container.decode(CollectionConfiguration.self, forKey: .configuration)
        configuration = found.flatMap {
            $0.chunking.isValid && Language.isKnown($0.analyzer.language) ? $0 : nil
        }
        let numbers = (try? container.decode([SegmentRecord].self, forKey: .segments)) ?? []
        segments = !numbers.isEmpty && Set(numbers.map(\.number)).count == numbers.count ? numbers : nil
        encoders = try? container.decode([EncoderRecord].self, forKey: .encoders)
    }
}
