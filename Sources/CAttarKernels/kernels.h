/// What is a level? A table of kernels, one for each instruction set; `dispatch.c` points every public function at one.
///
/// How the folder reads:
///   dispatch.c   which table is in use, and the public functions (those of scores in dispatch_scores.c)
///   vector/      each family of kernels, written once over vectors of LANES floats
///   half.h, blocks.h   plain loops that every level compiles for itself
///   scalar/      the plain twin of each: the simplest code that is right, which the tests compare with
///   levels/      one file for each instruction set: includes the families, and fills the table
#ifndef ATTAR_LEVEL_TABLE_H
#define ATTAR_LEVEL_TABLE_H

#include <string.h>

#include "include/attar_kernels.h"

/// Functions of the contract, by their names there without `attar_`. `panel_columns` is the width of the panels in
/// which packed weights are stored; `find_greater` is the heart of top-k.
struct attar_kernels {
    attar_cpu_level level;
    size_t panel_columns;

    void (*pack_f32)(const float *weights, size_t ld, size_t n, size_t k, bool transposed, float *packed);
    void (*gemm_f32_packed)(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *packed, float *c,
                            size_t ldc, const float *bias, bool accumulate);
    void (*pack_bf16)(const float *weights, size_t ld, size_t n, size_t k, bool transposed, uint16_t *packed);
    void (*gemm_bf16_packed)(size_t m, size_t n, size_t k, const uint16_t *a, size_t lda, const uint16_t *packed,
                             float *c, size_t ldc, const float *bias, bool accumulate);
    void (*bf16_rows)(const float *x, size_t ldx, size_t rows, size_t k, uint16_t *y, size_t ldy);
    void (*pack_i8)(const float *weights, size_t ld, size_t n, size_t k, int8_t *packed);
    void (*pack_i8_codes)(const int8_t *codes, size_t ld, const float *scales, size_t n, size_t k, int8_t *packed);
    void (*gemm_i8_packed)(size_t m, size_t n, size_t k, const uint8_t *a, const float *row_scales,
                           const int32_t *zeros, const int8_t *packed, float *c, size_t ldc, const float *bias);
    void (*quantize_rows_u8)(const float *x, size_t ldx, size_t rows, size_t k, uint8_t *codes, float *scales,
                             int32_t *zeros);
    void (*pack_blocks)(attar_block_format format, const void *blocks, size_t n, size_t k, void *packed);
    void (*gemm_blocks_packed)(attar_block_format format, size_t m, size_t n, size_t k, const int8_t *a,
                               const float *row_scales, const int32_t *row_sums, const void *packed, float *c,
                               size_t ldc, const float *bias);
    void (*quantize_groups_i8)(attar_block_format format, const float *x, size_t ldx, size_t rows, size_t k,
                               int8_t *codes, float *scales, int32_t *sums);
    void (*transpose_f32)(const float *x, size_t ldx, size_t rows, size_t columns, float *y, size_t ldy);

    void (*attention_head_f32)(const attar_attention_head *head, float *out, size_t out_stride, float *probabilities,
                               float *scratch);
    void (*attention_head_bf16)(const attar_attention_head *head, float *out, size_t out_stride, float *scratch);
    void (*attention_head_backward_f32)(const attar_attention_head *head, const float *probabilities,
                                        const float *d_out, size_t d_out_stride,
                                        const attar_attention_gradients *gradients, float *scratch);
    void (*rotary_f32)(const float *x, size_t ldx, size_t rows, size_t heads, size_t head_dim, size_t rotary_dim,
                       attar_rotary_pairs pairs, const int32_t *positions, const float *cosines, const float *sines,
                       bool inverse, float *y, size_t ldy);

    void (*cached_attention_f32)(const attar_cached_head *head, float *out, size_t out_stride, float *scratch);
    double (*log_sum_exp_f32)(const float *x, size_t count);

    void (*layer_norm_f32)(const float *x, const float *residual, const float *gamma, const float *beta, size_t rows,
                           size_t dim, float epsilon, float *sum, float *y, float *mean, float *rstd);
    void (*layer_norm_backward_f32)(const float *sum, const float *gamma, const float *mean, const float *rstd,
                                    const float *dy, size_t rows, size_t dim, float *dx, float *dgamma, float *dbeta);
    void (*rms_norm_f32)(const float *x, const float *residual, const float *gamma, size_t rows, size_t dim,
                         float epsilon, float *sum, float *y, float *rstd);
    void (*rms_norm_backward_f32)(const float *sum, const float *gamma, const float *rstd, const float *dy, size_t rows,
                                  size_t dim, float *dx, float *dgamma);
    void (*softmax_f32)(const float *x, size_t rows, size_t columns, float *y);
    void (*normalize_rows_f32)(const float *x, size_t rows, size_t dim, float epsilon, float *y, float *lengths);
    void (*column_sums_f32)(const float *x, size_t ldx, size_t rows, size_t columns, float *out);
    void (*column_max_f32)(const float *x, size_t ldx, size_t rows, size_t columns, float *out);

