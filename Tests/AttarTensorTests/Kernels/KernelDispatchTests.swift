import CAttarKernels
import Testing

extension KernelTests {
    @Suite struct Dispatch {
        @Test func everyProcessorRunsTheScalarLevel() {
            #expect(attar_cpu_supports(ATTAR_CPU_SCALAR))
            #expect(attar_cpu_supports(attar_cpu_current()))
        }

        @Test func levelsHaveNames() {
            let levels = [ATTAR_CPU_SCALAR, ATTAR_CPU_NEON, ATTAR_CPU_AVX2, ATTAR_CPU_AVX512, ATTAR_CPU_AVX512_BF16]
            #expect(levels.map { String(cString: attar_cpu_name($0)) } == ["scalar", "neon", "avx2", "avx512", "avx512bf16"])
        }

        @Test func aLevelBeyondTheProcessorIsRefusedAndChangesNothing() {
            let before = attar_cpu_current()
            for level in [ATTAR_CPU_NEON, ATTAR_CPU_AVX2, ATTAR_CPU_AVX512, ATTAR_CPU_AVX512_BF16]
            where !attar_cpu_supports(level) {
                #expect(!attar_cpu_force(level))
                #expect(!attar_cpu_force_thread(level))
            }
            #expect(attar_cpu_current() == before)
        }

        @Test(arguments: Level.all)
        func aForcedLevelIsInUseUntilReleased(level: Level) {
            let before = attar_cpu_current()
            level.run { #expect(attar_cpu_current() == level.cpuLevel) }
            #expect(attar_cpu_current() == before)
        }
    }
}
