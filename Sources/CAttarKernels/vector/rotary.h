/// Rotary positions: pairs of numbers turned by angles whose cosines and sines are given.

INLINE void rotate(vf *a, vf *b, vf cosine, vf sine) {
    const vf turned = v_fma(*a, cosine, -*b * sine);
    *b = v_fma(*b, cosine, *a * sine);
    *a = turned;
}

/// Pairs i and i + half.
static void rotate_halves(const float *x, size_t half, const float *cosines, const float *sines, float direction,
                          float *y) {
    FOR_LANES(i, part, half, {
        vf a = v_load_part(x + i, part), b = v_load_part(x + half + i, part);
        rotate(&a, &b, v_load_part(cosines + i, part), direction * v_load_part(sines + i, part));
        v_store_part(y + i, a, part);
        v_store_part(y + half + i, b, part);
    })
}

/// Pairs 2i and 2i + 1.
static void rotate_neighbours(const float *x, size_t half, const float *cosines, const float *sines, float direction,
                              float *y) {
    size_t i = 0;
    for (; i + LANES <= half; i += LANES) {
        const vf low = v_load(x + 2 * i), high = v_load(x + 2 * i + LANES);
        vf a = v_evens(low, high), b = v_odds(low, high);
        rotate(&a, &b, v_load(cosines + i), direction * v_load(sines + i));
        v_store(y + 2 * i, v_interleave_low(a, b));
        v_store(y + 2 * i + LANES, v_interleave_high(a, b));
    }
    for (; i < half; i++) {
        const float a = x[2 * i], b = x[2 * i + 1], sine = direction * sines[i];
        y[2 * i] = a * cosines[i] - b * sine;
        y[2 * i + 1] = b * cosines[i] + a * sine;
    }
}

static void rotary_f32(const float *x, size_t ldx, size_t rows, size_t heads, size_t head_dim, size_t rotary_dim,
                       attar_rotary_pairs pairs, const int32_t *positions, const float *cosines, const float *sines,
                       bool inverse, float *y, size_t ldy) {
    const size_t half = rotary_dim / 2;
    const float direction = inverse ? -1 : 1;
    for (size_t place = 0; place < rows * heads; place++) {
        const size_t row = place / heads, column = place % heads * head_dim;
        const float *in = x + row * ldx + column;
        float *out = y + row * ldy + column;
        const float *cosine = cosines + (size_t)positions[row] * half, *sine = sines + (size_t)positions[row] * half;
        if (pairs == ATTAR_ROTARY_HALVES) {
            rotate_halves(in, half, cosine, sine, direction, out);
        } else {
            rotate_neighbours(in, half, cosine, sine, direction, out);
        }
        for (size_t i = rotary_dim; i < head_dim; i++) out[i] = in[i];
    }
}
