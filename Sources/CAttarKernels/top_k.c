/// The k largest scores, by a heap in the caller's output arrays whose root is the worst of the k best so far.
///
/// Scores come in ascending index order, so a score that only equals the worst never displaces it (ties go to the lower
/// index): one vector comparison against the root's value passes over nearly all scores.
#include <math.h>

#include "kernels.h"

struct entry {
    float value;
    uint32_t index;
};

/// Whether `a` stands behind `b` in the final order.
static bool is_worse(struct entry a, struct entry b) {
    return a.value < b.value || (a.value == b.value && a.index > b.index);
}

/// Puts `entry` into the heap at `hole`, moving worse children up.
static void sift_down(float *values, uint32_t *indices, size_t count, size_t hole, struct entry entry) {
    for (;;) {
        size_t child = 2 * hole + 1;
        if (child >= count) break;
        struct entry worst = {values[child], indices[child]};
        if (child + 1 < count) {
            const struct entry right = {values[child + 1], indices[child + 1]};
            if (is_worse(right, worst)) {
                worst = right;
                child++;
            }
        }
        if (!is_worse(worst, entry)) break;
        values[hole] = worst.value;
        indices[hole] = worst.index;
        hole = child;
    }
    values[hole] = entry.value;
    indices[hole] = entry.index;
}

/// Takes the worst off the heap again and again, filling the arrays from their end: descending order.
static void sort_heap(float *values, uint32_t *indices, size_t count) {
    for (size_t last = count; last-- > 1;) {
        const struct entry worst = {values[0], indices[0]};
        const struct entry moved = {values[last], indices[last]};
        sift_down(values, indices, last, 0, moved);
        values[last] = worst.value;
        indices[last] = worst.index;
    }
}

size_t attar_top_k_f32(const float *scores, size_t count, size_t k, uint32_t *indices, float *values) {
    if (k == 0) return 0;
    size_t found = 0, next = 0;
    for (; next < count && found < k; next++) {
        if (isnan(scores[next])) continue;
        values[found] = scores[next];
        indices[found] = (uint32_t)next;
        found++;
    }
    for (size_t node = found / 2; node-- > 0;) {
        sift_down(values, indices, found, node, (struct entry){values[node], indices[node]});
    }
    if (found == k) {
        const struct attar_kernels *kernels = kernels_now();
        while ((next = kernels->find_greater(scores, next, count, values[0])) < count) {
            sift_down(values, indices, k, 0, (struct entry){scores[next], (uint32_t)next});
            next++;
        }
    }
    sort_heap(values, indices, found);
    return found;
}
