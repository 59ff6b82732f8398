/// What neural networks are made of: products, attention, norms, activations, optimiser. Conventions: attar_kernels.h.
#ifndef ATTAR_NETWORKS_H
#define ATTAR_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// -------------------------------------------------------------------------------------------------- matrix products

// Every element of C is one sum over k in ascending order, starting from C, bias or zero, whatever m, n and the row's
// place: a row's result has the same bits in any batch, and at every level with fused multiply-add (all but scalar).

/// Floats needed by the packed form of an [n][k] weight matrix at the current level. Align it to 64 bytes for speed.
size_t attar_pack_f32_size(size_t n, size_t k);
/// Packs B for `attar_gemm_f32_packed`. transposed == false: `weights` is [n][k] with row stride `ld` (a linear layer's
/// weight, y = x Wᵀ). transposed == true: it is [k][n] (y = x B).
void attar_pack_f32(const float *weights, size_t ld, size_t n, size_t k, bool transposed, float *packed);
/// C[m][n] = A[m][k] · packed(B) (+ bias[n] when not NULL), or C += A · B (+ bias) when `accumulate`.
void attar_gemm_f32_packed(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *packed, float *c,
                           size_t ldc, const float *bias, bool accumulate);

/// The same in bfloat16 with float sums: half the memory, and on processors that have such products half the time.
/// `packed` takes attar_pack_bf16_size(n, k) numbers. A is [m][k] in bfloat16 with row stride `lda` (numbers); its rows
/// have an even number of elements: a row of odd k ends in a zero, as attar_bf16_rows writes it.
size_t attar_pack_bf16_size(size_t n, size_t k);
void attar_pack_bf16(const float *weights, size_t ld, size_t n, size_t k, bool transposed, uint16_t *packed);
void attar_gemm_bf16_packed(size_t m, size_t n, size_t k, const uint16_t *a, size_t lda, const uint16_t *packed,
                            float *c, size_t ldc, const float *bias, bool accumulate);
/// y[rows][k, made even] = x[rows][k] rounded to bfloat16; subnormals may become zero.
void attar_bf16_rows(const float *x, size_t ldx, size_t rows, size_t k, uint16_t *y, size_t ldy);

/// The same in bytes: C[m][n] = A[m][k] · packed(Wᵀ) (+ bias), where W [n][k] is rounded to 127 steps a row in each
/// direction and A to 255 steps a row; sums are exact integers (k ≤ 65,536). `packed` takes attar_pack_i8_size(n, k)
/// bytes, aligned for floats.
size_t attar_pack_i8_size(size_t n, size_t k);
void attar_pack_i8(const float *weights, size_t ld, size_t n, size_t k, int8_t *packed);
/// The same from rows that are bytes already: W = scales[row] · codes[row]. What `attar_quantize_i8` makes of floats
/// gives the packed bytes that these floats give.
void attar_pack_i8_codes(const int8_t *codes, size_t ld, const float *scales, size_t n, size_t k, int8_t *packed);
void attar_gemm_i8_packed(size_t m, size_t n, size_t k, const uint8_t *a, const float *row_scales, const int32_t *zeros,
                          const int8_t *packed, float *c, size_t ldc, const float *bias);
/// The left side of the above: x[row][i] ≈ scales[row] · (code − zeros[row]). Codes have a row stride of k rounded up
/// to a multiple of 4. A row with a NaN or infinity has the scale NaN.
void attar_quantize_rows_u8(const float *x, size_t ldx, size_t rows, size_t k, uint8_t *codes, float *scales,
                            int32_t *zeros);

/// The block formats of ggml (ggml-common.h), as GGUF files hold them; the values are ggml's own numbers.
typedef enum {
    ATTAR_BLOCKS_Q4_0 = 2,   // 32 numbers in 18 bytes
    ATTAR_BLOCKS_Q4_1 = 3,   // 32 in 20
    ATTAR_BLOCKS_Q5_0 = 6,   // 32 in 22
    ATTAR_BLOCKS_Q5_1 = 7,   // 32 in 24
    ATTAR_BLOCKS_Q8_0 = 8,   // 32 in 34
    ATTAR_BLOCKS_Q4_K = 12,  // 256 in 144
    ATTAR_BLOCKS_Q5_K = 13,  // 256 in 176
    ATTAR_BLOCKS_Q6_K = 14,  // 256 in 210
} attar_block_format;
/// y[count · numbers of a block] = the numbers of `count` blocks, with the bits that ggml's own dequantisation gives,
/// the same at every level. Blocks lie one after another.
void attar_dequantize_blocks(attar_block_format format, const void *blocks, size_t count, float *y);

