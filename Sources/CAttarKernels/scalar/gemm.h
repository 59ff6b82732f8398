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

// Pairs and quads are kept as the other levels keep them, so that sizes agree: k made even, or a multiple of 4.

static void f32_to_bf16(const float *x, uint16_t *y, size_t count);

static void bf16_rows(const float *x, size_t ldx, size_t rows, size_t k, uint16_t *y, size_t ldy) {
    for (size_t row = 0; row < rows; row++) {
        f32_to_bf16(x + row * ldx, y + row * ldy, k);
        if (k % 2) y[row * ldy + k] = 0;
    }
}

static void pack_bf16(const float *weights, size_t ld, size_t n, size_t k, bool transposed, uint16_t *packed) {
    const size_t even = rounded_up(k, 2);
    for (size_t column = 0; column < n; column++) {
        for (size_t i = 0; i < even; i++) {
            const float weight = i >= k ? 0 : transposed ? weights[i * ld + column] : weights[column * ld + i];
            f32_to_bf16(&weight, packed + column * even + i, 1);
        }
    }
}

static void gemm_bf16_packed(size_t m, size_t n, size_t k, const uint16_t *a, size_t lda, const uint16_t *packed,
                             float *c, size_t ldc, const float *bias, bool accumulate) {
    for (size_t row = 0; row < m; row++) {
        for (size_t column = 0; column < n; column++) {
            const uint16_t *weights = packed + column * rounded_up(k, 2);
            float sum = (accumulate ? c[row * ldc + column] : 0) + (bias ? bias[column] : 0);
            for (size_t i = 0; i < k; i++) {
                sum += float_of_bits((uint32_t)a[row * lda + i] << 16) * float_of_bits((uint32_t)weights[i] << 16);
            }
            c[row * ldc + column] = sum;
        }
    }
}

static void quantize_i8(const float *x, size_t rows, size_t dim, int8_t *codes, float *scales);

static void pack_i8_row(const int8_t *codes, float scale, size_t row, size_t n, size_t k, int8_t *packed) {
    const size_t stride = rounded_up(k, 4);
    float *scales = (float *)(packed + n * stride);
    int32_t *sums = (int32_t *)(scales + n);
    scales[row] = scale;
    sums[row] = 0;
    for (size_t i = 0; i < stride; i++) {
        packed[row * stride + i] = i < k ? codes[i] : 0;
        sums[row] += packed[row * stride + i];
    }
}

static void pack_i8(const float *weights, size_t ld, size_t n, size_t k, int8_t *packed) {
    for (size_t row = 0; row < n; row++) {
        float scale;
        int8_t *codes = packed + row * rounded_up(k, 4);
        quantize_i8(weights + row * ld, 1, k, codes, &scale);
        pack_i8_row(codes, scale, row, n, k, packed);
    }
}

static void pack_i8_codes(const int8_t *codes, size_t ld, const float *scales, size_t n, size_t k, int8_t *packed) {
    for (size_t row = 0; row < n; row++) pack_i8_row(codes + row * ld, scales[row], row, n, k, packed);
}

static void gemm_i8_packed(size_t m, size_t n, size_t k, const uint8_t *a, const float *row_scales,
                           const int32_t *zeros, const int8_t *packed, float *c, size_t ldc, const float *bias) {
    const size_t stride = rounded_up(k, 4);
    const float *scales = (const float *)(packed + n * stride);
    const int32_t *sums = (const int32_t *)(scales + n);
    for (size_t row = 0; row < m; row++) {
        for (size_t column = 0; column < n; column++) {
            int32_t sum = -zeros[row] * sums[column];
            for (size_t i = 0; i < k; i++) sum += a[row * stride + i] * packed[column * stride + i];
            c[row * ldc + column] = (float)sum * (scales[column] * row_scales[row]) + (bias ? bias[column] : 0);
        }
    }
}

static void quantize_rows_u8(const float *x, size_t ldx, size_t rows, size_t k, uint8_t *codes, float *scales,
                             int32_t *zeros) {
    const size_t stride = rounded_up(k, 4);
    for (size_t row = 0; row < rows; row++) {
        float low = 0, high = 0, finite = 0;
        for (size_t i = 0; i < k; i++) {
            const float value = x[row * ldx + i];
            low = value < low ? value : low;
            high = value > high ? value : high;
            finite += value * 0;
        }
        const float step = (high - low) / 255 > 0 ? (high - low) / 255 : 1, offset = rintf(-low / step);
        for (size_t i = 0; i < stride; i++) {
            // 1.5 · 2^23: at that size a float is a whole number, so that the one rounding is that of the code.
            const float whole = 12582912, code = fmaf(i < k ? x[row * ldx + i] : 0, 1 / step, whole + offset) - whole;
            codes[row * stride + i] = code > 255 ? 255 : code > 0 ? (uint8_t)code : 0;
        }
        scales[row] = step + finite;
        zeros[row] = (int32_t)offset;
    }
}

static void transpose_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *y, size_t ldy) {
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < columns; column++) y[column * ldy + row] = x[row * ldx + column];
    }
}
