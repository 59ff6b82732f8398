/// Vectors as bytes, the best of many scores, and sums of rows.

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