/// Products over such blocks: C[m][n] = A[m][k] · Wᵀ (+ bias), where the rows of W [n][k] are blocks, taken as they
/// are, and A is rounded to signed bytes with a scale for each group of numbers that shares one in W; sums within a
/// group are exact. k must be a multiple of a block's numbers. `packed` takes attar_pack_blocks_size(format, n, k)
/// bytes; align it to 64.
size_t attar_pack_blocks_size(attar_block_format format, size_t n, size_t k);
void attar_pack_blocks(attar_block_format format, const void *blocks, size_t n, size_t k, void *packed);
void attar_gemm_blocks_packed(attar_block_format format, size_t m, size_t n, size_t k, const int8_t *a,
                              const float *row_scales, const int32_t *row_sums, const void *packed, float *c, size_t ldc,
                              const float *bias);
/// The left side of the above: codes [rows][k]; scales and sums of codes [rows][k / attar_blocks_group(format)].
/// A group with a NaN or infinity has the scale NaN.
void attar_quantize_groups_i8(attar_block_format format, const float *x, size_t ldx, size_t rows, size_t k, int8_t *codes,
                              float *scales, int32_t *sums);
/// How many numbers share a scale.
size_t attar_blocks_group(attar_block_format format);

/// y[columns][rows] = x[rows][columns]ᵀ.
void attar_transpose_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *y, size_t ldy);

// ------------------------------------------------------------------------------------------- attention (attention.c)

/// One head of one sequence (no padding inside): what attends to what. out_i = Σ_j P_ij v_j with
/// P_i = softmax_j(scale · q_i·k_j + bias_ij). Grouped heads (several query heads for one of keys and values, Ainslie
/// et al. 2023) are calls with the same k and v; their dk and dv add up.
typedef struct {
    const float *q;  // [queries][head_dim]
    size_t q_stride;
    const float *k, *v;  // [keys][head_dim], same stride
    size_t kv_stride;
    size_t queries, keys, head_dim;
    float scale;
    /// Query i sees keys 0 … i + keys − queries alone: the last query sees all, as when the first keys come from a
    /// cache. Needs queries ≤ keys.
    bool causal;
    /// [queries][keys] or NULL: relative positions, masks (−infinity is "never"). A stride of 0 makes one row of it
    /// that all queries share: a mask of keys. A query that sees nothing gets zeros.
    const float *bias;
    size_t bias_stride;
} attar_attention_head;

/// Floats of scratch for one head, forward or backward, with so many keys.
size_t attar_attention_scratch(size_t keys, size_t head_dim);
/// out[queries][head_dim]. `probabilities` ([queries][keys], may be NULL) receives P for the backward pass.
void attar_attention_head_f32(const attar_attention_head *head, float *out, size_t out_stride, float *probabilities,
                              float *scratch);
/// The same for inference in narrow precisions: products in bfloat16 where the processor has instructions for them
/// (queries, keys, values and exponentials rounded once, sums in fp32), else in fp32.
void attar_attention_head_bf16(const attar_attention_head *head, float *out, size_t out_stride, float *scratch);

/// Where gradients of a head are added, shaped as their inputs.
typedef struct {
    float *dq;
    size_t dq_stride;
    float *dk, *dv;
    size_t dkv_stride;
    float *d_bias;  // may be NULL; with a stride of 0 all queries add to one row
    size_t d_bias_stride;
} attar_attention_gradients;

/// dV = Pᵀ dOut, dP = dOut Vᵀ, dBias = P · (dP − Σ_j P dP), dQ = scale · dBias K, dK = scale · dBiasᵀ Q. Precise also
/// where the softmax is saturated: only the rounding of `probabilities` limits it there.
void attar_attention_head_backward_f32(const attar_attention_head *head, const float *probabilities,
                                       const float *d_out, size_t d_out_stride,
                                       const attar_attention_gradients *gradients, float *scratch);

