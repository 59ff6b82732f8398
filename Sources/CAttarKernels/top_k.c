/// The k largest scores, by a heap in the caller's output arrays whose root is the worst of the k best so far.
///
/// Scores come in ascending index order, so a score that only equals the worst never displaces it (ties go to the lower
/// index): one vector comparison against the root's value passes over nearly all scores.
///
/// An entry is compared as one whole number, its rank: which of two children is the worse is a coin's toss, on which a
/// branch would be guessed wrongly half the time.
#include <math.h>
#include <string.h>

#include "kernels.h"

/// The better of two entries has the larger rank: above, the value's bits in an order of whole numbers; below, the
/// index's complement.
static uint64_t rank_of(float value, uint32_t index) {
    uint32_t bits;
    value += 0.0f;  // −0 and 0 are a tie
    memcpy(&bits, &value, sizeof bits);
    bits ^= bits >> 31 ? UINT32_MAX : UINT32_C(1) << 31;
    return (uint64_t)bits << 32 | (uint32_t)~index;
}

/// The heap: while it is one, `values` holds the upper halves of ranks instead of floats.
struct heap {
    float *values;
    uint32_t *indices;
};

static uint64_t rank_at(struct heap heap, size_t node) {
    uint32_t upper;
    memcpy(&upper, heap.values + node, sizeof upper);
    return (uint64_t)upper << 32 | (uint32_t)~heap.indices[node];
}

static void put(struct heap heap, size_t node, uint64_t rank) {
    const uint32_t upper = (uint32_t)(rank >> 32);
    memcpy(heap.values + node, &upper, sizeof upper);
    heap.indices[node] = ~(uint32_t)rank;
}

/// Puts an entry into the heap at `hole`, whose own entry is given up, moving worse children up.
static void sift_down(struct heap heap, size_t count, size_t hole, uint64_t rank) {
    for (size_t child = 2 * hole + 1; child < count; child = 2 * hole + 1) {
        uint64_t worst = rank_at(heap, child);
        if (child + 1 < count) {
            const uint64_t right = rank_at(heap, child + 1);
            child += right < worst;
            worst = right < worst ? right : worst;
        }
        if (rank <= worst) break;
        put(heap, hole, worst);
        hole = child;
    }
    put(heap, hole, rank);
}

/// Takes the worst off the heap again and again, filling the arrays from their end: descending order.
static void sort_heap(struct heap heap, size_t count) {
    for (size_t last = count; last-- > 1;) {
        const uint64_t worst = rank_at(heap, 0);
        sift_down(heap, last, 0, rank_at(heap, last));
        put(heap, last, worst);
    }
}

size_t attar_top_k_f32(const float *scores, size_t count, size_t k, uint32_t *indices, float *values) {
    if (k == 0) return 0;
    const struct heap heap = {values, indices};
    size_t found = 0, next = 0;
    for (; next < count && found < k; next++) {
        if (!isnan(scores[next])) put(heap, found++, rank_of(scores[next], (uint32_t)next));
    }
    for (size_t node = found / 2; node-- > 0;) sift_down(heap, found, node, rank_at(heap, node));
    if (found == k) {
        const struct attar_kernels *kernels = kernels_now();
        while ((next = kernels->find_greater(scores, next, count, scores[indices[0]])) < count) {
            sift_down(heap, k, 0, rank_of(scores[next], (uint32_t)next));
            next++;
        }
    }
    sort_heap(heap, found);
    for (size_t i = 0; i < found; i++) values[i] = scores[indices[i]];
    return found;
}
