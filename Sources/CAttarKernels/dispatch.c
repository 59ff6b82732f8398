#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block_shapes.h"
#include "kernels.h"

// ------------------------------------------------------------------------------------------------ choice of a level

const struct attar_kernels *attar_kernels_in_use = &attar_kernels_scalar;
_Thread_local const struct attar_kernels *attar_kernels_of_thread = NULL;

static const attar_cpu_level levels_best_first[] = {ATTAR_CPU_AVX512_BF16, ATTAR_CPU_AVX512, ATTAR_CPU_AVX2,
                                                    ATTAR_CPU_NEON, ATTAR_CPU_SCALAR};
enum { LEVEL_COUNT = sizeof levels_best_first / sizeof *levels_best_first };

static const struct attar_kernels *table_of(attar_cpu_level level) {
    switch (level) {
#if defined(__x86_64__)
    case ATTAR_CPU_AVX512_BF16: return &attar_kernels_avx512_bf16;
    case ATTAR_CPU_AVX512: return &attar_kernels_avx512;
    case ATTAR_CPU_AVX2: return &attar_kernels_avx2;
#elif defined(__aarch64__)
    case ATTAR_CPU_NEON: return &attar_kernels_neon;
#endif
    case ATTAR_CPU_SCALAR: return &attar_kernels_scalar;
    default: return NULL;
    }
}

attar_cpu_level attar_cpu_current(void) { return kernels_now()->level; }

const char *attar_cpu_name(attar_cpu_level level) {
    switch (level) {
    case ATTAR_CPU_SCALAR: return "scalar";
    case ATTAR_CPU_NEON: return "neon";
    case ATTAR_CPU_AVX2: return "avx2";
    case ATTAR_CPU_AVX512: return "avx512";
    case ATTAR_CPU_AVX512_BF16: return "avx512bf16";
    }
    return "unknown";
}

bool attar_cpu_supports(attar_cpu_level level) {
    switch (level) {
#if defined(__x86_64__)
    case ATTAR_CPU_AVX512_BF16:
        return attar_cpu_supports(ATTAR_CPU_AVX512) && __builtin_cpu_supports("avx512bf16") &&
               __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vpopcntdq");
    case ATTAR_CPU_AVX512:
        return attar_cpu_supports(ATTAR_CPU_AVX2) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq");
    case ATTAR_CPU_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") &&
               __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
#elif defined(__aarch64__)
    case ATTAR_CPU_NEON: return true;
#endif
    case ATTAR_CPU_SCALAR: return true;
    default: return false;
    }
}

bool attar_cpu_force(attar_cpu_level level) {
    if (!attar_cpu_supports(level)) return false;
    attar_kernels_in_use = table_of(level);
    return true;
}

bool attar_cpu_force_thread(attar_cpu_level level) {
    if (!attar_cpu_supports(level)) return false;
    attar_kernels_of_thread = table_of(level);
    return true;
}

void attar_cpu_release_thread(void) { attar_kernels_of_thread = NULL; }

/// Takes the level named by ATTAR_CPU; says so and changes nothing when the name is unknown or beyond this processor.
static void force_from_environment(void) {
    const char *wanted = getenv("ATTAR_CPU");
    if (wanted == NULL || *wanted == '\0') return;
    for (int i = 0; i < LEVEL_COUNT; i++) {
        if (strcmp(wanted, attar_cpu_name(levels_best_first[i])) == 0 && attar_cpu_force(levels_best_first[i])) return;
    }
    fprintf(stderr, "attar: ATTAR_CPU=%s is not a level of this processor; using %s\n", wanted,
            attar_cpu_name(attar_cpu_current()));
}

__attribute__((constructor)) static void choose_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    for (int i = 0; i < LEVEL_COUNT; i++) {
        if (attar_cpu_force(levels_best_first[i])) break;
    }
    force_from_environment();
}

// ------------------------------------------------------------------------------------------------- public functions

static size_t panels_size(size_t n, size_t k) { return rounded_up(n, kernels_now()->panel_columns) * k; }

size_t attar_pack_f32_size(size_t n, size_t k) { return panels_size(n, k); }

void attar_pack_f32(const float *weights, size_t ld, size_t n, size_t k, bool transposed, float *packed) {
    kernels_now()->pack_f32(weights, ld, n, k, transposed, packed);
}

void attar_gemm_f32_packed(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *packed, float *c,
                           size_t ldc, const float *bias, bool accumulate) {
    kernels_now()->gemm_f32_packed(m, n, k, a, lda, packed, c, ldc, bias, accumulate);
}

size_t attar_pack_bf16_size(size_t n, size_t k) { return 2 * panels_size(n, (k + 1) / 2); }

void attar_pack_bf16(const float *weights, size_t ld, size_t n, size_t k, bool transposed, uint16_t *packed) {
    kernels_now()->pack_bf16(weights, ld, n, k, transposed, packed);
}

