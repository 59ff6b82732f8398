/// Row-wise kernels, one row and one element at a time.
static void layer_norm_f32(const float *x, const float *residual, const float *gamma, const float *beta, size_t rows,
                           size_t dim, float epsilon, float *sum, float *y, float *mean, float *rstd) {
    if (dim == 0) return;
    for (size_t row = 0; row < rows; row++) {
        const size_t start = row * dim;
        float *s = (sum ? sum : y) + start;
        float total = 0, squares = 0;
        for (size_t i = 0; i < dim; i++) {
            s[i] = x[start + i] + (residual ? residual[start + i] : 0);
            total += s[i];
        }
        const float m = total / (float)dim;
        for (size_t i = 0; i < dim; i++) squares += (s[i] - m) * (s[i] - m);
        const float r = 1 / sqrtf(squares / (float)dim + epsilon);
        for (size_t i = 0; i < dim; i++) y[start + i] = gamma[i] * ((s[i] - m) * r) + beta[i];
        if (mean) mean[row] = m;
        if (rstd) rstd[row] = r;
    }
}

static void layer_norm_backward_f32(const float *sum, const float *gamma, const float *mean, const float *rstd,
                                    const float *dy, size_t rows, size_t dim, float *dx, float *dgamma, float *dbeta) {
    for (size_t row = 0; row < rows; row++) {
        const size_t start = row * dim;
        float mean_of_gradient = 0, mean_along_normal = 0;
        for (size_t i = 0; i < dim; i++) {
            const float normal = (sum[start + i] - mean[row]) * rstd[row];
            mean_of_gradient += gamma[i] * dy[start + i] / (float)dim;
            mean_along_normal += gamma[i] * dy[start + i] * normal / (float)dim;
            if (dgamma) dgamma[i] += dy[start + i] * normal;
            if (dbeta) dbeta[i] += dy[start + i];
        }
        for (size_t i = 0; i < dim; i++) {
            const float normal = (sum[start + i] - mean[row]) * rstd[row];
            dx[start + i] = rstd[row] * (gamma[i] * dy[start + i] - mean_of_gradient - normal * mean_along_normal);
        }
    }
}

static void rms_norm_f32(const float *x, const float *residual, const float *gamma, size_t rows, size_t dim,
                         float epsilon, float *sum, float *y, float *rstd) {
    for (size_t row = 0; row < rows; row++) {
        const size_t start = row * dim;
        float *s = (sum ? sum : y) + start;
        float squares = 0;
        for (size_t i = 0; i < dim; i++) {
            s[i] = x[start + i] + (residual ? residual[start + i] : 0);
            squares += s[i] * s[i];
        }
        const float r = 1 / sqrtf(squares / (float)dim + epsilon);
        for (size_t i = 0; i < dim; i++) y[start + i] = gamma[i] * (s[i] * r);
        if (rstd) rstd[row] = r;
    }
}

static void rms_norm_backward_f32(const float *sum, const float *gamma, const float *rstd, const float *dy, size_t rows,
                                  size_t dim, float *dx, float *dgamma) {
    for (size_t row = 0; row < rows; row++) {
        const size_t start = row * dim;
        float mean_along_normal = 0;
        for (size_t i = 0; i < dim; i++) {
            const float normal = sum[start + i] * rstd[row];
            mean_along_normal += gamma[i] * dy[start + i] * normal / (float)dim;
            if (dgamma) dgamma[i] += dy[start + i] * normal;
        }
        for (size_t i = 0; i < dim; i++) {
            const float normal = sum[start + i] * rstd[row];
            dx[start + i] = rstd[row] * (gamma[i] * dy[start + i] - normal * mean_along_normal);
        }
    }
}

static void softmax_f32(const float *x, size_t rows, size_t columns, float *y) {
    for (size_t row = 0; row < rows; row++) softmax_row(x + row * columns, columns, 1, y + row * columns);
}

static void normalize_rows_f32(const float *x, size_t rows, size_t dim, float epsilon, float *y, float *lengths) {
    for (size_t row = 0; row < rows; row++) {
        float squares = 0;
        for (size_t i = 0; i < dim; i++) squares += x[row * dim + i] * x[row * dim + i];
        const float length = sqrtf(squares);
        const float divisor = length < epsilon ? epsilon : length;
        for (size_t i = 0; i < dim; i++) y[row * dim + i] = x[row * dim + i] / divisor;
        if (lengths) lengths[row] = length;
    }
}

static void column_sums_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *out) {
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < columns; column++) out[column] += x[row * ldx + column];
    }
}

static void column_max_f32(const float *x, size_t ldx, size_t rows, size_t columns, float *out) {
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < columns; column++) {
            if (x[row * ldx + column] > out[column]) out[column] = x[row * ldx + column];
        }
    }
}
