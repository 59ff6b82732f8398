/// Attention of new tokens to a cache, one query at a time. `scratch` holds one row of scores.
static void cached_attention_f32(const attar_cached_head *head, float *out, size_t out_stride, float *scratch) {
    const size_t head_dim = head->head_dim;
    for (size_t query = 0; query < head->rows * head->group; query++) {
        const size_t row = query / head->group, column = query % head->group * head_dim;
        const float *q = head->q + row * head->q_stride + column;
        const size_t seen = head->first + row + 1;
        for (size_t j = 0; j < seen; j++) {
            const float *key = head->keys + j / ATTAR_KEY_PANEL * ATTAR_KEY_PANEL * head_dim + j % ATTAR_KEY_PANEL;
            scratch[j] = 0;
            for (size_t d = 0; d < head_dim; d++) scratch[j] += q[d] * key[d * ATTAR_KEY_PANEL];
        }
        softmax_row(scratch, seen, head->scale, scratch);
        for (size_t d = 0; d < head_dim; d++) {
            float sum = 0;
            for (size_t j = 0; j < seen; j++) sum += scratch[j] * head->values[j * head->value_stride + d];
            out[row * out_stride + column + d] = sum;
        }
    }
}

static double log_sum_exp_f32(const float *x, size_t count) {
    float largest = -INFINITY;
    for (size_t i = 0; i < count; i++) largest = x[i] > largest ? x[i] : largest;
    if (largest == -INFINITY) return -INFINITY;
    double total = 0;
    for (size_t i = 0; i < count; i++) total += exp((double)x[i] - largest);
    return largest + log(total);
}