    void (*gelu_f32)(const float *x, float *y, size_t count);
    void (*gelu_coarse_f32)(const float *x, float *y, size_t count);
    void (*gelu_backward_f32)(const float *x, const float *dy, float *dx, size_t count);
    void (*gelu_tanh_f32)(const float *x, float *y, size_t count);
    void (*gelu_tanh_backward_f32)(const float *x, const float *dy, float *dx, size_t count);
    void (*silu_f32)(const float *x, float *y, size_t count);
    void (*silu_backward_f32)(const float *x, const float *dy, float *dx, size_t count);
    void (*exp_f32)(const float *x, float *y, size_t count);
    void (*tanh_f32)(const float *x, float *y, size_t count);
    void (*add_f32)(const float *x, float *y, size_t count);
    void (*axpy_f32)(float alpha, const float *x, float *y, size_t count);
    void (*scale_f32)(float alpha, float *y, size_t count);
    void (*multiply_f32)(const float *a, const float *b, float *y, size_t count);
    double (*sum_squares_f32)(const float *x, size_t count);
    void (*adamw_f32)(float *parameters, const float *gradients, float *m, float *v, size_t count, float rate,
                      float beta1, float beta2, float epsilon, float weight_decay, float correction1,
                      float correction2);
    void (*f16_to_f32)(const uint16_t *x, float *y, size_t count);
    void (*bf16_to_f32)(const uint16_t *x, float *y, size_t count);
    void (*f32_to_bf16)(const float *x, uint16_t *y, size_t count);
    void (*dequantize_blocks)(attar_block_format format, const void *blocks, size_t count, float *y);

    // `rows` may be NULL: 0, 1, 2 …
    void (*dot_f32)(const float *query, const float *vectors, size_t stride, const uint32_t *rows, size_t count,
                    size_t dim, float *scores);
    void (*squared_distance_f32)(const float *query, const float *vectors, size_t stride, const uint32_t *rows,
                                 size_t count, size_t dim, float *scores);
    void (*dot_bf16)(const float *query, const uint16_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                     size_t dim, float *scores);
    void (*squared_distance_bf16)(const float *query, const uint16_t *vectors, size_t stride, const uint32_t *rows,
                                  size_t count, size_t dim, float *scores);
    void (*dot_i8)(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                   size_t dim, int32_t *scores);
    void (*squared_distance_i8)(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *rows,
                                size_t count, size_t dim, int32_t *scores);
    void (*hamming)(const uint8_t *query, const uint8_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                    size_t bytes, int32_t *scores);
    void (*table_scores_f32)(const float *tables, size_t subspaces, const uint8_t *codes, const uint32_t *rows,
                             size_t count, float *scores);
    size_t (*scan_codes)(const uint8_t *tables, size_t subspaces, const uint8_t *blocks, size_t count, uint16_t least,
                         const uint8_t *next, uint32_t *places, uint16_t *sums);
    void (*max_sim_f32)(const float *packed_query, size_t query_tokens, size_t dim, const attar_token_vectors *tokens,
                        const uint32_t *rows, size_t count, float *scores);
    void (*max_sim_bf16)(const uint16_t *packed_query, size_t query_tokens, size_t dim,
                         const attar_token_vectors *tokens, const uint32_t *rows, size_t count, float *scores);
    void (*max_sim_u8)(const int8_t *packed_query, size_t query_tokens, size_t dim, const attar_token_vectors *tokens,
                       const uint32_t *rows, size_t count, float *scores);
    void (*max_sim_codes)(const attar_coded_query *query, const attar_token_codes *tokens, const uint32_t *rows,
                          size_t count, float *scores);
    void (*quantize_i8)(const float *x, size_t rows, size_t dim, int8_t *codes, float *scales);
    /// The first index in first..<count whose score is greater than the threshold, or `count`. NaN is never greater.
    size_t (*find_greater)(const float *scores, size_t first, size_t count, float threshold);
    void (*embedding_bag_f32)(const float *table, size_t dim, const int32_t *ids, const float *weights, size_t count,
                              float *out);

    void (*unpack_ordinals)(const uint8_t *packed, unsigned bits, uint32_t first, uint32_t *ordinals);
    void (*unpack_counts)(const uint8_t *packed, unsigned bits, float *counts);
    void (*saturated_scores)(const uint32_t *ordinals, const float *inverse_norms, size_t count, float weight,
                             float step, float *scores);
    void (*linear_scores)(size_t count, float weight, float step, float *scores);
    void (*window_add)(const uint32_t *ordinals, const float *scores, size_t count, uint32_t start, float *sums,
                       uint8_t *marks);
    size_t (*window_take)(float *sums, uint8_t *marks, size_t groups, float limit, uint32_t *offsets, float *scores);
    float (*sparse_dot)(const uint32_t *columns, const uint16_t *codes, size_t count, const float *query,
                        uint32_t width, float step);
    size_t (*window_count)(const float *sums, const uint8_t *marks, size_t groups, float limit);

    uint32_t (*crc32c)(uint32_t crc, const void *bytes, size_t count);

    uint64_t (*peak_f32)(size_t rounds, float *sink);
};

extern const struct attar_kernels attar_kernels_scalar;
extern const struct attar_kernels attar_kernels_neon;
extern const struct attar_kernels attar_kernels_avx2;
extern const struct attar_kernels attar_kernels_avx512;
extern const struct attar_kernels attar_kernels_avx512_bf16;

/// The table in use, and the one that a test has forced upon the calling thread, or NULL.
extern const struct attar_kernels *attar_kernels_in_use;
extern _Thread_local const struct attar_kernels *attar_kernels_of_thread;

static inline const struct attar_kernels *kernels_now(void) {
    return attar_kernels_of_thread ? attar_kernels_of_thread : attar_kernels_in_use;
}

/// The checksum without special instructions: the scalar level's, and NEON's on processors without the CRC extension.
uint32_t attar_crc32c_by_table(uint32_t crc, const void *bytes, size_t count);

/// Attention works on this many query rows at a time, so that their scores stay near the processor.
enum { ATTENTION_BLOCK = 48 };

/// No level takes more queries than this at a time when it reads a cache.
enum { MOST_CACHED_QUERIES = 8 };

static inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t rounded_up(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

#endif