void attar_gemm_bf16_packed(size_t m, size_t n, size_t k, const uint16_t *a, size_t lda, const uint16_t *packed,
                            float *c, size_t ldc, const float *bias, bool accumulate) {
    kernels_now()->gemm_bf16_packed(m, n, k, a, lda, packed, c, ldc, bias, accumulate);
}

void attar_bf16_rows(const float *x, size_t ldx, size_t rows, size_t k, uint16_t *y, size_t ldy) {
    kernels_now()->bf16_rows(x, ldx, rows, k, y, ldy);
}

size_t attar_pack_i8_size(size_t n, size_t k) {
    // Panels, and for each column a scale and a sum.
    return 4 * (panels_size(n, (k + 3) / 4) + 2 * panels_size(n, 1));
}

void attar_pack_i8(const float *weights, size_t ld, size_t n, size_t k, int8_t *packed) {
    kernels_now()->pack_i8(weights, ld, n, k, packed);
}

void attar_pack_i8_codes(const int8_t *codes, size_t ld, const float *scales, size_t n, size_t k, int8_t *packed) {
    kernels_now()->pack_i8_codes(codes, ld, scales, n, k, packed);
}

void attar_gemm_i8_packed(size_t m, size_t n, size_t k, const uint8_t *a, const float *row_scales, const int32_t *zeros,
                          const int8_t *packed, float *c, size_t ldc, const float *bias) {
    kernels_now()->gemm_i8_packed(m, n, k, a, row_scales, zeros, packed, c, ldc, bias);
}

void attar_quantize_rows_u8(const float *x, size_t ldx, size_t rows, size_t k, uint8_t *codes, float *scales,
                            int32_t *zeros) {
    kernels_now()->quantize_rows_u8(x, ldx, rows, k, codes, scales, zeros);
}

size_t attar_blocks_group(attar_block_format format) { return block_shape_of(format).group; }

size_t attar_pack_blocks_size(attar_block_format format, size_t n, size_t k) {
    const struct block_shape shape = block_shape_of(format);
    return panels_size(n, k / shape.group) * packed_column_bytes(&shape);
}

void attar_pack_blocks(attar_block_format format, const void *blocks, size_t n, size_t k, void *packed) {
    kernels_now()->pack_blocks(format, blocks, n, k, packed);
}

void attar_gemm_blocks_packed(attar_block_format format, size_t m, size_t n, size_t k, const int8_t *a,
                              const float *row_scales, const int32_t *row_sums, const void *packed, float *c, size_t ldc,
                              const float *bias) {
    kernels_now()->gemm_blocks_packed(format, m, n, k, a, row_scales, row_sums, packed, c, ldc, bias);
}

void attar_quantize_groups_i8(attar_block_format format, const float *x, size_t ldx, size_t rows, size_t k,
                              int8_t *codes,
                              float *scales, int32_t *sums) {
    kernels_now()->quantize_groups_i8(format, x, ldx, rows, k, codes, scales, sums);
}

void attar_transpose_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *y, size_t ldy) {
    kernels_now()->transpose_f32(x, ldx, rows, columns, y, ldy);
}

size_t attar_attention_scratch(size_t keys, size_t head_dim) {
    // Keys and values as panels; a block of queries or output gradients as panels; two blocks of scores, or one whose
    // rows have room for whole vectors.
    const size_t longest_vector = 16;
    return panels_size(keys, head_dim) + panels_size(head_dim, keys) + panels_size(head_dim, ATTENTION_BLOCK) +
           ATTENTION_BLOCK * (2 * keys + longest_vector);
}

void attar_attention_head_f32(const attar_attention_head *head, float *out, size_t out_stride, float *probabilities,
                              float *scratch) {
    kernels_now()->attention_head_f32(head, out, out_stride, probabilities, scratch);
}

void attar_attention_head_bf16(const attar_attention_head *head, float *out, size_t out_stride, float *scratch) {
    kernels_now()->attention_head_bf16(head, out, out_stride, scratch);
}

void attar_attention_head_backward_f32(const attar_attention_head *head, const float *probabilities,
                                       const float *d_out, size_t d_out_stride,
                                       const attar_attention_gradients *gradients, float *scratch) {
    kernels_now()->attention_head_backward_f32(head, probabilities, d_out, d_out_stride, gradients, scratch);
}

static attar_attention_head plain_head(const float *q, const float *k, const float *v, size_t stride, size_t length,
                                       size_t head_dim, float scale) {
    return (attar_attention_head){.q = q, .q_stride = stride, .k = k, .v = v, .kv_stride = stride, .queries = length,
                                  .keys = length, .head_dim = head_dim, .scale = scale};
}

