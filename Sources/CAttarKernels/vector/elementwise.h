/// Element-wise kernels.

/// Beyond ±30, Φ is 0 or 1 to the last bit; the limit keeps infinity from meeting zero.
INLINE vf v_within_30(vf x) { return v_clamp(v_splat(-30), v_splat(30), x); }

INLINE vf v_gelu(vf x) {
    const vf size = v_min(v_splat(30), v_abs(x));
    vf bell;
    // x Φ(x) = max(x, 0) − |x| (1 − Φ(|x|)): nothing cancels on either side.
    return v_max(v_splat(0), x) - size * v_normal_tail(size, &bell);
}

INLINE vf v_gelu_slope(vf x) {
    const vf t = v_within_30(x);
    vf bell;
    const vf tail = v_normal_tail(v_abs(t), &bell);
    const vf inverse_root_2_pi = v_splat(0.39894228f);
    return v_fma(t * inverse_root_2_pi, bell, t < 0 ? tail : 1 - tail);
}

/// 1/2 (1 + tanh(u)) with u = sqrt(2/π) (x + 0.044715 x³), which is the logistic function of 2u.
INLINE vf v_tanh_gelu_gate(vf t) {
    const float root_8_over_pi = 1.59576912f;
    return 1 / (1 + v_exp(t * -root_8_over_pi * v_fma(t * t, v_splat(0.044715f), v_splat(1))));
}

INLINE vf v_gelu_tanh(vf x) {
    const vf gate = v_tanh_gelu_gate(v_within_30(x));
    return v_max(v_splat(-30), x) * gate;
}

INLINE vf v_gelu_tanh_slope(vf x) {
    const float root_8_over_pi = 1.59576912f;
    const vf t = v_within_30(x), gate = v_tanh_gelu_gate(t);
    const vf inner = root_8_over_pi * v_fma(t * t, v_splat(3 * 0.044715f), v_splat(1));
    return v_fma(t * gate * (1 - gate), inner, gate);
}

static void gelu_f32(const float *x, float *y, size_t count) {
    FOR_LANES(i, part, count, { v_store_part(y + i, v_gelu(v_load_part(x + i, part)), part); })
}

static void gelu_coarse_f32(const float *x, float *y, size_t count) {
    FOR_LANES(i, part, count, {
        const vf value = v_load_part(x + i, part);
        v_store_part(y + i, v_max(v_splat(-30), value) * (v_normal_coarse(value) + 0.5f), part);
    })
}

static void gelu_backward_f32(const float *x, const float *dy, float *dx, size_t count) {
    FOR_LANES(i, part, count, {
        const vf slope = v_gelu_slope(v_load_part(x + i, part));
        v_store_part(dx + i, v_fma(slope, v_load_part(dy + i, part), v_load_part(dx + i, part)), part);
    })
}

static void gelu_tanh_f32(const float *x, float *y, size_t count) {
    FOR_LANES(i, part, count, { v_store_part(y + i, v_gelu_tanh(v_load_part(x + i, part)), part); })
}

static void gelu_tanh_backward_f32(const float *x, const float *dy, float *dx, size_t count) {
    FOR_LANES(i, part, count, {
        const vf slope = v_gelu_tanh_slope(v_load_part(x + i, part));
        v_store_part(dx + i, v_fma(slope, v_load_part(dy + i, part), v_load_part(dx + i, part)), part);
    })
}

INLINE vf v_logistic(vf x) { return 1 / (1 + v_exp(-x)); }

/// Below −104 the result is zero, in single precision; the limit keeps infinity from meeting zero.
static void silu_f32(const float *x, float *y, size_t count) {
    FOR_LANES(i, part, count, {
        const vf t = v_max(v_splat(-104), v_load_part(x + i, part));
        v_store_part(y + i, t * v_logistic(t), part);
    })
}

static void silu_backward_f32(const float *x, const float *dy, float *dx, size_t count) {
    FOR_LANES(i, part, count, {
        const vf t = v_clamp(v_splat(-104), v_splat(104), v_load_part(x + i, part)), gate = v_logistic(t);
        const vf slope = v_fma(t * gate, 1 - gate, gate);
        v_store_part(dx + i, v_fma(slope, v_load_part(dy + i, part), v_load_part(dx + i, part)), part);
    })
}

static void exp_f32(const float *x, float *y, size_t count) {
    FOR_LANES(i, part, count, { v_store_part(y + i, v_exp(v_load_part(x + i, part)), part); })
}

static void tanh_f32(const float *x, float *y, size_t count) {
    FOR_LANES(i, part, count, { v_store_part(y + i, v_tanh(v_load_part(x + i, part)), part); })
}

