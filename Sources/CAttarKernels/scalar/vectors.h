/// Vectors as bytes, the best of many scores, and sums of rows.
static void quantize_i8(const float *x, size_t rows, size_t dim, int8_t *codes, float *scales) {
    for (size_t row = 0; row < rows; row++) {
        float largest = 0;
        for (size_t i = 0; i < dim; i++) {
            const float size = fabsf(x[row * dim + i]);
            largest = size > largest ? size : largest;
        }
        const float scale = largest / 127 > 0 ? largest / 127 : 1;
        scales[row] = scale;
        for (size_t i = 0; i < dim; i++) {
            // Not min and max: what is neither above −127 nor below 127 is NaN, whose code is 0.
            const float code = rintf(x[row * dim + i] / scale);
            codes[row * dim + i] = (int8_t)(code >= 127 ? 127 : code <= -127 ? -127 : isnan(code) ? 0 : code);
        }
    }
}

static size_t find_greater(const float *scores, size_t first, size_t count, float threshold) {
    while (first < count && !(scores[first] > threshold)) first++;
    return first;
}

static void embedding_bag_f32(const float *table, size_t dim, const int32_t *ids, const float *weights, size_t count,
                              float *out) {
    for (size_t d = 0; d < dim; d++) out[d] = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t d = 0; d < dim; d++) out[d] += (weights ? weights[i] : 1) * table[(size_t)ids[i] * dim + d];
    }
}
