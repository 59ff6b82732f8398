/// Scores of vectors: four at a time share the loads of the query. A vector's sums run in the same order in a group of
/// four as alone, so its score does not depend on its neighbours.

enum { SUMS_A_VECTOR = 2, VECTORS_AT_ONCE = 4, VECTORS_AHEAD = 2 * VECTORS_AT_ONCE };

/// The vectors that a query meets: one after another, or the rows of a list.
struct vectors {
    const char *first;
    size_t stride;  // bytes
    const uint32_t *rows;  // NULL: 0, 1, 2 …
    size_t count;
    size_t bytes;  // of a vector
};

/// Vectors of `dim` elements of `width` bytes, `stride` elements apart.
INLINE struct vectors vectors_of(const void *first, size_t width, size_t stride, const uint32_t *rows, size_t count,
                                 size_t dim) {
    return (struct vectors){first, stride * width, rows, count, dim * width};
}

INLINE const char *vector_at(const struct vectors *vectors, size_t i) {
    return vectors->first + (vectors->rows ? vectors->rows[i] : i) * vectors->stride;
}

/// Whether groups are asked for ahead of their use. Rows of a list come from anywhere in memory. Of vectors one after
/// another the processor guesses what comes next, but not for four at a time that are a few lines long each: there it
/// is worth a fifth to a third (measured on Zen 5 with 384 bytes and 768), while longer and shorter ones lose a tenth.
INLINE bool fetches_ahead(const struct vectors *vectors) {
    return vectors->rows || (vectors->bytes >= 256 && vectors->bytes <= 1024);
}

/// Asks for the vectors of a group: the first lines, behind which the processor goes on by itself once they are read.
INLINE void fetch_group(const struct vectors *vectors, size_t first) {
    enum { LINE = 64, LINES = 16 };
    const size_t end = smaller(first + VECTORS_AT_ONCE, vectors->count);
    for (size_t i = first; i < end; i++) {
        const char *vector = vector_at(vectors, i);
        for (size_t byte = 0; byte < smaller(vectors->bytes, LINES * LINE); byte += LINE) {
            __builtin_prefetch(vector + byte, 0, 3);
        }
    }
}

/// Writes the scores, 4 bytes each, of a query and `at_once` vectors.
typedef void score_function(const size_t at_once, const void *query, const char *const *vectors, size_t dim,
                            void *scores);

INLINE void score_vectors(score_function *score, const void *query, struct vectors vectors, size_t dim,
                          void *scores) {
    const char *group[VECTORS_AT_ONCE];
    size_t i = 0;
    const bool fetches = fetches_ahead(&vectors);
    for (size_t ahead = 0; fetches && ahead < VECTORS_AHEAD; ahead += VECTORS_AT_ONCE) fetch_group(&vectors, ahead);
    for (; i + VECTORS_AT_ONCE <= vectors.count; i += VECTORS_AT_ONCE) {
        if (fetches) fetch_group(&vectors, i + VECTORS_AHEAD);
#pragma clang loop unroll(full)
        for (size_t j = 0; j < VECTORS_AT_ONCE; j++) group[j] = vector_at(&vectors, i + j);
        score(VECTORS_AT_ONCE, query, group, dim, (char *)scores + i * sizeof(float));
    }
    for (; i < vectors.count; i++) {
        group[0] = vector_at(&vectors, i);
        score(1, query, group, dim, (char *)scores + i * sizeof(float));
    }
}

// ------------------------------------------------------------------------------------------------ floats and bfloat16

/// The two ways to compare: sums + a · b, and sums + (a − b)².
INLINE vf add_product(vf a, vf b, vf sums) { return v_fma(a, b, sums); }

INLINE vf add_squared_difference(vf a, vf b, vf sums) {
    const vf difference = a - b;
    return v_fma(difference, difference, sums);
}

typedef vf comparison(vf a, vf b, vf sums);

/// `part` numbers from the element `i` of a vector.
typedef vf element_load(const char *vector, size_t i, size_t part);

INLINE vf load_f32(const char *vector, size_t i, size_t part) {
    return v_load_part((const float *)(vector + i * sizeof(float)), part);
}

