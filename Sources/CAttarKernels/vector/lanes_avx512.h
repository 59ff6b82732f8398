/// 16 lanes: what needs AVX-512 instructions by name.
#define LANES 16
#include "lane_types.h"

/// A tile of C in registers: 8 rows of 3 vectors are 24 sums; 3 vectors of B and one element of A make 28 of 32.
enum { TILE_ROWS = 8, TILE_VECTORS = 3 };

INLINE __mmask16 first_lanes(size_t count) { return (__mmask16)((1u << count) - 1); }

INLINE vf v_load_first(const float *p, size_t count) { return (vf)_mm512_maskz_loadu_ps(first_lanes(count), p); }

INLINE void v_store_first(float *p, vf v, size_t count) {
    _mm512_mask_storeu_ps(p, first_lanes(count), (__m512)v);
}

/// Bit i is the sign of lane i.
INLINE uint32_t v_mask(vi v) { return _mm512_movepi32_mask((__m512i)v); }

/// x · 2^exponent for whole exponents.
INLINE vf v_times_power_of_2(vf x, vf exponent) { return (vf)_mm512_scalef_ps((__m512)x, (__m512)exponent); }

/// Adds products of I8_STEP bytes to the lanes: bytes widen to 16 bits, neighbouring products are added exactly.
enum { I8_STEP = 32 };

INLINE vi v_dot_step_i8(vi sums, const int8_t *a, const int8_t *b) {
    const __m512i wide_a = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)a));
    const __m512i wide_b = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)b));
    return sums + (vi)_mm512_madd_epi16(wide_a, wide_b);
}

#include "crc_sse42.h"
