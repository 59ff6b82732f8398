/// Attention, one query at a time. `scratch` holds one row of scores.
static float dot(const float *a, const float *b, size_t count) {
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

/// y = softmax of scale · x; all −infinity (or no column at all) gives zeros.
static void softmax_row(const float *x, size_t columns, float scale, float *y) {
    float largest = -INFINITY;
    for (size_t i = 0; i < columns; i++) largest = scale * x[i] > largest ? scale * x[i] : largest;
    float sum = 0;
    for (size_t i = 0; i < columns; i++) {
        // A NaN is not larger than −infinity, and must not be taken for it.
        y[i] = largest == -INFINITY && !isnan(x[i]) ? 0 : expf(scale * x[i] - largest);
        sum += y[i];
    }
    for (size_t i = 0; i < columns; i++) y[i] = sum == 0 ? 0 : y[i] / sum;
}

/// The keys that query `i` sees: the first ones.
static size_t keys_seen(const attar_attention_head *head, size_t i) {
    return head->causal ? i + 1 + head->keys - head->queries : head->keys;
}

static void attention_head_f32(const attar_attention_head *head, float *out, size_t out_stride, float *probabilities,
                               float *scratch) {
    for (size_t i = 0; i < head->queries; i++) {
        const size_t seen = keys_seen(head, i);
        float *p = probabilities ? probabilities + i * head->keys : scratch;
        for (size_t j = 0; j < head->keys; j++) {
            p[j] = head->scale * dot(head->q + i * head->q_stride, head->k + j * head->kv_stride, head->head_dim);
            if (head->bias) p[j] += head->bias[i * head->bias_stride + j];
            if (j >= seen) p[j] = -INFINITY;
        }
        softmax_row(p, head->keys, 1, p);
        for (size_t d = 0; d < head->head_dim; d++) {
            float sum = 0;
            for (size_t j = 0; j < seen; j++) sum += p[j] * head->v[j * head->kv_stride + d];
            out[i * out_stride + d] = sum;
        }
    }
}

static void attention_head_bf16(const attar_attention_head *head, float *out, size_t out_stride, float *scratch) {
    attention_head_f32(head, out, out_stride, NULL, scratch);
}

/// On entry `d` is the gradient by the probabilities `p`, on return the gradient by the scores before scaling:
/// scale · p_j (d_j − Σ p d). The differences are taken from the d of the largest p: where the softmax is saturated,
/// Σ p d nearly equals that d, and subtracting one from the other would leave rounding error only.
static void softmax_backward_row(const float *p, size_t columns, float scale, float *d) {
    size_t best = 0;
    for (size_t j = 1; j < columns; j++) best = p[j] > p[best] ? j : best;
    const float reference = columns > 0 ? d[best] : 0;
    float mean = 0;
    for (size_t j = 0; j < columns; j++) mean += p[j] * (d[j] - reference);
    for (size_t j = 0; j < columns; j++) d[j] = scale * p[j] * (d[j] - reference - mean);
}

static void attention_head_backward_f32(const attar_attention_head *head, const float *probabilities,
                                        const float *d_out, size_t d_out_stride,
                                        const attar_attention_gradients *gradients, float *scratch) {
    const float *q = head->q, *k = head->k;
    for (size_t i = 0; i < head->queries; i++, q += head->q_stride, d_out += d_out_stride) {
        const float *p = probabilities + i * head->keys;
        const size_t seen = keys_seen(head, i);
        for (size_t j = 0; j < seen; j++) scratch[j] = dot(d_out, head->v + j * head->kv_stride, head->head_dim);
        softmax_backward_row(p, seen, 1, scratch);
        for (size_t j = 0; j < seen; j++) {
            if (gradients->d_bias) gradients->d_bias[i * gradients->d_bias_stride + j] += scratch[j];
            const float slope = head->scale * scratch[j];
            for (size_t d = 0; d < head->head_dim; d++) {
                gradients->dq[i * gradients->dq_stride + d] += slope * k[j * head->kv_stride + d];
                gradients->dk[j * gradients->dkv_stride + d] += slope * q[d];
                gradients->dv[j * gradients->dkv_stride + d] += p[j] * d_out[d];
            }
        }
    }
}