static void add_f32(const float *x, float *y, size_t count) {
    FOR_LANES(i, part, count, { v_store_part(y + i, v_load_part(y + i, part) + v_load_part(x + i, part), part); })
}

static void axpy_f32(float alpha, const float *x, float *y, size_t count) {
    FOR_LANES(i, part, count, {
        v_store_part(y + i, v_fma(v_splat(alpha), v_load_part(x + i, part), v_load_part(y + i, part)), part);
    })
}

static void scale_f32(float alpha, float *y, size_t count) {
    FOR_LANES(i, part, count, { v_store_part(y + i, v_load_part(y + i, part) * alpha, part); })
}

static void multiply_f32(const float *a, const float *b, float *y, size_t count) {
    FOR_LANES(i, part, count, { v_store_part(y + i, v_load_part(a + i, part) * v_load_part(b + i, part), part); })
}

/// Element i goes to sum i mod 16; the sixteen are added in halves. Every level adds in this order. A square of a float
/// is exact in double, so fused and separate multiplication agree too.
static double sum_squares_f32(const float *x, size_t count) {
    typedef double d16 __attribute__((ext_vector_type(16)));
    typedef double d4 __attribute__((ext_vector_type(4)));
    typedef float f16 __attribute__((ext_vector_type(16)));
    d16 sums = 0;
    for (size_t i = 0; i < count; i += 16) {
        f16 sixteen = 0;
        if (i + 16 <= count) {
            __builtin_memcpy(&sixteen, x + i, sizeof sixteen);
        } else {
            for (size_t lane = 0; i + lane < count; lane++) sixteen[lane] = x[i + lane];
        }
        const d16 wide = __builtin_convertvector(sixteen, d16);
        sums = __builtin_elementwise_fma(wide, wide, sums);
    }
    const d4 four = (sums.lo + sums.hi).lo + (sums.lo + sums.hi).hi;
    return (four.x + four.z) + (four.y + four.w);
}

static void adamw_f32(float *parameters, const float *gradients, float *m, float *v, size_t count, float rate,
                      float beta1, float beta2, float epsilon, float weight_decay, float correction1,
                      float correction2) {
    const float step = rate / correction1, inverse2 = 1 / correction2, kept = 1 - rate * weight_decay;
    FOR_LANES(i, part, count, {
        const vf g = v_load_part(gradients + i, part);
        const vf first = v_fma(v_splat(beta1), v_load_part(m + i, part), (1 - beta1) * g);
        const vf second = v_fma(v_splat(beta2), v_load_part(v + i, part), (1 - beta2) * g * g);
        v_store_part(m + i, first, part);
        v_store_part(v + i, second, part);
        const vf change = first / (v_sqrt(second * inverse2) + epsilon);
        v_store_part(parameters + i, v_load_part(parameters + i, part) * kept - step * change, part);
    })
}

// --------------------------------------------------------------------------------------------------- number formats

#ifndef NATIVE_BF16
typedef uint16_t vh __attribute__((ext_vector_type(LANES)));
#endif
typedef _Float16 vhf __attribute__((ext_vector_type(LANES)));

INLINE vh v_load_part_u16(const uint16_t *p, size_t part) {
    vh v = 0;
    if (part == LANES) {
        __builtin_memcpy(&v, p, sizeof v);
    } else {
        for (size_t i = 0; i < part; i++) v[i] = p[i];
    }
    return v;
}

INLINE void v_store_part_u16(uint16_t *p, vh v, size_t part) {
    if (part == LANES) {
        __builtin_memcpy(p, &v, sizeof v);
    } else {
        for (size_t i = 0; i < part; i++) p[i] = v[i];
    }
}

static void f16_to_f32(const uint16_t *x, float *y, size_t count) {
    FOR_LANES(i, part, count, {
        v_store_part(y + i, __builtin_convertvector((vhf)v_load_part_u16(x + i, part), vf), part);
    })
}

static void bf16_to_f32(const uint16_t *x, float *y, size_t count) {
    FOR_LANES(i, part, count, {
        const vu wide = __builtin_convertvector(v_load_part_u16(x + i, part), vu);
        v_store_part(y + i, (vf)(wide << 16), part);
    })
}

/// The nearest bfloat16 (ties to even), in the lower half of each lane.
INLINE vu v_bf16_bits(vf value) {
    const vu bits = (vu)value;
    const vu rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    const vu quiet_nan = bits >> 16 | 0x40;
    return value != value ? quiet_nan : rounded;
}

static void f32_to_bf16(const float *x, uint16_t *y, size_t count) {
    FOR_LANES(i, part, count, {
        v_store_part_u16(y + i, __builtin_convertvector(v_bf16_bits(v_load_part(x + i, part)), vh), part);
    })
}
