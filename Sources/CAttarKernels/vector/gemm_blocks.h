/// Matrix products over packed blocks: the weights of ggml's formats as they are, activations as signed bytes with a
/// scale for each group of the same size. Sums within a group are exact integers; across groups they are floats:
///
///     C = Σ_groups row_scale · (scale · Σ code · a − zero · Σ a) + row_scale · minimum · Σ a
enum { GROUPS_TILE_ROWS = LANES == 16 ? 4 : 2, PREFETCH_BYTES = 2048 };

struct groups_tile {
    const int8_t *a;
    size_t lda;               // bytes
    const float *row_scales;  // [rows][groups]
    const int32_t *row_sums;  // [rows][groups]
    size_t groups;            // of a row
    const char *panel;
    const float *bias;  // of the panel's columns; never NULL
    float *c;
    size_t ldc;
};

INLINE vi spread_element(const int8_t *p) { return (vi)v_splat(element_at((const char *)p)); }

/// sums += the products of one element of the panel with `height` rows.
INLINE void add_element(const size_t height, vi sums[][TILE_VECTORS], const vi weights[], const int8_t *a, size_t lda) {
#pragma clang loop unroll(full)
    for (size_t row = 0; row < height; row++) {
        const vi spread = spread_element(a + row * lda);
#pragma clang loop unroll(full)
        for (size_t v = 0; v < TILE_VECTORS; v++) sums[row][v] = v_add_quads_i8(sums[row][v], weights[v], spread);
    }
}

/// sums += the products of one group of the panel with `height` rows.
INLINE void add_group(const struct block_shape shape, const size_t height, vi sums[][TILE_VECTORS], const char *panel,
                      const int8_t *a, size_t lda) {
    const size_t elements = shape.group * shape.bits / 32;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < elements; i++) {
        vi low[TILE_VECTORS], high[TILE_VECTORS];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < TILE_VECTORS; v++) {
            const vi codes = (vi)v_load((const float *)panel + i * PANEL_COLUMNS + v * LANES);
            low[v] = shape.bits == 4 ? codes & 0x0F0F0F0F : codes;
            high[v] = (vi)((vu)codes >> 4) & 0x0F0F0F0F;
        }
        add_element(height, sums, low, a + 4 * i, lda);
        if (shape.bits == 4) add_element(height, sums, high, a + 4 * (i + elements), lda);
    }
}

INLINE void multiply_groups(const struct block_shape shape, const size_t height, const struct groups_tile *tile) {
    vf totals[GROUPS_TILE_ROWS][TILE_VECTORS];
#pragma clang loop unroll(full)
    for (size_t row = 0; row < height; row++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < TILE_VECTORS; v++) totals[row][v] = v_load(tile->bias + v * LANES);
    }
    const char *panel = tile->panel;
    const size_t group_bytes = packed_group_bytes(&shape), groups = tile->groups;
    for (size_t group = 0; group < groups; group++, panel += group_bytes) {
        for (size_t line = 0; line < group_bytes; line += 64) {
            __builtin_prefetch(panel + PREFETCH_BYTES + line, 0, 3);
        }
        vi sums[GROUPS_TILE_ROWS][TILE_VECTORS];
#pragma clang loop unroll(full)
        for (size_t row = 0; row < height; row++) {
            const vi start = (vi)(-shape.zero * tile->row_sums[row * groups + group]);
#pragma clang loop unroll(full)
            for (size_t v = 0; v < TILE_VECTORS; v++) sums[row][v] = start;
        }
        add_group(shape, height, sums, panel, tile->a + group * shape.group, tile->lda);
        const float *scales = (const float *)(panel + PANEL_COLUMNS * shape.group * shape.bits / 8);
#pragma clang loop unroll(full)
        for (size_t row = 0; row < height; row++) {
            const float scale = tile->row_scales[row * groups + group];
            const float sum = scale * (float)tile->row_sums[row * groups + group];
#pragma clang loop unroll(full)
            for (size_t v = 0; v < TILE_VECTORS; v++) {
                const vf factor = v_load(scales + v * LANES) * scale;
                totals[row][v] = v_fma(__builtin_convertvector(sums[row][v], vf), factor, totals[row][v]);
                if (!shape.has_minimums) continue;
                const vf minimums = v_load(scales + PANEL_COLUMNS + v * LANES);
                totals[row][v] = v_fma(minimums, v_splat(sum), totals[row][v]);
            }
        }
    }
#pragma clang loop unroll(full)
    for (size_t row = 0; row < height; row++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < TILE_VECTORS; v++) v_store(tile->c + row * tile->ldc + v * LANES, totals[row][v]);
    }
}

/// One function for each shape and height.
typedef void groups_function(const struct groups_tile *tile);

#define GROUPS_FUNCTION(name, format, height) \
    static void name##_##height(const struct groups_tile *tile) { multiply_groups(block_shape_of(format), height, tile); }

