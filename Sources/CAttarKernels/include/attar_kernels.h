/// How do numbers run fast on this processor?
///
/// Every function here is dispatched once, at load time, to the fastest variant that the processor can run; the
/// environment variable ATTAR_CPU (scalar, neon, avx2, avx512, avx512bf16) forces a lower one, so that every level can be tested on
/// one machine. Each kernel has a plain scalar twin, which is the level `scalar`.
///
/// Conventions: matrices are row-major; `ld…` / `…_stride` count elements between rows; "adds" means `+=`; sizes may be
/// zero; pointers need no alignment; no function allocates unless it says so; none may alias input and output unless it
/// says so. All are thread-safe for disjoint outputs.
#ifndef ATTAR_KERNELS_H
#define ATTAR_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------------- dispatch (dispatch.c)

typedef enum {
    ATTAR_CPU_SCALAR = 0,
    ATTAR_CPU_NEON = 1,
    ATTAR_CPU_AVX2 = 2,    // AVX2, FMA, F16C, POPCNT
    ATTAR_CPU_AVX512 = 3,  // AVX-512 F, BW, VL, DQ
    ATTAR_CPU_AVX512_BF16 = 4,  // and BF16, VNNI, VPOPCNTDQ
} attar_cpu_level;

/// The level in use.
attar_cpu_level attar_cpu_current(void);
/// Its name: "scalar", "neon", "avx2", "avx512", "avx512bf16".
const char *attar_cpu_name(attar_cpu_level level);
/// Whether this processor can run the level.
bool attar_cpu_supports(attar_cpu_level level);
/// Switches every kernel to the level; false, and no change, when the processor cannot run it. For tests only: not safe
/// while another thread is inside a kernel. Packed matrices made at another level must not be used afterwards.
bool attar_cpu_force(attar_cpu_level level);
/// The same for the calling thread alone, until `attar_cpu_release_thread`: safe while other threads, such as other
/// tests, use kernels. Matrices packed meanwhile must be used on this thread and before the release.
bool attar_cpu_force_thread(attar_cpu_level level);
void attar_cpu_release_thread(void);

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
/// direction and A to 255 steps a row; sums are exact integers (k ≤ 65,536). `packed` takes attar_pack_i8_size(n, k) bytes,
/// aligned for floats.
size_t attar_pack_i8_size(size_t n, size_t k);
void attar_pack_i8(const float *weights, size_t ld, size_t n, size_t k, int8_t *packed);
/// The same from rows that are bytes already: W = scales[row] · codes[row]. What `attar_quantize_i8` makes of floats
/// gives the packed bytes that these floats give.
void attar_pack_i8_codes(const int8_t *codes, size_t ld, const float *scales, size_t n, size_t k, int8_t *packed);
void attar_gemm_i8_packed(size_t m, size_t n, size_t k, const uint8_t *a, const float *row_scales, const int32_t *zeros,
                          const int8_t *packed, float *c, size_t ldc, const float *bias);
/// The left side of the above: x[row][i] ≈ scales[row] · (code − zeros[row]). Codes have a row stride of k rounded up to a
/// multiple of 4. A row with a NaN or infinity has the scale NaN.
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
/// y[count · numbers of a block] = the numbers of `count` blocks, with the bits that ggml's own dequantisation gives, the
/// same at every level. Blocks lie one after another.
void attar_dequantize_blocks(attar_block_format format, const void *blocks, size_t count, float *y);

/// Products over such blocks: C[m][n] = A[m][k] · Wᵀ (+ bias), where the rows of W [n][k] are blocks, taken as they are, and
/// A is rounded to signed bytes with a scale for each group of numbers that shares one in W; sums within a group are exact.
/// k must be a multiple of a block's numbers. `packed` takes attar_pack_blocks_size(format, n, k) bytes; align it to 64.
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
/// P_i = softmax_j(scale · q_i·k_j + bias_ij). Grouped heads (several query heads for one of keys and values, Ainslie et
/// al. 2023) are calls with the same k and v; their dk and dv add up.
typedef struct {
    const float *q;  // [queries][head_dim]
    size_t q_stride;
    const float *k, *v;  // [keys][head_dim], same stride
    size_t kv_stride;
    size_t queries, keys, head_dim;
    float scale;
    /// Query i sees keys 0 … i + keys − queries alone: the last query sees all, as when the first keys come from a cache.
    /// Needs queries ≤ keys.
    bool causal;
    /// [queries][keys] or NULL: relative positions, masks (−infinity is "never"). A stride of 0 makes one row of it that
    /// all queries share: a mask of keys. A query that sees nothing gets zeros.
    const float *bias;
    size_t bias_stride;
} attar_attention_head;

