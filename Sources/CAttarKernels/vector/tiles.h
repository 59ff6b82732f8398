/// Matrix products over panels: what fp32, bfloat16 and bytes share.
///
/// In all of them an element of A, spread over a vector, meets a row of a panel; elements are 32 bits wide and hold one
/// float, a pair of bfloat16 or four bytes. The innermost function keeps a tile of C, TILE_ROWS by PANEL_COLUMNS, in
/// registers. Around it, loops keep a stretch of the panel in the first-level cache and a block of A in the second.
///
/// Every element of C is one chain of additions over k in ascending order: the same bits whatever the tile's height and
/// the other rows.
enum {
    PANEL_DEPTH = 384,         // a stretch of a panel: 24 KiB with 16 columns
    A_BLOCK_BYTES = 1 << 18,   // a block of A
    LINES_A_STEP = PANEL_COLUMNS * sizeof(float) / 64,  // cache lines in a row of a panel
};

/// What an element holds, and so how it is multiplied.
enum product {
    PRODUCT_F32,   // one float; sums are floats
    PRODUCT_BF16,  // two bfloat16; sums are floats
    PRODUCT_I8,    // four bytes, unsigned in A, signed in B; sums are 32-bit integers
};

/// How the sums of bytes become numbers: C = (sum − zero · column_sum) · row_scale · column_scale + bias.
struct i8_scales {
    const float *rows;           // a tile's rows
    const int32_t *zeros;        // of the same
    const float *columns;        // a panel's columns
    const int32_t *column_sums;  // of the same
    const float *bias;           // of the same; never NULL
};

/// A tile of C and what makes it: `start` (with its own row stride, so that it may be one row, as bias) plus A times
/// the panel. Bytes start from zero.
struct tile {
    const char *a;
    size_t lda;  // bytes
    const float *panel;
    size_t depth;  // elements
    const float *start;
    size_t start_stride;
    float *c;
    size_t ldc;
    /// What to fetch into the second-level cache meanwhile, `next_step` bytes each step of depth; NULL: the next
    /// stretch of the panel.
    const char *next;
    size_t next_step;
    struct i8_scales scales;
};

/// The bits of the element at any address.
INLINE float element_at(const char *p) {
    float element;
    __builtin_memcpy(&element, p, sizeof element);
    return element;
}

INLINE vf add_products(const enum product kind, vf sums, vf a, vf b) {
    switch (kind) {
    case PRODUCT_F32: return v_fma(a, b, sums);
    case PRODUCT_BF16: return v_add_pairs_bf16(sums, (vi)a, (vi)b);
    case PRODUCT_I8: return (vf)v_add_quads_i8((vi)sums, (vi)a, (vi)b);
    }
}

INLINE vf scaled_sums(vi sums, size_t row, size_t column, const struct i8_scales *scales) {
    const vi offset = v_load_i32(scales->column_sums + column) * (vi)scales->zeros[row];
    const vf scale = v_load(scales->columns + column) * scales->rows[row];
    return v_fma(__builtin_convertvector(sums - offset, vf), scale, v_load(scales->bias + column));
}

INLINE void multiply_tile(const enum product kind, const size_t height, const size_t width, const struct tile *tile) {
    vf sums[TILE_ROWS][TILE_VECTORS];
#pragma clang loop unroll(full)
    for (size_t row = 0; row < height; row++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < width; v++) {
            sums[row][v] = kind == PRODUCT_I8 ? v_splat(0) : v_load(tile->start + row * tile->start_stride + v * LANES);
        }
    }
    const char *a = tile->a, *next = tile->next;
    const float *panel = tile->panel;
    float *c = tile->c;
    const size_t lda = tile->lda, ldc = tile->ldc, depth = tile->depth, next_step = tile->next_step;
    for (size_t i = 0; i < depth; i++, panel += PANEL_COLUMNS, next += next_step) {
#pragma clang loop unroll(full)
        for (size_t line = 0; line < LINES_A_STEP; line++) {
            __builtin_prefetch(next + line * next_step / LINES_A_STEP, 0, 2);
        }
        vf b[TILE_VECTORS];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < width; v++) b[v] = v_load(panel + v * LANES);
