/// x86 with AVX-512 F, BW, VL and DQ: vectors of 16 floats, 32 registers.
#include "../kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>

#pragma clang attribute push(                                                                  \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,sse4.2,popcnt"))), \
    apply_to = function)

#include "../vector/lanes_avx512.h"
#include "../vector/families.h"

#pragma clang attribute pop

#define LEVEL ATTAR_CPU_AVX512
#define LEVEL_TABLE attar_kernels_avx512
#include "table.h"

#endif
