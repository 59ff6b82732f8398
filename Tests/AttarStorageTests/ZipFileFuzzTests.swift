import AttarStorage
import AttarTestSupport
import Foundation
import Testing

/// Zip files that are not what they should be. `ATTAR_FUZZ_MINUTES=10 swift test … --filter ZipFileFuzzTests` goes on
/// for 10 minutes, and watches the address space, which other tests would disturb.
@Suite struct ZipFileFuzzTests {
    /// As `zipfile` of Python 3.13 wrote it: a stored, a deflated and an empty member, and a comment.
    private static let archive = """
        UEsDBBQAAAAAAPGgel24e3dKcgAAAHIAAAAKAAAAc3RvcmVkLnR4dFBldGFscyBhbmQgd2F0ZXIsIHN0b3JlZCBhcyB0aGV5IGFyZS4KUGV0YWxz
        IGFuZCB3YXRlciwgc3RvcmVkIGFzIHRoZXkgYXJlLgpQZXRhbHMgYW5kIHdhdGVyLCBzdG9yZWQgYXMgdGhleSBhcmUuClBLAwQUAAAACADxoHpd
        cCfV7yEBAAB9BgAADAAAAGRlZmxhdGVkLnR4dHXUS04DMRBF0Tmr6AUwiOvjz3IYJBJSiyCa/QuY3VfCs0hPLrtOVed8/7gft+P5OL6e1/16/f39
        ef9+O6+X8y9pSJokhiQkcSRLkmC1LlEispSoI3I9NfgIvWsi6vrAhWhqV40UrhEtTCs20Ria0WOYZhQpEUW8vJIkvZyjyVLJRhQv7VFl6BYYVZre
        Z2RJrWlkWTo6I0sop5Fllb2jS5T76LJKTbpk6Y8uUyOydOV0sphO3ckytaaTJcvHQxZTaifL1HV3snQlc/mCSg9kaeWcsOj4XFw0C7qE9h50ce0v
        6NLKObqU62RbdCOCLFNbD7KM8k9FllHOkWWU+9Y+y9u+Zrb9W9L2PaTve8/YkmXupbPvJ5RjP9mc+43I9e8m/QBQSwMEFAAACAgA8aB6XQAAAAAC
        AAAAAAAAAAwAAADDqS9lbXB0eS5iaW4DAFBLAQIUAxQAAAAAAPGgel24e3dKcgAAAHIAAAAKAAAAAAAAAAAAAACAAQAAAABzdG9yZWQudHh0UEsB
        AhQDFAAAAAgA8aB6XXAn1e8hAQAAfQYAAAwAAAAAAAAAAAAAAIABmgAAAGRlZmxhdGVkLnR4dFBLAQIUAxQAAAgIAPGgel0AAAAAAgAAAAAAAAAM
        AAAAAAAAAAAAAACAAeUBAADDqS9lbXB0eS5iaW5QSwUGAAAAAAMAAwCsAAAAEQIAAAkAYSBjb21tZW50
        """

    @Test func damagedArchivesNeverCrash() throws {
        let folder = try TemporaryFolder()
        let whole = Array(try #require(Data(base64Encoded: Self.archive, options: .ignoreUnknownCharacters)))
        let sound = try ZipFile(path: folder.write(whole, to: "sound.zip"))
        #expect(sound.names == ["deflated.txt", "stored.txt", "é/empty.bin"])
        let contents = try sound.names.map { try sound.read($0) }
        #expect(contents.map { $0?.count } == [1661, 114, 0])
        let outcome = FuzzBudget.outcome(of: "zip", rounds: 5000) { seed in
            try folder.write(Self.damaged(whole, seed: seed), to: "damaged.zip")
        } use: { path in
            let archive = try ZipFile(path: path)
            // A member that was altered is told from its checksum: what comes out was put in.
            for name in archive.names { #expect(contents.contains(try archive.read(name))) }
        } isRefusal: {
            ($0 as? StorageError)?.description.contains(folder.path) == true
        }
        #expect(outcome.otherErrors == [])
        #expect(outcome.used > 100 && outcome.refused > 1000)
        #expect(outcome.growth ?? 0 < 16 << 20)
    }

    /// Half of the damages hit the directory, where the numbers stand that are believed.
    private static func damaged(_ whole: [UInt8], seed: UInt64) -> [UInt8] {
        var mutator = ByteMutator(seed: seed)
        guard seed % 2 == 0, let directory = whole.firstRange(of: [0x50, 0x4B, 0x01, 0x02])?.lowerBound else {
            return mutator.damaged(whole)
        }
        return Array(whole[..<directory]) + mutator.damaged(Array(whole[directory...]))
    }
}