/// Floats of scratch for one head, forward or backward, with so many keys.
size_t attar_attention_scratch(size_t keys, size_t head_dim);
/// out[queries][head_dim]. `probabilities` ([queries][keys], may be NULL) receives P for the backward pass.
void attar_attention_head_f32(const attar_attention_head *head, float *out, size_t out_stride, float *probabilities,
                              float *scratch);
/// The same for inference in narrow precisions: products in bfloat16 where the processor has instructions for them (queries,
/// keys, values and exponentials rounded once, sums in fp32), else in fp32.
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

/// dV = Pᵀ dOut, dP = dOut Vᵀ, dBias = P · (dP − Σ_j P dP), dQ = scale · dBias K, dK = scale · dBiasᵀ Q. Precise also where
/// the softmax is saturated: only the rounding of `probabilities` limits it there.
void attar_attention_head_backward_f32(const attar_attention_head *head, const float *probabilities,
                                       const float *d_out, size_t d_out_stride,
                                       const attar_attention_gradients *gradients, float *scratch);

/// The same, both ways, for the commonest case: `length` queries and keys, q, k, v with one stride, every query sees every
/// key.
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

/// Turns pair i of the first rotary_dim (even) numbers of each head of row r by the angle whose cosine and sine stand at
/// [positions[r]][i] of two tables with rotary_dim / 2 columns; the rest of each head is copied. `inverse` turns back:
/// the gradient of x from that of y. x and y are [rows][heads · head_dim]; in place allowed.
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

// ------------------------------------------------------------------------------ scores of vectors (distances.h)

// `count` vectors of `dim` elements, `stride` elements apart, against one query. A score has the same bits whatever the
// vectors beside it. NaN and infinity in a vector go where arithmetic takes them, into its own score alone.
// `…_rows…` is the same for the vectors at the ordinals of a list, in its order, which may repeat some; memory is asked
// for ahead of its use, as graphs and inverted lists want it.

/// scores[i] = query · vectors[i], in floats.
void attar_dot_f32(const float *query, const float *vectors, size_t stride, size_t count, size_t dim, float *scores);
void attar_dot_rows_f32(const float *query, const float *vectors, size_t stride, const uint32_t *rows, size_t count,
                        size_t dim, float *scores);
/// scores[i] = |query − vectors[i]|².
void attar_squared_distance_f32(const float *query, const float *vectors, size_t stride, size_t count, size_t dim,
                                float *scores);
void attar_squared_distance_rows_f32(const float *query, const float *vectors, size_t stride, const uint32_t *rows,
                                     size_t count, size_t dim, float *scores);
/// The same over vectors in bfloat16; the query stays in floats, and so do all sums.
void attar_dot_bf16(const float *query, const uint16_t *vectors, size_t stride, size_t count, size_t dim,
                    float *scores);
void attar_dot_rows_bf16(const float *query, const uint16_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                         size_t dim, float *scores);
void attar_squared_distance_bf16(const float *query, const uint16_t *vectors, size_t stride, size_t count, size_t dim,
                                 float *scores);
void attar_squared_distance_rows_bf16(const float *query, const uint16_t *vectors, size_t stride, const uint32_t *rows,
                                      size_t count, size_t dim, float *scores);
/// Exact integers: dot products (dim ≤ 131,071, or the sum may leave 32 bits) and squared distances (dim ≤ 33,025).
void attar_dot_i8(const int8_t *query, const int8_t *vectors, size_t stride, size_t count, size_t dim, int32_t *scores);
void attar_dot_rows_i8(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                       size_t dim, int32_t *scores);
void attar_squared_distance_i8(const int8_t *query, const int8_t *vectors, size_t stride, size_t count, size_t dim,
                               int32_t *scores);
void attar_squared_distance_rows_i8(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *rows,
                                    size_t count, size_t dim, int32_t *scores);
/// How many bits differ, of vectors of `bytes` bytes; `stride` in bytes.
void attar_hamming(const uint8_t *query, const uint8_t *vectors, size_t stride, size_t count, size_t bytes,
                   int32_t *scores);
void attar_hamming_rows(const uint8_t *query, const uint8_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                        size_t bytes, int32_t *scores);

// ------------------------------------------------------------------------------------ product quantisation (codes.h)

/// scores[i] = Σ_s tables[s][codes[i][s]] (asymmetric distances; Jégou, Douze & Schmid 2011, section III.B): tables
/// [subspaces][256], codes [rows][subspaces]; sums in the order of the subspaces, the same bits at every level.
void attar_table_scores_f32(const float *tables, size_t subspaces, const uint8_t *codes, size_t count, float *scores);
void attar_table_scores_rows_f32(const float *tables, size_t subspaces, const uint8_t *codes, const uint32_t *rows,
                                 size_t count, float *scores);

