/// Row-wise kernels.

// ------------------------------------------------------------------------------------------------------- layer norm

static void layer_norm_f32(const float *x, const float *residual, const float *gamma, const float *beta, size_t rows,
                           size_t dim, float epsilon, float *sum, float *y, float *mean, float *rstd) {
    if (dim == 0) return;
    for (size_t row = 0; row < rows; row++) {
        const float *in = x + row * dim, *added = residual ? residual + row * dim : NULL;
        float *out = y + row * dim;
        float *kept = sum ? sum + row * dim : out;
        vf totals[4] = {0}, squares[4] = {0};
        FOR_LANES_IN_TURNS(i, part, turn, dim, {
            vf v = v_load_part(in + i, part);
            if (added) v += v_load_part(added + i, part);
            v_store_part(kept + i, v, part);
            totals[turn] += v;
        })
        const float m = v_sum(v_total(totals)) / (float)dim;
        FOR_LANES_IN_TURNS(i, part, turn, dim, {
            const vf centred = v_keep_part(v_load_part(kept + i, part) - m, part, 0);
            squares[turn] = v_fma(centred, centred, squares[turn]);
        })
        const float r = 1 / sqrtf(v_sum(v_total(squares)) / (float)dim + epsilon);
        FOR_LANES(i, part, dim, {
            const vf normal = (v_load_part(kept + i, part) - m) * r;
            v_store_part(out + i, v_fma(normal, v_load_part(gamma + i, part), v_load_part(beta + i, part)), part);
        })
        if (mean) mean[row] = m;
        if (rstd) rstd[row] = r;
    }
}

static void layer_norm_backward_f32(const float *sum, const float *gamma, const float *mean, const float *rstd,
                                    const float *dy, size_t rows, size_t dim, float *dx, float *dgamma, float *dbeta) {
    for (size_t row = 0; row < rows; row++) {
        const float *kept = sum + row * dim, *gradient = dy + row * dim;
        float *out = dx + row * dim;
        const float m = mean[row], r = rstd[row];
        vf totals = 0, along_normal = 0;
        FOR_LANES(i, part, dim, {
            const vf normal = (v_load_part(kept + i, part) - m) * r;
            const vf d = v_load_part(gradient + i, part);
            const vf scaled = d * v_load_part(gamma + i, part);
            totals += scaled;
            along_normal = v_fma(scaled, normal, along_normal);
            if (dgamma) v_store_part(dgamma + i, v_fma(d, normal, v_load_part(dgamma + i, part)), part);
            if (dbeta) v_store_part(dbeta + i, d + v_load_part(dbeta + i, part), part);
        })
        const float mean_of_gradient = v_sum(totals) / (float)dim;
        const float mean_along_normal = v_sum(along_normal) / (float)dim;
        FOR_LANES(i, part, dim, {
            const vf normal = (v_load_part(kept + i, part) - m) * r;
            const vf scaled = v_load_part(gradient + i, part) * v_load_part(gamma + i, part);
            v_store_part(out + i, (scaled - mean_of_gradient - normal * mean_along_normal) * r, part);
        })
    }
}

// --------------------------------------------------------------------------------------------------------- RMS norm

static void rms_norm_f32(const float *x, const float *residual, const float *gamma, size_t rows, size_t dim,
                         float epsilon, float *sum, float *y, float *rstd) {
    for (size_t row = 0; row < rows; row++) {
        const float *in = x + row * dim, *added = residual ? residual + row * dim : NULL;
        float *out = y + row * dim;
        float *kept = sum ? sum + row * dim : out;
        vf squares = 0;
        FOR_LANES(i, part, dim, {
            vf v = v_load_part(in + i, part);
            if (added) v += v_load_part(added + i, part);
            v_store_part(kept + i, v, part);
            squares = v_fma(v, v, squares);
        })
        const float r = 1 / sqrtf(v_sum(squares) / (float)dim + epsilon);
        FOR_LANES(i, part, dim, {
            v_store_part(out + i, v_load_part(kept + i, part) * r * v_load_part(gamma + i, part), part);
        })
        if (rstd) rstd[row] = r;
    }
}