INLINE vf load_bf16(const char *vector, size_t i, size_t part) {
    return (vf)(__builtin_convertvector(v_load_part_u16((const uint16_t *)(vector + i * sizeof(uint16_t)), part), vu)
                << 16);
}

INLINE void compare(element_load *load, comparison *add, const size_t at_once, const float *query,
                    const char *const *vectors, size_t dim, float *scores) {
    vf even[VECTORS_AT_ONCE] = {0}, odd[VECTORS_AT_ONCE] = {0};
    size_t i = 0;
    for (; i + SUMS_A_VECTOR * LANES <= dim; i += SUMS_A_VECTOR * LANES) {
        const vf q_even = v_load(query + i), q_odd = v_load(query + i + LANES);
#pragma clang loop unroll(full)
        for (size_t j = 0; j < at_once; j++) {
            even[j] = add(q_even, load(vectors[j], i, LANES), even[j]);
            odd[j] = add(q_odd, load(vectors[j], i + LANES, LANES), odd[j]);
        }
    }
    for (; i < dim; i += LANES) {
        const size_t part = smaller(LANES, dim - i);
        const vf q = v_load_part(query + i, part);
#pragma clang loop unroll(full)
        for (size_t j = 0; j < at_once; j++) even[j] = add(q, load(vectors[j], i, part), even[j]);
    }
#pragma clang loop unroll(full)
    for (size_t j = 0; j < at_once; j++) scores[j] = v_sum(even[j] + odd[j]);
}

/// The kernel `name` for vectors of the type `element`.
#define FLOAT_SCORES(name, element, load, add)                                                                         \
    INLINE void name##_group(const size_t at_once, const void *query, const char *const *vectors, size_t dim,          \
                             void *scores) {                                                                           \
        compare(load, add, at_once, query, vectors, dim, scores);                                                      \
    }                                                                                                                  \
    static void name(const float *query, const element *vectors, size_t stride, const uint32_t *rows, size_t count,    \
                     size_t dim, float *scores) {                                                                      \
        score_vectors(name##_group, query, vectors_of(vectors, sizeof(element), stride, rows, count, dim), dim,       \
                      scores);                                                                                         \
    }

FLOAT_SCORES(dot_f32, float, load_f32, add_product)
FLOAT_SCORES(squared_distance_f32, float, load_f32, add_squared_difference)
FLOAT_SCORES(dot_bf16, uint16_t, load_bf16, add_product)
FLOAT_SCORES(squared_distance_bf16, uint16_t, load_bf16, add_squared_difference)

// ------------------------------------------------------------------------------------------------------ bytes and bits

INLINE int32_t v_sum_i32(vi v) { return __builtin_reduce_add(v); }

/// A query of bytes, and what its products have too much: I8_OFFSET times the sum of its codes, modulo 2³².
struct byte_query {
    const int8_t *codes;
    uint32_t excess;
};

/// Where a level has no step for less than I8_STEP bytes: zeros fill it up.
#ifndef v_dot_rest_i8
INLINE vi v_dot_rest_i8(vi sums, const int8_t *a, const int8_t *b, size_t count) {
    int8_t full_a[I8_STEP] = {0}, full_b[I8_STEP] = {0};
    memcpy(full_a, a, count);
    memcpy(full_b, b, count);
    return v_dot_step_i8(sums, full_a, full_b);
}
#endif

INLINE void dot_i8_group(const size_t at_once, const void *query, const char *const *vectors, size_t dim,
                         void *scores) {
    const struct byte_query *q = query;
    vi sums[VECTORS_AT_ONCE] = {0};
    size_t i = 0;
    for (; i + I8_STEP <= dim; i += I8_STEP) {
#pragma clang loop unroll(full)
        for (size_t j = 0; j < at_once; j++) {
            sums[j] = v_dot_step_i8(sums[j], q->codes + i, (const int8_t *)vectors[j] + i);
        }
    }
    if (i < dim) {
#pragma clang loop unroll(full)
        for (size_t j = 0; j < at_once; j++) {
            sums[j] = v_dot_rest_i8(sums[j], q->codes + i, (const int8_t *)vectors[j] + i, dim - i);
        }
    }
    int32_t *out = scores;
#pragma clang loop unroll(full)
    for (size_t j = 0; j < at_once; j++) out[j] = (int32_t)((uint32_t)v_sum_i32(sums[j]) - q->excess);
}

