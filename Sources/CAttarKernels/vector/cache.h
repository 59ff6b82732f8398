/// Attention of new tokens to a cache of keys and values: a tile of queries at a time, scores kept in scratch.
///
/// Keys stand in panels of ATTAR_KEY_PANEL positions, [head_dim][ATTAR_KEY_PANEL], so that a vector holds one
/// coordinate of neighbouring positions and no sum runs across lanes. Every score is one chain over the coordinates,
/// every output one chain over the positions, both in ascending order: a query's result has the same bits in any tile
/// and batch.
enum {
    QUERY_TILE = LANES == 16 ? 8 : 4,  // queries that share the loads of keys
    PANEL_VECTORS = ATTAR_KEY_PANEL / LANES,
    PANELS_AT_ONCE = LANES == 16 ? 2 : 1,
    SCORE_VECTORS = PANELS_AT_ONCE * PANEL_VECTORS,
    VALUE_QUERIES = 4,  // queries that share the loads of values
    VALUE_VECTORS = LANES == 8 ? 2 : 4,
};

// ------------------------------------------------------------------------------------------------------------ scores

/// scores[query][position] of `panels` panels, for queries [head_dim][QUERY_TILE].
INLINE void score_panels(const size_t queries, const size_t panels, const float *tile, const float *keys,
                         size_t head_dim, float *scores, size_t ld) {
    vf sums[QUERY_TILE][SCORE_VECTORS] = {0};
    for (size_t d = 0; d < head_dim; d++) {
        vf k[SCORE_VECTORS];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < panels * PANEL_VECTORS; v++) {
            k[v] = v_load(keys + (v / PANEL_VECTORS * head_dim + d) * ATTAR_KEY_PANEL + v % PANEL_VECTORS * LANES);
        }
#pragma clang loop unroll(full)
        for (size_t query = 0; query < queries; query++) {
            const vf q = v_splat(tile[d * QUERY_TILE + query]);
#pragma clang loop unroll(full)
            for (size_t v = 0; v < panels * PANEL_VECTORS; v++) sums[query][v] = v_fma(q, k[v], sums[query][v]);
        }
    }
#pragma clang loop unroll(full)
    for (size_t query = 0; query < queries; query++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < panels * PANEL_VECTORS; v++) v_store(scores + query * ld + v * LANES, sums[query][v]);
    }
}

INLINE void score_all(const size_t queries, const float *tile, const float *keys, size_t panels, size_t head_dim,
                      float *scores, size_t ld) {
    const size_t panel = head_dim * ATTAR_KEY_PANEL;
    size_t i = 0;
    for (; i + PANELS_AT_ONCE <= panels; i += PANELS_AT_ONCE) {
        score_panels(queries, PANELS_AT_ONCE, tile, keys + i * panel, head_dim, scores + i * ATTAR_KEY_PANEL, ld);
    }
    for (; i < panels; i++) {
        score_panels(queries, 1, tile, keys + i * panel, head_dim, scores + i * ATTAR_KEY_PANEL, ld);
    }
}

static void score_tile(size_t queries, const float *tile, const float *keys, size_t panels, size_t head_dim,
                       float *scores, size_t ld) {
    switch (queries) {
    case 1: score_all(1, tile, keys, panels, head_dim, scores, ld); break;
    case 2: score_all(2, tile, keys, panels, head_dim, scores, ld); break;
    case 3: score_all(3, tile, keys, panels, head_dim, scores, ld); break;
#if LANES == 16
    case 4: score_all(4, tile, keys, panels, head_dim, scores, ld); break;
    case 5: score_all(5, tile, keys, panels, head_dim, scores, ld); break;
    case 6: score_all(6, tile, keys, panels, head_dim, scores, ld); break;
    case 7: score_all(7, tile, keys, panels, head_dim, scores, ld); break;
#endif
    default: score_all(QUERY_TILE, tile, keys, panels, head_dim, scores, ld); break;
    }
}

// ------------------------------------------------------------------------------------------------------------ values

/// out[query][columns] = Σ_position p[query][position] · values[position][columns], for `vectors` vectors of columns of
/// which the last one has `part` lanes.
INLINE void weigh_columns(const size_t queries, const size_t vectors, size_t part, const float *p, size_t ld,
                          const float *values, size_t value_stride, size_t positions, float *const *out) {
    vf sums[VALUE_QUERIES][VALUE_VECTORS] = {0};
    for (size_t position = 0; position < positions; position++) {
        vf row[VALUE_VECTORS];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) {
            const float *from = values + position * value_stride + v * LANES;
            row[v] = v + 1 < vectors ? v_load(from) : v_load_part(from, part);
        }
#pragma clang loop unroll(full)
        for (size_t query = 0; query < queries; query++) {
            const vf weight = v_splat(p[query * ld + position]);
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) sums[query][v] = v_fma(weight, row[v], sums[query][v]);
        }
    }