/// Codes of 4 bits in the order in which a register looks them up ("fast scan"; André, Kermarrec & Le Scouarnec 2015):
/// blocks of ATTAR_SCAN_BLOCK vectors, of which each subspace has ATTAR_SCAN_TABLE bytes, vector v's code in the lower
/// half of byte v, and that of vector v + 16 in the upper. Subspaces are filled up with zeros to a multiple of
/// ATTAR_SCAN_GROUP. The same at every level: it is a format of files.
enum { ATTAR_SCAN_BLOCK = 32, ATTAR_SCAN_TABLE = 16, ATTAR_SCAN_GROUP = 4, ATTAR_SCAN_MOST_SUBSPACES = 256 };
/// Bytes of `count` vectors' blocks, and of the tables for them.
size_t attar_scan_codes_size(size_t count, size_t subspaces);
size_t attar_scan_tables_size(size_t subspaces);
/// Packs codes [count][subspaces], of which the lower 4 bits count; the last block is filled up with zeros.
void attar_pack_scan_codes(const uint8_t *codes, size_t count, size_t subspaces, uint8_t *blocks);
/// Tables [subspaces][16] as bytes: tables[s][c] ≈ minimum of s + scale · byte; `offset` is the sum of the minimums,
/// and each byte is off by half a scale at most. One scale for all: the widest table's range / 255. Numbers must be finite.
void attar_quantize_scan_tables(const float *tables, size_t subspaces, uint8_t *bytes, float *scale, float *offset);
/// scores[i] = offset + scale · Σ_s tables[s][code of vector i]: exact sums of bytes, of at most
/// ATTAR_SCAN_MOST_SUBSPACES subspaces.
void attar_scan_codes(const uint8_t *tables, size_t subspaces, const uint8_t *blocks, size_t count, float scale,
                      float offset, float *scores);

// ---------------------------------------------------------------------------------------- late interaction (max_sim.h)

// MaxSim (Khattab & Zaharia 2020): a document's score is Σ over the query's tokens of the largest dot product with one
// of its tokens. The query is packed once, by attar_pack_f32, _bf16 or _i8 as weights [query tokens][dim], at the same
// level. A product that is NaN is passed over. A document without tokens has the score −infinity; a query without
// tokens gives zeros. `rows` lists documents by their ordinals; NULL is 0, 1, 2 …

/// The tokens of many documents, one after another: document d has those from offsets[d] to before offsets[d + 1].
typedef struct {
    const void *vectors;  // [tokens][dim], of the type that the function names
    size_t stride;        // elements
    const uint64_t *offsets;
    const float *scales;   // attar_max_sim_u8: of each token, as attar_quantize_rows_u8 makes them
    const int32_t *zeros;  // the same
} attar_token_vectors;

void attar_max_sim_f32(const float *packed_query, size_t query_tokens, size_t dim, const attar_token_vectors *tokens,
                       const uint32_t *rows, size_t count, float *scores);
/// Tokens in bfloat16, their rows of an even number of elements, as attar_bf16_rows writes them.
void attar_max_sim_bf16(const uint16_t *packed_query, size_t query_tokens, size_t dim,
                        const attar_token_vectors *tokens, const uint32_t *rows, size_t count, float *scores);
/// Tokens in bytes, as attar_quantize_rows_u8 makes them: stride is dim rounded up to a multiple of 4. dim ≤ 65,536.
void attar_max_sim_u8(const int8_t *packed_query, size_t query_tokens, size_t dim, const attar_token_vectors *tokens,
                      const uint32_t *rows, size_t count, float *scores);

/// Tokens as a centroid and the code of what is left (ColBERTv2; Santhanam et al. 2022; with product quantisation).
typedef struct {
    const uint32_t *centroids;  // [tokens]
    const uint8_t *codes;       // [tokens][subspaces]
    const uint64_t *offsets;
} attar_token_codes;

/// The query's side: what each centroid and each codeword adds to the product with each of the query's tokens.
typedef struct {
    size_t query_tokens, subspaces;
    size_t stride;                 // query tokens rounded up to a multiple of ATTAR_CODED_QUERY_STEP
    const float *centroid_scores;  // [centroids][stride]
    const float *tables;           // [subspaces][256][stride]
} attar_coded_query;

enum { ATTAR_CODED_QUERY_STEP = 16 };
/// A product is the centroid's score, then the subspaces' in their order: the same bits at every level.
void attar_max_sim_codes(const attar_coded_query *query, const attar_token_codes *tokens, const uint32_t *rows,
                         size_t count, float *scores);

