/// x86 with AVX2, FMA, F16C and POPCNT: vectors of 8 floats, 16 registers.
#include "../kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,sse4.2,popcnt"))), apply_to = function)

#include "../vector/lanes_avx2.h"
#include "../vector/families.h"

#pragma clang attribute pop

#define LEVEL ATTAR_CPU_AVX2
#define LEVEL_TABLE attar_kernels_avx2
#include "table.h"

#endif
