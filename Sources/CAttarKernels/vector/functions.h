/// exp, tanh and the normal distribution, by polynomials fitted for least largest error (checked against double
/// precision in the tests). Polynomials are evaluated in halves, not term by term: with shorter chains of dependent
/// instructions the processor overlaps more of them.

/// Added to a float of modest size, this leaves that float's nearest whole number, plus 127, in the last bits: the
/// exponent field of 2^n, wanting only a shift.
static const float EXPONENT_BIAS = 12582912 + 127;  // 1.5 · 2^23 + 127

/// 2^n from n + EXPONENT_BIAS, n in −126…127.
INLINE vf v_power_of_2(vu biased) { return (vf)(biased << 23); }

/// x · 2^n for a whole n, in two steps: 2^128 and the subnormal results are out of one step's reach.
INLINE vf v_times_power_of_2_in_halves(vf x, vf n) {
    const vi whole = (vi)(n + EXPONENT_BIAS) - (vi)v_splat(EXPONENT_BIAS);
    const vi half = whole >> 1;
    return x * v_power_of_2((vu)(half + 127)) * v_power_of_2((vu)(whole - half + 127));
}

/// exp(x − n ln 2), n the whole number nearest x / ln 2; and n + EXPONENT_BIAS.
INLINE vf v_exp_reduced(vf x, vf *biased) {
    *biased = v_fma(x, v_splat(1.44269504f), v_splat(EXPONENT_BIAS));
    const vf n = *biased - EXPONENT_BIAS;
    // One fused step: n times the error of this ln 2 is below 2.5e-7.
    const vf r = v_fma(n, v_splat(-0.693147182f), x), square = r * r;
    const vf low = v_fma(r, v_splat(1.666652068e-01f), v_splat(4.999999345e-01f));
    const vf middle = v_fma(r, v_splat(8.368711133e-03f), v_splat(4.166838749e-02f));
    const vf high = v_fma(square, v_splat(1.381461043e-03f), middle);
    return v_fma(v_fma(high, square, low), square, r + 1);
}

/// exp(x). Relative error ≤ 4e-7; infinity, zero and NaN as in C.
INLINE vf v_exp(vf x) {
    vf biased;
    // Beyond these limits the result is 0 or infinity, as it is at them.
    const vf reduced = v_exp_reduced(v_clamp(v_splat(-104), v_splat(89), x), &biased);
    return v_times_power_of_2(reduced, biased - EXPONENT_BIAS);
}

/// exp(x) for x ≤ 0, cheaper: 0 where the result would be subnormal.
INLINE vf v_exp_of_negative(vf x) {
    const vf least = v_splat(-87.33f);
    vf biased;
    const vf reduced = v_exp_reduced(v_max(least, x), &biased);
    return x < least ? v_splat(0) : reduced * v_power_of_2((vu)biased);
}

#ifdef NATIVE_BF16
/// 2^x for x ≤ 127 to a relative 8e-5: what bfloat16 can tell. −infinity gives 0, NaN stays NaN.
INLINE vf v_power_of_2_coarse(vf x) {
    const vf held = v_max(v_splat(-200), x);
    const vf n = held + EXPONENT_BIAS - EXPONENT_BIAS, r = held - n, square = r * r;
    const vf low = v_fma(r, v_splat(6.932609892e-01f), v_splat(9.999280989e-01f));
    const vf high = v_fma(r, v_splat(5.517139135e-02f), v_splat(2.426107078e-01f));
    return v_times_power_of_2(v_fma(high, square, low), n);
}
#endif

/// tanh(x): an odd polynomial near zero, 1 − 2 / (exp(2|x|) + 1) elsewhere.
INLINE vf v_tanh(vf x) {
    const vf size = v_abs(x), square = x * x;
    const vf low = v_fma(square, v_splat(1.333144220e-01f), v_splat(-3.333328194e-01f));
    const vf middle = v_fma(square, v_splat(2.063908744e-02f), v_splat(-5.373971515e-02f));
    const vf high = v_fma(square * square, v_splat(-5.704987211e-03f), middle);
    const vf p = v_fma(high, square * square, low);
    const vf near_zero = v_fma(x * square, p, x);
    const vf far = 1 - 2 / (v_exp(size + size) + 1);
    const vf signed_far = x < 0 ? -far : far;
    return size < 0.625f ? near_zero : signed_far;
}

/// The normal distribution's upper tail 1 − Φ(size), for 0 ≤ size ≤ 30, and exp(−size²/2) besides.
/// (1 − Φ) exp(size²/2) is a polynomial in 1 / (1 + 0.3 size); absolute error ≤ 1e-7, also after multiplying by size.
INLINE vf v_normal_tail(vf size, vf *bell) {
    const vf t = 1 / v_fma(size, v_splat(0.3f), v_splat(1));
    const vf t2 = t * t;
    const vf p01 = v_fma(t, v_splat(7.218270574e-02f), v_splat(1.247570000e-01f));
    const vf p23 = v_fma(t, v_splat(-3.051717072e-01f), v_splat(2.954660789e-01f));
    const vf p45 = v_fma(t, v_splat(-2.428661040e-01f), v_splat(5.186273856e-01f));
    const vf p03 = v_fma(p23, t2, p01), p46 = v_fma(t2, v_splat(3.700463672e-02f), p45);
    const vf p = v_fma(p46, t2 * t2, p03);
    *bell = v_exp_of_negative(size * size * -0.5f);
    return p * t * *bell;
}

/// Φ(x) − 1/2, the normal distribution about its middle, to 1e-4 / |x|: an odd polynomial that meets 1/2 at 4.2 and
/// keeps it from there. Fitted for least error after multiplying by x.
INLINE vf v_normal_coarse(vf x) {
    const vf t = v_clamp(v_splat(-4.2f), v_splat(4.2f), x), square = t * t, fourth = square * square;
    const vf p01 = v_fma(square, v_splat(-6.552821138e-02f), v_splat(3.984658785e-01f));
    const vf p23 = v_fma(square, v_splat(-9.506588480e-04f), v_splat(9.298234546e-03f));
    const vf p45 = v_fma(square, v_splat(-3.037944695e-06f), v_splat(6.689087640e-05f));
    const vf p67 = v_fma(square, v_splat(-9.017605132e-10f), v_splat(7.941388249e-08f));
    return t * v_fma(v_fma(v_fma(p67, fourth, p45), fourth, p23), fourth, p01);
}
