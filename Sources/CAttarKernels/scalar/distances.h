/// Scores of vectors, one at a time.

/// Where vector i stands: the i-th, or the row that a list says.
static size_t row_at(const uint32_t *rows, size_t i) { return rows ? rows[i] : i; }

static float squared_distance(const float *a, const float *b, size_t dim) {
    float sum = 0;
    for (size_t d = 0; d < dim; d++) sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

static void dot_f32(const float *query, const float *vectors, size_t stride, const uint32_t *rows, size_t count,
                    size_t dim, float *scores) {
    for (size_t i = 0; i < count; i++) scores[i] = dot(query, vectors + row_at(rows, i) * stride, dim);
}

static void squared_distance_f32(const float *query, const float *vectors, size_t stride, const uint32_t *rows,
                                 size_t count, size_t dim, float *scores) {
    for (size_t i = 0; i < count; i++) scores[i] = squared_distance(query, vectors + row_at(rows, i) * stride, dim);
}

static void dot_bf16(const float *query, const uint16_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                     size_t dim, float *scores) {
    for (size_t i = 0; i < count; i++) {
        const uint16_t *vector = vectors + row_at(rows, i) * stride;
        scores[i] = 0;
        for (size_t d = 0; d < dim; d++) scores[i] += query[d] * float_of_bits((uint32_t)vector[d] << 16);
    }
}

static void squared_distance_bf16(const float *query, const uint16_t *vectors, size_t stride, const uint32_t *rows,
                                  size_t count, size_t dim, float *scores) {
    for (size_t i = 0; i < count; i++) {
        const uint16_t *vector = vectors + row_at(rows, i) * stride;
        scores[i] = 0;
        for (size_t d = 0; d < dim; d++) {
            const float difference = query[d] - float_of_bits((uint32_t)vector[d] << 16);
            scores[i] += difference * difference;
        }
    }
}

static void dot_i8(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                   size_t dim, int32_t *scores) {
    for (size_t i = 0; i < count; i++) {
        const int8_t *vector = vectors + row_at(rows, i) * stride;
        scores[i] = 0;
        for (size_t d = 0; d < dim; d++) scores[i] += query[d] * vector[d];
    }
}

static void squared_distance_i8(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *rows,
                                size_t count, size_t dim, int32_t *scores) {
    for (size_t i = 0; i < count; i++) {
        const int8_t *vector = vectors + row_at(rows, i) * stride;
        scores[i] = 0;
        for (size_t d = 0; d < dim; d++) scores[i] += (query[d] - vector[d]) * (query[d] - vector[d]);
    }
}

static void hamming(const uint8_t *query, const uint8_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                    size_t bytes, int32_t *scores) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *vector = vectors + row_at(rows, i) * stride;
        scores[i] = 0;
        for (size_t b = 0; b < bytes; b++) scores[i] += __builtin_popcount(query[b] ^ vector[b]);
    }
}
