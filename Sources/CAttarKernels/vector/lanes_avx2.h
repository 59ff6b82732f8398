/// 8 lanes: what needs AVX2 instructions by name.
#define LANES 8
#include "lane_types.h"

/// A tile of C in registers: 6 rows of 2 vectors are 12 sums; 2 vectors of B and one element of A make 15 of 16.
enum { TILE_ROWS = 6, TILE_VECTORS = 2 };

/// All ones in the first `count` lanes.
INLINE __m256i first_lanes(size_t count) {
    static const int32_t ones_then_zeros[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(ones_then_zeros + LANES - count));
}

INLINE vf v_load_first(const float *p, size_t count) { return (vf)_mm256_maskload_ps(p, first_lanes(count)); }

INLINE void v_store_first(float *p, vf v, size_t count) { _mm256_maskstore_ps(p, first_lanes(count), (__m256)v); }

/// Bit i is the sign of lane i.
INLINE uint32_t v_mask(vi v) { return (uint32_t)_mm256_movemask_ps((__m256)v); }

#define v_times_power_of_2 v_times_power_of_2_in_halves

/// Adds products of I8_STEP bytes to the lanes: bytes widen to 16 bits, neighbouring products are added exactly.
enum { I8_STEP = 16 };

INLINE vi v_dot_step_i8(vi sums, const int8_t *a, const int8_t *b) {
    const __m256i wide_a = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)a));
    const __m256i wide_b = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)b));
    return sums + (vi)_mm256_madd_epi16(wide_a, wide_b);
}

#include "crc_sse42.h"
