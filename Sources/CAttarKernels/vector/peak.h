/// How fast can a core multiply and add? As many sums as registers can hold, none of which waits for another.
enum { PEAK_SUMS = LANES == 8 ? 12 : 16 };

static uint64_t peak_f32(size_t rounds, float *sink) {
    vf sums[PEAK_SUMS];
    const vf factor = v_splat(0.9999f), term = v_splat(1e-5f);
#pragma clang loop unroll(full)
    for (int i = 0; i < PEAK_SUMS; i++) sums[i] = v_splat((float)i);
    for (size_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < PEAK_SUMS; i++) sums[i] = v_fma(sums[i], factor, term);
    }
    vf total = v_splat(0);
#pragma clang loop unroll(full)
    for (int i = 0; i < PEAK_SUMS; i++) total += sums[i];
    *sink = v_sum(total);
    return (uint64_t)rounds * PEAK_SUMS * LANES * 2;
}
