/// x86 with AVX-512 F, BW, VL, DQ, BF16, VNNI and VPOPCNTDQ: the vectors of AVX-512, with products of bfloat16 and of
/// bytes, and counts of bits.
#include "../kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>

#pragma clang attribute push(                                                                                         \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vnni,avx512vpopcntdq,avx2,fma,f16c,"    \
                          "sse4.2,popcnt"))),                                                                          \
    apply_to = function)

#define NATIVE_BF16
#define NATIVE_VNNI
#include "../vector/lanes_avx512.h"
#include "../vector/families.h"

#pragma clang attribute pop

#define LEVEL ATTAR_CPU_AVX512_BF16
#define LEVEL_TABLE attar_kernels_avx512_bf16
#include "table.h"

#endif
