/// Scores of vectors that product quantisation has made codes (Jégou et al. 2011): sums of looked-up numbers.

enum {
    CODEWORDS = 256,
    TABLES_AT_ONCE = 16,   // 16 KiB: the first-level cache holds them, and the codes that meet them
    VECTORS_A_ROUND = 256  // that meet the same tables, one after another
};

/// Adds what some subspaces say to a sum: one chain of additions, which other vectors' overlap.
INLINE float add_from_tables(float sum, const float *table, const uint8_t *codes, size_t subspaces) {
    if (subspaces == TABLES_AT_ONCE) {
#pragma clang loop unroll(full)
        for (size_t s = 0; s < TABLES_AT_ONCE; s++) sum += table[s * CODEWORDS + codes[s]];
    } else {
        for (size_t s = 0; s < subspaces; s++) sum += table[s * CODEWORDS + codes[s]];
    }
    return sum;
}

static void table_scores_f32(const float *tables, size_t subspaces, const uint8_t *codes, const uint32_t *rows,
                             size_t count, float *scores) {
    for (size_t i = 0; i < count; i++) scores[i] = 0;
    for (size_t first = 0; first < count; first += VECTORS_A_ROUND) {
        const size_t end = smaller(first + VECTORS_A_ROUND, count);
        for (size_t i = first; rows && i < end; i++) __builtin_prefetch(codes + rows[i] * subspaces);
        for (size_t s = 0; s < subspaces; s += TABLES_AT_ONCE) {
            const float *table = tables + s * CODEWORDS;
            const size_t part = smaller(TABLES_AT_ONCE, subspaces - s);
            for (size_t i = first; i < end; i++) {
                scores[i] = add_from_tables(scores[i], table, codes + (rows ? rows[i] : i) * subspaces + s, part);
            }
        }
    }
}

// ------------------------------------------------------------------------------- fast scan (André et al. 2015, 2017)

typedef uint16_t vwords __attribute__((ext_vector_type(2 * LANES)));
typedef uint16_t words8 __attribute__((ext_vector_type(8)));

INLINE vbytes v_load_bytes(const void *p) { return (vbytes)v_load_i32(p); }

/// Words that belong to the same vectors stand in every 16 bytes: their sums.
INLINE words8 add_sixteen_bytes(vwords v) {
#if LANES == 4
    return v;
#elif LANES == 8
    return v.lo + v.hi;
#else
    return (v.lo + v.hi).lo + (v.lo + v.hi).hi;
#endif
}

/// Sums of the looked-up bytes of 16 vectors: those of even vectors in words, with what odd ones add above them.
struct half_sums {
    vwords all, odd;
};

INLINE void add_looked_up(struct half_sums *sums, vbytes looked_up) {
    sums->all += (vwords)looked_up;
    sums->odd += (vwords)looked_up >> 8;
}

/// The sums of a block's vectors: those of even ones and of odd ones, in its first half and in its second.
struct block_sums {
    words8 even[2], odd[2];
};

INLINE void finish_half(struct half_sums sums, struct block_sums *block, size_t half) {
    block->odd[half] = add_sixteen_bytes(sums.odd);
    block->even[half] = add_sixteen_bytes(sums.all) - (block->odd[half] << 8);
}

/// As many subspaces at once as tables fit a register. Asks for what will be scanned later, a line for each that is read.
INLINE struct block_sums scan_block(const uint8_t *tables, size_t subspaces, const uint8_t *block,
                                    const uint8_t *later) {
    enum { LINE = 64 };
    struct half_sums first = {0}, second = {0};
    for (size_t byte = 0; byte < subspaces * ATTAR_SCAN_TABLE; byte += sizeof(vbytes)) {
        if (byte % LINE == 0) __builtin_prefetch(later + byte, 0, 3);
        const vbytes table = v_load_bytes(tables + byte), codes = v_load_bytes(block + byte);
        add_looked_up(&first, v_look_up(table, codes & 15));
        add_looked_up(&second, v_look_up(table, codes >> 4));
    }
    struct block_sums sums;
    finish_half(first, &sums, 0);
    finish_half(second, &sums, 1);
    return sums;
}

INLINE uint16_t largest_sum(const struct block_sums *sums) {
    return __builtin_reduce_max(__builtin_elementwise_max(__builtin_elementwise_max(sums->even[0], sums->odd[0]),
                                                          __builtin_elementwise_max(sums->even[1], sums->odd[1])));
}

typedef uint16_t block_words __attribute__((ext_vector_type(ATTAR_SCAN_BLOCK)));
typedef bool block_bits __attribute__((ext_vector_type(ATTAR_SCAN_BLOCK)));

/// Appends those of a block's first `count` vectors whose sum is large enough; returns how many there are then.
INLINE size_t take_sums(const struct block_sums *sums, size_t count, uint16_t least, uint32_t first, size_t found,
                        uint32_t *places, uint16_t *taken) {
    uint16_t words[ATTAR_SCAN_BLOCK];
    for (size_t i = 0; i < ATTAR_SCAN_BLOCK; i += 2) {
        const size_t half = i / (ATTAR_SCAN_BLOCK / 2), place = i % (ATTAR_SCAN_BLOCK / 2) / 2;
        words[i] = sums->even[half][place];
        words[i + 1] = sums->odd[half][place];
    }
    block_words all;
    memcpy(&all, words, sizeof all);
    const block_bits large = __builtin_convertvector(all >= least, block_bits);
    uint32_t mask;
    memcpy(&mask, &large, sizeof mask);
    if (count < ATTAR_SCAN_BLOCK) mask &= (UINT32_C(1) << count) - 1;
    for (; mask; mask &= mask - 1, found++) {
        const uint32_t place = (uint32_t)__builtin_ctz(mask);
        places[found] = first + place;
        taken[found] = words[place];
    }
    return found;
}

/// How far ahead memory is asked for: lists of a few blocks each leave the processor no time to guess what comes next.
/// Worth a third where other data has displaced the codes from the second cache (measured on Zen 5).
enum { SCAN_BYTES_AHEAD = 2048 };

static size_t scan_codes(const uint8_t *tables, size_t subspaces, const uint8_t *blocks, size_t count, uint16_t least,
                         const uint8_t *next, uint32_t *places, uint16_t *sums) {
    const size_t padded = rounded_up(subspaces, ATTAR_SCAN_GROUP), size = padded * ATTAR_SCAN_TABLE;
    const size_t all = rounded_up(count, ATTAR_SCAN_BLOCK) / ATTAR_SCAN_BLOCK;
    const size_t ahead = size ? rounded_up(SCAN_BYTES_AHEAD, size) / size : 0;
    size_t found = 0;
    for (size_t block = 0; block < all; block++) {
        const uint8_t *codes = blocks + block * size, *later = codes;
        if (block + ahead < all) {
            later = codes + ahead * size;
        } else if (next) {
            later = next + (block + ahead - all) * size;
        }
        const struct block_sums scanned = scan_block(tables, padded, codes, later);
        if (largest_sum(&scanned) < least) continue;
        const size_t first = block * ATTAR_SCAN_BLOCK;
        found = take_sums(&scanned, smaller(ATTAR_SCAN_BLOCK, count - first), least, (uint32_t)first, found, places,
                          sums);
    }
    return found;
}