#pragma clang loop unroll(full)
    for (size_t query = 0; query < queries; query++) {
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) {
            v_store_part(out[query] + v * LANES, sums[query][v], v + 1 < vectors ? LANES : part);
        }
    }
}

INLINE void weigh_all(const size_t queries, const float *p, size_t ld, const float *values, size_t value_stride,
                      size_t positions, size_t head_dim, float **out) {
    size_t column = 0;
    while (column < head_dim) {
        size_t width = LANES * VALUE_VECTORS;
        if (column + width <= head_dim) {
            weigh_columns(queries, VALUE_VECTORS, LANES, p, ld, values + column, value_stride, positions, out);
        } else {
            width = smaller(LANES, head_dim - column);
            weigh_columns(queries, 1, width, p, ld, values + column, value_stride, positions, out);
        }
        for (size_t query = 0; query < queries; query++) out[query] += width;
        column += width;
    }
}

static void weigh_values(size_t queries, const float *p, size_t ld, const float *values, size_t value_stride,
                         size_t positions, size_t head_dim, float **out) {
    switch (queries) {
    case 1: weigh_all(1, p, ld, values, value_stride, positions, head_dim, out); break;
    case 2: weigh_all(2, p, ld, values, value_stride, positions, head_dim, out); break;
    case 3: weigh_all(3, p, ld, values, value_stride, positions, head_dim, out); break;
    default: weigh_all(VALUE_QUERIES, p, ld, values, value_stride, positions, head_dim, out); break;
    }
}

// ------------------------------------------------------------------------------------------------------------- tiles

/// One tile of queries, counted through rows and heads: query t is head t % group of row t / group.
static void attend_tile(const attar_cached_head *head, size_t first, size_t queries, float *out, size_t out_stride,
                        float *scratch) {
    const size_t head_dim = head->head_dim, group = head->group;
    const size_t positions = head->first + (first + queries - 1) / group + 1;
    const size_t ld = rounded_up(positions, ATTAR_KEY_PANEL);
    float *tile = scratch, *scores = scratch + QUERY_TILE * head_dim;
    float *rows[QUERY_TILE];
    for (size_t i = 0; i < queries; i++) {
        const size_t row = (first + i) / group, column = (first + i) % group * head_dim;
        const float *q = head->q + row * head->q_stride + column;
        for (size_t d = 0; d < head_dim; d++) tile[d * QUERY_TILE + i] = head->scale * q[d];
        rows[i] = out + row * out_stride + column;
    }
    score_tile(queries, tile, head->keys, ld / ATTAR_KEY_PANEL, head_dim, scores, ld);
    for (size_t i = 0; i < queries; i++) {
        const size_t seen = head->first + (first + i) / group + 1;
        softmax_row(scores + i * ld, seen, 1, scores + i * ld);
        for (size_t position = seen; position < positions; position++) scores[i * ld + position] = 0;
    }
    for (size_t i = 0; i < queries; i += VALUE_QUERIES) {
        weigh_values(smaller(VALUE_QUERIES, queries - i), scores + i * ld, ld, head->values, head->value_stride,
                     positions, head_dim, rows + i);
    }
}

static void cached_attention_f32(const attar_cached_head *head, float *out, size_t out_stride, float *scratch) {
    const size_t queries = head->rows * head->group;
    for (size_t first = 0; first < queries; first += QUERY_TILE) {
        attend_tile(head, first, smaller(QUERY_TILE, queries - first), out, out_stride, scratch);
    }
}

// --------------------------------------------------------------------------------------------------- log-likelihoods

/// In double: a vocabulary of hundreds of thousands would lose digits of a float sum.
static double log_sum_exp_f32(const float *x, size_t count) {
    vf maxima = v_splat(-INFINITY);
    FOR_LANES(i, part, count, { maxima = v_max(v_keep_part(v_load_part(x + i, part), part, -INFINITY), maxima); })
    const float largest = v_largest(maxima);
    if (largest == -INFINITY) return -INFINITY;
    double total = 0;
    // Some thousand numbers add up in floats without harm.
    for (size_t start = 0; start < count; start += 4096) {
        const size_t length = smaller(4096, count - start);
        vf sums = 0;
        FOR_LANES(i, part, length, {
            sums += v_keep_part(v_exp_of_negative(v_load_part(x + start + i, part) - largest), part, 0);
        })
        total += v_sum(sums);
    }
    return largest + log(total);
}
