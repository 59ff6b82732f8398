/// 4 lanes: what needs NEON instructions by name.
#define LANES 4
#include "lane_types.h"

/// A tile of C in registers: 6 rows of 4 vectors are 24 sums; 4 vectors of B and the elements of A fit the other 8.
enum { TILE_ROWS = 6, TILE_VECTORS = 4 };

INLINE vf v_load_first(const float *p, size_t count) {
    vf v = 0;
    if (count > 0) v.x = p[0];
    if (count > 1) v.y = p[1];
    if (count > 2) v.z = p[2];
    if (count > 3) v.w = p[3];
    return v;
}

INLINE void v_store_first(float *p, vf v, size_t count) {
    if (count > 0) p[0] = v.x;
    if (count > 1) p[1] = v.y;
    if (count > 2) p[2] = v.z;
    if (count > 3) p[3] = v.w;
}

/// table[index] in each lane.
INLINE vf v_gather(const float *table, vu indices) {
    vf v = 0;
    for (int i = 0; i < LANES; i++) v[i] = table[indices[i]];
    return v;
}

/// Bit i is the sign of lane i.
INLINE uint32_t v_mask(vi v) {
    const uint32x4_t bit = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32((uint32x4_t)(v >> 31), bit));
}

#define v_times_power_of_2 v_times_power_of_2_in_halves

/// Adds products of I8_STEP bytes to the lanes: 16-bit products, neighbours added exactly.
enum { I8_STEP = 16, I8_OFFSET = 0, I8_SQUARES_STEP = 16 };

INLINE vi v_dot_step_i8(vi sums, const int8_t *a, const int8_t *b) {
    const int8x16_t x = vld1q_s8(a), y = vld1q_s8(b);
    int32x4_t total = vpadalq_s16((int32x4_t)sums, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
    total = vpadalq_s16(total, vmull_high_s8(x, y));
    return (vi)total;
}

/// Adds squared differences of I8_SQUARES_STEP bytes to the lanes.
INLINE vi v_squares_step_i8(vi sums, const int8_t *a, const int8_t *b) {
    const uint8x16_t difference = vreinterpretq_u8_s8(vabdq_s8(vld1q_s8(a), vld1q_s8(b)));
    const uint16x8_t low = vmull_u8(vget_low_u8(difference), vget_low_u8(difference));
    return (vi)vpadalq_u16(vpadalq_u16((uint32x4_t)sums, low), vmull_high_u8(difference, difference));
}

/// In each 16 bytes, the bytes of the table at the indices, which are 0…15.
INLINE vbytes v_look_up(vbytes table, vbytes indices) {
    return (vbytes)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)indices);
}

/// sums + a₀ b₀ + … + a₃ b₃, where each lane holds four bytes, unsigned in a, signed in b: exact 16-bit factors.
INLINE vi v_add_quads_i8(vi sums, vi a, vi b) {
    const uint8x16_t x = (uint8x16_t)a;
    const int8x16_t y = (int8x16_t)b;
    const int16x8_t x_low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(x))), y_low = vmovl_s8(vget_low_s8(y));
    const int16x8_t x_high = vreinterpretq_s16_u16(vmovl_high_u8(x)), y_high = vmovl_high_s8(y);
    const int32x4_t low = vpaddq_s32(vmull_s16(vget_low_s16(x_low), vget_low_s16(y_low)), vmull_high_s16(x_low, y_low));
    const int32x4_t high =
        vpaddq_s32(vmull_s16(vget_low_s16(x_high), vget_low_s16(y_high)), vmull_high_s16(x_high, y_high));
    return sums + (vi)vpaddq_s32(low, high);
}

#include "crc_arm.h"
