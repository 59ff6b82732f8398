/// Matrix products of bytes: weights as signed bytes with a scale a column, activations as unsigned bytes with a scale
/// and a zero point a row, exact integer sums.
///
/// Packed weights: the panels, then the columns' scales, then the sums of their codes, both filled up to whole panels.

static size_t i8_elements(size_t k) { return (k + 3) / 4; }

/// The rows of a weight matrix: floats that are still to be rounded, or codes that were.
struct i8_rows {
    const float *weights;
    const int8_t *codes;
    size_t ld;
};

/// `count` codes of one row.
static void i8_stretch(struct i8_rows rows, size_t row, size_t first, size_t count, float scale, int8_t *codes) {
    if (rows.codes) {
        memcpy(codes, rows.codes + row * rows.ld + first, count);
    } else {
        quantize_row(rows.weights + row * rows.ld + first, count, scale, codes);
    }
}

/// The codes of one panel, rows from `row` on, a stretch at a time; also the sums of each row's codes.
static void pack_i8_panel(struct i8_rows rows, size_t row, size_t columns, size_t k, const float *scales,
                          int32_t *sums, float *panel) {
    int8_t stage[PANEL_COLUMNS * STAGE_ELEMENTS * 4];
    for (size_t first = 0; first < k; first += 4 * STAGE_ELEMENTS) {
        const size_t count = smaller(4 * STAGE_ELEMENTS, k - first);
        for (size_t column = 0; column < columns; column++) {
            int8_t *codes = stage + column * 4 * STAGE_ELEMENTS;
            memset(codes + count, 0, rounded_up(count, 4) - count);
            i8_stretch(rows, row + column, first, count, scales[column], codes);
            for (size_t i = 0; i < count; i++) sums[column] += codes[i];
        }
        pack_panel_of_rows((const float *)stage, STAGE_ELEMENTS, columns, i8_elements(count),
                           panel + first / 4 * PANEL_COLUMNS);
    }
}

/// `row_scales` may be NULL for rows that are still to be rounded.
static void pack_i8_rows(struct i8_rows rows, const float *row_scales, size_t n, size_t k, int8_t *packed) {
    const size_t padded = rounded_up(n, PANEL_COLUMNS);
    float *panels = (float *)packed;
    float *scales = panels + padded * i8_elements(k);
    int32_t *sums = (int32_t *)(scales + padded);
    for (size_t row = 0; row < padded; row++) {
        scales[row] = row >= n ? 0 : row_scales ? row_scales[row] : quantization_scale(rows.weights + row * rows.ld, k);
        sums[row] = 0;
    }
    for (size_t row = 0; row < n; row += PANEL_COLUMNS) {
        pack_i8_panel(rows, row, smaller(PANEL_COLUMNS, n - row), k, scales + row, sums + row,
                      panels + row * i8_elements(k));
    }
}

static void pack_i8(const float *weights, size_t ld, size_t n, size_t k, int8_t *packed) {
    pack_i8_rows((struct i8_rows){.weights = weights, .ld = ld}, NULL, n, k, packed);
}

static void pack_i8_codes(const int8_t *codes, size_t ld, const float *scales, size_t n, size_t k, int8_t *packed) {
    pack_i8_rows((struct i8_rows){.codes = codes, .ld = ld}, scales, n, k, packed);
}

static void gemm_i8_packed(size_t m, size_t n, size_t k, const uint8_t *a, const float *row_scales,
                           const int32_t *zeros, const int8_t *packed, float *c, size_t ldc, const float *bias) {
    const size_t depth = i8_elements(k), padded = rounded_up(n, PANEL_COLUMNS);
    const float *panels = (const float *)packed, *scales = panels + padded * depth;
    const int32_t *sums = (const int32_t *)(scales + padded);
    const size_t block = block_of_rows(4 * depth);
    for (size_t row = 0; row < m; row += block) {
        for (size_t column = 0; column < n; column += PANEL_COLUMNS) {
            const size_t columns = smaller(PANEL_COLUMNS, n - column);
            float edge[PANEL_COLUMNS];
            const float *start = panel_of_bias(bias, column, columns, edge);
            struct tile tile = {
                .a = (const char *)a + row * 4 * depth,
                .lda = 4 * depth,
                .panel = panels + column * depth,
                .depth = depth,
                .c = c + row * ldc + column,
                .ldc = ldc,
                .scales = {.rows = row_scales + row,
                           .zeros = zeros + row,
                           .columns = scales + column,
                           .column_sums = sums + column,
                           .bias = start},
            };
            multiply_stretch(multiply_tile_i8, smaller(block, m - row), columns, &tile);
        }
    }
}

/// Added to a float from 0 to 255, it leaves the nearest whole number in the last bits.
static const float BYTE_BITS = 12582912;  // 1.5 · 2^23

/// round(x · inverse + offset) held in 0…255, NaN as 0; the byte's bits.
INLINE vb v_unsigned_byte(vf x, vf inverse, float offset) {
    const vf code = v_fma(x, inverse, v_splat(BYTE_BITS + offset));
    const vf held = v_min(v_max(code, v_splat(BYTE_BITS)), v_splat(BYTE_BITS + 255));
    return __builtin_convertvector((vu)held, vb);
}

/// One row as unsigned bytes; zero itself has a code, so that what is filled up adds nothing.
static void quantize_row_u8(const float *x, size_t k, uint8_t *codes, float *scale, int32_t *zero) {
    vf least[4] = {0}, greatest[4] = {0}, not_finite[4] = {0};
    FOR_LANES_IN_TURNS(i, part, turn, k, {
        const vf value = v_load_part(x + i, part);
        least[turn] = v_min(value, least[turn]);
        greatest[turn] = v_max(value, greatest[turn]);
        not_finite[turn] = v_fma(value, v_splat(0), not_finite[turn]);  // NaN as soon as one number is not finite
    })
    const vf least_of_all = v_min(v_min(least[0], least[1]), v_min(least[2], least[3]));
    const vf greatest_of_all = v_max(v_max(greatest[0], greatest[1]), v_max(greatest[2], greatest[3]));
    const float low = -v_largest(-least_of_all), high = v_largest(greatest_of_all);
    const float step = (high - low) / 255 > 0 ? (high - low) / 255 : 1;
    const float offset = __builtin_roundevenf(-low / step);
    const vf inverse = v_splat(1 / step);
    FOR_LANES(i, part, k, {
        v_store_part_i8((int8_t *)codes + i, v_unsigned_byte(v_load_part(x + i, part), inverse, offset), part);
    })
    for (size_t i = k; i % 4; i++) codes[i] = 0;
    *scale = step + v_sum(v_total(not_finite));
    *zero = (int32_t)offset;
}

static void quantize_rows_u8(const float *x, size_t ldx, size_t rows, size_t k, uint8_t *codes, float *scales,
                             int32_t *zeros) {
    for (size_t row = 0; row < rows; row++) {
        quantize_row_u8(x + row * ldx, k, codes + row * 4 * i8_elements(k), scales + row, zeros + row);
    }
}
