/* Dense targets made of classes, and smoothed ones (caviar.h has the formulas). */

static void NAME(one_hot)(void *Y, const int32_t *classes, double smoothing, int64_t B, int64_t K) {
    const real others = (real)(smoothing / (double)K);
    const real own = (real)(1 - smoothing + smoothing / (double)K);
    for (int64_t r = 0; r < B; r++) {
        real *restrict y = (real *)Y + r * K;
        for (int64_t c = 0; c < K; c++)
            y[c] = others;
        y[classes[r]] = own;
    }
}

static void NAME(smooth)(void *Y, double smoothing, int64_t n) {
    real *restrict y = Y;
    const real keep = (real)(1 - smoothing), half = (real)(smoothing / 2);
#pragma omp simd
    for (int64_t c = 0; c < n; c++)
        y[c] = keep * y[c] + half;
}
