/// The public functions that score vectors, codes and tokens: each calls the table in use (dispatch.c).
#include "kernels.h"

void attar_dot_f32(const float *query, const float *vectors, size_t stride, const uint32_t *rows, size_t count,
                   size_t dim, float *scores) {
    kernels_now()->dot_f32(query, vectors, stride, rows, count, dim, scores);
}

void attar_squared_distance_f32(const float *query, const float *vectors, size_t stride, const uint32_t *rows,
                                size_t count, size_t dim, float *scores) {
    kernels_now()->squared_distance_f32(query, vectors, stride, rows, count, dim, scores);
}

void attar_dot_bf16(const float *query, const uint16_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                    size_t dim, float *scores) {
    kernels_now()->dot_bf16(query, vectors, stride, rows, count, dim, scores);
}

void attar_squared_distance_bf16(const float *query, const uint16_t *vectors, size_t stride, const uint32_t *rows,
                                 size_t count, size_t dim, float *scores) {
    kernels_now()->squared_distance_bf16(query, vectors, stride, rows, count, dim, scores);
}

void attar_dot_i8(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                  size_t dim, int32_t *scores) {
    kernels_now()->dot_i8(query, vectors, stride, rows, count, dim, scores);
}

void attar_squared_distance_i8(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *rows,
                               size_t count, size_t dim, int32_t *scores) {
    kernels_now()->squared_distance_i8(query, vectors, stride, rows, count, dim, scores);
}

void attar_hamming(const uint8_t *query, const uint8_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                   size_t bytes, int32_t *scores) {
    kernels_now()->hamming(query, vectors, stride, rows, count, bytes, scores);
}

void attar_table_scores_f32(const float *tables, size_t subspaces, const uint8_t *codes, const uint32_t *rows,
                            size_t count, float *scores) {
    kernels_now()->table_scores_f32(tables, subspaces, codes, rows, count, scores);
}

size_t attar_scan_codes(const uint8_t *tables, size_t subspaces, const uint8_t *blocks, size_t count, uint16_t least,
                        const uint8_t *next, uint32_t *places, uint16_t *sums) {
    return kernels_now()->scan_codes(tables, subspaces, blocks, count, least, next, places, sums);
}

void attar_max_sim_f32(const float *packed_query, size_t query_tokens, size_t dim, const attar_token_vectors *tokens,
                       const uint32_t *rows, size_t count, float *scores) {
    kernels_now()->max_sim_f32(packed_query, query_tokens, dim, tokens, rows, count, scores);
}

void attar_max_sim_bf16(const uint16_t *packed_query, size_t query_tokens, size_t dim,
                        const attar_token_vectors *tokens, const uint32_t *rows, size_t count, float *scores) {
    kernels_now()->max_sim_bf16(packed_query, query_tokens, dim, tokens, rows, count, scores);
}

void attar_max_sim_u8(const int8_t *packed_query, size_t query_tokens, size_t dim, const attar_token_vectors *tokens,
                      const uint32_t *rows, size_t count, float *scores) {
    kernels_now()->max_sim_u8(packed_query, query_tokens, dim, tokens, rows, count, scores);
}

void attar_max_sim_codes(const attar_coded_query *query, const attar_token_codes *tokens, const uint32_t *rows,
                         size_t count, float *scores) {
    kernels_now()->max_sim_codes(query, tokens, rows, count, scores);
}
