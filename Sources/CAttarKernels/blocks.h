/// What numbers do these quantised blocks stand for? The formats are those of ggml (ggml-common.h; the loops follow
/// dequantize_row_… in ggml-quants.c, MIT licence).
///
/// In all of them a number is scale · (code − zero), or scale · code + minimum, with a scale (and minimum) for each
/// group of 16 or 32 numbers. So a block is unpacked into codes, scales and minimums, and the rest is the same for all:
/// their numbers, and their repacking for products. Plain loops without branches that the compiler turns into vectors
/// at each level. Products and sums of numbers are never fused: all levels give the bits of ggml's plain C.
#include "block_shapes.h"

/// A block's codes, and the scale and minimum of each of its groups.
struct unpacked_block {
    uint8_t codes[SUPER_BLOCK];
    float scales[SUPER_BLOCK / 16];
    float minimums[SUPER_BLOCK / 16];
};

/// The half-precision number at any address, little endian.
static float half_at(const uint8_t *bytes) { return float_of_half((uint16_t)(bytes[0] | bytes[1] << 8)); }

static uint32_t word_at(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

// ------------------------------------------------------------------------------------------------- blocks of 32 numbers

/// 32 signed codes of 8 bits, made unsigned.
static void unpack_bytes(const uint8_t *bytes, uint8_t *codes) {
    for (int i = 0; i < BLOCK; i++) codes[i] = bytes[i] ^ 0x80;
}

/// 16 bytes: the low halves are numbers 0…15, the high halves 16…31.
static void unpack_halves(const uint8_t *bytes, uint8_t *codes) {
    for (int i = 0; i < BLOCK / 2; i++) {
        codes[i] = bytes[i] & 0xF;
        codes[i + BLOCK / 2] = bytes[i] >> 4;
    }
}

/// The same, with a fifth bit for each number.
static void unpack_fifths(uint32_t fifths, const uint8_t *bytes, uint8_t *codes) {
    unpack_halves(bytes, codes);
    for (int i = 0; i < BLOCK; i++) codes[i] |= (uint8_t)((fifths >> i & 1) << 4);
}

// ------------------------------------------------------------------------------------------ super-blocks of 256 numbers

/// One of the eight pairs of 6-bit scale and minimum that Q4_K and Q5_K pack into 12 bytes.
static void packed_pair(const uint8_t *packed, int i, int *scale, int *minimum) {
    if (i < 4) {
        *scale = packed[i] & 63;
        *minimum = packed[i + 4] & 63;
    } else {
        *scale = (packed[i + 4] & 0xF) | packed[i - 4] >> 6 << 4;
        *minimum = packed[i + 4] >> 4 | packed[i] >> 6 << 4;
    }
}

/// Scale, scale of the minima (halves), 12 bytes of pairs: a group's scale is scale · group's scale, its minimum
/// −(minimum · group's minimum).
static void unpack_pairs(const uint8_t *block, struct unpacked_block *unpacked) {
    const float scale = half_at(block), minimum = half_at(block + 2);
    for (int group = 0; group < 8; group++) {
        int group_scale, group_minimum;
        packed_pair(block + 4, group, &group_scale, &group_minimum);
        unpacked->scales[group] = scale * (float)group_scale;
        unpacked->minimums[group] = -(minimum * (float)group_minimum);
    }
}

/// 128 bytes: each 32 of them hold two groups of 32 numbers, in their low and their high halves.
static void unpack_pairs_of_groups(const uint8_t *bytes, uint8_t *codes) {
    for (int group = 0; group < 8; group++) {
        const uint8_t *from = bytes + group / 2 * 32;
        const int shift = group % 2 * 4;
        for (int i = 0; i < 32; i++) codes[group * 32 + i] = from[i] >> shift & 0xF;
    }
}

/// 32 bytes of fifth bits: bit g of byte i belongs to number i of group g.
static void add_fifths_of_groups(const uint8_t *fifths, uint8_t *codes) {
    for (int group = 0; group < 8; group++) {
        for (int i = 0; i < 32; i++) codes[group * 32 + i] |= (uint8_t)((fifths[i] >> group & 1) << 4);
    }
}

/// 128 bytes of low halves, 64 bytes of upper pairs of bits, 16 scales (8 bits), scale (half). Each half of the block
/// has four groups of 32 numbers; two scales belong to a group of 32.
static void unpack_q6_k(const uint8_t *block, struct unpacked_block *unpacked) {
    const float scale = half_at(block + 208);
    for (int i = 0; i < 16; i++) unpacked->scales[i] = scale * (float)((const int8_t *)block)[192 + i];
    for (int group = 0; group < 8; group++) {
        const int half = group / 4, part = group % 4;
        const uint8_t *low = block + half * 64 + part % 2 * 32, *high = block + 128 + half * 32;
        const int low_shift = part / 2 * 4, high_shift = part * 2;
        for (int i = 0; i < 32; i++) {
            unpacked->codes[group * 32 + i] =
                (uint8_t)((low[i] >> low_shift & 0xF) | (high[i] >> high_shift & 3) << 4);
        }
    }
}

// ----------------------------------------------------------------------------------------------------------- any format

/// Half-precision scale, and minimum where the format has one, before anything else in a block of 32.
static void unpack_scale(const uint8_t *block, bool has_minimum, struct unpacked_block *unpacked) {
    unpacked->scales[0] = half_at(block);
    if (has_minimum) unpacked->minimums[0] = half_at(block + 2);
}

static void unpack_block(attar_block_format format, const uint8_t *block, struct unpacked_block *unpacked) {
    uint8_t *codes = unpacked->codes;
    switch (format) {
    case ATTAR_BLOCKS_Q4_0: unpack_scale(block, false, unpacked), unpack_halves(block + 2, codes); break;
    case ATTAR_BLOCKS_Q4_1: unpack_scale(block, true, unpacked), unpack_halves(block + 4, codes); break;
    case ATTAR_BLOCKS_Q5_0:
        unpack_scale(block, false, unpacked), unpack_fifths(word_at(block + 2), block + 6, codes);
        break;
    case ATTAR_BLOCKS_Q5_1:
        unpack_scale(block, true, unpacked), unpack_fifths(word_at(block + 4), block + 8, codes);
        break;
    case ATTAR_BLOCKS_Q8_0: unpack_scale(block, false, unpacked), unpack_bytes(block + 2, codes); break;
    case ATTAR_BLOCKS_Q4_K: unpack_pairs(block, unpacked), unpack_pairs_of_groups(block + 16, codes); break;
    case ATTAR_BLOCKS_Q5_K:
        unpack_pairs(block, unpacked), unpack_pairs_of_groups(block + 48, codes);
        add_fifths_of_groups(block + 16, codes);
        break;
    case ATTAR_BLOCKS_Q6_K: unpack_q6_k(block, unpacked); break;
    }
}

static void dequantize_group(const uint8_t *codes, size_t count, int zero, float scale, float minimum, float *y) {
#pragma clang fp contract(off)
    for (size_t i = 0; i < count; i++) y[i] = (float)(codes[i] - zero) * scale + minimum;
}

static void dequantize_blocks(attar_block_format format, const void *blocks, size_t count, float *y) {
    const struct block_shape shape = block_shape_of(format);
    struct unpacked_block unpacked;
    const uint8_t *next = blocks;
    for (size_t i = 0; i < count; i++, next += shape.bytes) {
        unpack_block(format, next, &unpacked);
        for (size_t first = 0; first < shape.numbers; first += shape.group, y += shape.group) {
            const size_t group = first / shape.group;
            // Adding −0 changes no number, not even 0 or −0.
            const float minimum = shape.has_minimums ? unpacked.minimums[group] : -0.0f;
            dequantize_group(unpacked.codes + first, shape.group, shape.zero, unpacked.scales[group], minimum, y);
        }
    }
}

// --------------------------------------------------------------------------------------------------------- repacking

/// Packed blocks are panels of PANEL_COLUMNS columns. A panel holds one group after the other; a group holds elements
/// of four codes [group / 4][PANEL_COLUMNS], or of eight halves [group / 8][PANEL_COLUMNS], whose upper halves are the
/// codes of the group's second half; then the columns' scales, then their minimums, if any.
static size_t packed_group_bytes(const struct block_shape *shape) { return PANEL_COLUMNS * packed_column_bytes(shape); }

static void pack_group(const struct block_shape *shape, const struct unpacked_block *unpacked, size_t group,
                       size_t column, uint8_t *packed) {
    const uint8_t *codes = unpacked->codes + group * shape->group;
    const size_t elements = shape->group * shape->bits / 32;
    for (size_t i = 0; i < elements; i++) {
        uint32_t word = word_at(codes + 4 * i);
        if (shape->bits == 4) word |= word_at(codes + 4 * (i + elements)) << 4;
        memcpy(packed + (i * PANEL_COLUMNS + column) * sizeof word, &word, sizeof word);
    }
    uint8_t *scales = packed + (elements * PANEL_COLUMNS + column) * sizeof(float);
    memcpy(scales, unpacked->scales + group, sizeof(float));
    if (shape->has_minimums) {
        memcpy(scales + PANEL_COLUMNS * sizeof(float), unpacked->minimums + group, sizeof(float));
    }
}

static void pack_blocks(attar_block_format format, const void *blocks, size_t n, size_t k, void *packed) {
    const struct block_shape shape = block_shape_of(format);
    const size_t row_blocks = k / shape.numbers, groups = shape.numbers / shape.group;
    const size_t group_bytes = packed_group_bytes(&shape);
    uint8_t *panel = packed;
    for (size_t first = 0; first < n; first += PANEL_COLUMNS) {
        for (size_t column = 0; column < PANEL_COLUMNS; column++) {
            struct unpacked_block unpacked = {0};
            const uint8_t *next = (const uint8_t *)blocks + (first + column) * row_blocks * shape.bytes;
            for (size_t i = 0; i < row_blocks; i++, next += shape.bytes) {
                if (first + column < n) unpack_block(format, next, &unpacked);
                for (size_t group = 0; group < groups; group++) {
                    pack_group(&shape, &unpacked, group, column, panel + (i * groups + group) * group_bytes);
                }
            }
        }
        panel += row_blocks * groups * group_bytes;
    }
}