static void rms_norm_backward_f32(const float *sum, const float *gamma, const float *rstd, const float *dy, size_t rows,
                                  size_t dim, float *dx, float *dgamma) {
    for (size_t row = 0; row < rows; row++) {
        const float *kept = sum + row * dim, *gradient = dy + row * dim;
        float *out = dx + row * dim;
        const float r = rstd[row];
        vf along_normal = 0;
        FOR_LANES(i, part, dim, {
            const vf normal = v_load_part(kept + i, part) * r, d = v_load_part(gradient + i, part);
            along_normal = v_fma(d * v_load_part(gamma + i, part), normal, along_normal);
            if (dgamma) v_store_part(dgamma + i, v_fma(d, normal, v_load_part(dgamma + i, part)), part);
        })
        const float mean_along_normal = v_sum(along_normal) / (float)dim;
        FOR_LANES(i, part, dim, {
            const vf normal = v_load_part(kept + i, part) * r;
            const vf scaled = v_load_part(gradient + i, part) * v_load_part(gamma + i, part);
            v_store_part(out + i, (scaled - normal * mean_along_normal) * r, part);
        })
    }
}

// ---------------------------------------------------------------------------------------------------------- softmax

/// y = softmax of scale · x; all −infinity (or no column at all) gives zeros. In place allowed.
INLINE void softmax_row(const float *x, size_t columns, float scale, float *y) {
    vf maxima = v_splat(-INFINITY);
    FOR_LANES(i, part, columns, {
        maxima = v_max(v_keep_part(v_load_part(x + i, part) * scale, part, -INFINITY), maxima);
    })
    float largest = v_largest(maxima);
    // All −infinity: any finite number in place of the maximum makes every exponential 0. (A row of NaN stays NaN.)
    if (largest == -INFINITY) largest = 0;
    vf sums = 0;
    FOR_LANES(i, part, columns, {
        const vf e = v_exp_of_negative(v_fma(v_load_part(x + i, part), v_splat(scale), v_splat(-largest)));
        v_store_part(y + i, e, part);
        sums += v_keep_part(e, part, 0);
    })
    const float sum = v_sum(sums);
    const float inverse = sum == 0 ? 0 : 1 / sum;
    FOR_LANES(i, part, columns, { v_store_part(y + i, v_load_part(y + i, part) * inverse, part); })
}

static void softmax_f32(const float *x, size_t rows, size_t columns, float *y) {
    for (size_t row = 0; row < rows; row++) softmax_row(x + row * columns, columns, 1, y + row * columns);
}

/// On entry `d` is the gradient by the probabilities `p`, on return the gradient by the scores before scaling:
/// scale · p_j (d_j − Σ p d). The differences are taken from the d of the largest p: where the softmax is saturated,
/// Σ p d nearly equals that d, and subtracting one from the other would leave rounding error only.
INLINE void softmax_backward_row(const float *p, size_t columns, float scale, float *d) {
    vf largest = v_splat(-1), references = 0;
    FOR_LANES(i, part, columns, {
        const vf probability = v_keep_part(v_load_part(p + i, part), part, -1);
        const vi better = probability > largest;
        largest = better ? probability : largest;
        references = better ? v_load_part(d + i, part) : references;
    })
    size_t best = 0;
    for (size_t lane = 1; lane < LANES; lane++) best = largest[lane] > largest[best] ? lane : best;
    const float reference = references[best];
    vf means = 0;
    FOR_LANES(i, part, columns, {
        means = v_fma(v_load_part(p + i, part), v_load_part(d + i, part) - reference, means);
    })
    const float mean = v_sum(means);
    FOR_LANES(i, part, columns, {
        const vf scaled = v_load_part(p + i, part) * scale;
        v_store_part(d + i, scaled * (v_load_part(d + i, part) - reference - mean), part);
    })
}

// ------------------------------------------------------------------------------------------------------------ others

static void normalize_rows_f32(const float *x, size_t rows, size_t dim, float epsilon, float *y, float *lengths) {
    for (size_t row = 0; row < rows; row++) {
        const float *in = x + row * dim;
        float *out = y + row * dim;
        vf squares = 0;
        FOR_LANES(i, part, dim, {
            const vf v = v_load_part(in + i, part);
            squares = v_fma(v, v, squares);
        })
        const float length = sqrtf(v_sum(squares));
        const float divisor = length < epsilon ? epsilon : length;
        FOR_LANES(i, part, dim, { v_store_part(out + i, v_load_part(in + i, part) / divisor, part); })
        if (lengths) lengths[row] = length;
    }
}

static void column_sums_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *out) {
    for (size_t row = 0; row < rows; row++) {
        const float *in = x + row * ldx;
        FOR_LANES(i, part, columns, {
            v_store_part(out + i, v_load_part(out + i, part) + v_load_part(in + i, part), part);
        })
    }
}

static void column_max_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *out) {
    for (size_t row = 0; row < rows; row++) {
        const float *in = x + row * ldx;
        FOR_LANES(i, part, columns, {
            // When it cannot be compared, v_max gives its second operand: what was there.
            v_store_part(out + i, v_max(v_load_part(in + i, part), v_load_part(out + i, part)), part);
        })
    }
}
