/// Products over packed blocks, plainly: unlike the other levels it looks at one code after the other.

static int packed_code(const struct block_shape *shape, const uint8_t *group, size_t i) {
    if (shape->bits == 8) return group[i];
    const size_t half = shape->group / 2;
    return i < half ? group[i] & 0xF : group[i - half] >> 4;
}

/// One column's share of a group with one row.
static float group_product(const struct block_shape *shape, const uint8_t *group, const int8_t *a, float row_scale,
                           int32_t row_sum) {
    float scale, minimum = 0;
    memcpy(&scale, group + shape->group * shape->bits / 8, sizeof scale);
    if (shape->has_minimums) memcpy(&minimum, group + shape->group * shape->bits / 8 + sizeof scale, sizeof minimum);
    int32_t sum = -shape->zero * row_sum;
    for (size_t i = 0; i < shape->group; i++) sum += packed_code(shape, group, i) * a[i];
    return (float)sum * (scale * row_scale) + minimum * (row_scale * (float)row_sum);
}

static void gemm_blocks_packed(attar_block_format format, size_t m, size_t n, size_t k, const int8_t *a,
                               const float *row_scales, const int32_t *row_sums, const void *packed, float *c,
                               size_t ldc, const float *bias) {
    const struct block_shape shape = block_shape_of(format);
    const size_t groups = k / shape.group, group_bytes = packed_group_bytes(&shape);
    for (size_t row = 0; row < m; row++) {
        for (size_t column = 0; column < n; column++) {
            const uint8_t *weights = (const uint8_t *)packed + column * groups * group_bytes;
            float sum = bias ? bias[column] : 0;
            for (size_t group = 0; group < groups; group++) {
                sum += group_product(&shape, weights + group * group_bytes, a + row * k + group * shape.group,
                                     row_scales[row * groups + group], row_sums[row * groups + group]);
            }
            c[row * ldc + column] = sum;
        }
    }
}

static void quantize_groups_i8(attar_block_format format, const float *x, size_t ldx, size_t rows, size_t k,
                               int8_t *codes, float *scales, int32_t *sums) {
    const size_t group = block_shape_of(format).group;
    for (size_t row = 0; row < rows; row++) {
        const float *next = x + row * ldx;
        for (size_t i = 0; i < k / group; i++, next += group, codes += group, scales++, sums++) {
            quantize_i8(next, 1, group, codes, scales);
            *sums = 0;
            for (size_t j = 0; j < group; j++) {
                *sums += codes[j];
                *scales += next[j] * 0;  // NaN as soon as one number is not finite
            }
        }
    }
}
