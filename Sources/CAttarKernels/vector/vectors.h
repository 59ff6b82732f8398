/// Scores of vectors: four at a time share the loads of the query. A vector's sums run in the same order in a group of
/// four as alone, so its score does not depend on its neighbours.

enum { SUMS_A_VECTOR = 2, VECTORS_AT_ONCE = 4 };

/// The two ways to compare: sums + a · b, and sums + (a − b)².
INLINE vf add_product(vf a, vf b, vf sums) { return v_fma(a, b, sums); }

INLINE vf add_squared_difference(vf a, vf b, vf sums) {
    const vf difference = a - b;
    return v_fma(difference, difference, sums);
}

typedef vf comparison(vf a, vf b, vf sums);

INLINE void compare(comparison *add, const size_t vectors_at_once, const float *query, const float *vectors,
                    size_t stride, size_t dim, float *scores) {
    vf even[VECTORS_AT_ONCE] = {0}, odd[VECTORS_AT_ONCE] = {0};
    size_t i = 0;
    for (; i + 2 * LANES <= dim; i += 2 * LANES) {
        const vf q_even = v_load(query + i), q_odd = v_load(query + i + LANES);
#pragma clang loop unroll(full)
        for (size_t j = 0; j < vectors_at_once; j++) {
            even[j] = add(q_even, v_load(vectors + j * stride + i), even[j]);
            odd[j] = add(q_odd, v_load(vectors + j * stride + i + LANES), odd[j]);
        }
    }
    for (; i < dim; i += LANES) {
        const size_t part = smaller(LANES, dim - i);
        const vf q = v_load_part(query + i, part);
#pragma clang loop unroll(full)
        for (size_t j = 0; j < vectors_at_once; j++) {
            even[j] = add(q, v_load_part(vectors + j * stride + i, part), even[j]);
        }
    }
#pragma clang loop unroll(full)
    for (size_t j = 0; j < vectors_at_once; j++) scores[j] = v_sum(even[j] + odd[j]);
}

INLINE void compare_all(comparison *add, const float *query, const float *vectors, size_t stride, size_t count,
                        size_t dim, float *scores) {
    size_t i = 0;
    for (; i + VECTORS_AT_ONCE <= count; i += VECTORS_AT_ONCE) {
        compare(add, VECTORS_AT_ONCE, query, vectors + i * stride, stride, dim, scores + i);
    }
    for (; i < count; i++) compare(add, 1, query, vectors + i * stride, stride, dim, scores + i);
}

static void dot_f32(const float *query, const float *vectors, size_t stride, size_t count, size_t dim, float *scores) {
    compare_all(add_product, query, vectors, stride, count, dim, scores);
}

static void squared_distance_f32(const float *query, const float *vectors, size_t stride, size_t count, size_t dim,
                                 float *scores) {
    compare_all(add_squared_difference, query, vectors, stride, count, dim, scores);
}

// ------------------------------------------------------------------------------------------------------------- bytes

INLINE int32_t v_sum_i32(vi v) { return __builtin_reduce_add(v); }

/// Where a level has no step for less than I8_STEP bytes: zeros fill it up.
#ifndef v_dot_rest_i8
INLINE vi v_dot_rest_i8(vi sums, const int8_t *vector, const int8_t *query, size_t count) {
    int8_t full_vector[I8_STEP] = {0}, full_query[I8_STEP] = {0};
    __builtin_memcpy(full_vector, vector, count);
    __builtin_memcpy(full_query, query, count);
    return v_dot_step_i8(sums, full_vector, full_query);
}
#endif

/// What the level's steps add to a product for each unit of the query: I8_BIAS · Σ query, as a number modulo 2³².
INLINE uint32_t bias_of_products_i8(const int8_t *query, size_t dim) {
    if (I8_BIAS == 0) return 0;
    uint32_t sum = 0;
    for (size_t i = 0; i < dim; i++) sum += (uint32_t)(int32_t)query[i];
    return I8_BIAS * sum;
}

INLINE void compare_i8(const size_t vectors_at_once, const int8_t *query, const int8_t *const *vectors, size_t dim,
                       uint32_t bias, int32_t *scores) {
    vi sums[VECTORS_AT_ONCE] = {0};
    size_t i = 0;
    for (; i + I8_STEP <= dim; i += I8_STEP) {
#pragma clang loop unroll(full)
        for (size_t j = 0; j < vectors_at_once; j++) sums[j] = v_dot_step_i8(sums[j], vectors[j] + i, query + i);
    }
    if (i < dim) {
        for (size_t j = 0; j < vectors_at_once; j++) {
            sums[j] = v_dot_rest_i8(sums[j], vectors[j] + i, query + i, dim - i);
        }
    }
#pragma clang loop unroll(full)
    for (size_t j = 0; j < vectors_at_once; j++) scores[j] = (int32_t)((uint32_t)v_sum_i32(sums[j]) - bias);
}

INLINE void prefetch_row(const void *row, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)row + i);
}

static void dot_i8(const int8_t *query, const int8_t *vectors, size_t stride, size_t count, size_t dim,
                   int32_t *scores) {
    const uint32_t bias = bias_of_products_i8(query, dim);
    size_t i = 0;
    for (; i + VECTORS_AT_ONCE <= count; i += VECTORS_AT_ONCE) {
        const int8_t *rows[VECTORS_AT_ONCE];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < VECTORS_AT_ONCE; j++) rows[j] = vectors + (i + j) * stride;
        compare_i8(VECTORS_AT_ONCE, query, rows, dim, bias, scores + i);
    }
    for (; i < count; i++) {
        const int8_t *row = vectors + i * stride;
        compare_i8(1, query, &row, dim, bias, scores + i);
    }
}