static void dot_i8(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                   size_t dim, int32_t *scores) {
    struct byte_query q = {.codes = query};
    if (I8_OFFSET) {
        for (size_t i = 0; i < dim; i++) q.excess += (uint32_t)(I8_OFFSET * query[i]);
    }
    score_vectors(dot_i8_group, &q, vectors_of(vectors, 1, stride, rows, count, dim), dim, scores);
}

INLINE void squared_distance_i8_group(const size_t at_once, const void *query, const char *const *vectors, size_t dim,
                                      void *scores) {
    const int8_t *q = query;
    vi sums[VECTORS_AT_ONCE] = {0};
    size_t i = 0;
    for (; i + I8_SQUARES_STEP <= dim; i += I8_SQUARES_STEP) {
#pragma clang loop unroll(full)
        for (size_t j = 0; j < at_once; j++) {
            sums[j] = v_squares_step_i8(sums[j], q + i, (const int8_t *)vectors[j] + i);
        }
    }
    int32_t *out = scores;
    for (size_t j = 0; j < at_once; j++) {
        out[j] = v_sum_i32(sums[j]);
        for (size_t rest = i; rest < dim; rest++) {
            const int32_t difference = q[rest] - (int8_t)vectors[j][rest];
            out[j] += difference * difference;
        }
    }
}

static void squared_distance_i8(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *rows,
                                size_t count, size_t dim, int32_t *scores) {
    score_vectors(squared_distance_i8_group, query, vectors_of(vectors, 1, stride, rows, count, dim), dim, scores);
}

/// Bits by the vector, then by the half of a long one, by the word, by the byte (a masked load takes twice as long).
/// Where the processor counts the bits of a vector's words, the compiler says so; elsewhere it looks up half bytes.
typedef uint64_t vq __attribute__((ext_vector_type(LANES / 2)));

#if LANES == 16
typedef uint64_t quad_words __attribute__((ext_vector_type(4)));

INLINE quad_words load_quad_words(const void *p) {
    quad_words v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}
#endif

INLINE void hamming_group(const size_t at_once, const void *query, const char *const *vectors, size_t bytes,
                          void *scores) {
    const char *q = query;
    vq counts[VECTORS_AT_ONCE] = {0};
    int32_t *out = scores, rest[VECTORS_AT_ONCE] = {0};
    size_t i = 0;
    for (; i + sizeof(vq) <= bytes; i += sizeof(vq)) {
        const vq a = (vq)v_load_i32(q + i);
#pragma clang loop unroll(full)
        for (size_t j = 0; j < at_once; j++) {
            counts[j] += __builtin_elementwise_popcount(a ^ (vq)v_load_i32(vectors[j] + i));
        }
    }
#if LANES == 16
    if (i + sizeof(vq) / 2 <= bytes) {
        const quad_words a = load_quad_words(q + i);
#pragma clang loop unroll(full)
        for (size_t j = 0; j < at_once; j++) {
            const quad_words different = a ^ load_quad_words(vectors[j] + i);
            counts[j].lo += __builtin_elementwise_popcount(different);
        }
        i += sizeof(vq) / 2;
    }
#endif
    for (; i < bytes; i += sizeof(uint64_t)) {
        const size_t part = smaller(sizeof(uint64_t), bytes - i);
#pragma clang loop unroll(full)
        for (size_t j = 0; j < at_once; j++) {
            uint64_t a = 0, b = 0;
            if (part == sizeof a) {
                __builtin_memcpy(&a, q + i, sizeof a);
                __builtin_memcpy(&b, vectors[j] + i, sizeof b);
            } else {
                memcpy(&a, q + i, part);
                memcpy(&b, vectors[j] + i, part);
            }
            rest[j] += __builtin_popcountll(a ^ b);
        }
    }
    for (size_t j = 0; j < at_once; j++) out[j] = (int32_t)__builtin_reduce_add(counts[j]) + rest[j];
}

static void hamming(const uint8_t *query, const uint8_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                    size_t bytes, int32_t *scores) {
    score_vectors(hamming_group, query, vectors_of(vectors, 1, stride, rows, count, bytes), bytes, scores);
}
