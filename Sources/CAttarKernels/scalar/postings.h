/// Postings of an inverted index, one at a time.

/// Number i of those packed at `bits` bits each in four lanes of 32-bit words.
static uint32_t packed_number(const uint8_t *packed, size_t i, unsigned bits) {
    uint32_t number = 0;
    for (unsigned bit = 0; bit < bits; bit++) {
        const size_t place = i / 4 * bits + bit;
        uint32_t word;
        memcpy(&word, packed + 4 * (place / 32 * 4 + i % 4), sizeof word);
        number |= (word >> place % 32 & 1) << bit;
    }
    return number;
}

static void unpack_ordinals(const uint8_t *packed, unsigned bits, uint32_t first, uint32_t *ordinals) {
    for (size_t i = 0; i < ATTAR_PACKED_COUNT; i++) {
        ordinals[i] = first + packed_number(packed, i, bits);
        first = ordinals[i] + 1;
    }
}

static void unpack_counts(const uint8_t *packed, unsigned bits, float *counts) {
    for (size_t i = 0; i < ATTAR_PACKED_COUNT; i++) counts[i] = (float)(packed_number(packed, i, bits) + 1);
}

static float on_grid(float value, float step) {
    const float magic = step * 0x1p23f;
    const float rounded = (value + magic) - magic;
    return rounded > step ? rounded : step;
}

static void saturated_scores(const uint32_t *ordinals, const float *inverse_norms, size_t count, float weight,
                             float step, float *scores) {
#pragma clang fp contract(off)
    for (size_t i = 0; i < count; i++) {
        scores[i] = on_grid(weight - weight / (1 + scores[i] * inverse_norms[ordinals[i]]), step);
    }
}

static void linear_scores(size_t count, float weight, float step, float *scores) {
    for (size_t i = 0; i < count; i++) {
        const float product = scores[i] * weight;
        scores[i] = on_grid(product, step);
    }
}

static void window_add(const uint32_t *ordinals, const float *scores, size_t count, uint32_t start, float *sums,
                       uint8_t *marks) {
    for (size_t i = 0; i < count; i++) {
        sums[ordinals[i] - start] += scores[i];
        marks[(ordinals[i] - start) / ATTAR_WINDOW_GROUP] = 1;
    }
}

static size_t window_take(float *sums, uint8_t *marks, size_t groups, float limit, uint32_t *offsets, float *scores) {
    size_t found = 0;
    for (size_t offset = 0; offset < groups * ATTAR_WINDOW_GROUP; offset++) {
        if (sums[offset] > limit) {
            offsets[found] = (uint32_t)offset;
            scores[found++] = sums[offset];
        }
        sums[offset] = 0;
    }
    memset(marks, 0, groups);
    return found;
}

static size_t window_count(const float *sums, const uint8_t *marks, size_t groups, float limit) {
    size_t count = 0;
    for (size_t offset = 0; offset < groups * ATTAR_WINDOW_GROUP; offset++) {
        count += marks[offset / ATTAR_WINDOW_GROUP] && sums[offset] > limit;
    }
    return count;
}

static float sparse_dot(const uint32_t *columns, const uint16_t *codes, size_t count, const float *query,
                        uint32_t width, float step) {
    float sum = 0;
    for (size_t i = 0; i < count; i++) {
        const float product = (float)codes[i] * query[columns[i] < width ? columns[i] : width];
        if (product > 0) sum += on_grid(product, step);
    }
    return sum;
}
