/// Codes and tables of product quantisation in the order in which a register looks them up: the plain part of it.
#include <math.h>
#include <string.h>

#include "kernels.h"

size_t attar_scan_tables_size(size_t subspaces) { return rounded_up(subspaces, ATTAR_SCAN_GROUP) * ATTAR_SCAN_TABLE; }

size_t attar_scan_codes_size(size_t count, size_t subspaces) {
    return rounded_up(count, ATTAR_SCAN_BLOCK) / ATTAR_SCAN_BLOCK * attar_scan_tables_size(subspaces);
}

void attar_pack_scan_codes(const uint8_t *codes, size_t count, size_t subspaces, uint8_t *blocks) {
    const size_t half = ATTAR_SCAN_BLOCK / 2, block = attar_scan_tables_size(subspaces);
    memset(blocks, 0, attar_scan_codes_size(count, subspaces));
    for (size_t i = 0; i < count; i++) {
        uint8_t *bytes = blocks + i / ATTAR_SCAN_BLOCK * block + i % half;
        const int shift = i % ATTAR_SCAN_BLOCK < half ? 0 : 4;
        for (size_t s = 0; s < subspaces; s++) {
            bytes[s * ATTAR_SCAN_TABLE] |= (uint8_t)((codes[i * subspaces + s] & 15) << shift);
        }
    }
}

static float smallest(const float *table) {
    float value = table[0];
    for (size_t c = 1; c < ATTAR_SCAN_TABLE; c++) value = table[c] < value ? table[c] : value;
    return value;
}

static float range_of(const float *table) {
    const float low = smallest(table);
    float range = 0;
    for (size_t c = 0; c < ATTAR_SCAN_TABLE; c++) range = table[c] - low > range ? table[c] - low : range;
    return range;
}

void attar_quantize_scan_tables(const float *tables, size_t subspaces, uint8_t *bytes, float *scale, float *offset) {
    float widest = 0;
    *offset = 0;
    for (size_t s = 0; s < subspaces; s++) {
        const float range = range_of(tables + s * ATTAR_SCAN_TABLE);
        widest = range > widest ? range : widest;
        *offset += smallest(tables + s * ATTAR_SCAN_TABLE);
    }
    *scale = widest / 255 > 0 ? widest / 255 : 1;
    memset(bytes, 0, attar_scan_tables_size(subspaces));
    for (size_t s = 0; s < subspaces; s++) {
        const float *table = tables + s * ATTAR_SCAN_TABLE, low = smallest(table);
        for (size_t c = 0; c < ATTAR_SCAN_TABLE; c++) {
            bytes[s * ATTAR_SCAN_TABLE + c] = (uint8_t)fminf(255, rintf((table[c] - low) / *scale));
        }
    }
}
