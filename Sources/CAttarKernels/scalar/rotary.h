/// Rotary positions, one pair at a time.
static void rotary_f32(const float *x, size_t ldx, size_t rows, size_t heads, size_t head_dim, size_t rotary_dim,
                       attar_rotary_pairs pairs, const int32_t *positions, const float *cosines, const float *sines,
                       bool inverse, float *y, size_t ldy) {
    const size_t half = rotary_dim / 2;
    for (size_t place = 0; place < rows * heads; place++) {
        const size_t row = place / heads, column = place % heads * head_dim;
        const float *in = x + row * ldx + column;
        float *out = y + row * ldy + column;
        for (size_t i = 0; i < half; i++) {
            const size_t angle = (size_t)positions[row] * half + i;
            const size_t one = pairs == ATTAR_ROTARY_HALVES ? i : 2 * i;
            const size_t other = pairs == ATTAR_ROTARY_HALVES ? i + half : 2 * i + 1;
            const float a = in[one], b = in[other], sine = inverse ? -sines[angle] : sines[angle];
            out[one] = a * cosines[angle] - b * sine;
            out[other] = b * cosines[angle] + a * sine;
        }
        for (size_t i = rotary_dim; i < head_dim; i++) out[i] = in[i];
    }
}