/// The same, both ways, for the commonest case: `length` queries and keys, q, k, v with one stride, every query sees
/// every key.
void attar_attention_f32(const float *q, const float *k, const float *v, size_t stride, size_t length, size_t head_dim,
                         float scale, float *out, size_t out_stride, float *probabilities, float *scratch);
void attar_attention_backward_f32(const float *q, const float *k, const float *v, size_t stride,
                                  const float *probabilities, const float *d_out, size_t d_out_stride, size_t length,
                                  size_t head_dim, float scale, float *dq, float *dk, float *dv, size_t d_stride,
                                  float *scratch);

// ------------------------------------------------------------------------------- attention to a cache (cache.h)

/// Keys of a cache stand in panels of so many positions, [head_dim][ATTAR_KEY_PANEL] each, the same at every level.
enum { ATTAR_KEY_PANEL = 16 };

/// One head of keys and values of one sequence, and the new queries of the heads that share it.
typedef struct {
    const float *q;  // [rows][group][head_dim]
    size_t q_stride; // from row to row
    size_t rows, group, head_dim;
    const float *keys;    // panels, attar_cached_keys_size(first + rows, head_dim) floats
    const float *values;  // [first + rows][head_dim]
    size_t value_stride;
    size_t first;  // row r is position first + r, and sees the positions 0 … first + r
    float scale;
} attar_cached_head;

/// Floats of the keys of one head.
size_t attar_cached_keys_size(size_t positions, size_t head_dim);
/// Writes the keys [rows][head_dim] of the positions from `first` on into panels.
void attar_cache_keys_f32(const float *k, size_t k_stride, size_t rows, size_t head_dim, size_t first, float *keys);
/// Floats of scratch for a head with `positions` = first + rows.
size_t attar_cached_attention_scratch(size_t positions, size_t head_dim);
/// out[rows][group][head_dim] = Σ_j softmax_j(scale · q·k_j) v_j over the positions that each row sees. What stands in
/// the keys and values behind them changes nothing.
void attar_cached_attention_f32(const attar_cached_head *head, float *out, size_t out_stride, float *scratch);
/// log Σ exp(x): the logarithm of softmax's denominator. −infinity is probability 0, and the result when all are.
double attar_log_sum_exp_f32(const float *x, size_t count);

// --------------------------------------------------------------------------------------- rotary positions (rotary.c)

/// Which numbers of a head are turned together (Su et al. 2021).
typedef enum {
    ATTAR_ROTARY_HALVES = 0,      // i with i + rotary_dim / 2: GPT-NeoX, Llama and Qwen in Hugging Face's layout
    ATTAR_ROTARY_NEIGHBOURS = 1,  // 2i with 2i + 1: the paper, GPT-J, Llama in GGUF
} attar_rotary_pairs;

/// Turns pair i of the first rotary_dim (even) numbers of each head of row r by the angle whose cosine and sine stand
/// at [positions[r]][i] of two tables with rotary_dim / 2 columns; the rest of each head is copied. `inverse` turns
/// back: the gradient of x from that of y. x and y are [rows][heads · head_dim]; in place allowed.
void attar_rotary_f32(const float *x, size_t ldx, size_t rows, size_t heads, size_t head_dim, size_t rotary_dim,
                      attar_rotary_pairs pairs, const int32_t *positions, const float *cosines, const float *sines,
                      bool inverse, float *y, size_t ldy);

// --------------------------------------------------------------------------------------------- row-wise (rowwise.c)

/// sum = x + residual (residual may be NULL); y = gamma · (sum − mean) / sqrt(variance + epsilon) + beta, each row.
/// `sum`, `mean`, `rstd` may be NULL when no backward pass follows. y may alias x or residual.
void attar_layer_norm_f32(const float *x, const float *residual, const float *gamma, const float *beta, size_t rows,
                          size_t dim, float epsilon, float *sum, float *y, float *mean, float *rstd);
/// dx is overwritten; dgamma and dbeta (either may be NULL) are added to.
void attar_layer_norm_backward_f32(const float *sum, const float *gamma, const float *mean, const float *rstd,
                                   const float *dy, size_t rows, size_t dim, float *dx, float *dgamma, float *dbeta);
