/// Matrix products, plainly: packed weights are just [n][k], and each element of C is one sum over k, in order.
enum { PANEL_COLUMNS = 1 };

static void pack_f32(const float *weights, size_t ld, size_t n, size_t k, bool transposed, float *packed) {
    for (size_t column = 0; column < n; column++) {
        for (size_t i = 0; i < k; i++) {
            packed[column * k + i] = transposed ? weights[i * ld + column] : weights[column * ld + i];
        }
    }
}

static void gemm_f32_packed(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *packed, float *c,
                            size_t ldc, const float *bias, bool accumulate) {
    for (size_t row = 0; row < m; row++) {
        for (size_t column = 0; column < n; column++) {
            float sum = (accumulate ? c[row * ldc + column] : 0) + (bias ? bias[column] : 0);
            for (size_t i = 0; i < k; i++) sum += a[row * lda + i] * packed[column * k + i];
            c[row * ldc + column] = sum;
        }
    }
}

static void transpose_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *y, size_t ldy) {
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < columns; column++) y[column * ldy + row] = x[row * ldx + column];
    }
}
