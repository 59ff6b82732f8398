/// Attention of one head, as matrix products over blocks of query rows: scores = Q Kᵀ, softmax, out = P V. Keys and
/// values wait in scratch as packed panels. When attention is causal, a block works with the keys that its last row
/// sees, the others as if they were not there: half of the work.

static size_t panels_size(size_t n, size_t k) { return rounded_up(n, PANEL_COLUMNS) * k; }

/// The keys that some query before `end` sees.
static size_t keys_seen(const attar_attention_head *head, size_t end) {
    return head->causal ? end + head->keys - head->queries : head->keys;
}

static void clear(float *x, size_t count) {
    FOR_LANES(i, part, count, { v_store_part(x + i, v_splat(0), part); })
}

/// Scores of query `i` to probabilities, in place; keys that it does not see get zeros.
INLINE void attention_softmax(const attar_attention_head *head, size_t i, size_t columns, float *scores) {
    const size_t seen = keys_seen(head, i + 1);
    float scale = head->scale;
    if (head->bias) {
        const float *bias = head->bias + i * head->bias_stride;
        FOR_LANES(j, part, seen, {
            const vf biased = v_fma(v_load_part(scores + j, part), v_splat(scale), v_load_part(bias + j, part));
            v_store_part(scores + j, biased, part);
        })
        scale = 1;
    }
    softmax_row(scores, seen, scale, scores);
    clear(scores + seen, columns - seen);
}

/// Attention of one head over so few tokens that a vector holds a number of each: short queries, where packing would
/// take longer than the products.
///
/// A lane is a query. So the softmax runs down the keys' vectors, and no sum goes across lanes.
INLINE bool is_short(const attar_attention_head *head) {
    return head->queries <= LANES && head->keys <= LANES && head->keys > 0 && !head->causal && !head->bias;
}

enum { SPREAD_ROWS = 8 };  // sums at a time: enough that none waits for itself

/// Scores of `count` keys from `key` on: sums[j] = Σ_d k[key + j][d] · queries[d].
INLINE void short_scores(const attar_attention_head *head, size_t key, const size_t count, const float *queries,
                         vf *scores) {
    vf sums[SPREAD_ROWS] = {0};
    const float *k = head->k + key * head->kv_stride;
    const size_t stride = head->kv_stride, dim = head->head_dim;
    for (size_t d = 0; d < dim; d++) {
        const vf query = v_load(queries + d * LANES);
#pragma clang loop unroll(full)
        for (size_t j = 0; j < count; j++) sums[j] = v_fma(query, v_splat(k[j * stride + d]), sums[j]);
    }
#pragma clang loop unroll(full)
    for (size_t j = 0; j < count; j++) scores[key + j] = sums[j];
}

/// Values mixed for `count` numbers of the head from `first` on: mixed[d] = Σ_j v[j][d] · weights[j] · inverse.
INLINE void short_mixture(const attar_attention_head *head, size_t first, const size_t count, const vf *weights,
                          vf inverse, float *mixed) {
    vf sums[SPREAD_ROWS] = {0};
    const float *v = head->v + first;
    for (size_t j = 0; j < head->keys; j++, v += head->kv_stride) {
#pragma clang loop unroll(full)
        for (size_t d = 0; d < count; d++) sums[d] = v_fma(weights[j], v_splat(v[d]), sums[d]);
    }
#pragma clang loop unroll(full)
    for (size_t d = 0; d < count; d++) v_store(mixed + (first + d) * LANES, sums[d] * inverse);
}

/// Scores to exponentials, in place; returns 1 / their sums.
INLINE vf short_exponentials(const attar_attention_head *head, vf *scores) {
    vf largest = scores[0];
    for (size_t j = 1; j < head->keys; j++) largest = v_max(scores[j], largest);
    largest *= head->scale;
    vf sums = 0;
    for (size_t j = 0; j < head->keys; j++) {
        scores[j] = v_exp_of_negative(v_fma(scores[j], v_splat(head->scale), -largest));
        sums += scores[j];
    }
    return 1 / sums;
}

static void attention_of_few(const attar_attention_head *head, float *out, size_t out_stride, float *scratch) {
    const size_t dim = head->head_dim, keys = head->keys;
    vf scores[LANES];
    transpose_f32(head->q, head->q_stride, head->queries, dim, scratch, LANES);
    size_t key = 0;
    for (; key + SPREAD_ROWS <= keys; key += SPREAD_ROWS) short_scores(head, key, SPREAD_ROWS, scratch, scores);
    for (; key < keys; key++) short_scores(head, key, 1, scratch, scores);
    const vf inverse = short_exponentials(head, scores);
    size_t d = 0;
    for (; d + SPREAD_ROWS <= dim; d += SPREAD_ROWS) short_mixture(head, d, SPREAD_ROWS, scores, inverse, scratch);
    for (; d < dim; d++) short_mixture(head, d, 1, scores, inverse, scratch);
    transpose_f32(scratch, LANES, dim, head->queries, out, out_stride);
}