#pragma clang loop unroll(full)
        for (size_t row = 0; row < height; row++) {
            const vf spread = v_splat(element_at(a + row * lda + i * sizeof(float)));
#pragma clang loop unroll(full)
            for (size_t v = 0; v < width; v++) sums[row][v] = add_products(kind, sums[row][v], spread, b[v]);
        }
    }
    const struct i8_scales scales = tile->scales;  // a copy: results might otherwise overwrite what the pointers are
#pragma clang loop unroll(full)
    for (size_t row = 0; row < height; row++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < width; v++) {
            const vf result = kind == PRODUCT_I8 ? scaled_sums((vi)sums[row][v], row, v * LANES, &scales) : sums[row][v];
            v_store(c + row * ldc + v * LANES, result);
        }
    }
}

/// One function for each kind, width (in vectors) and height, so that all loops over a tile unroll.
typedef void tile_function(const struct tile *tile);
typedef tile_function *const tile_functions[TILE_VECTORS + 1][TILE_ROWS + 1];

#define TILE_FUNCTION(name, kind, width, height) \
    static void name##_##width##_##height(const struct tile *tile) { multiply_tile(kind, height, width, tile); }

#if LANES == 16
#define TILE_FUNCTIONS_OF_7_AND_8(name, kind, width) \
    TILE_FUNCTION(name, kind, width, 7) TILE_FUNCTION(name, kind, width, 8)
#define NAMES_OF_7_AND_8(name, width) name##_##width##_7, name##_##width##_8,
#else
#define TILE_FUNCTIONS_OF_7_AND_8(name, kind, width)
#define NAMES_OF_7_AND_8(name, width)
#endif

#define TILE_FUNCTIONS_OF_WIDTH(name, kind, width) \
    TILE_FUNCTION(name, kind, width, 1)            \
    TILE_FUNCTION(name, kind, width, 2)            \
    TILE_FUNCTION(name, kind, width, 3)            \
    TILE_FUNCTION(name, kind, width, 4)            \
    TILE_FUNCTION(name, kind, width, 5)            \
    TILE_FUNCTION(name, kind, width, 6)            \
    TILE_FUNCTIONS_OF_7_AND_8(name, kind, width)

#define NAMES_OF_WIDTH(name, width)                                                           \
    {NULL,                                                                                    \
     name##_##width##_1,                                                                      \
     name##_##width##_2,                                                                      \
     name##_##width##_3,                                                                      \
     name##_##width##_4,                                                                      \
     name##_##width##_5,                                                                      \
     name##_##width##_6,                                                                      \
     NAMES_OF_7_AND_8(name, width)}

#if LANES == 8
#define TILE_FUNCTIONS(name, kind)         \
    TILE_FUNCTIONS_OF_WIDTH(name, kind, 1) \
    TILE_FUNCTIONS_OF_WIDTH(name, kind, 2) \
    static tile_functions name = {{NULL}, NAMES_OF_WIDTH(name, 1), NAMES_OF_WIDTH(name, 2)};
#elif LANES == 16
#define TILE_FUNCTIONS(name, kind)         \
    TILE_FUNCTIONS_OF_WIDTH(name, kind, 1) \
    TILE_FUNCTIONS_OF_WIDTH(name, kind, 2) \
    TILE_FUNCTIONS_OF_WIDTH(name, kind, 3) \
    static tile_functions name = {{NULL}, NAMES_OF_WIDTH(name, 1), NAMES_OF_WIDTH(name, 2), NAMES_OF_WIDTH(name, 3)};