void attar_attention_f32(const float *q, const float *k, const float *v, size_t stride, size_t length,
                         size_t head_dim,
                         float scale, float *out, size_t out_stride, float *probabilities, float *scratch) {
    const attar_attention_head head = plain_head(q, k, v, stride, length, head_dim, scale);
    attar_attention_head_f32(&head, out, out_stride, probabilities, scratch);
}

void attar_attention_backward_f32(const float *q, const float *k, const float *v, size_t stride,
                                  const float *probabilities, const float *d_out, size_t d_out_stride, size_t length,
                                  size_t head_dim, float scale, float *dq, float *dk, float *dv, size_t d_stride,
                                  float *scratch) {
    const attar_attention_head head = plain_head(q, k, v, stride, length, head_dim, scale);
    const attar_attention_gradients gradients = {
        .dq = dq, .dq_stride = d_stride, .dk = dk, .dv = dv, .dkv_stride = d_stride};
    attar_attention_head_backward_f32(&head, probabilities, d_out, d_out_stride, &gradients, scratch);
}

void attar_rotary_f32(const float *x, size_t ldx, size_t rows, size_t heads, size_t head_dim, size_t rotary_dim,
                      attar_rotary_pairs pairs, const int32_t *positions, const float *cosines, const float *sines,
                      bool inverse, float *y, size_t ldy) {
    kernels_now()->rotary_f32(x, ldx, rows, heads, head_dim, rotary_dim, pairs, positions, cosines, sines, inverse, y,
                              ldy);
}

size_t attar_cached_keys_size(size_t positions, size_t head_dim) {
    return rounded_up(positions, ATTAR_KEY_PANEL) * head_dim;
}

void attar_cache_keys_f32(const float *k, size_t k_stride, size_t rows, size_t head_dim, size_t first, float *keys) {
    for (size_t row = 0; row < rows; row++) {
        const size_t position = first + row;
        float *column = keys + position / ATTAR_KEY_PANEL * ATTAR_KEY_PANEL * head_dim + position % ATTAR_KEY_PANEL;
        for (size_t d = 0; d < head_dim; d++) column[d * ATTAR_KEY_PANEL] = k[row * k_stride + d];
    }
}

size_t attar_cached_attention_scratch(size_t positions, size_t head_dim) {
    return MOST_CACHED_QUERIES * (head_dim + rounded_up(positions, ATTAR_KEY_PANEL));
}

void attar_cached_attention_f32(const attar_cached_head *head, float *out, size_t out_stride, float *scratch) {
    kernels_now()->cached_attention_f32(head, out, out_stride, scratch);
}

double attar_log_sum_exp_f32(const float *x, size_t count) { return kernels_now()->log_sum_exp_f32(x, count); }

void attar_layer_norm_f32(const float *x, const float *residual, const float *gamma, const float *beta, size_t rows,
                          size_t dim, float epsilon, float *sum, float *y, float *mean, float *rstd) {
    kernels_now()->layer_norm_f32(x, residual, gamma, beta, rows, dim, epsilon, sum, y, mean, rstd);
}

void attar_layer_norm_backward_f32(const float *sum, const float *gamma, const float *mean, const float *rstd,
                                   const float *dy, size_t rows, size_t dim, float *dx, float *dgamma, float *dbeta) {
    kernels_now()->layer_norm_backward_f32(sum, gamma, mean, rstd, dy, rows, dim, dx, dgamma, dbeta);
}

void attar_rms_norm_f32(const float *x, const float *residual, const float *gamma, size_t rows, size_t dim,
                        float epsilon, float *sum, float *y, float *rstd) {
    kernels_now()->rms_norm_f32(x, residual, gamma, rows, dim, epsilon, sum, y, rstd);
}

void attar_rms_norm_backward_f32(const float *sum, const float *gamma, const float *rstd, const float *dy,
                                 size_t rows,
                                 size_t dim, float *dx, float *dgamma) {
    kernels_now()->rms_norm_backward_f32(sum, gamma, rstd, dy, rows, dim, dx, dgamma);
}

void attar_softmax_f32(const float *x, size_t rows, size_t columns, float *y) {
    kernels_now()->softmax_f32(x, rows, columns, y);
}

void attar_normalize_rows_f32(const float *x, size_t rows, size_t dim, float epsilon, float *y, float *lengths) {
    kernels_now()->normalize_rows_f32(x, rows, dim, epsilon, y, lengths);
}

void attar_column_sums_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *out) {
    kernels_now()->column_sums_f32(x, ldx, rows, columns, out);
}

void attar_column_max_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *out) {
    kernels_now()->column_max_f32(x, ldx, rows, columns, out);
}

void attar_gelu_f32(const float *x, float *y, size_t count) { kernels_now()->gelu_f32(x, y, count); }
void attar_gelu_coarse_f32(const float *x, float *y, size_t count) { kernels_now()->gelu_coarse_f32(x, y, count); }

