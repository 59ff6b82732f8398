/// What is the number in these bits? Plain C, the same at every level.
static float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of_half(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 0x1F, fraction = half & 0x3FF;
    if (exponent == 0) return float_of_bits(sign | bits_of_float((float)fraction * 0x1p-24f));
    if (exponent < 31) return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    const uint32_t quiet = fraction ? 1u << 22 : 0;  // as the processors do: a signalling NaN becomes quiet
    return float_of_bits(sign | 0x7F800000 | quiet | fraction << 13);
}
