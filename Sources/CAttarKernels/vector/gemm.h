/// Matrix products over packed weights.
///
/// Weights are stored as panels of PANEL_COLUMNS columns: panel [k][PANEL_COLUMNS], the last one filled up with zeros.
/// The innermost function keeps a tile of C, TILE_ROWS by PANEL_COLUMNS, in registers, and for each of k adds an
/// element of A, spread over a vector, times a row of the panel. Around it, loops keep a stretch of the panel in the
/// first-level cache and a block of A in the second.
///
/// Every element of C is one chain of fused multiply-adds over k in ascending order that starts from what C, bias or
/// zero was: the same bits whatever the tile's height, the other rows, and the level.
enum {
    PANEL_COLUMNS = TILE_VECTORS * LANES,
    PANEL_DEPTH = 384,         // a stretch of a panel: 24 KiB with 16 columns
    A_BLOCK_FLOATS = 1 << 16,  // a block of A: 256 KiB
    LINES_A_STEP = PANEL_COLUMNS * sizeof(float) / 64,  // cache lines in a row of a panel
};

// ---------------------------------------------------------------------------------------------------------- packing

/// y[columns][rows] = x[rows][columns]ᵀ for one square of LANES, or less at the edges.
INLINE void transpose_square(const float *x, size_t ldx, size_t rows, size_t columns, float *y, size_t ldy) {
    vf square[LANES];
    for (size_t i = 0; i < LANES; i++) square[i] = i < rows ? v_load_part(x + i * ldx, columns) : v_splat(0);
    v_transpose(square);
    for (size_t i = 0; i < columns; i++) v_store_part(y + i * ldy, square[i], rows);
}

static void transpose_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *y, size_t ldy) {
    for (size_t row = 0; row < rows; row += LANES) {
        for (size_t column = 0; column < columns; column += LANES) {
            transpose_square(x + row * ldx + column, ldx, smaller(LANES, rows - row), smaller(LANES, columns - column),
                             y + column * ldy + row, ldy);
        }
    }
}

/// One panel from rows of [n][k]: `columns` of them, at most PANEL_COLUMNS.
static void pack_panel_of_rows(const float *weights, size_t ld, size_t columns, size_t k, float *panel) {
    for (size_t column = 0; column < PANEL_COLUMNS; column += LANES) {
        if (column + LANES > columns) {
            for (size_t i = 0; i < k; i++) v_store(panel + i * PANEL_COLUMNS + column, v_splat(0));
        }
        if (column < columns) {
            transpose_f32(weights + column * ld, ld, smaller(LANES, columns - column), k, panel + column,
                          PANEL_COLUMNS);
        }
    }
}

/// One panel from columns of [k][n].
static void pack_panel_of_columns(const float *weights, size_t ld, size_t columns, size_t k, float *panel) {
    for (size_t i = 0; i < k; i++) {
        for (size_t column = 0; column < PANEL_COLUMNS; column += LANES) {
            const size_t part = column < columns ? smaller(LANES, columns - column) : 0;
            v_store(panel + i * PANEL_COLUMNS + column,
                    part > 0 ? v_load_part(weights + i * ld + column, part) : v_splat(0));
        }
    }
}

static void pack_f32(const float *weights, size_t ld, size_t n, size_t k, bool transposed, float *packed) {
    for (size_t column = 0; column < n; column += PANEL_COLUMNS) {
        const size_t columns = smaller(PANEL_COLUMNS, n - column);
        if (transposed) {
            pack_panel_of_columns(weights + column, ld, columns, k, packed + column * k);
        } else {
            pack_panel_of_rows(weights + column * ld, ld, columns, k, packed + column * k);
        }
    }
}

// ------------------------------------------------------------------------------------------------------------ tiles

/// A tile of C and what makes it: `start` (with its own row stride, so that it may be one row, as bias) plus A times
/// the panel.
struct tile {
    const float *a;
    size_t lda;
    const float *panel;
    size_t depth;
    const float *start;
    size_t start_stride;
    float *c;
    size_t ldc;
    const char *next;  // what to fetch into the second-level cache meanwhile: `next_step` bytes each step of depth
    size_t next_step;
};

INLINE void multiply_tile(const size_t height, const struct tile *tile) {
    vf sums[TILE_ROWS][TILE_VECTORS];
#pragma clang loop unroll(full)
    for (size_t row = 0; row < height; row++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < TILE_VECTORS; v++) {
            sums[row][v] = v_load(tile->start + row * tile->start_stride + v * LANES);
        }
    }
    const float *a = tile->a, *panel = tile->panel;
    const char *next = tile->next;
    float *c = tile->c;
    const size_t lda = tile->lda, ldc = tile->ldc, depth = tile->depth, next_step = tile->next_step;
    for (size_t i = 0; i < depth; i++, panel += PANEL_COLUMNS, next += next_step) {
#pragma clang loop unroll(full)
        for (size_t line = 0; line < LINES_A_STEP; line++) {
            __builtin_prefetch(next + line * next_step / LINES_A_STEP, 0, 2);
        }
        vf b[TILE_VECTORS];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < TILE_VECTORS; v++) b[v] = v_load(panel + v * LANES);
#pragma clang loop unroll(full)
        for (size_t row = 0; row < height; row++) {
            const vf spread = v_splat(a[row * lda + i]);
#pragma clang loop unroll(full)
            for (size_t v = 0; v < TILE_VECTORS; v++) sums[row][v] = v_fma(spread, b[v], sums[row][v]);
        }
    }