#else
#define TILE_FUNCTIONS(name, kind)                                                           \
    TILE_FUNCTIONS_OF_WIDTH(name, kind, 1)                                                   \
    TILE_FUNCTIONS_OF_WIDTH(name, kind, 2)                                                   \
    TILE_FUNCTIONS_OF_WIDTH(name, kind, 3)                                                   \
    TILE_FUNCTIONS_OF_WIDTH(name, kind, 4)                                                   \
    static tile_functions name = {{NULL}, NAMES_OF_WIDTH(name, 1), NAMES_OF_WIDTH(name, 2),  \
                                  NAMES_OF_WIDTH(name, 3), NAMES_OF_WIDTH(name, 4)};
#endif

TILE_FUNCTIONS(multiply_tile_f32, PRODUCT_F32)
TILE_FUNCTIONS(multiply_tile_bf16, PRODUCT_BF16)
TILE_FUNCTIONS(multiply_tile_i8, PRODUCT_I8)

static void copy_rows(const float *x, size_t ldx, size_t rows, size_t columns, float *y, size_t ldy) {
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < columns; column++) y[row * ldy + column] = x[row * ldx + column];
    }
}

/// The bias of a panel's columns: where it stands, or at the matrix's edge a copy filled up with zeros, or zeros.
INLINE const float *panel_of_bias(const float *bias, size_t column, size_t columns, float edge[PANEL_COLUMNS]) {
    static const float zeros[PANEL_COLUMNS] = {0};
    if (!bias) return zeros;
    if (columns == PANEL_COLUMNS) return bias + column;
    memset(edge, 0, PANEL_COLUMNS * sizeof *edge);
    memcpy(edge, bias + column, columns * sizeof *edge);
    return edge;
}

/// The tile whose last vector is not full: computed aside, where `columns` of it are kept.
static void multiply_edge_tile(tile_function *function, size_t height, size_t columns, const struct tile *tile) {
    float aside[TILE_ROWS * PANEL_COLUMNS] = {0};
    struct tile full = *tile;
    full.c = aside;
    full.ldc = PANEL_COLUMNS;
    if (tile->start == tile->c) {
        copy_rows(tile->c, tile->ldc, height, columns, aside, PANEL_COLUMNS);
        full.start = aside;
        full.start_stride = PANEL_COLUMNS;
    }
    function(&full);
    copy_rows(aside, PANEL_COLUMNS, height, columns, tile->c, tile->ldc);
}

/// C[rows][columns] = (C or start) + A · one stretch of a panel.
///
/// Rows are shared out evenly, so that no tile is so low that it waits for its own sums: 8 rows are 4 + 4, not 6 + 2.
/// Each tile fetches its share of what comes next, such as the next stretch, which follows in memory: with the few rows
/// of a query, memory and arithmetic take equally long, and must overlap. `tile` moves on from tile to tile where it
/// stands: to read a copy of what was just written field by field, the processor would wait for the writes.
INLINE void multiply_stretch(const tile_functions functions, size_t rows, size_t columns, struct tile *tile) {
    const size_t width = (columns + LANES - 1) / LANES;
    const size_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    if (!tile->next) {
        tile->next = (const char *)(tile->panel + tile->depth * PANEL_COLUMNS);
        tile->next_step = PANEL_COLUMNS * sizeof(float) / tiles;
    }
    for (size_t i = 0; i < tiles; i++) {
        const size_t height = rows / tiles + (i < rows % tiles ? 1 : 0);
        if (columns == width * LANES) {
            functions[width][height](tile);
        } else {
            multiply_edge_tile(functions[width][height], height, columns, tile);
        }
        tile->a += height * tile->lda;
        tile->c += height * tile->ldc;
        tile->start += height * tile->start_stride;
        tile->next += tile->depth * tile->next_step;
        if (tile->scales.rows) {
            tile->scales.rows += height;
            tile->scales.zeros += height;
        }
    }
}

/// The rows of A that are multiplied by all panels before the next ones are: what the second-level cache holds.
static size_t block_of_rows(size_t bytes_a_row) {
    return rounded_up(A_BLOCK_BYTES / (bytes_a_row + 1) + 1, 4 * TILE_ROWS);
}
