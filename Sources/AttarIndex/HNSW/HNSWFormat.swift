/// The layout of a graph file, kind "hnsw": version 1 with int8 codes, version 2 with signs.
///
/// A place is a vector's number on a level, from 0; on level 0 it is the vector's ordinal. Whoever stands on a level
/// stands on all levels below, and places of a level ascend with ordinals. Sections, of which those of the upper levels
/// 1, 2 … bear the level's number:
///
///     codes       i8 [count][stride]: vectors rounded to 127 steps each way; stride is the dimension rounded up to 64
///     scales      f32 [count]: what one step is
///
///     codes       version 2: u8 [count][stride]: bit i % 8 of byte i / 8 is 1 for a number i above zero; stride is the
///                 dimension / 8 rounded up to 8, bits behind the dimension are 0; there are no scales
///
///     links.0     u32 [count][2 · links]: places on level 0, then `noPlace`
///     ordinals.1  u32 [places]: which vector stands at a place
///     below.1     u32 [places]: its place on the level below
///     links.1     u32 [places][links]: places on this level, then `noPlace`
///     header      JSON `HNSWHeader`
///
/// A search begins at place 0 of the highest level.
enum HNSWFormat {
    static let kind = "hnsw"
    static let newestVersion = 2
    /// Fills rows of links up.
    static let noPlace = UInt32.max
    /// A search marks with one bit of a place's key whether it was there.
    static let maximumCount = Int(Int32.max)
    /// 2³¹ vectors with the fewest links have about so many levels.
    static let maximumLevels = 31

    static func version(of codes: HNSWCodes) -> Int { codes == .int8 ? 1 : 2 }

    /// The bytes of a code.
    static func stride(dimension: Int, _ codes: HNSWCodes = .int8) -> Int {
        (dimension + 63) / 64 * (codes == .int8 ? 64 : 8)
    }
}

/// What the file says of itself.
struct HNSWHeader: Codable, IndexHeader {
    var count: Int
    var dimension: Int
    var fingerprint: String
    var parameters: HNSWParameters
    /// Places on the levels 1, 2 …
    var upperPlaces: [Int]
    /// Nil in files of before there was a choice, where it is int8.
    var codes: HNSWCodes?

    var isPlausible: Bool {
        (0..<HNSWFormat.maximumCount).contains(count) && (1...65536).contains(dimension) && parameters.areValid
            && upperPlaces.count < HNSWFormat.maximumLevels
            && zip([count] + upperPlaces, upperPlaces).allSatisfy { $0 >= $1 && $1 > 0 }
    }
}
