/// Matrix products over packed weights whose sums are floats: fp32 and bfloat16.
///
/// In fp32 every element of C is one chain of fused multiply-adds that starts from what C, bias or zero was: the same
/// bits also at every level.

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

/// A product whose B is packed: elements are floats or pairs of bfloat16.
struct float_product {
    const tile_functions *functions;
    size_t m, n;
    size_t depth;         // elements of A's rows
    size_t packed_depth;  // elements of a packed column: as many, or more, of which the first are met
    const char *a;
    size_t lda;  // bytes
    const float *packed;
    float *c;
    size_t ldc;
    const float *bias;
    bool accumulate;
    const char *next;  // as in a tile, where a step fetches as much as it reads of A; NULL in most products
};

/// C[rows][columns] = (C, if it accumulates, or bias or zero) + A · the panel of `column`, stretch by stretch; sums
/// wait in C between stretches.
static void multiply_panel(const struct float_product *p, size_t row, size_t rows, size_t column) {
    const size_t columns = smaller(PANEL_COLUMNS, p->n - column);
    float edge[PANEL_COLUMNS];
    const float *start = panel_of_bias(p->bias, column, columns, edge);
    float *c = p->c + row * p->ldc + column;
    const char *a = p->a + row * p->lda;
    const float *panel = p->packed + column * p->packed_depth;
    size_t first = 0;
    do {
        const bool continues = p->accumulate || first > 0;
        struct tile tile = {
            .a = a + first * sizeof(float),
            .lda = p->lda,
            .panel = panel + first * PANEL_COLUMNS,
            .depth = smaller(PANEL_DEPTH, p->depth - first),
            .start = continues ? c : start,
            .start_stride = continues ? p->ldc : 0,
            .c = c,
            .ldc = p->ldc,
            .next = p->next,
            .next_step = TILE_ROWS * sizeof(float),
        };
        multiply_stretch(*p->functions, rows, columns, &tile);
        first += PANEL_DEPTH;
    } while (first < p->depth);
}

static void multiply_panels(const struct float_product *p) {
    if (p->accumulate && p->bias) {
        for (size_t row = 0; row < p->m; row++) {
            for (size_t column = 0; column < p->n; column++) p->c[row * p->ldc + column] += p->bias[column];
        }
    }
    const size_t block = block_of_rows(p->depth * sizeof(float));
    for (size_t row = 0; row < p->m; row += block) {
        for (size_t column = 0; column < p->n; column += PANEL_COLUMNS) {
            multiply_panel(p, row, smaller(block, p->m - row), column);
        }
    }
}

/// C[m][n] = A[m][depth] · the first `depth` rows of a packed [k][n] (+ bias), or C += that.
static void multiply_first_rows(size_t m, size_t n, size_t depth, const float *a, size_t lda, const float *packed,
                                size_t k, float *c, size_t ldc, const float *bias, bool accumulate) {
    const struct float_product product = {
        .functions = &multiply_tile_f32,
        .m = m,
        .n = n,
        .depth = depth,
        .packed_depth = k,
        .a = (const char *)a,
        .lda = lda * sizeof *a,
        .packed = packed,
        .c = c,
        .ldc = ldc,
        .bias = bias,
        .accumulate = accumulate,
    };
    multiply_panels(&product);
}

static void gemm_f32_packed(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *packed, float *c,
                            size_t ldc, const float *bias, bool accumulate) {
    multiply_first_rows(m, n, k, a, lda, packed, k, c, ldc, bias, accumulate);
}

// --------------------------------------------------------------------------------------------------------- bfloat16

enum { STAGE_ELEMENTS = 64 };  // elements of a row that wait on the stack while a panel is packed

/// One panel of pairs from rows of [n][k]: rows are converted a stretch at a time, then moved as elements.
static void pack_bf16_panel_of_rows(const float *weights, size_t ld, size_t columns, size_t k, float *panel) {
    uint16_t stage[PANEL_COLUMNS * STAGE_ELEMENTS * 2];
    for (size_t first = 0; first < k; first += 2 * STAGE_ELEMENTS) {
        const size_t count = smaller(2 * STAGE_ELEMENTS, k - first);
        for (size_t column = 0; column < columns; column++) {
            uint16_t *row = stage + column * 2 * STAGE_ELEMENTS;
            f32_to_bf16(weights + column * ld + first, row, count);
            if (count % 2) row[count] = 0;
        }
        pack_panel_of_rows((const float *)stage, STAGE_ELEMENTS, columns, (count + 1) / 2,
                           panel + first / 2 * PANEL_COLUMNS);
    }
}

/// `part` numbers of a row of [k][n] as bfloat16 bits; zero beyond the last row or column.
INLINE vu bf16_bits_at(const float *weights, bool exists, size_t part) {
    return exists && part > 0 ? v_bf16_bits(v_load_part(weights, part)) : (vu)v_splat(0);
}

/// One panel of pairs from columns of [k][n].
static void pack_bf16_panel_of_columns(const float *weights, size_t ld, size_t columns, size_t k, float *panel) {
    for (size_t i = 0; i < k; i += 2) {
        for (size_t column = 0; column < PANEL_COLUMNS; column += LANES) {
            const size_t part = column < columns ? smaller(LANES, columns - column) : 0;
            const vu low = bf16_bits_at(weights + i * ld + column, true, part);
            const vu high = bf16_bits_at(weights + (i + 1) * ld + column, i + 1 < k, part);
            v_store(panel + i / 2 * PANEL_COLUMNS + column, (vf)(low | high << 16));
        }
    }
}

static void pack_bf16(const float *weights, size_t ld, size_t n, size_t k, bool transposed, uint16_t *packed) {
    float *panels = (float *)packed;
    for (size_t column = 0; column < n; column += PANEL_COLUMNS) {
        const size_t columns = smaller(PANEL_COLUMNS, n - column);
        float *panel = panels + column * ((k + 1) / 2);
        if (transposed) {
            pack_bf16_panel_of_columns(weights + column, ld, columns, k, panel);
        } else {
            pack_bf16_panel_of_rows(weights + column * ld, ld, columns, k, panel);
        }
    }
}

static void gemm_bf16_packed(size_t m, size_t n, size_t k, const uint16_t *a, size_t lda, const uint16_t *packed,
                             float *c, size_t ldc, const float *bias, bool accumulate) {
    const struct float_product product = {
        .functions = &multiply_tile_bf16,
        .m = m,
        .n = n,
        .depth = (k + 1) / 2,
        .packed_depth = (k + 1) / 2,
        .a = (const char *)a,
        .lda = lda * sizeof *a,
        .packed = (const float *)packed,
        .c = c,
        .ldc = ldc,
        .bias = bias,
        .accumulate = accumulate,
    };
    multiply_panels(&product);
}

#ifndef NATIVE_BF16
INLINE vh v_bf16(vf value) { return __builtin_convertvector(v_bf16_bits(value), vh); }
#endif

static void bf16_rows(const float *x, size_t ldx, size_t rows, size_t k, uint16_t *y, size_t ldy) {
    for (size_t row = 0; row < rows; row++) {
        FOR_LANES(i, part, k, { v_store_part_u16(y + row * ldy + i, v_bf16(v_load_part(x + row * ldx + i, part)), part); })
        if (k % 2) y[row * ldy + k] = 0;
    }
}
