import CAttarKernels
import Testing

extension KernelTests {
    @Suite struct Checksums {
        /// Bit by bit, as the polynomial says.
        static func plain(_ bytes: ArraySlice<UInt8>) -> UInt32 {
            var crc = UInt32.max
            for byte in bytes {
                crc ^= UInt32(byte)
                for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            }
            return ~crc
        }

        @Test(arguments: Level.all)
        func theCheckValueOfTheStandardIsMet(level: Level) {
            level.run { #expect(attar_crc32c(0, Array("123456789".utf8), 9) == 0xE306_9283) }
        }

        @Test(arguments: Level.all)
        func anyLengthAndOffsetIsThatOfThePlainLoop(level: Level) {
            let bytes = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
            level.run {
                bytes.withUnsafeBytes { raw in
                    for first in [0, 1, 3, 8] {
                        for last in [first, first + 1, first + 7, first + 8, first + 23, 200] {
                            let part = UnsafeRawBufferPointer(rebasing: raw[first..<last])
                            #expect(attar_crc32c(0, part.baseAddress, part.count) == Self.plain(bytes[first..<last]))
                        }
                    }
                }
            }
        }

        @Test(arguments: Level.all)
        func aChecksumContinues(level: Level) {
            let bytes = (0..<100).map { UInt8($0) }
            level.run {
                let whole = attar_crc32c(0, bytes, 100)
                for cut in [0, 1, 50, 99, 100] {
                    let first = attar_crc32c(0, bytes, cut)
                    #expect(attar_crc32c(first, Array(bytes[cut...]), 100 - cut) == whole)
                }
            }
        }
    }
}
