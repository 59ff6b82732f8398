/// exp, tanh and the normal distribution, by polynomials fitted for least largest error (checked against double
/// precision in the tests).

/// 2^exponent for a whole exponent in −126…127.
INLINE vf v_power_of_2(vi exponent) { return (vf)((exponent + 127) << 23); }

/// x · 2^exponent for whole exponents, in two steps: 2^128 and the subnormal results are out of one step's reach.
INLINE vf v_times_power_of_2_in_halves(vf x, vf exponent) {
    const float whole = 12582912;  // 1.5 · 2^23: added to a small float, its last bits are a whole number
    const vi e = (vi)(exponent + whole) - (vi)v_splat(whole);
    const vi half = e >> 1;
    return x * v_power_of_2(half) * v_power_of_2(e - half);
}

/// exp(x) = 2^n exp(r), n the whole number nearest x / ln 2, |r| ≤ ln 2 / 2. Relative error ≤ 2e-7; infinity, zero and
/// NaN as in C.
INLINE vf v_exp(vf x) {
    x = v_clamp(v_splat(-104), v_splat(89), x);  // beyond, the result is 0 or infinity, as at these limits
    const float whole = 12582912;
    const vf n = v_fma(x, v_splat(1.44269504f), v_splat(whole)) - whole;
    vf r = v_fma(n, v_splat(-0.693359375f), x);    // ln 2 in two parts; the first has few bits, so n times it is exact
    r = v_fma(n, v_splat(2.12194440e-4f), r);
    vf p = v_splat(1.381461043e-03f);
    p = v_fma(p, r, v_splat(8.368711133e-03f));
    p = v_fma(p, r, v_splat(4.166838749e-02f));
    p = v_fma(p, r, v_splat(1.666652068e-01f));
    p = v_fma(p, r, v_splat(4.999999345e-01f));
    p = v_fma(p, r * r, r + 1);
    return v_times_power_of_2(p, n);
}

/// tanh(x): an odd polynomial near zero, 1 − 2 / (exp(2|x|) + 1) elsewhere.
INLINE vf v_tanh(vf x) {
    const vf size = v_abs(x), square = x * x;
    vf p = v_splat(-5.704987211e-03f);
    p = v_fma(p, square, v_splat(2.063908744e-02f));
    p = v_fma(p, square, v_splat(-5.373971515e-02f));
    p = v_fma(p, square, v_splat(1.333144220e-01f));
    p = v_fma(p, square, v_splat(-3.333328194e-01f));
    const vf near_zero = v_fma(x * square, p, x);
    const vf far = 1 - 2 / (v_exp(size + size) + 1);
    const vf signed_far = x < 0 ? -far : far;
    return size < 0.625f ? near_zero : signed_far;
}

/// The normal distribution's upper tail 1 − Φ(size), for 0 ≤ size ≤ 30, and exp(−size²/2) besides.
/// (1 − Φ) exp(size²/2) is a polynomial in 1 / (1 + 0.3 size); absolute error ≤ 1e-7, also after multiplying by size.
INLINE vf v_normal_tail(vf size, vf *bell) {
    const vf t = 1 / v_fma(size, v_splat(0.3f), v_splat(1));
    vf p = v_splat(3.700463672e-02f);
    p = v_fma(p, t, v_splat(-2.428661040e-01f));
    p = v_fma(p, t, v_splat(5.186273856e-01f));
    p = v_fma(p, t, v_splat(-3.051717072e-01f));
    p = v_fma(p, t, v_splat(2.954660789e-01f));
    p = v_fma(p, t, v_splat(7.218270574e-02f));
    p = v_fma(p, t, v_splat(1.247570000e-01f));
    *bell = v_exp(size * size * -0.5f);
    return p * t * *bell;
}
