/// Eight sums of plain floats.
enum { PEAK_SUMS = 8 };

static uint64_t peak_f32(size_t rounds, float *sink) {
    float sums[PEAK_SUMS] = {0, 1, 2, 3, 4, 5, 6, 7};
    for (size_t round = 0; round < rounds; round++) {
        for (int i = 0; i < PEAK_SUMS; i++) sums[i] = sums[i] * 0.9999f + 1e-5f;
    }
    *sink = 0;
    for (int i = 0; i < PEAK_SUMS; i++) *sink += sums[i];
    return (uint64_t)rounds * PEAK_SUMS * 2;
}
