/// Late interaction, one product at a time: the query is packed as [query tokens][dim], as this level packs weights.

/// The product of token `t` of the documents with row `q` of the packed query.
typedef float token_product(const void *packed, size_t query_tokens, size_t q, const attar_token_vectors *tokens,
                            size_t t, size_t dim);

static float token_product_f32(const void *packed, size_t query_tokens, size_t q, const attar_token_vectors *tokens,
                               size_t t, size_t dim) {
    float product = 0;
    gemm_f32_packed(1, 1, dim, (const float *)tokens->vectors + t * tokens->stride, dim,
                    (const float *)packed + q * dim, &product, 1, NULL, false);
    return (void)query_tokens, product;
}

static float token_product_bf16(const void *packed, size_t query_tokens, size_t q, const attar_token_vectors *tokens,
                                size_t t, size_t dim) {
    float product = 0;
    gemm_bf16_packed(1, 1, dim, (const uint16_t *)tokens->vectors + t * tokens->stride, dim,
                     (const uint16_t *)packed + q * rounded_up(dim, 2), &product, 1, NULL, false);
    return (void)query_tokens, product;
}

static float token_product_u8(const void *packed, size_t query_tokens, size_t q, const attar_token_vectors *tokens,
                              size_t t, size_t dim) {
    const size_t stride = rounded_up(dim, 4);
    const int8_t *weights = (const int8_t *)packed + q * stride;
    const float *scales = (const float *)((const int8_t *)packed + query_tokens * stride);
    const uint8_t *codes = (const uint8_t *)tokens->vectors + t * tokens->stride;
    int32_t sum = 0;
    for (size_t i = 0; i < dim; i++) sum += (codes[i] - tokens->zeros[t]) * weights[i];
    return (float)sum * (scales[q] * tokens->scales[t]);
}

static void max_sim(token_product *product, const void *packed, size_t query_tokens, size_t dim,
                    const attar_token_vectors *tokens, const uint32_t *rows, size_t count, float *scores) {
    for (size_t i = 0; i < count; i++) {
        const size_t document = row_at(rows, i);
        scores[i] = 0;
        for (size_t q = 0; q < query_tokens; q++) {
            float largest = -INFINITY;
            for (size_t t = tokens->offsets[document]; t < tokens->offsets[document + 1]; t++) {
                const float value = product(packed, query_tokens, q, tokens, t, dim);
                largest = value > largest ? value : largest;
            }
            scores[i] += largest;
        }
    }
}

static void max_sim_f32(const float *packed, size_t query_tokens, size_t dim, const attar_token_vectors *tokens,
                        const uint32_t *rows, size_t count, float *scores) {
    max_sim(token_product_f32, packed, query_tokens, dim, tokens, rows, count, scores);
}

static void max_sim_bf16(const uint16_t *packed, size_t query_tokens, size_t dim, const attar_token_vectors *tokens,
                         const uint32_t *rows, size_t count, float *scores) {
    max_sim(token_product_bf16, packed, query_tokens, dim, tokens, rows, count, scores);
}

static void max_sim_u8(const int8_t *packed, size_t query_tokens, size_t dim, const attar_token_vectors *tokens,
                       const uint32_t *rows, size_t count, float *scores) {
    max_sim(token_product_u8, packed, query_tokens, dim, tokens, rows, count, scores);
}

static float coded_product(const attar_coded_query *query, const attar_token_codes *tokens, size_t t, size_t q) {
    float sum = query->centroid_scores[tokens->centroids[t] * query->stride + q];
    for (size_t s = 0; s < query->subspaces; s++) {
        sum += query->tables[(s * 256 + tokens->codes[t * query->subspaces + s]) * query->stride + q];
    }
    return sum;
}

static void max_sim_codes(const attar_coded_query *query, const attar_token_codes *tokens, const uint32_t *rows,
                          size_t count, float *scores) {
    for (size_t i = 0; i < count; i++) {
        const size_t document = row_at(rows, i);
        scores[i] = 0;
        for (size_t q = 0; q < query->query_tokens; q++) {
            float largest = -INFINITY;
            for (size_t t = tokens->offsets[document]; t < tokens->offsets[document + 1]; t++) {
                const float value = coded_product(query, tokens, t, q);
                largest = value > largest ? value : largest;
            }
            scores[i] += largest;
        }
    }
}
