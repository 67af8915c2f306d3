/* Gathers the rows of a batch, dense or in compressed sparse rows. The sparse products read
 * the chosen rows in place: no dense copy of X is ever made. */

static void NAME(rows_gather)(void *out_, const void *X_, const int64_t *rows, int64_t row_stride,
                              int64_t B, int64_t I) {
    real *restrict out = out_;
    const real *restrict X = X_;
    for (int64_t r = 0; r < B; r++)
        memcpy(out + r * I, X + rows[r] * row_stride, (size_t)I * sizeof(real));
}

static void NAME(sparse_forward)(void *Z_, const int64_t *indptr, const int32_t *indices,
                                 const void *data_, const int64_t *rows, const void *W_, int64_t B,
                                 int64_t O) {
    real *restrict Z = Z_;
    const real *restrict data = data_, *restrict W = W_;
    for (int64_t r = 0; r < B; r++) {
        real *restrict z = Z + r * O;
        memset(z, 0, (size_t)O * sizeof(real));
        for (int64_t e = indptr[rows[r]]; e < indptr[rows[r] + 1]; e++) {
            const real x = data[e];
            const real *restrict w = W + indices[e] * O;
#pragma omp simd
            for (int64_t c = 0; c < O; c++)
                z[c] += x * w[c];
        }
    }
}

static void NAME(sparse_backward)(void *dW_, const int64_t *indptr, const int32_t *indices,
                                  const void *data_, const int64_t *rows, const void *dZ_,
                                  int64_t B, int64_t I, int64_t O) {
    real *restrict dW = dW_;
    const real *restrict data = data_, *restrict dZ = dZ_;
    memset(dW, 0, (size_t)(I * O) * sizeof(real));
    for (int64_t r = 0; r < B; r++) {
        const real *restrict d = dZ + r * O;
        for (int64_t e = indptr[rows[r]]; e < indptr[rows[r] + 1]; e++) {
            const real x = data[e];
            real *restrict w = dW + indices[e] * O;
#pragma omp simd
            for (int64_t c = 0; c < O; c++)
                w[c] += x * d[c];
        }
    }
}