static void attention_head_f32(const attar_attention_head *head, float *out, size_t out_stride, float *probabilities,
                               float *scratch) {
    if (!probabilities && is_short(head)) return attention_of_few(head, out, out_stride, scratch);
    const size_t count = head->keys, dim = head->head_dim;
    float *keys = scratch;
    float *values = keys + panels_size(count, dim);
    float *scores = values + panels_size(dim, count);
    pack_f32(head->k, head->kv_stride, count, dim, false, keys);
    pack_f32(head->v, head->kv_stride, dim, count, true, values);
    for (size_t first = 0; first < head->queries; first += ATTENTION_BLOCK) {
        const size_t rows = smaller(ATTENTION_BLOCK, head->queries - first);
        const size_t seen = keys_seen(head, first + rows);
        // Only probabilities that are kept have columns for keys that the block does not see.
        const size_t columns = probabilities ? count : seen;
        float *p = probabilities ? probabilities + first * count : scores;
        gemm_f32_packed(rows, seen, dim, head->q + first * head->q_stride, head->q_stride, keys, p, columns, NULL,
                        false);
        for (size_t row = 0; row < rows; row++) attention_softmax(head, first + row, columns, p + row * columns);
        multiply_first_rows(rows, dim, seen, p, columns, values, count, out + first * out_stride, out_stride, NULL, false);
    }
}

#ifdef NATIVE_BF16
/// exp(score − the row's largest) as bfloat16 in place of one row's scores, zeros for keys that it does not see;
/// returns 1 / their sum. The row has room for whole vectors.
INLINE float attention_exponentials_bf16(const attar_attention_head *head, size_t i, size_t columns, float *scores) {
    const size_t seen = keys_seen(head, i + 1);
    const float base = 1.44269504f;  // log2(e)
    const float *bias = head->bias ? head->bias + i * head->bias_stride : NULL;
    const float scale = bias ? base : base * head->scale;
    vf maxima = v_splat(-INFINITY);
    FOR_LANES(j, part, seen, {
        vf score = v_load_part(scores + j, part);
        if (bias) {
            score = v_fma(score, v_splat(head->scale), v_load_part(bias + j, part));
            v_store_part(scores + j, score, part);
        }
        maxima = v_max(v_keep_part(score * scale, part, -INFINITY), maxima);
    })
    const float largest = v_largest(maxima);
    const vf offset = v_splat(largest == -INFINITY ? 0 : -largest);
    vf sums = 0;
    uint16_t *out = (uint16_t *)scores;  // what is written lies behind what is still to be read
    FOR_LANES(j, part, seen, {
        const vf power = v_power_of_2_coarse(v_fma(v_load_part(scores + j, part), v_splat(scale), offset));
        const vf e = v_keep_part(power, part, 0);
        v_store_part_u16(out + j, v_bf16(e), LANES);
        sums += e;
    })
    const size_t written = rounded_up(seen, LANES);
    if (written < columns) memset(out + written, 0, (columns - written) * sizeof *out);
    const float sum = v_sum(sums);
    return sum == 0 ? 0 : 1 / sum;
}

