/// Attention of one head, as matrix products over blocks of query rows: scores = Q Kᵀ, softmax, out = P V. Keys and
/// values wait in scratch as packed panels.

static size_t panels_size(size_t n, size_t k) { return rounded_up(n, PANEL_COLUMNS) * k; }

static void attention_f32(const float *q, const float *k, const float *v, size_t stride, size_t length,
                          size_t head_dim, float scale, float *out, size_t out_stride, float *probabilities,
                          float *scratch) {
    float *keys = scratch;
    float *values = keys + panels_size(length, head_dim);
    float *scores = values + panels_size(head_dim, length);
    pack_f32(k, stride, length, head_dim, false, keys);
    pack_f32(v, stride, head_dim, length, true, values);
    for (size_t first = 0; first < length; first += ATTENTION_BLOCK) {
        const size_t rows = smaller(ATTENTION_BLOCK, length - first);
        float *p = probabilities ? probabilities + first * length : scores;
        gemm_f32_packed(rows, length, head_dim, q + first * stride, stride, keys, p, length, NULL, false);
        for (size_t row = 0; row < rows; row++) softmax_row(p + row * length, length, scale, p + row * length);
        gemm_f32_packed(rows, head_dim, length, p, length, values, out + first * out_stride, out_stride, NULL, false);
    }
}

/// y[length][head_dim] += x[rows][length]ᵀ · b[rows][head_dim].
static void add_transposed_product(const float *x, const float *b, size_t ldb, size_t rows, size_t length,
                                   size_t head_dim, float *y, size_t ldy, float *x_transposed, float *b_packed) {
    transpose_f32(x, length, rows, length, x_transposed, rows);
    pack_f32(b, ldb, head_dim, rows, true, b_packed);
    gemm_f32_packed(length, head_dim, rows, x_transposed, rows, b_packed, y, ldy, NULL, true);
}

static void attention_backward_f32(const float *q, const float *k, const float *v, size_t stride,
                                   const float *probabilities, const float *d_out, size_t d_out_stride, size_t length,
                                   size_t head_dim, float scale, float *dq, float *dk, float *dv, size_t d_stride,
                                   float *scratch) {
    float *values = scratch;
    float *keys = values + panels_size(length, head_dim);
    float *block = keys + panels_size(head_dim, length);
    float *d_scores = block + panels_size(head_dim, ATTENTION_BLOCK);
    float *transposed = d_scores + ATTENTION_BLOCK * length;
    pack_f32(v, stride, length, head_dim, false, values);
    pack_f32(k, stride, head_dim, length, true, keys);
    for (size_t first = 0; first < length; first += ATTENTION_BLOCK) {
        const size_t rows = smaller(ATTENTION_BLOCK, length - first);
        const float *p = probabilities + first * length, *d_rows = d_out + first * d_out_stride;
        gemm_f32_packed(rows, length, head_dim, d_rows, d_out_stride, values, d_scores, length, NULL, false);
        for (size_t row = 0; row < rows; row++) {
            softmax_backward_row(p + row * length, length, scale, d_scores + row * length);
        }
        gemm_f32_packed(rows, head_dim, length, d_scores, length, keys, dq + first * d_stride, d_stride, NULL, true);
        add_transposed_product(d_scores, q + first * stride, stride, rows, length, head_dim, dk, d_stride, transposed,
                               block);
        add_transposed_product(p, d_rows, d_out_stride, rows, length, head_dim, dv, d_stride, transposed, block);
    }
}
