/// What searches are made of: scores of vectors, codes, tokens and postings; top-k. Conventions: attar_kernels.h.
#ifndef ATTAR_SEARCH_H
#define ATTAR_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ------------------------------------------------------------------------------ scores of vectors (distances.h)

// `count` vectors of `dim` elements, `stride` elements apart, against one query. A score has the same bits whatever the
// vectors beside it. NaN and infinity in a vector go where arithmetic takes them, into its own score alone.
// With `rows`, those vectors are meant that stand at the ordinals of this list, in its order, which may repeat some;
// memory is asked for ahead of its use, as graphs and inverted lists want it. NULL stands for 0, 1, 2 …

/// scores[i] = query · vectors[i], in floats.
void attar_dot_f32(const float *query, const float *vectors, size_t stride, const uint32_t *rows, size_t count,
                   size_t dim, float *scores);
/// scores[i] = |query − vectors[i]|².
void attar_squared_distance_f32(const float *query, const float *vectors, size_t stride, const uint32_t *rows,
                                size_t count, size_t dim, float *scores);
/// The same over vectors in bfloat16; the query stays in floats, and so do all sums.
void attar_dot_bf16(const float *query, const uint16_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                    size_t dim, float *scores);
void attar_squared_distance_bf16(const float *query, const uint16_t *vectors, size_t stride, const uint32_t *rows,
                                 size_t count, size_t dim, float *scores);
/// Exact integers: dot products (dim ≤ 131,071, or the sum may leave 32 bits) and squared distances (dim ≤ 33,025).
void attar_dot_i8(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                  size_t dim, int32_t *scores);
void attar_squared_distance_i8(const int8_t *query, const int8_t *vectors, size_t stride, const uint32_t *rows,
                               size_t count, size_t dim, int32_t *scores);
/// How many bits differ, of vectors of `bytes` bytes; `stride` in bytes.
void attar_hamming(const uint8_t *query, const uint8_t *vectors, size_t stride, const uint32_t *rows, size_t count,
                   size_t bytes, int32_t *scores);

// ------------------------------------------------------------------------------------ product quantisation (codes.h)

/// scores[i] = Σ_s tables[s][codes[i][s]] (asymmetric distances; Jégou, Douze & Schmid 2011, section III.B): tables
/// [subspaces][256], codes [rows][subspaces]; sums in the order of the subspaces, the same bits at every level.
void attar_table_scores_f32(const float *tables, size_t subspaces, const uint8_t *codes, const uint32_t *rows,
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
/// and each byte is off by half a scale at most. One scale for all: the widest table's range / 255. Numbers must be
/// finite.
void attar_quantize_scan_tables(const float *tables, size_t subspaces, uint8_t *bytes, float *scale, float *offset);
/// Which vectors have a sum Σ_s tables[s][code of the vector] of at least `least`: their places, ascending, and their
/// sums, exact, of at most ATTAR_SCAN_MOST_SUBSPACES subspaces. Both have room for `count`; returns how many there are.
/// `next` is where the blocks begin that will be scanned after these, or NULL: memory is asked for ahead of its use, and
/// short lists come from anywhere. It is not read.
size_t attar_scan_codes(const uint8_t *tables, size_t subspaces, const uint8_t *blocks, size_t count, uint16_t least,
                        const uint8_t *next, uint32_t *places, uint16_t *sums);

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
/// ordinals[128]: the first is `first` plus the first number, each further one is its predecessor plus 1 plus its
/// number, modulo 2³². `bits` is 0…32; with 0 nothing is read.
void attar_unpack_ordinals(const uint8_t *packed, unsigned bits, uint32_t first, uint32_t *ordinals);
/// counts[128] = the numbers plus 1, as floats.
void attar_unpack_counts(const uint8_t *packed, unsigned bits, float *counts);

/// How many of 16 numbers are below a limit. Inlined, as a call would take longer than the work, and written over
/// vectors of four, which every processor has.
static inline uint32_t attar_count_below_16(const uint32_t *numbers, uint32_t limit) {
    typedef uint32_t four __attribute__((ext_vector_type(4)));
    four below = 0;
    for (int row = 0; row < 4; row++) {
        four values;
        __builtin_memcpy(&values, numbers + 4 * row, sizeof values);
        // A comparison that holds gives -1.
        below -= (four)(values < (four)limit);
    }
    return below[0] + below[1] + below[2] + below[3];
}
/// scores[i] = weight − weight / (1 + scores[i] · inverse_norms[ordinals[i]]), then the nearest multiple of `step`, at
/// least `step`: the same bits at every level. `weight` is below 2²⁴ steps.
void attar_saturated_scores(const uint32_t *ordinals, const float *inverse_norms, size_t count, float weight, float step,
                            float *scores);
/// scores[i] = weight · scores[i], then the same.
void attar_linear_scores(size_t count, float weight, float step, float *scores);

/// A window of sums of neighbouring passages, with a mark for each group of 16 of them that says whether any was
/// touched.
enum { ATTAR_WINDOW_GROUP = 16 };
/// sums[ordinals[i] − start] += scores[i], and the groups are marked. Ordinals differ from each other.
void attar_window_add(const uint32_t *ordinals, const float *scores, size_t count, uint32_t start, float *sums,
                      uint8_t *marks);
/// The places and values of the sums above `limit` (at least 0), ascending by place; returns how many there are. Sums
/// and marks of the window's groups, a multiple of 8, are zero afterwards; groups without a mark must be zero.
size_t attar_window_take(float *sums, uint8_t *marks, size_t groups, float limit, uint32_t *offsets, float *scores);
/// How many sums that would find; nothing changes.
size_t attar_window_count(const float *sums, const uint8_t *marks, size_t groups, float limit);

/// Σ codes[i] · query[columns[i]], each product above 0 rounded to the grid as attar_linear_scores does: the sum of its
/// scores, in any order. `query` has width + 1 floats, at least 0, the last of them 0, which columns out of range read.
float attar_sparse_dot(const uint32_t *columns, const uint16_t *codes, size_t count, const float *query, uint32_t width,
                       float step);

#ifdef __cplusplus
}
#endif
#endif