#pragma clang loop unroll(full)
    for (size_t row = 0; row < height; row++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < TILE_VECTORS; v++) v_store(c + row * ldc + v * LANES, sums[row][v]);
    }
}

static void multiply_tile_of_1(const struct tile *tile) { multiply_tile(1, tile); }
static void multiply_tile_of_2(const struct tile *tile) { multiply_tile(2, tile); }
static void multiply_tile_of_3(const struct tile *tile) { multiply_tile(3, tile); }
static void multiply_tile_of_4(const struct tile *tile) { multiply_tile(4, tile); }
static void multiply_tile_of_5(const struct tile *tile) { multiply_tile(5, tile); }
static void multiply_tile_of_6(const struct tile *tile) { multiply_tile(6, tile); }
#if LANES == 16
static void multiply_tile_of_7(const struct tile *tile) { multiply_tile(7, tile); }
static void multiply_tile_of_8(const struct tile *tile) { multiply_tile(8, tile); }
#endif

static void (*const multiply_tile_of[TILE_ROWS + 1])(const struct tile *) = {
    NULL, multiply_tile_of_1, multiply_tile_of_2, multiply_tile_of_3, multiply_tile_of_4, multiply_tile_of_5,
    multiply_tile_of_6,
#if LANES == 16
    multiply_tile_of_7, multiply_tile_of_8,
#endif
};

static void copy_rows(const float *x, size_t ldx, size_t rows, size_t columns, float *y, size_t ldy) {
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < columns; column++) y[row * ldy + column] = x[row * ldx + column];
    }
}

/// The tile in a panel that is not full: computed at full width aside, of which `columns` are kept.
static void multiply_edge_tile(size_t height, size_t columns, const struct tile *tile) {
    float aside[TILE_ROWS * PANEL_COLUMNS] = {0};
    struct tile full = *tile;
    full.c = aside;
    full.ldc = PANEL_COLUMNS;
    if (tile->start == tile->c) {
        copy_rows(tile->c, tile->ldc, height, columns, aside, PANEL_COLUMNS);
        full.start = aside;
        full.start_stride = PANEL_COLUMNS;
    }
    multiply_tile_of[height](&full);
    copy_rows(aside, PANEL_COLUMNS, height, columns, tile->c, tile->ldc);
}

// ------------------------------------------------------------------------------------------------------------ loops

/// C[rows][columns] = (C or start) + A · one stretch of a panel.
///
/// Rows are shared out evenly, so that no tile is so low that it waits for its own sums: 8 rows are 4 + 4, not 6 + 2.
/// Each tile fetches its share of the next stretch, which follows in memory: with the few rows of a query, memory and
/// arithmetic take equally long, and must overlap.
static void multiply_stretch(size_t rows, size_t columns, struct tile tile) {
    const size_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    tile.next = (const char *)(tile.panel + tile.depth * PANEL_COLUMNS);
    tile.next_step = PANEL_COLUMNS * sizeof(float) / tiles;
    for (size_t i = 0; i < tiles; i++) {
        const size_t height = rows / tiles + (i < rows % tiles ? 1 : 0);
        if (columns == PANEL_COLUMNS) {
            multiply_tile_of[height](&tile);
        } else {
            multiply_edge_tile(height, columns, &tile);
        }
        tile.a += height * tile.lda;
        tile.c += height * tile.ldc;
        tile.start += height * tile.start_stride;
        tile.next += tile.depth * tile.next_step;
    }
}

/// C[rows][columns] = (C, if it accumulates, or bias or zero) + A · one panel, stretch by stretch; sums wait in C
/// between stretches.
static void multiply_panel(size_t rows, size_t columns, size_t k, const float *a, size_t lda, const float *panel,
                           float *c, size_t ldc, const float *bias, bool accumulate) {
    float start[PANEL_COLUMNS] = {0};
    if (bias) copy_rows(bias, 0, 1, columns, start, 0);
    size_t first = 0;
    do {
        const bool continues = accumulate || first > 0;
        multiply_stretch(rows, columns,
                         (struct tile){
                             .a = a + first,
                             .lda = lda,
                             .panel = panel + first * PANEL_COLUMNS,
                             .depth = smaller(PANEL_DEPTH, k - first),
                             .start = continues ? c : start,
                             .start_stride = continues ? ldc : 0,
                             .c = c,
                             .ldc = ldc,
                         });
        first += PANEL_DEPTH;
    } while (first < k);
}

static void gemm_f32_packed(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *packed, float *c,
                            size_t ldc, const float *bias, bool accumulate) {
    if (accumulate && bias) {
        for (size_t row = 0; row < m; row++) {
            for (size_t column = 0; column < n; column++) c[row * ldc + column] += bias[column];
        }
    }
    const size_t block = rounded_up(A_BLOCK_FLOATS / (k + 1) + 1, 4 * TILE_ROWS);
    for (size_t row = 0; row < m; row += block) {
        for (size_t column = 0; column < n; column += PANEL_COLUMNS) {
            multiply_panel(smaller(block, m - row), smaller(PANEL_COLUMNS, n - column), k, a + row * lda, lda,
                           packed + column * k, c + row * ldc + column, ldc, bias ? bias + column : NULL, accumulate);
        }
    }
}