/// sum = x + residual (residual may be NULL); y = gamma · sum / sqrt(mean(sum²) + epsilon), each row (Zhang & Sennrich
/// 2019). `sum` and `rstd` may be NULL when no backward pass follows. y may alias x or residual.
void attar_rms_norm_f32(const float *x, const float *residual, const float *gamma, size_t rows, size_t dim,
                        float epsilon, float *sum, float *y, float *rstd);
/// dx is overwritten; dgamma (may be NULL) is added to.
void attar_rms_norm_backward_f32(const float *sum, const float *gamma, const float *rstd, const float *dy, size_t rows,
                                 size_t dim, float *dx, float *dgamma);
/// softmax of each row, in place allowed; −infinity is probability 0; a row of only −infinity gives zeros.
void attar_softmax_f32(const float *x, size_t rows, size_t columns, float *y);
/// Each row divided by its Euclidean length (rows shorter than `epsilon` are divided by `epsilon`); in place allowed;
/// `lengths` may be NULL.
void attar_normalize_rows_f32(const float *x, size_t rows, size_t dim, float epsilon, float *y, float *lengths);
/// out[column] += Σ_rows x[row][column].
void attar_column_sums_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *out);
/// out[column] = the largest of itself and x[row][column] over all rows; NaN of x is passed over.
void attar_column_max_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *out);

// --------------------------------------------------------------------------------------- element-wise (elementwise.c)

/// y = x · Φ(x), the exact (erf) form; absolute error ≤ 1e-6. In place allowed.
void attar_gelu_f32(const float *x, float *y, size_t count);
/// The same to 1e-4 + 1e-6 |x|, which bfloat16 and bytes cannot tell from it, in less than half of the time.
void attar_gelu_coarse_f32(const float *x, float *y, size_t count);
/// dx += dy · (Φ(x) + x φ(x)).
void attar_gelu_backward_f32(const float *x, const float *dy, float *dx, size_t count);
/// The tanh approximation of GELU, absolute error ≤ 2e-6 (in place allowed), and its gradient, ≤ 5e-6 (added to dx).
void attar_gelu_tanh_f32(const float *x, float *y, size_t count);
void attar_gelu_tanh_backward_f32(const float *x, const float *dy, float *dx, size_t count);
/// y = x / (1 + exp(−x)), relative error ≤ 1e-6 above −80 (in place allowed), and its gradient (added to dx).
void attar_silu_f32(const float *x, float *y, size_t count);
void attar_silu_backward_f32(const float *x, const float *dy, float *dx, size_t count);
/// y = exp(x), relative error ≤ 1e-6. y = tanh(x), relative error ≤ 1e-6. In place allowed.
void attar_exp_f32(const float *x, float *y, size_t count);
void attar_tanh_f32(const float *x, float *y, size_t count);
/// y += x;  y += alpha · x;  y *= alpha;  y = a · b.
void attar_add_f32(const float *x, float *y, size_t count);
void attar_axpy_f32(float alpha, const float *x, float *y, size_t count);
void attar_scale_f32(float alpha, float *y, size_t count);
void attar_multiply_f32(const float *a, const float *b, float *y, size_t count);
/// Σ x², accumulated in double, in the same order at every level.
double attar_sum_squares_f32(const float *x, size_t count);
/// One decoupled-weight-decay Adam step (Loshchilov & Hutter 2019):
///   m = β₁m + (1−β₁)g;  v = β₂v + (1−β₂)g²;
///   p −= rate · (weight_decay · p + (m / correction1) / (sqrt(v / correction2) + ε))
void attar_adamw_f32(float *parameters, const float *gradients, float *m, float *v, size_t count, float rate,
                     float beta1, float beta2, float epsilon, float weight_decay, float correction1,
                     float correction2);
/// Number formats of files: IEEE half and bfloat16 to float, and float to bfloat16 (round to nearest even).
void attar_f16_to_f32(const uint16_t *x, float *y, size_t count);
void attar_bf16_to_f32(const uint16_t *x, float *y, size_t count);
void attar_f32_to_bf16(const float *x, uint16_t *y, size_t count);

#ifdef __cplusplus
}
#endif
#endif
