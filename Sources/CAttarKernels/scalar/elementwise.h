/// Element-wise kernels, by the functions of the C library.
static const float ROOT_HALF = 0.70710678118654752f;            // sqrt(1/2)
static const float INVERSE_ROOT_2_PI = 0.39894228040143268f;    // 1 / sqrt(2π)
static const float ROOT_8_OVER_PI = 1.59576912160573072f;       // 2 sqrt(2/π)
static const float TANH_GELU_CUBIC = 0.044715f;

/// Beyond ±30, Φ is 0 or 1 to the last bit; the limit keeps infinity from meeting zero.
static float within_30(float x) { return x > 30 ? 30 : x < -30 ? -30 : x; }

static float normal_cdf(float x) { return 0.5f * erfcf(-ROOT_HALF * x); }

static void gelu_f32(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = x[i] < -30 ? 0 : x[i] * normal_cdf(x[i]);
}

/// The same: the twin of a coarse function is the exact one.
static void gelu_coarse_f32(const float *x, float *y, size_t count) { gelu_f32(x, y, count); }

static void gelu_backward_f32(const float *x, const float *dy, float *dx, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float t = within_30(x[i]);
        dx[i] += dy[i] * (normal_cdf(t) + t * INVERSE_ROOT_2_PI * expf(-0.5f * t * t));
    }
}

/// 1/2 (1 + tanh(u)) with u = sqrt(2/π) (x + 0.044715 x³), which is the logistic function of 2u.
static float tanh_gelu_gate(float t) {
    return 1 / (1 + expf(-ROOT_8_OVER_PI * t * (1 + TANH_GELU_CUBIC * t * t)));
}

static void gelu_tanh_f32(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = x[i] < -30 ? 0 : x[i] * tanh_gelu_gate(within_30(x[i]));
}

static void gelu_tanh_backward_f32(const float *x, const float *dy, float *dx, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float t = within_30(x[i]), gate = tanh_gelu_gate(t);
        const float slope = ROOT_8_OVER_PI * (1 + 3 * TANH_GELU_CUBIC * t * t);
        dx[i] += dy[i] * (gate + t * gate * (1 - gate) * slope);
    }
}

static float logistic(float x) { return 1 / (1 + expf(-x)); }

/// Below −104 the result is zero, in single precision; the limit keeps infinity from meeting zero.
static void silu_f32(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = x[i] < -104 ? 0 : x[i] * logistic(x[i]);
}

static void silu_backward_f32(const float *x, const float *dy, float *dx, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float t = x[i] > 104 ? 104 : x[i] < -104 ? -104 : x[i], gate = logistic(t);
        dx[i] += dy[i] * (gate + t * gate * (1 - gate));
    }
}

static void exp_f32(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = expf(x[i]);
}

static void tanh_f32(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = tanhf(x[i]);
}

static void add_f32(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] += x[i];
}

static void axpy_f32(float alpha, const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] += alpha * x[i];
}

static void scale_f32(float alpha, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] *= alpha;
}

static void multiply_f32(const float *a, const float *b, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = a[i] * b[i];
}

/// Element i goes to sum i mod 16; the sixteen are added in halves. Every level adds in this order. A square of a float
/// is exact in double, so fused and separate multiplication agree too.
static double sum_squares_f32(const float *x, size_t count) {
    double sums[16] = {0};
    for (size_t i = 0; i < count; i++) sums[i % 16] += (double)x[i] * (double)x[i];
    for (size_t half = 8; half > 0; half /= 2) {
        for (size_t i = 0; i < half; i++) sums[i] += sums[i + half];
    }
    return sums[0];
}

static void adamw_f32(float *parameters, const float *gradients, float *m, float *v, size_t count, float rate,
                      float beta1, float beta2, float epsilon, float weight_decay, float correction1,
                      float correction2) {
    for (size_t i = 0; i < count; i++) {
        m[i] = beta1 * m[i] + (1 - beta1) * gradients[i];
        v[i] = beta2 * v[i] + (1 - beta2) * gradients[i] * gradients[i];
        const float step = (m[i] / correction1) / (sqrtf(v[i] / correction2) + epsilon);
        parameters[i] -= rate * (weight_decay * parameters[i] + step);
    }
}

static void f16_to_f32(const uint16_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = float_of_half(x[i]);
}

static void bf16_to_f32(const uint16_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = float_of_bits((uint32_t)x[i] << 16);
}

static void f32_to_bf16(const float *x, uint16_t *y, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const uint32_t bits = bits_of_float(x[i]);
        const uint32_t nearest_even = 0x7FFF + (bits >> 16 & 1);
        y[i] = isnan(x[i]) ? (uint16_t)(bits >> 16 | 0x40) : (uint16_t)((bits + nearest_even) >> 16);
    }
}
