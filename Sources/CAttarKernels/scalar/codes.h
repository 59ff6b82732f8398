/// Scores of codes of product quantisation, one at a time.
static void table_scores_f32(const float *tables, size_t subspaces, const uint8_t *codes, const uint32_t *rows,
                             size_t count, float *scores) {
    for (size_t i = 0; i < count; i++) {
        scores[i] = 0;
        for (size_t s = 0; s < subspaces; s++) scores[i] += tables[s * 256 + codes[row_at(rows, i) * subspaces + s]];
    }
}

static size_t scan_codes(const uint8_t *tables, size_t subspaces, const uint8_t *blocks, size_t count, uint16_t least,
                         const uint8_t *next, uint32_t *places, uint16_t *sums) {
    (void)next;
    const size_t padded = rounded_up(subspaces, ATTAR_SCAN_GROUP), half = ATTAR_SCAN_BLOCK / 2;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *block = blocks + i / ATTAR_SCAN_BLOCK * padded * ATTAR_SCAN_TABLE;
        const size_t vector = i % ATTAR_SCAN_BLOCK;
        uint16_t sum = 0;
        for (size_t s = 0; s < padded; s++) {
            const uint8_t pair = block[s * ATTAR_SCAN_TABLE + vector % half];
            sum += tables[s * ATTAR_SCAN_TABLE + (vector < half ? pair & 15 : pair >> 4)];
        }
        if (sum < least) continue;
        places[found] = (uint32_t)i;
        sums[found++] = sum;
    }
    return found;
}
