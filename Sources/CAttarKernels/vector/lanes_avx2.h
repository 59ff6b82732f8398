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

/// table[index] in each lane.
INLINE vf v_gather(const float *table, vu indices) {
    vf v = 0;
    for (int i = 0; i < LANES; i++) v[i] = table[indices[i]];
    return v;
}

/// Bit i is the sign of lane i.
INLINE uint32_t v_mask(vi v) { return (uint32_t)_mm256_movemask_ps((__m256)v); }

#define v_times_power_of_2 v_times_power_of_2_in_halves

/// Adds products of I8_STEP bytes to the lanes: bytes widen to 16 bits, neighbouring products are added exactly.
enum { I8_STEP = 16, I8_OFFSET = 0, I8_SQUARES_STEP = 16 };

INLINE vi v_dot_step_i8(vi sums, const int8_t *a, const int8_t *b) {
    const __m256i wide_a = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)a));
    const __m256i wide_b = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)b));
    return sums + (vi)_mm256_madd_epi16(wide_a, wide_b);
}

/// Adds squared differences of I8_SQUARES_STEP bytes to the lanes.
INLINE vi v_squares_step_i8(vi sums, const int8_t *a, const int8_t *b) {
    const __m256i wide_a = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)a));
    const __m256i difference = _mm256_sub_epi16(wide_a, _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)b)));
    return sums + (vi)_mm256_madd_epi16(difference, difference);
}

/// In each 16 bytes, the bytes of the table at the indices, which are 0…15.
INLINE vbytes v_look_up(vbytes table, vbytes indices) {
    return (vbytes)_mm256_shuffle_epi8((__m256i)table, (__m256i)indices);
}

/// sums + a₀ b₀ + … + a₃ b₃, where each lane holds four bytes, unsigned in a, signed in b: even and odd bytes apart, as
/// exact 16-bit products.
INLINE vi v_add_quads_i8(vi sums, vi a, vi b) {
    const __m256i even_bytes = _mm256_set1_epi16(0xFF), x = (__m256i)a, y = (__m256i)b;
    const __m256i even =
        _mm256_madd_epi16(_mm256_and_si256(x, even_bytes), _mm256_srai_epi16(_mm256_slli_epi16(y, 8), 8));
    const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(x, 8), _mm256_srai_epi16(y, 8));
    return sums + (vi)even + (vi)odd;
}

#include "crc_sse42.h"
