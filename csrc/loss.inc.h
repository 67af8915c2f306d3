/* Output activation, loss and gradient in one pass over the output layer (caviar.h says what
 * a loss returns). Each row's loss is summed in double. */

/* Of log p, for p clipped to [eps, 1 - eps]. NaN stays NaN. */
static CAVIAR_INLINE double NAME(clip_log)(double log_p) {
    log_p = log_p < LOG_EPS ? LOG_EPS : log_p;
    return log_p > LOG_ONE_MINUS_EPS ? LOG_ONE_MINUS_EPS : log_p;
}

/* K >= 1. In lanes, as compilers do not vectorize a maximum that may meet NaN, which is let
 * fall here: it comes back in z - max. */
static CAVIAR_INLINE real NAME(row_max)(const real *restrict z, int64_t K) {
    enum { LANES = 16 };
    real highest = z[0];
    int64_t c = 0;
    if (K >= LANES) {
        real lane[LANES];
        memcpy(lane, z, sizeof lane);
        for (c = LANES; c + LANES <= K; c += LANES) {
#pragma omp simd
            for (int l = 0; l < LANES; l++)
                lane[l] = z[c + l] > lane[l] ? z[c + l] : lane[l];
        }
        for (int l = 0; l < LANES; l++)
            highest = lane[l] > highest ? lane[l] : highest;
    }
    for (; c < K; c++)
        highest = z[c] > highest ? z[c] : highest;
    return highest;
}

/* Rows of Z become exp(z - max of the row), which neither overflows nor is all zero. With
 * `classes`, shifted[r] is z - max at the class of row r. */
static CAVIAR_INLINE void NAME(exponentials)(real *restrict Z, real *restrict shifted,
                                             const int32_t *restrict classes, int64_t B,
                                             int64_t K) {
    for (int64_t r = 0; r < B; r++) {
        real *restrict z = Z + r * K;
        const real highest = NAME(row_max)(z, K);
#pragma omp simd
        for (int64_t c = 0; c < K; c++)
            z[c] -= highest;
        if (classes)
            shifted[r] = z[classes[r]];
    }
    /* One loop over all rows: K is often less than a vector. */
#pragma omp simd
    for (int64_t p = 0; p < B * K; p++)
        Z[p] = NAME(vexp)(Z[p]);
}

static CAVIAR_INLINE real NAME(row_sum)(const real *restrict z, int64_t K) {
    real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < K; c++)
        sum += z[c];
    return sum;
}

static CAVIAR_INLINE void NAME(row_scale)(real *restrict z, real factor, int64_t K) {
#pragma omp simd
    for (int64_t c = 0; c < K; c++)
        z[c] *= factor;
}

static void NAME(softmax_forward)(void *Z_, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    if (K == 0)
        return;
    NAME(exponentials)(Z, NULL, NULL, B, K);
    for (int64_t r = 0; r < B; r++)
        NAME(row_scale)(Z + r * K, 1 / NAME(row_sum)(Z + r * K, K), K);
}

static double NAME(softmax_loss)(void *Z_, const void *targets, const void *weights_,
                                 double weight_sum, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    const int32_t *restrict classes = targets;
    const real *restrict weights = weights_;
    double total = 0;
    /* In blocks of rows that stay in the cache, with z_y - max kept aside for each. */
    real shifted[ROWS];
    const int64_t cached = 4096 / K;
    const int64_t block = cached < 1 ? 1 : cached < ROWS ? cached : ROWS;
    for (int64_t first = 0; first < B; first += block) {
        const int64_t rows = B - first < block ? B - first : block;
        real *restrict P = Z + first * K;
        NAME(exponentials)(P, shifted, classes + first, rows, K);
        for (int64_t r = 0; r < rows; r++) {
            const double w = NAME(weight_of)(weights, first + r);
            const real sum = NAME(row_sum)(P + r * K, K);
            total -= w * NAME(clip_log)(shifted[r] - log((double)sum));
            NAME(row_scale)(P + r * K, (real)(w / weight_sum / sum), K);
            P[r * K + classes[first + r]] -= (real)(w / weight_sum);
        }
    }
    return total / weight_sum;
}

static double NAME(logistic_loss)(void *Z_, const void *targets, const void *weights_,
                                  double weight_sum, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    const real *restrict Y = targets, *restrict weights = weights_;
    double total = 0;
    for (int64_t r = 0; r < B; r++) {
        real *restrict z = Z + r * K;
        const real *restrict y = Y + r * K;
        const double w = NAME(weight_of)(weights, r);
        const real share = (real)(w / weight_sum);
        double row = 0;
#pragma omp simd reduction(+ : row)
        for (int64_t c = 0; c < K; c++) {
            const real x = z[c];
            const real e = NAME(vexp)(x < 0 ? x : -x); /* exp(-|x|), NaN stays */
            const real log_p = (x < 0 ? x : 0) - NAME(log1p_unit)(e);
            row -= y[c] * NAME(clip_log)(log_p) + (1 - y[c]) * NAME(clip_log)(log_p - x);
            z[c] = share * ((x < 0 ? e : 1) / (1 + e) - y[c]);
        }
        total += w * row;
    }
    return total / weight_sum;
}

static double NAME(squared_loss)(void *Z_, const void *targets, const void *weights_,
                                 double weight_sum, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    const real *restrict Y = targets, *restrict weights = weights_;
    double total = 0;
    for (int64_t r = 0; r < B; r++) {
        real *restrict z = Z + r * K;
        const real *restrict y = Y + r * K;
        const double w = NAME(weight_of)(weights, r);
        const real share = (real)(w / weight_sum);
        double row = 0;
#pragma omp simd reduction(+ : row)
        for (int64_t c = 0; c < K; c++) {
            const real error = z[c] - y[c];
            row += (double)error * error;
            z[c] = share * error;
        }
        total += w * row;
    }
    return K ? total / weight_sum / (2.0 * (double)K) : 0;
}

/* Half the Poisson deviance, y log(y / p) - y + p with p = exp(z): y log y - y z - y + p. */
static double NAME(poisson_loss)(void *Z_, const void *targets, const void *weights_,
                                 double weight_sum, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    const real *restrict Y = targets, *restrict weights = weights_;
    double total = 0;
    for (int64_t r = 0; r < B; r++) {
        real *restrict z = Z + r * K;
        const real *restrict y = Y + r * K;
        const double w = NAME(weight_of)(weights, r);
        double row = 0;
        for (int64_t c = 0; c < K; c++) {
            const double target = y[c], prediction = NAME(vexp)(z[c]);
            const double y_log = target == 0 ? 0 : target * (log(target) - z[c]);
            row += y_log - target + prediction;
            z[c] = (real)(w / weight_sum * (prediction - target));
        }
        total += w * row;
    }
    return total / weight_sum;
}
