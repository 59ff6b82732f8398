/// Postings of an inverted index: unpacked, scored, added up in a window of neighbouring passages.
///
/// Packed numbers lie in four lanes whatever LANES is: number i in lane i mod 4, so that a row of four is unpacked by
/// one shift (Lemire & Boytsov 2015, "Decoding billions of integers per second through vectorization").

typedef uint32_t u4 __attribute__((ext_vector_type(4)));

enum { PACKED_ROWS = ATTAR_PACKED_COUNT / 4 };

INLINE u4 u4_load(const uint8_t *p) {
    u4 v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

/// Numbers 4 row … 4 row + 3, at `bits` bits each.
INLINE u4 packed_row(const uint8_t *packed, unsigned row, unsigned bits) {
    if (bits == 0) return (u4)0;
    const unsigned word = row * bits / 32, shift = row * bits % 32;
    u4 numbers = u4_load(packed + 16 * word) >> shift;
    if (shift + bits > 32) numbers |= u4_load(packed + 16 * (word + 1)) << (32 - shift);
    return numbers & (UINT32_MAX >> (32 - bits));
}

/// Calls a function with the number of bits as a constant, so that shifts are constants too, which makes it 1.7 times
/// as fast; more bits than 20 are rare.
#define WITH_CONSTANT_BITS(bits, CALL)                                                                                 \
    switch (bits) {                                                                                                    \
        case 0: CALL(0); break;                                                                                        \
        case 1: CALL(1); break;                                                                                        \
        case 2: CALL(2); break;                                                                                        \
        case 3: CALL(3); break;                                                                                        \
        case 4: CALL(4); break;                                                                                        \
        case 5: CALL(5); break;                                                                                        \
        case 6: CALL(6); break;                                                                                        \
        case 7: CALL(7); break;                                                                                        \
        case 8: CALL(8); break;                                                                                        \
        case 9: CALL(9); break;                                                                                        \
        case 10: CALL(10); break;                                                                                      \
        case 11: CALL(11); break;                                                                                      \
        case 12: CALL(12); break;                                                                                      \
        case 13: CALL(13); break;                                                                                      \
        case 14: CALL(14); break;                                                                                      \
        case 15: CALL(15); break;                                                                                      \
        case 16: CALL(16); break;                                                                                      \
        case 17: CALL(17); break;                                                                                      \
        case 18: CALL(18); break;                                                                                      \
        case 19: CALL(19); break;                                                                                      \
        case 20: CALL(20); break;                                                                                      \
        default: CALL(bits);                                                                                           \
    }

INLINE void unpack_ordinals_of(const uint8_t *packed, unsigned bits, uint32_t first, uint32_t *ordinals) {
    u4 last = (u4)(first - 1);
#pragma clang loop unroll(full)
    for (unsigned row = 0; row < PACKED_ROWS; row++) {
        u4 steps = (u4)1 + packed_row(packed, row, bits);
        steps += __builtin_shufflevector(steps, (u4)0, 4, 0, 1, 2);
        steps += __builtin_shufflevector(steps, (u4)0, 4, 4, 0, 1);
        const u4 found = steps + last.wwww;
        __builtin_memcpy(ordinals + 4 * row, &found, sizeof found);
        last = found;
    }
}

static void unpack_ordinals(const uint8_t *packed, unsigned bits, uint32_t first, uint32_t *ordinals) {
#define UNPACK(constant) unpack_ordinals_of(packed, constant, first, ordinals)
    WITH_CONSTANT_BITS(bits, UNPACK)
#undef UNPACK
}

INLINE void unpack_counts_of(const uint8_t *packed, unsigned bits, float *counts) {
#pragma clang loop unroll(full)
    for (unsigned row = 0; row < PACKED_ROWS; row++) {
        const f4 floats = __builtin_convertvector((u4)1 + packed_row(packed, row, bits), f4);
        __builtin_memcpy(counts + 4 * row, &floats, sizeof floats);
    }
}

static void unpack_counts(const uint8_t *packed, unsigned bits, float *counts) {
#define UNPACK(constant) unpack_counts_of(packed, constant, counts)
    WITH_CONSTANT_BITS(bits, UNPACK)
#undef UNPACK
}

INLINE vu v_load_part_u32(const uint32_t *p, size_t part) { return (vu)v_load_part((const float *)p, part); }

/// The nearest multiple of the grid's step but never 0; adding 2²³ steps leaves no bits below one.
INLINE vf v_on_grid(vf value, float step) {
#pragma clang fp contract(off) reassociate(off)
    const vf magic = v_splat(step * 0x1p23f);
    return v_max((value + magic) - magic, v_splat(step));
}

INLINE vf v_saturated(vf counts, vf inverse_norms, float weight, float step) {
#pragma clang fp contract(off)
    return v_on_grid(v_splat(weight) - v_splat(weight) / (v_splat(1) + counts * inverse_norms), step);
}

static void saturated_scores(const uint32_t *ordinals, const float *inverse_norms, size_t count, float weight,
                             float step, float *scores) {
    FOR_LANES(i, part, count, {
        // Lanes beyond the part read norm 0, which is there.
        const vf norms = v_gather(inverse_norms, v_load_part_u32(ordinals + i, part));
        v_store_part(scores + i, v_saturated(v_load_part(scores + i, part), norms, weight, step), part);
    })
}

static void linear_scores(size_t count, float weight, float step, float *scores) {
    FOR_LANES(i, part, count, {
        v_store_part(scores + i, v_on_grid(v_load_part(scores + i, part) * v_splat(weight), step), part);
    })
}

/// Sums are read and written one by one: two postings of a list never meet, but scattered stores are no faster.
static void window_add(const uint32_t *ordinals, const float *scores, size_t count, uint32_t start, float *sums,
                       uint8_t *marks) {
    for (size_t i = 0; i < count; i++) {
        const uint32_t offset = ordinals[i] - start;
        sums[offset] += scores[i];
        marks[offset / ATTAR_WINDOW_GROUP] = 1;
    }
}

/// The lanes of a group above the limit, as bits.
INLINE uint32_t group_mask(const float *sums, float limit) {
    uint32_t mask = 0;
#pragma clang loop unroll(full)
    for (int i = 0; i < ATTAR_WINDOW_GROUP; i += LANES) mask |= v_mask(v_load(sums + i) > limit) << i;
    return mask;
}

/// The largest lanes of eight groups.
INLINE vf groups_largest(const float *sums) {
    vf largest = v_load(sums);
#pragma clang loop unroll(full)
    for (int i = LANES; i < 8 * ATTAR_WINDOW_GROUP; i += LANES) largest = v_max(v_load(sums + i), largest);
    return largest;
}

/// Appends the group's sums above the limit.
INLINE size_t take_group(const float *sums, size_t start, float limit, uint32_t *offsets, float *scores, size_t found) {
    for (uint32_t mask = group_mask(sums + start, limit); mask != 0; mask &= mask - 1) {
        const size_t offset = start + (size_t)__builtin_ctz(mask);
        offsets[found] = (uint32_t)offset;
        scores[found++] = sums[offset];
    }
    return found;
}

/// Eight groups with many marks are looked at as a whole, which few branches depend on; with few marks, one by one, so
/// that memory between them is left alone.
static size_t window_take(float *sums, uint8_t *marks, size_t groups, float limit, uint32_t *offsets, float *scores) {
    enum { FEW = 2, EIGHT = 8 * ATTAR_WINDOW_GROUP };
    size_t found = 0;
    for (size_t first = 0; first < groups; first += 8) {
        uint64_t marked;
        __builtin_memcpy(&marked, marks + first, sizeof marked);
        if (marked == 0) continue;
        __builtin_memset(marks + first, 0, sizeof marked);
        const size_t start = first * ATTAR_WINDOW_GROUP;
        if (__builtin_popcountll(marked) <= FEW) {
            for (; marked != 0; marked &= marked - 1) {
                const size_t group = start + (size_t)__builtin_ctzll(marked) / 8 * ATTAR_WINDOW_GROUP;
                found = take_group(sums, group, limit, offsets, scores, found);
                __builtin_memset(sums + group, 0, ATTAR_WINDOW_GROUP * sizeof *sums);
            }
            continue;
        }
        if (v_mask(groups_largest(sums + start) > limit)) {
            for (size_t group = start; group < start + EIGHT; group += ATTAR_WINDOW_GROUP) {
                found = take_group(sums, group, limit, offsets, scores, found);
            }
        }
        __builtin_memset(sums + start, 0, EIGHT * sizeof *sums);
    }
    return found;
}

static size_t window_count(const float *sums, const uint8_t *marks, size_t groups, float limit) {
    size_t count = 0;
    for (size_t first = 0; first < groups; first += 8) {
        uint64_t marked;
        __builtin_memcpy(&marked, marks + first, sizeof marked);
        for (; marked != 0; marked &= marked - 1) {
            const size_t group = first + (size_t)__builtin_ctzll(marked) / 8;
            count += (size_t)__builtin_popcount(group_mask(sums + group * ATTAR_WINDOW_GROUP, limit));
        }
    }
    return count;
}

typedef uint16_t vus __attribute__((ext_vector_type(LANES)));

static float sparse_dot(const uint32_t *columns, const uint16_t *codes, size_t count, const float *query,
                        uint32_t width, float step) {
#pragma clang fp contract(off)
    vf sums = 0;
    FOR_LANES(i, part, count, {
        vus part_codes = 0;
        __builtin_memcpy(&part_codes, codes + i, part * sizeof *codes);
        // A lane beyond the part has the code 0, one beyond the width a weight of 0.
        const vu column = v_load_part_u32(columns + i, part);
        const vf weights = v_gather(query, column < width ? column : (vu)width);
        const vf products = __builtin_convertvector(part_codes, vf) * weights;
        sums += products > 0 ? v_on_grid(products, step) : v_splat(0);
    })
    return v_sum(sums);
}
