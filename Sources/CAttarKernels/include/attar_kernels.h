/// How do numbers run fast on this processor?
///
/// Every function here is dispatched once, at load time, to the fastest variant that the processor can run; the
/// environment variable ATTAR_CPU (scalar, neon, avx2, avx512, avx512bf16) forces a lower one, so that every level can
/// be tested on one machine. Each kernel has a plain scalar twin, which is the level `scalar`.
///
/// Conventions: matrices are row-major; `ld…` / `…_stride` count elements between rows; "adds" means `+=`; sizes may be
/// zero; pointers need no alignment; no function allocates unless it says so; none may alias input and output unless it
/// says so. All are thread-safe for disjoint outputs.
///
/// This file holds what concerns all kernels; attar_networks.h and attar_search.h hold the kernels.
#ifndef ATTAR_KERNELS_H
#define ATTAR_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attar_networks.h"
#include "attar_search.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------------- dispatch (dispatch.c)

typedef enum {
    ATTAR_CPU_SCALAR = 0,
    ATTAR_CPU_NEON = 1,
    ATTAR_CPU_AVX2 = 2,    // AVX2, FMA, F16C, POPCNT
    ATTAR_CPU_AVX512 = 3,  // AVX-512 F, BW, VL, DQ
    ATTAR_CPU_AVX512_BF16 = 4,  // and BF16, VNNI, VPOPCNTDQ
} attar_cpu_level;

/// The level in use.
attar_cpu_level attar_cpu_current(void);
/// Its name: "scalar", "neon", "avx2", "avx512", "avx512bf16".
const char *attar_cpu_name(attar_cpu_level level);
/// Whether this processor can run the level.
bool attar_cpu_supports(attar_cpu_level level);
/// Switches every kernel to the level; false, and no change, when the processor cannot run it. For tests only: not safe
/// while another thread is inside a kernel. Packed matrices made at another level must not be used afterwards.
bool attar_cpu_force(attar_cpu_level level);
/// The same for the calling thread alone, until `attar_cpu_release_thread`: safe while other threads, such as other
/// tests, use kernels. Matrices packed meanwhile must be used on this thread and before the release.
bool attar_cpu_force_thread(attar_cpu_level level);
void attar_cpu_release_thread(void);

// ------------------------------------------------------------------------------------------- checksums (checksum.c)

/// CRC-32C (Castagnoli, reflected, polynomial 0x1EDC6F41) of the bytes, continuing from `crc` (0 at the start).
uint32_t attar_crc32c(uint32_t crc, const void *bytes, size_t count);

// ----------------------------------------------------------------------------------------------------------- threads

/// Asks for the 64 bytes around an address, which will be read soon; any address will do.
static inline void attar_prefetch(const void *address) { __builtin_prefetch(address); }

/// Tells the processor that the thread looks out for something in a loop: some ten nanoseconds of rest.
static inline void attar_spin_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// ------------------------------------------------------------------------------------------------ measuring (peak.c)

/// Runs rounds of independent fused multiply-adds that never leave the registers, and returns how many floating-point
/// operations that were (two each): divided by the time it took, what a core can give at most. `sink` receives a value,
/// so that the work cannot be left out.
uint64_t attar_peak_f32(size_t rounds, float *sink);
/// The processors that the calling thread may run on, ascending, at most `capacity`; returns how many. Zero where the
/// system does not tell (processors.c).
size_t attar_processors_allowed(int *processors, size_t capacity);
/// Binds a thread (0: the calling one) to processors; false when the system cannot, or there is no such thread. What
/// the thread starts afterwards, threads and processes, is bound alike.
bool attar_bind_thread(int thread, const int *processors, size_t count);

#ifdef __cplusplus
}
#endif
#endif
