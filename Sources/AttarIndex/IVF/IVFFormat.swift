import CAttarKernels

/// The layout of an inverted file of codes, kind "ivf", version 1.
///
/// Sections:
///
///     centroids  f32 [lists][dimension]: of rotated vectors, where there is a rotation
///     rotation   f32 [dimension][dimension]: a rotated vector is rotation · x; only with `rotates`
///     codebooks  f32 [subspaces][codewords][dimension / subspaces]
///     offsets    u64 [lists + 1]: list l has the entries from offsets[l] to before offsets[l + 1]
///     ordinals   u32 [count]: which vector an entry is, ascending within a list
///     codes      u8: with 256 codewords [count][subspaces]; with 16, of each list the blocks of
///                `attar_pack_scan_codes`, 32 entries a block, each list's last one filled up
///     header     JSON `IVFHeader`
enum IVFFormat {
    static let kind = "ivf"
    static let version = 1

    /// The bytes of a list's codes.
    static func codeBytes(entries: Int, _ parameters: IVFParameters) -> Int {
        parameters.codewords == 16
            ? attar_scan_codes_size(entries, parameters.subspaces) : entries * parameters.subspaces
    }
}

/// What the file says of itself.
struct IVFHeader: Codable, IndexHeader {
    var count: Int
    var dimension: Int
    var fingerprint: String
    var parameters: IVFParameters

    var isPlausible: Bool {
        (0..<Int(UInt32.max)).contains(count) && (1...65536).contains(dimension)
            && parameters.problem(dimension: dimension) == nil
    }
}