// ------------------------------------------------------------------------------------------------ vectors (vectors.h)

/// Symmetric quantisation, a scale a row: codes = round(x / scale) in −127…127 (ties to even, NaN as 0),
/// scale = max|x| / 127 (1 for a zero row).
void attar_quantize_i8(const float *x, size_t rows, size_t dim, int8_t *codes, float *scales);
/// The k largest of `scores`, descending, ties by ascending index; NaN is never chosen. Returns how many were found.
size_t attar_top_k_f32(const float *scores, size_t count, size_t k, uint32_t *indices, float *values);
/// out[dim] = Σ_i weights[i] · table[ids[i]] (weights may be NULL: 1); out is overwritten. ids must be in range.
void attar_embedding_bag_f32(const float *table, size_t dim, const int32_t *ids, const float *weights, size_t count,
                             float *out);

// ---------------------------------------------------------------------------------------------- postings (postings.h)

/// Numbers that are packed together: 16 · bits bytes, number i in lane i mod 4 of 32-bit little-endian words.
enum { ATTAR_PACKED_COUNT = 128 };
/// ordinals[128]: the first is `first` plus the first number, each further one is its predecessor plus 1 plus its number,
/// modulo 2³². `bits` is 0…32; with 0 nothing is read.
void attar_unpack_ordinals(const uint8_t *packed, unsigned bits, uint32_t first, uint32_t *ordinals);
/// counts[128] = the numbers plus 1, as floats.
void attar_unpack_counts(const uint8_t *packed, unsigned bits, float *counts);
/// scores[i] = weight − weight / (1 + scores[i] · inverse_norms[ordinals[i]]), then the nearest multiple of `step`, at
/// least `step`: the same bits at every level. `weight` is below 2²⁴ steps.
void attar_saturated_scores(const uint32_t *ordinals, const float *inverse_norms, size_t count, float weight, float step,
                            float *scores);
/// scores[i] = weight · scores[i], then the same.
void attar_linear_scores(size_t count, float weight, float step, float *scores);

/// A window of sums of neighbouring passages, with a mark for each group of 16 of them that says whether any was touched.
enum { ATTAR_WINDOW_GROUP = 16 };
/// sums[ordinals[i] − start] += scores[i], and the groups are marked. Ordinals differ from each other.
void attar_window_add(const uint32_t *ordinals, const float *scores, size_t count, uint32_t start, float *sums,
                      uint8_t *marks);
/// The places and values of the sums above `limit` (at least 0), ascending by place; returns how many there are. Sums and
/// marks of the window's groups, a multiple of 8, are zero afterwards; groups without a mark must be zero.
size_t attar_window_take(float *sums, uint8_t *marks, size_t groups, float limit, uint32_t *offsets, float *scores);
/// How many sums that would find; nothing changes.
size_t attar_window_count(const float *sums, const uint8_t *marks, size_t groups, float limit);

/// Σ codes[i] · query[columns[i]], each product above 0 rounded to the grid as attar_linear_scores does: the sum of its
/// scores, in any order. `query` has width + 1 floats, at least 0, the last of them 0, which columns out of range read.
float attar_sparse_dot(const uint32_t *columns, const uint16_t *codes, size_t count, const float *query, uint32_t width,
                       float step);

// ------------------------------------------------------------------------------------------- checksums (checksum.c)

/// CRC-32C (Castagnoli, reflected, polynomial 0x1EDC6F41) of the bytes, continuing from `crc` (0 at the start).
uint32_t attar_crc32c(uint32_t crc, const void *bytes, size_t count);

// ----------------------------------------------------------------------------------------------------------- threads

/// Asks for the 64 bytes around an address, which will be read soon; any address will do.
static inline void attar_prefetch(const void *address) { __builtin_prefetch(address); }

/// Tells the processor that the thread looks out for something in a loop: some ten nanoseconds of rest.
static inline void attar_spin_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// ------------------------------------------------------------------------------------------------ measuring (peak.c)

/// Runs rounds of independent fused multiply-adds that never leave the registers, and returns how many floating-point
/// operations that were (two each): divided by the time it took, what a core can give at most. `sink` receives a value,
/// so that the work cannot be left out.
uint64_t attar_peak_f32(size_t rounds, float *sink);
/// The processors that the calling thread may run on, ascending, at most `capacity`; returns how many. Zero where the
/// system does not tell (processors.c).
size_t attar_processors_allowed(int *processors, size_t capacity);
/// Binds a thread (0: the calling one) to processors; false when the system cannot, or there is no such thread. What the
/// thread starts afterwards, threads and processes, is bound alike.
bool attar_bind_thread(int thread, const int *processors, size_t count);

#ifdef __cplusplus
}
#endif
#endif
