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

static void attention_f32(const float *q, const float *k, const float *v, size_t stride, size_t length,
                          size_t head_dim, float scale, float *out, size_t out_stride, float *probabilities,
                          float *scratch) {
    for (size_t i = 0; i < length; i++) {
        float *p = probabilities ? probabilities + i * length : scratch;
        for (size_t j = 0; j < length; j++) p[j] = dot(q + i * stride, k + j * stride, head_dim);
        softmax_row(p, length, scale, p);
        for (size_t d = 0; d < head_dim; d++) {
            float sum = 0;
            for (size_t j = 0; j < length; j++) sum += p[j] * v[j * stride + d];
            out[i * out_stride + d] = sum;
        }
    }
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

static void attention_backward_f32(const float *q, const float *k, const float *v, size_t stride,
                                   const float *probabilities, const float *d_out, size_t d_out_stride, size_t length,
                                   size_t head_dim, float scale, float *dq, float *dk, float *dv, size_t d_stride,
                                   float *scratch) {
    for (size_t i = 0; i < length; i++) {
        const float *p = probabilities + i * length;
        for (size_t j = 0; j < length; j++) scratch[j] = dot(d_out + i * d_out_stride, v + j * stride, head_dim);
        softmax_backward_row(p, length, scale, scratch);
        for (size_t j = 0; j < length; j++) {
            for (size_t d = 0; d < head_dim; d++) {
                dq[i * d_stride + d] += scratch[j] * k[j * stride + d];
                dk[j * d_stride + d] += scratch[j] * q[i * stride + d];
                dv[j * d_stride + d] += p[j] * d_out[i * d_out_stride + d];
            }
        }
    }
}
