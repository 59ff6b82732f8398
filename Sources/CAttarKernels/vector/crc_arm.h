/// CRC-32C by the instructions of ARMv8's CRC extension, which nearly every 64-bit ARM processor has.
#include <arm_acle.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

static bool has_crc_instructions(void) {
#if defined(__APPLE__) || defined(__ARM_FEATURE_CRC32)
    return true;
#elif defined(__linux__)
    const unsigned long crc32_capability = 1ul << 7;  // HWCAP_CRC32
    return (getauxval(AT_HWCAP) & crc32_capability) != 0;
#else
    return false;
#endif
}

__attribute__((target("crc"))) static uint32_t crc32c_by_instruction(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    crc = ~crc;
    for (; count >= 8; next += 8, count -= 8) {
        uint64_t word;
        __builtin_memcpy(&word, next, sizeof word);
        crc = __crc32cd(crc, word);
    }
    for (; count > 0; next++, count--) crc = __crc32cb(crc, *next);
    return ~crc;
}

static uint32_t crc32c(uint32_t crc, const void *bytes, size_t count) {
    return has_crc_instructions() ? crc32c_by_instruction(crc, bytes, count) : attar_crc32c_by_table(crc, bytes, count);
}
