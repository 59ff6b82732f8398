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

/// table[index] in each lane.
INLINE vf v_gather(const float *table, vu indices) { return (vf)_mm512_i32gather_ps((__m512i)indices, table, 4); }

/// Bit i is the sign of lane i.
INLINE uint32_t v_mask(vi v) { return _mm512_movepi32_mask((__m512i)v); }

/// x · 2^exponent for whole exponents.
INLINE vf v_times_power_of_2(vf x, vf exponent) { return (vf)_mm512_scalef_ps((__m512)x, (__m512)exponent); }

/// In each 16 bytes, the bytes of the table at the indices, which are 0…15.
INLINE vbytes v_look_up(vbytes table, vbytes indices) {
    return (vbytes)_mm512_shuffle_epi8((__m512i)table, (__m512i)indices);
}

/// 32 bytes as 16-bit numbers.
INLINE __m512i widened_i8(const int8_t *p) { return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)p)); }

#ifdef NATIVE_VNNI
/// Adds products of I8_STEP bytes to the lanes. The instruction wants unsigned bytes on one side: those of b count as
/// b + I8_OFFSET.
enum { I8_STEP = 64, I8_OFFSET = 128, I8_SQUARES_STEP = 32 };

INLINE vi v_dot_bytes(vi sums, __m512i a, __m512i b) {
    return (vi)_mm512_dpbusd_epi32((__m512i)sums, _mm512_xor_si512(b, _mm512_set1_epi8(-128)), a);
}

INLINE vi v_dot_step_i8(vi sums, const int8_t *a, const int8_t *b) {
    return v_dot_bytes(sums, _mm512_loadu_si512(a), _mm512_loadu_si512(b));
}

/// The same for fewer bytes.
#define v_dot_rest_i8 v_dot_rest_i8
INLINE vi v_dot_rest_i8(vi sums, const int8_t *a, const int8_t *b, size_t count) {
    const __mmask64 present = (UINT64_C(1) << count) - 1;
    return v_dot_bytes(sums, _mm512_maskz_loadu_epi8(present, a), _mm512_maskz_loadu_epi8(present, b));
}

/// Adds squared differences of I8_SQUARES_STEP bytes to the lanes.
INLINE vi v_squares_step_i8(vi sums, const int8_t *a, const int8_t *b) {
    const __m512i difference = _mm512_sub_epi16(widened_i8(a), widened_i8(b));
    return (vi)_mm512_dpwssd_epi32((__m512i)sums, difference, difference);
}

/// sums + a₀ b₀ + … + a₃ b₃, where each lane holds four bytes, unsigned in a, signed in b.
INLINE vi v_add_quads_i8(vi sums, vi a, vi b) {
    return (vi)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)a, (__m512i)b);
}
#else
/// Adds products of I8_STEP bytes to the lanes: bytes widen to 16 bits, neighbouring products are added exactly.
enum { I8_STEP = 32, I8_OFFSET = 0, I8_SQUARES_STEP = 32 };

INLINE vi v_dot_step_i8(vi sums, const int8_t *a, const int8_t *b) {
    return sums + (vi)_mm512_madd_epi16(widened_i8(a), widened_i8(b));
}

/// Adds squared differences of I8_SQUARES_STEP bytes to the lanes.
INLINE vi v_squares_step_i8(vi sums, const int8_t *a, const int8_t *b) {
    const __m512i difference = _mm512_sub_epi16(widened_i8(a), widened_i8(b));
    return sums + (vi)_mm512_madd_epi16(difference, difference);
}

/// The same by exact 16-bit products, even and odd bytes apart.
INLINE vi v_add_quads_i8(vi sums, vi a, vi b) {
    const __m512i even_bytes = _mm512_set1_epi16(0xFF), x = (__m512i)a, y = (__m512i)b;
    const __m512i even =
        _mm512_madd_epi16(_mm512_and_si512(x, even_bytes), _mm512_srai_epi16(_mm512_slli_epi16(y, 8), 8));
    const __m512i odd = _mm512_madd_epi16(_mm512_srli_epi16(x, 8), _mm512_srai_epi16(y, 8));
    return sums + (vi)even + (vi)odd;
}
#endif

#ifdef NATIVE_BF16
typedef uint16_t vh __attribute__((ext_vector_type(LANES)));

/// sums + a₀ b₀ + a₁ b₁, where each lane of a and b holds two bfloat16; subnormals count as zero.
INLINE vf v_add_pairs_bf16(vf sums, vi a, vi b) {
    return (vf)_mm512_dpbf16_ps((__m512)sums, (__m512bh)a, (__m512bh)b);
}

/// The nearest bfloat16; subnormals become zero.
INLINE vh v_bf16(vf value) { return (vh)_mm512_cvtneps_pbh((__m512)value); }
#endif

#include "crc_sse42.h"