#if LANES == 16
#define GROUPS_FUNCTIONS(name, format)                                                                              \
    GROUPS_FUNCTION(name, format, 1)                                                                                \
    GROUPS_FUNCTION(name, format, 2)                                                                                \
    GROUPS_FUNCTION(name, format, 3)                                                                                \
    GROUPS_FUNCTION(name, format, 4)                                                                                \
    static groups_function *const name[] = {NULL, name##_1, name##_2, name##_3, name##_4};
#else
#define GROUPS_FUNCTIONS(name, format) \
    GROUPS_FUNCTION(name, format, 1)   \
    GROUPS_FUNCTION(name, format, 2)   \
    static groups_function *const name[] = {NULL, name##_1, name##_2};
#endif

// Q4_K is repacked as Q4_1 is, and Q5_K as Q5_1.
GROUPS_FUNCTIONS(multiply_q4_0, ATTAR_BLOCKS_Q4_0)
GROUPS_FUNCTIONS(multiply_q4_1, ATTAR_BLOCKS_Q4_1)
GROUPS_FUNCTIONS(multiply_q5_0, ATTAR_BLOCKS_Q5_0)
GROUPS_FUNCTIONS(multiply_q5_1, ATTAR_BLOCKS_Q5_1)
GROUPS_FUNCTIONS(multiply_q8_0, ATTAR_BLOCKS_Q8_0)
GROUPS_FUNCTIONS(multiply_q6_k, ATTAR_BLOCKS_Q6_K)

static groups_function *const *groups_functions_of(attar_block_format format) {
    switch (format) {
    case ATTAR_BLOCKS_Q4_0: return multiply_q4_0;
    case ATTAR_BLOCKS_Q4_1: return multiply_q4_1;
    case ATTAR_BLOCKS_Q5_0: return multiply_q5_0;
    case ATTAR_BLOCKS_Q5_1: return multiply_q5_1;
    case ATTAR_BLOCKS_Q8_0: return multiply_q8_0;
    case ATTAR_BLOCKS_Q4_K: return multiply_q4_1;
    case ATTAR_BLOCKS_Q5_K: return multiply_q5_1;
    case ATTAR_BLOCKS_Q6_K: return multiply_q6_k;
    }
}

/// The tiles of one panel, of which `columns` are kept.
static void multiply_groups_panel(groups_function *const *functions, size_t rows, size_t columns,
                                  struct groups_tile tile) {
    float aside[GROUPS_TILE_ROWS * PANEL_COLUMNS];
    float *c = tile.c;
    const size_t ldc = tile.ldc;
    for (size_t row = 0; row < rows;) {
        const size_t height = smaller(GROUPS_TILE_ROWS, rows - row);
        const bool is_whole = columns == PANEL_COLUMNS;
        tile.c = is_whole ? c : aside;
        tile.ldc = is_whole ? ldc : PANEL_COLUMNS;
        functions[height](&tile);
        if (!is_whole) copy_rows(aside, PANEL_COLUMNS, height, columns, c, ldc);
        tile.a += height * tile.lda;
        tile.row_scales += height * tile.groups;
        tile.row_sums += height * tile.groups;
        c += height * ldc;
        row += height;
    }
}

static void gemm_blocks_packed(attar_block_format format, size_t m, size_t n, size_t k, const int8_t *a,
                               const float *row_scales, const int32_t *row_sums, const void *packed, float *c,
                               size_t ldc, const float *bias) {
    const struct block_shape shape = block_shape_of(format);
    const size_t groups = k / shape.group, panel_bytes = groups * packed_group_bytes(&shape);
    const size_t block = block_of_rows(k);
    for (size_t row = 0; row < m; row += block) {
        const char *panel = packed;
        for (size_t column = 0; column < n; column += PANEL_COLUMNS, panel += panel_bytes) {
            const size_t columns = smaller(PANEL_COLUMNS, n - column);
            float edge[PANEL_COLUMNS];
            const float *start = panel_of_bias(bias, column, columns, edge);
            multiply_groups_panel(groups_functions_of(format), smaller(block, m - row), columns,
                                  (struct groups_tile){
                                      .a = a + row * k,
                                      .lda = k,
                                      .row_scales = row_scales + row * groups,
                                      .row_sums = row_sums + row * groups,
                                      .groups = groups,
                                      .panel = panel,
                                      .bias = start,
                                      .c = c + row * ldc + column,
                                      .ldc = ldc,
                                  });
        }
    }
}

/// 0, or NaN as soon as one number is not finite.
static float zero_if_finite(const float *x, size_t count) {
    vf zeros = 0;
    FOR_LANES(i, part, count, { zeros = v_fma(v_load_part(x + i, part), v_splat(0), zeros); })
    return v_sum(zeros);
}

static int32_t sum_of_codes(const int8_t *codes, size_t count) {
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += codes[i];
    return sum;
}

static void quantize_groups_i8(attar_block_format format, const float *x, size_t ldx, size_t rows, size_t k,
                               int8_t *codes, float *scales, int32_t *sums) {
    const size_t group = block_shape_of(format).group;
    for (size_t row = 0; row < rows; row++) {
        const float *next = x + row * ldx;
        for (size_t i = 0; i < k / group; i++, next += group, codes += group) {
            *scales = quantization_scale(next, group);
            quantize_row(next, group, *scales, codes);
            *scales++ += zero_if_finite(next, group);
            *sums++ = sum_of_codes(codes, group);
        }
    }
}
