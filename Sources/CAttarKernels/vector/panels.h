/// Weights in the order in which products read them.
///
/// A panel holds PANEL_COLUMNS columns of B as [k][PANEL_COLUMNS], the last panel filled up with zeros. Its elements
/// are 32 bits wide and only moved here: a float, two bfloat16 of neighbouring rows, or four bytes.
enum { PANEL_COLUMNS = TILE_VECTORS * LANES };

/// y[columns][rows] = x[rows][columns]ᵀ for one square of LANES, or less at the edges.
INLINE void transpose_square(const float *x, size_t ldx, size_t rows, size_t columns, float *y, size_t ldy) {
    vf square[LANES];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < LANES; i++) square[i] = i < rows ? v_load_part(x + i * ldx, columns) : v_splat(0);
    v_transpose(square);
    for (size_t i = 0; i < columns; i++) v_store_part(y + i * ldy, square[i], rows);
}

static void transpose_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *y, size_t ldy) {
    for (size_t row = 0; row < rows; row += LANES) {
        for (size_t column = 0; column < columns; column += LANES) {
            const float *from = x + row * ldx + column;
            float *to = y + column * ldy + row;
            if (row + LANES <= rows && column + LANES <= columns) {
                transpose_square(from, ldx, LANES, LANES, to, ldy);
            } else {
                transpose_square(from, ldx, smaller(LANES, rows - row), smaller(LANES, columns - column), to, ldy);
            }
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
