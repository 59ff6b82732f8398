/// Checksums: tables are as plain as it gets at a useful speed.
static uint32_t crc32c(uint32_t crc, const void *bytes, size_t count) {
    return attar_crc32c_by_table(crc, bytes, count);
}
