/// Late interaction (MaxSim; Khattab & Zaharia 2020): a product of a document's tokens and the packed query, a block of
/// rows at a time, of which only the largest of each column is kept.

enum { MAX_SIM_ROWS = 48 };  // of a block: a multiple of the tile heights; its products stay in the first-level cache

/// Where the products of a block wait, and the largest so far.
struct max_sim {
    float products[MAX_SIM_ROWS * PANEL_COLUMNS];
    float largest[PANEL_COLUMNS];
};

INLINE void keep_largest(struct max_sim *m, size_t rows, size_t width) {
    for (size_t column = 0; column < width; column += LANES) {
        vf largest = v_load(m->largest + column);
        for (size_t row = 0; row < rows; row++) {
            largest = v_max(v_load(m->products + row * PANEL_COLUMNS + column), largest);
        }
        v_store(m->largest + column, largest);
    }
}

/// A query's columns in a panel, and a block of a document's tokens.
struct max_sim_block {
    const void *packed;
    size_t query_tokens, dim, column, width;  // all columns; the first of the panel; its columns in whole vectors
    const attar_token_vectors *tokens;
    size_t first, rows;
    size_t next;  // the token that comes after the block, to be fetched meanwhile
};

/// Writes the products of a block.
typedef void block_products(const struct max_sim_block *block, float *products);

/// Σ over the query's tokens of the largest product with a token of the document, first..<end; then comes `next`.
INLINE float max_sim_score(block_products *multiply, struct max_sim_block block, size_t first, size_t end,
                           size_t next) {
    struct max_sim m;
    float score = 0;
    for (block.column = 0; block.column < block.query_tokens; block.column += PANEL_COLUMNS) {
        const size_t columns = smaller(PANEL_COLUMNS, block.query_tokens - block.column);
        block.width = rounded_up(columns, LANES);
        for (size_t i = 0; i < PANEL_COLUMNS; i++) m.largest[i] = -INFINITY;
        for (block.first = first; block.first < end; block.first += MAX_SIM_ROWS) {
            block.rows = smaller(MAX_SIM_ROWS, end - block.first);
            block.next = block.first + block.rows < end ? block.first + block.rows : next;
            multiply(&block, m.products);
            keep_largest(&m, block.rows, block.width);
        }
        for (size_t i = 0; i < columns; i++) score += m.largest[i];
    }
    return score;
}

INLINE void max_sim_scores(block_products *multiply, const void *packed, size_t query_tokens, size_t dim,
                           const attar_token_vectors *tokens, const uint32_t *rows, size_t count, float *scores) {
    const struct max_sim_block block = {
        .packed = packed, .query_tokens = query_tokens, .dim = dim, .tokens = tokens};
    const uint64_t *offsets = tokens->offsets;
    for (size_t i = 0; i < count; i++) {
        const size_t document = rows ? rows[i] : i;
        const size_t next = i + 1 == count ? document : rows ? rows[i + 1] : i + 1;
        scores[i] = max_sim_score(multiply, block, offsets[document], offsets[document + 1], offsets[next]);
    }
}

/// Products whose sums are floats. Columns behind the query's last are zeros in the panel, so that vectors are whole.
INLINE void float_block_products(const tile_functions *functions, size_t depth, size_t stride,
                                 const struct max_sim_block *block, float *products) {
    const struct float_product product = {
        .functions = functions,
        .m = block->rows,
        .n = block->width,
        .depth = depth,
        .packed_depth = depth,
        .a = (const char *)block->tokens->vectors + block->first * stride,
        .lda = stride,
        .packed = (const float *)block->packed + block->column * depth,
        .c = products,
        .ldc = PANEL_COLUMNS,
        .next = (const char *)block->tokens->vectors + block->next * stride,
    };
    multiply_panel(&product, 0, block->rows, 0);
}

INLINE void block_products_f32(const struct max_sim_block *block, float *products) {
    const size_t stride = block->tokens->stride * sizeof(float);
    float_block_products(&multiply_tile_f32, block->dim, stride, block, products);
}

INLINE void block_products_bf16(const struct max_sim_block *block, float *products) {
    const size_t stride = block->tokens->stride * sizeof(uint16_t);
    float_block_products(&multiply_tile_bf16, (block->dim + 1) / 2, stride, block, products);
}

