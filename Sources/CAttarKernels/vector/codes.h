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

INLINE void store_half(const struct half_sums *sums, float scale, float offset, float *scores) {
    const words8 odd = add_sixteen_bytes(sums->odd), even = add_sixteen_bytes(sums->all) - (odd << 8);
    for (int i = 0; i < 8; i++) {
        scores[2 * i] = fmaf(scale, (float)even[i], offset);
        scores[2 * i + 1] = fmaf(scale, (float)odd[i], offset);
    }
}

/// The scores of a block's 32 vectors. As many subspaces at once as tables fit a register. Asks for what will be
/// scanned later, a line for each line that is read.
INLINE void scan_block(const uint8_t *tables, size_t subspaces, const uint8_t *block, const uint8_t *later, float scale,
                       float offset, float *scores) {
    enum { LINE = 64 };
    struct half_sums first = {0}, second = {0};
    for (size_t byte = 0; byte < subspaces * ATTAR_SCAN_TABLE; byte += sizeof(vbytes)) {
        if (byte % LINE == 0) __builtin_prefetch(later + byte, 0, 3);
        const vbytes table = v_load_bytes(tables + byte), codes = v_load_bytes(block + byte);
        add_looked_up(&first, v_look_up(table, codes & 15));
        add_looked_up(&second, v_look_up(table, codes >> 4));
    }
    store_half(&first, scale, offset, scores);
    store_half(&second, scale, offset, scores + ATTAR_SCAN_BLOCK / 2);
}

/// How far ahead memory is asked for: lists of a few blocks each leave the processor no time to guess what comes next.
/// Worth a third where other data has displaced the codes from the second cache (measured on Zen 5).
enum { SCAN_BYTES_AHEAD = 2048 };

static void scan_codes(const uint8_t *tables, size_t subspaces, const uint8_t *blocks, size_t count, float scale,
                       float offset, const uint8_t *next, float *scores) {
    const size_t padded = rounded_up(subspaces, ATTAR_SCAN_GROUP), size = padded * ATTAR_SCAN_TABLE;
    const size_t all = rounded_up(count, ATTAR_SCAN_BLOCK) / ATTAR_SCAN_BLOCK;
    const size_t ahead = size ? rounded_up(SCAN_BYTES_AHEAD, size) / size : 0;
    for (size_t block = 0; block < all; block++) {
        const uint8_t *codes = blocks + block * size, *later = codes;
        if (block + ahead < all) {
            later = codes + ahead * size;
        } else if (next) {
            later = next + (block + ahead - all) * size;
        }
        const size_t first = block * ATTAR_SCAN_BLOCK;
        if (first + ATTAR_SCAN_BLOCK <= count) {
            scan_block(tables, padded, codes, later, scale, offset, scores + first);
        } else {
            float last[ATTAR_SCAN_BLOCK];
            scan_block(tables, padded, codes, later, scale, offset, last);
            memcpy(scores + first, last, (count - first) * sizeof *scores);
        }
    }
}
