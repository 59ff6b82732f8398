/// What all levels share of their vectors.

INLINE vf v_splat(float x) { return (vf)x; }
INLINE vf v_fma(vf a, vf b, vf c) { return __builtin_elementwise_fma(a, b, c); }
INLINE vf v_sqrt(vf x) { return __builtin_elementwise_sqrt(x); }
INLINE vf v_abs(vf x) { return __builtin_elementwise_abs(x); }

#ifndef NATIVE_BF16
/// sums + a₀ b₀ + a₁ b₁, where each lane of a and b holds two bfloat16.
INLINE vf v_add_pairs_bf16(vf sums, vi a, vi b) {
    const vi upper = (vi)(vu)0xFFFF0000;
    return v_fma((vf)(a & upper), (vf)(b & upper), v_fma((vf)(a << 16), (vf)(b << 16), sums));
}
#endif

/// The larger and the smaller; when the operands cannot be compared, the second. So v_max(limit, x) keeps a NaN of x.
INLINE vf v_max(vf a, vf b) { return a > b ? a : b; }
INLINE vf v_min(vf a, vf b) { return a < b ? a : b; }

/// x held between two limits; NaN stays NaN.
INLINE vf v_clamp(vf low, vf high, vf x) { return v_min(high, v_max(low, x)); }

/// The first `part` lanes (others zero), without touching memory beyond them. `part` is 1…LANES.
INLINE vf v_load_part(const float *p, size_t part) { return part == LANES ? v_load(p) : v_load_first(p, part); }

INLINE void v_store_part(float *p, vf v, size_t part) {
    if (part == LANES) {
        v_store(p, v);
    } else {
        v_store_first(p, v, part);
    }
}

/// Runs its body for i = 0, LANES, 2 LANES … below `count`, with `part` lanes at each: LANES, which the compiler knows,
/// except in a shorter last round. The body must not `break` or `continue`.
#define FOR_LANES(i, part, count, ...)                               \
    {                                                                \
        size_t i = 0;                                                \
        for (; i + LANES <= (count); i += LANES) {                   \
            enum { part = LANES };                                   \
            __VA_ARGS__                                              \
        }                                                            \
        if (i < (count)) {                                           \
            const size_t part = (count) - i;                         \
            __VA_ARGS__                                              \
        }                                                            \
    }

/// The same, with `turn` 0, 1, 2, 3, 0, 1 … for bodies that add to one of four sums: a single chain of dependent
/// additions takes the latency of each, four take turns.
#define FOR_LANES_IN_TURNS(i, part, turn, count, ...)                \
    {                                                                \
        size_t i = 0;                                                \
        while (i + 4 * LANES <= (count)) {                           \
            ONE_TURN(i, part, turn, 0, __VA_ARGS__)                  \
            ONE_TURN(i, part, turn, 1, __VA_ARGS__)                  \
            ONE_TURN(i, part, turn, 2, __VA_ARGS__)                  \
            ONE_TURN(i, part, turn, 3, __VA_ARGS__)                  \
        }                                                            \
        while (i + LANES <= (count)) {                               \
            ONE_TURN(i, part, turn, 0, __VA_ARGS__)                  \
        }                                                            \
        if (i < (count)) {                                           \
            enum { turn = 0 };                                       \
            const size_t part = (count) - i;                         \
            __VA_ARGS__                                              \
        }                                                            \
    }

#define ONE_TURN(i, part, turn, number, ...)                         \
    {                                                                \
        enum { part = LANES, turn = number };                        \
        __VA_ARGS__                                                  \
    }                                                                \
    i += LANES;

/// 0, 1, 2 …
INLINE vi v_lane_numbers(void) {
#if LANES == 4
    return (vi){0, 1, 2, 3};
#elif LANES == 8
    return (vi){0, 1, 2, 3, 4, 5, 6, 7};
#else
    return (vi){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#endif
}

/// The first `part` lanes of v, others replaced by `fill`.
INLINE vf v_keep_part(vf v, size_t part, float fill) {
    return part == LANES ? v : (v_lane_numbers() < (vi)(int32_t)part ? v : v_splat(fill));
}

INLINE vf v_total(const vf turns[4]) { return (turns[0] + turns[1]) + (turns[2] + turns[3]); }

typedef float f4 __attribute__((ext_vector_type(4)));
typedef float f8 __attribute__((ext_vector_type(8)));

/// Lanes added in halves.
INLINE float v_sum(vf v) {
#if LANES == 4
    const f4 four = v;
#elif LANES == 8
    const f4 four = v.lo + v.hi;
#else
    const f4 four = (v.lo + v.hi).lo + (v.lo + v.hi).hi;
#endif
    return (four.x + four.z) + (four.y + four.w);
}

/// The largest lane, in halves as v_sum; NaN may be passed over.
INLINE float v_largest(vf v) {
#if LANES == 4
    const f4 four = v;
#elif LANES == 8
    const f4 four = v.lo > v.hi ? v.lo : v.hi;
#else
    const f8 eight = v.lo > v.hi ? v.lo : v.hi;
    const f4 four = eight.lo > eight.hi ? eight.lo : eight.hi;
#endif
    const float x = four.x > four.z ? four.x : four.z, y = four.y > four.w ? four.y : four.w;
    return x > y ? x : y;
}

/// Lanes of the lower (upper) halves of a and b in turn: a0 b0 a1 b1 …
INLINE vf v_interleave_low(vf a, vf b) {
#if LANES == 4
    return __builtin_shufflevector(a, b, 0, 4, 1, 5);
#elif LANES == 8
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
#else
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#endif
}

INLINE vf v_interleave_high(vf a, vf b) {
#if LANES == 4
    return __builtin_shufflevector(a, b, 2, 6, 3, 7);
#elif LANES == 8
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#endif
}

/// The even (odd) lanes of a, then those of b: what interleaving undoes.
INLINE vf v_evens(vf a, vf b) {
#if LANES == 4
    return __builtin_shufflevector(a, b, 0, 2, 4, 6);
#elif LANES == 8
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
#else
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
#endif
}

INLINE vf v_odds(vf a, vf b) {
#if LANES == 4
    return __builtin_shufflevector(a, b, 1, 3, 5, 7);
#elif LANES == 8
    return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#else
    return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#endif
}

/// Transposes LANES vectors as a square matrix: log2(LANES) rounds of a perfect shuffle of the rows.
INLINE void v_transpose(vf rows[LANES]) {
    vf shuffled[LANES];
#pragma clang loop unroll(full)
    for (int round = 1; round < LANES; round *= 2) {
#pragma clang loop unroll(full)
        for (int i = 0; i < LANES / 2; i++) {
            shuffled[2 * i] = v_interleave_low(rows[i], rows[i + LANES / 2]);
            shuffled[2 * i + 1] = v_interleave_high(rows[i], rows[i + LANES / 2]);
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < LANES; i++) rows[i] = shuffled[i];
    }
}