/// Rows that stand anywhere: those of the next two groups are on their way while one is scored.
static void dot_rows_i8(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *ids,
                            size_t count, size_t dim, int32_t *scores) {
    enum { AHEAD = 2 * VECTORS_AT_ONCE };
    for (size_t i = 0; i < smaller(AHEAD, count); i++) prefetch_row(vectors + ids[i] * stride, dim);
    const uint32_t bias = bias_of_products_i8(query, dim);
    size_t i = 0;
    for (; i + VECTORS_AT_ONCE <= count; i += VECTORS_AT_ONCE) {
        const int8_t *rows[VECTORS_AT_ONCE];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < VECTORS_AT_ONCE; j++) {
            if (i + AHEAD + j < count) prefetch_row(vectors + ids[i + AHEAD + j] * stride, dim);
            rows[j] = vectors + ids[i + j] * stride;
        }
        compare_i8(VECTORS_AT_ONCE, query, rows, dim, bias, scores + i);
    }
    for (; i < count; i++) {
        const int8_t *row = vectors + ids[i] * stride;
        compare_i8(1, query, &row, dim, bias, scores + i);
    }
}

typedef int8_t vb __attribute__((ext_vector_type(LANES)));

/// round(x / scale) held in −127…127, NaN as 0.
INLINE vb v_quantized(vf x, float scale) {
    vf code = v_clamp(v_splat(-127), v_splat(127), x / scale);
    code = code == code ? code : v_splat(0);
    return __builtin_convertvector(__builtin_convertvector(__builtin_elementwise_roundeven(code), vi), vb);
}

INLINE void v_store_part_i8(int8_t *p, vb v, size_t part) {
    if (part == LANES) {
        __builtin_memcpy(p, &v, sizeof v);
    } else {
        for (size_t i = 0; i < part; i++) p[i] = v[i];
    }
}

/// max|x| / 127, or 1 where that is zero.
static float quantization_scale(const float *x, size_t count) {
    vf maxima = 0;
    FOR_LANES(i, part, count, { maxima = v_max(v_abs(v_load_part(x + i, part)), maxima); })
    const float scale = v_largest(maxima) / 127;
    return scale > 0 ? scale : 1;
}

static void quantize_row(const float *x, size_t count, float scale, int8_t *codes) {
    FOR_LANES(i, part, count, { v_store_part_i8(codes + i, v_quantized(v_load_part(x + i, part), scale), part); })
}

static void quantize_i8(const float *x, size_t rows, size_t dim, int8_t *codes, float *scales) {
    for (size_t row = 0; row < rows; row++) {
        scales[row] = quantization_scale(x + row * dim, dim);
        quantize_row(x + row * dim, dim, scales[row], codes + row * dim);
    }
}

// ----------------------------------------------------------------------------------------------- selection and sums

static size_t find_greater(const float *scores, size_t first, size_t count, float threshold) {
    enum { STEP = 4 * LANES };
    for (; first + STEP <= count; first += STEP) {
        const vi greater0 = v_load(scores + first) > threshold;
        const vi greater1 = v_load(scores + first + LANES) > threshold;
        const vi greater2 = v_load(scores + first + 2 * LANES) > threshold;
        const vi greater3 = v_load(scores + first + 3 * LANES) > threshold;
        if (v_mask((greater0 | greater1) | (greater2 | greater3)) == 0) continue;
        const uint64_t mask = (uint64_t)v_mask(greater0) | (uint64_t)v_mask(greater1) << LANES |
                              (uint64_t)v_mask(greater2) << 2 * LANES | (uint64_t)v_mask(greater3) << 3 * LANES;
        return first + (size_t)__builtin_ctzll(mask);
    }
    while (first < count && !(scores[first] > threshold)) first++;
    return first;
}

/// Sums `vectors` vectors of each row, held in registers over all rows.
INLINE void sum_rows(const size_t vectors, const float *table, size_t dim, const int32_t *ids, const float *weights,
                     size_t count, float *out) {
    enum { MOST = 8 };
    vf sums[MOST] = {0};
    for (size_t i = 0; i < count; i++) {
        const float *row = table + (size_t)ids[i] * dim;
        const vf weight = v_splat(weights ? weights[i] : 1);
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) sums[v] = v_fma(weight, v_load(row + v * LANES), sums[v]);
    }
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) v_store(out + v * LANES, sums[v]);
}

static void embedding_bag_f32(const float *table, size_t dim, const int32_t *ids, const float *weights, size_t count,
                              float *out) {
    size_t d = 0;
    for (; d + 8 * LANES <= dim; d += 8 * LANES) sum_rows(8, table + d, dim, ids, weights, count, out + d);
    for (; d + LANES <= dim; d += LANES) sum_rows(1, table + d, dim, ids, weights, count, out + d);
    if (d == dim) return;
    vf sums = 0;
    for (size_t i = 0; i < count; i++) {
        const vf weight = v_splat(weights ? weights[i] : 1);
        sums = v_fma(weight, v_load_first(table + (size_t)ids[i] * dim + d, dim - d), sums);
    }
    v_store_first(out + d, sums, dim - d);
}