/// Rows of queries as bfloat16, products with packed keys, exponentials in place, products with packed values, and each
/// row divided by the sum of its exponentials: the division meets head_dim numbers, not as many as there are keys.
static void attention_head_bf16(const attar_attention_head *head, float *out, size_t out_stride, float *scratch) {
    const size_t count = head->keys, dim = head->head_dim, pairs = (dim + 1) / 2, key_pairs = (count + 1) / 2;
    float *keys = scratch, *values = keys + panels_size(count, pairs);
    float *queries = values + panels_size(dim, key_pairs), *scores = queries + ATTENTION_BLOCK * pairs;
    if (is_short(head)) return attention_of_few(head, out, out_stride, scratch);
    pack_bf16(head->k, head->kv_stride, count, dim, false, (uint16_t *)keys);
    pack_bf16(head->v, head->kv_stride, dim, count, true, (uint16_t *)values);
    for (size_t first = 0; first < head->queries; first += ATTENTION_BLOCK) {
        const size_t rows = smaller(ATTENTION_BLOCK, head->queries - first), seen = keys_seen(head, first + rows);
        const size_t stride = rounded_up(seen, LANES);
        bf16_rows(head->q + first * head->q_stride, head->q_stride, rows, dim, (uint16_t *)queries, 2 * pairs);
        multiply_panels(&(struct float_product){
            .functions = &multiply_tile_bf16, .m = rows, .n = seen, .depth = pairs, .packed_depth = pairs,
            .a = (const char *)queries, .lda = pairs * sizeof(float), .packed = keys, .c = scores, .ldc = stride});
        float inverses[ATTENTION_BLOCK];
        for (size_t row = 0; row < rows; row++) {
            inverses[row] = attention_exponentials_bf16(head, first + row, stride, scores + row * stride);
        }
        multiply_panels(&(struct float_product){
            .functions = &multiply_tile_bf16, .m = rows, .n = dim, .depth = (seen + 1) / 2, .packed_depth = key_pairs,
            .a = (const char *)scores, .lda = stride * sizeof(float), .packed = values,
            .c = out + first * out_stride, .ldc = out_stride});
        for (size_t row = 0; row < rows; row++) scale_f32(inverses[row], out + (first + row) * out_stride, dim);
    }
}
#else
/// Without instructions for bfloat16, products in fp32 are both faster and more precise.
static void attention_head_bf16(const attar_attention_head *head, float *out, size_t out_stride, float *scratch) {
    attention_head_f32(head, out, out_stride, NULL, scratch);
}
#endif

/// y[columns][head_dim] += x[rows][columns]ᵀ · b[rows][head_dim].
static void add_transposed_product(const float *x, size_t ldx, const float *b, size_t ldb, size_t rows, size_t columns,
                                   size_t head_dim, float *y, size_t ldy, float *x_transposed, float *b_packed) {
    transpose_f32(x, ldx, rows, columns, x_transposed, rows);
    pack_f32(b, ldb, head_dim, rows, true, b_packed);
    gemm_f32_packed(columns, head_dim, rows, x_transposed, rows, b_packed, y, ldy, NULL, true);
}

/// Gradients by the probabilities of query `i` to gradients by its products of queries and keys, in place.
INLINE void attention_softmax_backward(const attar_attention_head *head, const attar_attention_gradients *gradients,
                                       const float *p, size_t i, size_t columns, float *d) {
    if (!gradients->d_bias) {
        softmax_backward_row(p, columns, head->scale, d);
        return;
    }
    float *d_bias = gradients->d_bias + i * gradients->d_bias_stride;
    softmax_backward_row(p, columns, 1, d);
    FOR_LANES(j, part, columns, {
        const vf slope = v_load_part(d + j, part);
        v_store_part(d_bias + j, v_load_part(d_bias + j, part) + slope, part);
        v_store_part(d + j, slope * head->scale, part);
    })
}

static void attention_head_backward_f32(const attar_attention_head *head, const float *probabilities,
                                        const float *d_out, size_t d_out_stride,
                                        const attar_attention_gradients *gradients, float *scratch) {
    const size_t count = head->keys, dim = head->head_dim, d_stride = gradients->dkv_stride;
    float *values = scratch;
    float *keys = values + panels_size(count, dim);
    float *block = keys + panels_size(dim, count);
    float *d_scores = block + panels_size(dim, ATTENTION_BLOCK);
    float *transposed = d_scores + ATTENTION_BLOCK * count;
    pack_f32(head->v, head->kv_stride, count, dim, false, values);
    pack_f32(head->k, head->kv_stride, dim, count, true, keys);
    for (size_t first = 0; first < head->queries; first += ATTENTION_BLOCK) {
        const size_t rows = smaller(ATTENTION_BLOCK, head->queries - first);
        const size_t seen = keys_seen(head, first + rows);
        const float *p = probabilities + first * count, *d_rows = d_out + first * d_out_stride;
        gemm_f32_packed(rows, seen, dim, d_rows, d_out_stride, values, d_scores, seen, NULL, false);
        for (size_t row = 0; row < rows; row++) {
            attention_softmax_backward(head, gradients, p + row * count, first + row, seen, d_scores + row * seen);
        }
        multiply_first_rows(rows, dim, seen, d_scores, seen, keys, count, gradients->dq + first * gradients->dq_stride,
                            gradients->dq_stride, NULL, true);
        add_transposed_product(d_scores, seen, head->q + first * head->q_stride, head->q_stride, rows, seen, dim,
                               gradients->dk, d_stride, transposed, block);
        add_transposed_product(p, count, d_rows, d_out_stride, rows, seen, dim, gradients->dv, d_stride, transposed,
                               block);
    }
}
