/// The sizes of ggml's block formats, in a file and repacked.
#include "include/attar_kernels.h"

enum { BLOCK = 32, SUPER_BLOCK = 256 };

/// What is always the same in a format.
struct block_shape {
    size_t numbers;     // of a block
    size_t bytes;       // of a block in a file
    size_t group;       // numbers that share a scale
    size_t bits;        // of a code when repacked: 4 or 8
    int zero;           // the code of zero
    bool has_minimums;  // then there is no such code: `zero` is 0
};

static inline struct block_shape block_shape_of(attar_block_format format) {
    switch (format) {
    case ATTAR_BLOCKS_Q4_0: return (struct block_shape){BLOCK, 18, 32, 4, 8, false};
    case ATTAR_BLOCKS_Q4_1: return (struct block_shape){BLOCK, 20, 32, 4, 0, true};
    case ATTAR_BLOCKS_Q5_0: return (struct block_shape){BLOCK, 22, 32, 8, 16, false};
    case ATTAR_BLOCKS_Q5_1: return (struct block_shape){BLOCK, 24, 32, 8, 0, true};
    case ATTAR_BLOCKS_Q8_0: return (struct block_shape){BLOCK, 34, 32, 8, 128, false};
    case ATTAR_BLOCKS_Q4_K: return (struct block_shape){SUPER_BLOCK, 144, 32, 4, 0, true};
    case ATTAR_BLOCKS_Q5_K: return (struct block_shape){SUPER_BLOCK, 176, 32, 8, 0, true};
    case ATTAR_BLOCKS_Q6_K: return (struct block_shape){SUPER_BLOCK, 210, 16, 8, 32, false};
    }
}

/// Bytes of one column's group when repacked: its codes, its scale, its minimum if there are any.
static inline size_t packed_column_bytes(const struct block_shape *shape) {
    return shape->group * shape->bits / 8 + sizeof(float) * (shape->has_minimums ? 2 : 1);
}