void attar_gelu_backward_f32(const float *x, const float *dy, float *dx, size_t count) {
    kernels_now()->gelu_backward_f32(x, dy, dx, count);
}

void attar_gelu_tanh_f32(const float *x, float *y, size_t count) { kernels_now()->gelu_tanh_f32(x, y, count); }

void attar_gelu_tanh_backward_f32(const float *x, const float *dy, float *dx, size_t count) {
    kernels_now()->gelu_tanh_backward_f32(x, dy, dx, count);
}

void attar_silu_f32(const float *x, float *y, size_t count) { kernels_now()->silu_f32(x, y, count); }

void attar_silu_backward_f32(const float *x, const float *dy, float *dx, size_t count) {
    kernels_now()->silu_backward_f32(x, dy, dx, count);
}

void attar_exp_f32(const float *x, float *y, size_t count) { kernels_now()->exp_f32(x, y, count); }
void attar_tanh_f32(const float *x, float *y, size_t count) { kernels_now()->tanh_f32(x, y, count); }
void attar_add_f32(const float *x, float *y, size_t count) { kernels_now()->add_f32(x, y, count); }

void attar_axpy_f32(float alpha, const float *x, float *y, size_t count) {
    kernels_now()->axpy_f32(alpha, x, y, count);
}

void attar_scale_f32(float alpha, float *y, size_t count) { kernels_now()->scale_f32(alpha, y, count); }

void attar_multiply_f32(const float *a, const float *b, float *y, size_t count) {
    kernels_now()->multiply_f32(a, b, y, count);
}

double attar_sum_squares_f32(const float *x, size_t count) { return kernels_now()->sum_squares_f32(x, count); }

void attar_adamw_f32(float *parameters, const float *gradients, float *m, float *v, size_t count, float rate,
                     float beta1, float beta2, float epsilon, float weight_decay, float correction1,
                     float correction2) {
    kernels_now()->adamw_f32(parameters, gradients, m, v, count, rate, beta1, beta2, epsilon, weight_decay,
                             correction1, correction2);
}

void attar_f16_to_f32(const uint16_t *x, float *y, size_t count) { kernels_now()->f16_to_f32(x, y, count); }
void attar_bf16_to_f32(const uint16_t *x, float *y, size_t count) { kernels_now()->bf16_to_f32(x, y, count); }

void attar_dequantize_blocks(attar_block_format format, const void *blocks, size_t count, float *y) {
    kernels_now()->dequantize_blocks(format, blocks, count, y);
}

void attar_f32_to_bf16(const float *x, uint16_t *y, size_t count) { kernels_now()->f32_to_bf16(x, y, count); }

void attar_quantize_i8(const float *x, size_t rows, size_t dim, int8_t *codes, float *scales) {
    kernels_now()->quantize_i8(x, rows, dim, codes, scales);
}

void attar_embedding_bag_f32(const float *table, size_t dim, const int32_t *ids, const float *weights, size_t count,
                             float *out) {
    kernels_now()->embedding_bag_f32(table, dim, ids, weights, count, out);
}

void attar_unpack_ordinals(const uint8_t *packed, unsigned bits, uint32_t first, uint32_t *ordinals) {
    kernels_now()->unpack_ordinals(packed, bits, first, ordinals);
}

void attar_unpack_counts(const uint8_t *packed, unsigned bits, float *counts) {
    kernels_now()->unpack_counts(packed, bits, counts);
}

void attar_saturated_scores(const uint32_t *ordinals, const float *inverse_norms, size_t count, float weight, float step,
                            float *scores) {
    kernels_now()->saturated_scores(ordinals, inverse_norms, count, weight, step, scores);
}

void attar_linear_scores(size_t count, float weight, float step, float *scores) {
    kernels_now()->linear_scores(count, weight, step, scores);
}

void attar_window_add(const uint32_t *ordinals, const float *scores, size_t count, uint32_t start, float *sums,
                      uint8_t *marks) {
    kernels_now()->window_add(ordinals, scores, count, start, sums, marks);
}

size_t attar_window_take(float *sums, uint8_t *marks, size_t groups, float limit, uint32_t *offsets, float *scores) {
    return kernels_now()->window_take(sums, marks, groups, limit, offsets, scores);
}

size_t attar_window_count(const float *sums, const uint8_t *marks, size_t groups, float limit) {
    return kernels_now()->window_count(sums, marks, groups, limit);
}

float attar_sparse_dot(const uint32_t *columns, const uint16_t *codes, size_t count, const float *query, uint32_t width,
                       float step) {
    return kernels_now()->sparse_dot(columns, codes, count, query, width, step);
}

uint32_t attar_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return kernels_now()->crc32c(crc, bytes, count);
}

uint64_t attar_peak_f32(size_t rounds, float *sink) { return kernels_now()->peak_f32(rounds, sink); }