INLINE void block_products_u8(const struct max_sim_block *block, float *products) {
    const attar_token_vectors *tokens = block->tokens;
    const size_t depth = i8_elements(block->dim), padded = rounded_up(block->query_tokens, PANEL_COLUMNS);
    const float *panels = block->packed, *scales = panels + padded * depth + block->column;
    const float start[PANEL_COLUMNS] = {0};
    struct tile tile = {
        .a = (const char *)tokens->vectors + block->first * tokens->stride,
        .lda = tokens->stride,
        .panel = panels + block->column * depth,
        .depth = depth,
        .start = start,
        .c = products,
        .ldc = PANEL_COLUMNS,
        .next = (const char *)tokens->vectors + block->next * tokens->stride,
        .next_step = TILE_ROWS * sizeof(float),
        .scales = {.rows = tokens->scales + block->first,
                   .zeros = tokens->zeros + block->first,
                   .columns = scales,
                   .column_sums = (const int32_t *)(scales + padded),
                   .bias = start},
    };
    multiply_stretch(multiply_tile_i8, block->rows, block->width, &tile);
}

static void max_sim_f32(const float *packed, size_t query_tokens, size_t dim, const attar_token_vectors *tokens,
                        const uint32_t *rows, size_t count, float *scores) {
    max_sim_scores(block_products_f32, packed, query_tokens, dim, tokens, rows, count, scores);
}

static void max_sim_bf16(const uint16_t *packed, size_t query_tokens, size_t dim,
                         const attar_token_vectors *tokens, const uint32_t *rows, size_t count, float *scores) {
    max_sim_scores(block_products_bf16, packed, query_tokens, dim, tokens, rows, count, scores);
}

static void max_sim_u8(const int8_t *packed, size_t query_tokens, size_t dim, const attar_token_vectors *tokens,
                       const uint32_t *rows, size_t count, float *scores) {
    max_sim_scores(block_products_u8, packed, query_tokens, dim, tokens, rows, count, scores);
}

// ------------------------------------------------------------------------------ tokens as centroids and residual codes

/// The largest scores of one document's tokens with `vectors` vectors of query tokens: rows of tables are added, not
/// gathered, because a row holds all of the query's tokens.
INLINE void keep_largest_of_codes(const size_t vectors, const attar_coded_query *query, const attar_token_codes *tokens,
                                  size_t first, size_t end, size_t lane, float *largest) {
    enum { MOST = 4 };
    vf best[MOST];
    for (size_t v = 0; v < vectors; v++) best[v] = v_splat(-INFINITY);
    for (size_t token = first; token < end; token++) {
        const float *row = query->centroid_scores + tokens->centroids[token] * query->stride + lane;
        const uint8_t *codes = tokens->codes + token * query->subspaces;
        vf sums[MOST];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) sums[v] = v_load(row + v * LANES);
        const float *table = query->tables + lane;
        for (size_t i = 0; i < query->subspaces; i++, table += CODEWORDS * query->stride) {
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) sums[v] += v_load(table + codes[i] * query->stride + v * LANES);
        }
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) best[v] = v_max(sums[v], best[v]);
    }
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) v_store(largest + v * LANES, best[v]);
}

static void max_sim_codes(const attar_coded_query *query, const attar_token_codes *tokens, const uint32_t *rows,
                          size_t count, float *scores) {
    enum { AT_ONCE = LANES < 8 ? 4 : 2 };  // vectors: ATTAR_CODED_QUERY_STEP query tokens or twice as many
    const size_t padded = rounded_up(query->query_tokens, ATTAR_CODED_QUERY_STEP);
    for (size_t i = 0; i < count; i++) {
        const size_t document = rows ? rows[i] : i;
        const size_t first = tokens->offsets[document], end = tokens->offsets[document + 1];
        float score = 0, largest[AT_ONCE * LANES];
        for (size_t lane = 0; lane < padded; lane += AT_ONCE * LANES) {
            if (lane + AT_ONCE * LANES <= padded) {
                keep_largest_of_codes(AT_ONCE, query, tokens, first, end, lane, largest);
            } else {
                keep_largest_of_codes(AT_ONCE / 2, query, tokens, first, end, lane, largest);
            }
            const size_t columns = smaller(AT_ONCE * LANES, query->query_tokens - lane);
            for (size_t column = 0; column < columns; column++) score += largest[column];
        }
        scores[i] = score;
    }
}
