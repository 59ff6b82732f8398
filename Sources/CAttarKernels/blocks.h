/// What numbers do these quantised blocks stand for? The formats are those of ggml (ggml-common.h; the loops follow
/// dequantize_row_… in ggml-quants.c, MIT licence).
///
/// Written once, in plain loops without branches that the compiler turns into vectors at each level. Products and sums
/// are never fused: all levels give the bits of ggml's plain C.

enum { BLOCK = 32, SUPER_BLOCK = 256 };

/// The half-precision number at any address, little endian.
static float half_at(const uint8_t *bytes) { return float_of_half((uint16_t)(bytes[0] | bytes[1] << 8)); }

static uint32_t word_at(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

// ------------------------------------------------------------------------------------------------- blocks of 32 numbers

/// scale (half), 32 codes of 8 bits: y = scale · code.
static void dequantize_q8_0(const uint8_t *block, float *y) {
    const float scale = half_at(block);
    const int8_t *codes = (const int8_t *)block + 2;
    for (int i = 0; i < BLOCK; i++) y[i] = (float)codes[i] * scale;
}

/// scale (half), 16 bytes: the low halves are numbers 0…15, the high halves 16…31. y = scale · (code − 8).
static void dequantize_q4_0(const uint8_t *block, float *y) {
    const float scale = half_at(block);
    const uint8_t *codes = block + 2;
    for (int i = 0; i < BLOCK / 2; i++) {
        y[i] = (float)((codes[i] & 0xF) - 8) * scale;
        y[i + BLOCK / 2] = (float)((codes[i] >> 4) - 8) * scale;
    }
}

/// scale, minimum (halves), 16 bytes as above: y = scale · code + minimum.
static void dequantize_q4_1(const uint8_t *block, float *y) {
#pragma clang fp contract(off)
    const float scale = half_at(block), minimum = half_at(block + 2);
    const uint8_t *codes = block + 4;
    for (int i = 0; i < BLOCK / 2; i++) {
        y[i] = (float)(codes[i] & 0xF) * scale + minimum;
        y[i + BLOCK / 2] = (float)(codes[i] >> 4) * scale + minimum;
    }
}

/// The i-th fifth bit, at the fifth place.
static int fifth_bit(uint32_t bits, int i) { return (int)(bits >> i & 1) << 4; }

/// scale (half), 32 fifth bits, 16 bytes as in Q4_0: y = scale · (code − 16).
static void dequantize_q5_0(const uint8_t *block, float *y) {
    const float scale = half_at(block);
    const uint32_t fifths = word_at(block + 2);
    const uint8_t *codes = block + 6;
    for (int i = 0; i < BLOCK / 2; i++) {
        y[i] = (float)(((codes[i] & 0xF) | fifth_bit(fifths, i)) - 16) * scale;
        y[i + BLOCK / 2] = (float)((codes[i] >> 4 | fifth_bit(fifths, i + BLOCK / 2)) - 16) * scale;
    }
}

/// scale, minimum (halves), 32 fifth bits, 16 bytes as in Q4_0: y = scale · code + minimum.
static void dequantize_q5_1(const uint8_t *block, float *y) {
#pragma clang fp contract(off)
    const float scale = half_at(block), minimum = half_at(block + 2);
    const uint32_t fifths = word_at(block + 4);
    const uint8_t *codes = block + 8;
    for (int i = 0; i < BLOCK / 2; i++) {
        y[i] = (float)((codes[i] & 0xF) | fifth_bit(fifths, i)) * scale + minimum;
        y[i + BLOCK / 2] = (float)(codes[i] >> 4 | fifth_bit(fifths, i + BLOCK / 2)) * scale + minimum;
    }
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

/// Scale, scale of the minima (halves), 12 bytes of pairs, 128 bytes: each 32 bytes hold two groups of 32 numbers, in
/// their low and their high halves. y = (scale · group's scale) · code − (minimum · group's minimum).
static void dequantize_q4_k(const uint8_t *block, float *y) {
#pragma clang fp contract(off)
    const float scale = half_at(block), minimum = half_at(block + 2);
    for (int group = 0; group < 8; group++) {
        int group_scale, group_minimum;
        packed_pair(block + 4, group, &group_scale, &group_minimum);
        const float factor = scale * (float)group_scale, offset = minimum * (float)group_minimum;
        const uint8_t *codes = block + 16 + group / 2 * 32;
        const int shift = group % 2 * 4;
        for (int i = 0; i < 32; i++) y[group * 32 + i] = factor * (float)(codes[i] >> shift & 0xF) - offset;
    }
}

/// As Q4_K, with 32 bytes of fifth bits before the codes: bit g of byte i belongs to number i of group g.
static void dequantize_q5_k(const uint8_t *block, float *y) {
#pragma clang fp contract(off)
    const float scale = half_at(block), minimum = half_at(block + 2);
    const uint8_t *fifths = block + 16;
    for (int group = 0; group < 8; group++) {
        int group_scale, group_minimum;
        packed_pair(block + 4, group, &group_scale, &group_minimum);
        const float factor = scale * (float)group_scale, offset = minimum * (float)group_minimum;
        const uint8_t *codes = block + 48 + group / 2 * 32;
        const int shift = group % 2 * 4;
        for (int i = 0; i < 32; i++) {
            const int code = (codes[i] >> shift & 0xF) | (fifths[i] >> group & 1) << 4;
            y[group * 32 + i] = factor * (float)code - offset;
        }
    }
}

/// 128 bytes of low halves, 64 bytes of upper pairs of bits, 16 scales (8 bits), scale (half). Each half of the block has
/// four groups of 32 numbers; two scales belong to a group. y = (scale · group's scale) · (code − 32).
static void dequantize_q6_k(const uint8_t *block, float *y) {
    const float scale = half_at(block + 208);
    for (int group = 0; group < 8; group++) {
        const int half = group / 4, part = group % 4;
        const uint8_t *low = block + half * 64 + part % 2 * 32, *high = block + 128 + half * 32;
        const int8_t *scales = (const int8_t *)block + 192 + group * 2;
        const int low_shift = part / 2 * 4, high_shift = part * 2;
        const float factors[2] = {scale * (float)scales[0], scale * (float)scales[1]};
        for (int i = 0; i < 32; i++) {
            const int code = (low[i] >> low_shift & 0xF) | (high[i] >> high_shift & 3) << 4;
            y[group * 32 + i] = factors[i / 16] * (float)(code - 32);
        }
    }
}

// --------------------------------------------------------------------------------------------------------------- choice

static void dequantize_blocks(attar_block_format format, const void *blocks, size_t count, float *y) {
    const uint8_t *next = blocks;
    for (size_t i = 0; i < count; i++) {
        switch (format) {
        case ATTAR_BLOCKS_Q4_0: dequantize_q4_0(next, y), next += 18, y += BLOCK; break;
        case ATTAR_BLOCKS_Q4_1: dequantize_q4_1(next, y), next += 20, y += BLOCK; break;
        case ATTAR_BLOCKS_Q5_0: dequantize_q5_0(next, y), next += 22, y += BLOCK; break;
        case ATTAR_BLOCKS_Q5_1: dequantize_q5_1(next, y), next += 24, y += BLOCK; break;
        case ATTAR_BLOCKS_Q8_0: dequantize_q8_0(next, y), next += 34, y += BLOCK; break;
        case ATTAR_BLOCKS_Q4_K: dequantize_q4_k(next, y), next += 144, y += SUPER_BLOCK; break;
        case ATTAR_BLOCKS_Q5_K: dequantize_q5_k(next, y), next += 176, y += SUPER_BLOCK; break;
        case ATTAR_BLOCKS_Q6_K: dequantize_q6_k(next, y), next += 210, y += SUPER_BLOCK; break;
        }
    }
}
