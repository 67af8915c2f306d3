/* Output activation, loss and gradient in one pass over the output layer (caviar.h says what
 * a loss returns). Each row's loss is summed in double. */

/* Of log p, for p clipped to [eps, 1 - eps]. NaN stays NaN. */
static CAVIAR_INLINE real NAME(clip_log)(real log_p) {
    log_p = log_p < (real)LOG_EPS ? (real)LOG_EPS : log_p;
    return log_p > (real)LOG_ONE_MINUS_EPS ? (real)LOG_ONE_MINUS_EPS : log_p;
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

static CAVIAR_INLINE real NAME(row_sum)(const real *restrict z, int64_t K) {
    real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < K; c++)
        sum += z[c];
    return sum;
}

/* z becomes exp(z - highest); their sum. */
static CAVIAR_INLINE real NAME(row_exponentials)(real *restrict z, real highest, int64_t K) {
    real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < K; c++) {
        z[c] = NAME(vexp)(z[c] - highest);
        sum += z[c];
    }
    return sum;
}

static CAVIAR_INLINE void NAME(row_scale)(real *restrict z, real factor, int64_t K) {
#pragma omp simd
    for (int64_t c = 0; c < K; c++)
        z[c] *= factor;
}

/* Rows of Z become exp(z - max of the row), which neither overflows nor is all zero; sum (B) is
 * that of each row. With `classes`, shifted[r] is z - max at the class of row r. */
static void NAME(exponentials)(real *restrict Z, real *restrict sum, real *restrict shifted,
                               const int32_t *restrict classes, int64_t B, int64_t K) {
    enum { FEW = 64 }; /* of so few classes, rows are joined: their ends cost too much */
    for (int64_t r = 0; r < B; r++) {
        real *restrict z = Z + r * K;
        const real highest = NAME(row_max)(z, K);
        if (classes)
            shifted[r] = z[classes[r]] - highest;
        if (K > FEW) {
            sum[r] = NAME(row_exponentials)(z, highest, K);
        } else {
#pragma omp simd
            for (int64_t c = 0; c < K; c++)
                z[c] -= highest;
        }
    }
    if (K > FEW)
        return;
    NAME(row_exponentials)(Z, 0, B * K);
    for (int64_t r = 0; r < B; r++)
        sum[r] = NAME(row_sum)(Z + r * K, K);
}

/* Rows that stay in the first cache, at most ROWS. */
static CAVIAR_INLINE int64_t NAME(cached_rows)(int64_t K) {
    const int64_t cached = 4096 / K;
    return cached < 1 ? 1 : cached < ROWS ? cached : ROWS;
}

static void NAME(softmax_forward)(void *Z_, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    const int64_t block = K ? NAME(cached_rows)(K) : B + 1;
    for (int64_t first = 0; first < B && K; first += block) {
        const int64_t rows = B - first < block ? B - first : block;
        real *restrict P = Z + first * K;
        real sum[ROWS];
        NAME(exponentials)(P, sum, NULL, NULL, rows, K);
        for (int64_t r = 0; r < rows; r++)
            NAME(row_scale)(P + r * K, 1 / sum[r], K);
    }
}

static double NAME(softmax_loss)(void *Z_, const void *targets, const void *weights_,
                                 double weight_sum, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    const int32_t *restrict classes = targets;
    const real *restrict weights = weights_;
    const int64_t block = NAME(cached_rows)(K);
    double total = 0;
    for (int64_t first = 0; first < B; first += block) {
        const int64_t rows = B - first < block ? B - first : block;
        real *restrict P = Z + first * K;
        real sum[ROWS], shifted[ROWS];
        NAME(exponentials)(P, sum, shifted, classes + first, rows, K);
        for (int64_t r = 0; r < rows; r++) {
            const double w = NAME(weight_of)(weights, first + r);
            NAME(row_scale)(P + r * K, (real)(w / weight_sum / sum[r]), K);
            P[r * K + classes[first + r]] -= (real)(w / weight_sum);
        }
#pragma omp simd reduction(- : total)
        for (int64_t r = 0; r < rows; r++)
            total -= (double)NAME(weight_of)(weights, first + r) *
                     NAME(clip_log)(shifted[r] - NAME(vlog)(sum[r]));
    }
    return total / weight_sum;
}

static double NAME(logistic_loss)(void *Z_, const void *targets, const void *weights_,
                                  double weight_sum, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    const real *restrict Y = targets, *restrict weights = weights_;
    double total = 0;
    if (!weights) { /* rows do not matter: one long loop */
        K *= B;
        B = 1;
    }
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
    const double outputs = (double)K;
    double total = 0;
    if (!weights) { /* rows do not matter: one long loop */
        K *= B;
        B = 1;
    }
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
    return outputs > 0 ? total / weight_sum / (2 * outputs) : 0;
}

/* Half the Poisson deviance, y log(y / p) - y + p with p = exp(z): y log y - y z - y + p. */
static double NAME(poisson_loss)(void *Z_, const void *targets, const void *weights_,
                                 double weight_sum, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    const real *restrict Y = targets, *restrict weights = weights_;
    double total = 0;
    if (!weights) { /* rows do not matter: one long loop */
        K *= B;
        B = 1;
    }
    for (int64_t r = 0; r < B; r++) {
        real *restrict z = Z + r * K;
        const real *restrict y = Y + r * K;
        const double w = NAME(weight_of)(weights, r);
        const real share = (real)(w / weight_sum);
        double row = 0;
#pragma omp simd reduction(+ : row)
        for (int64_t c = 0; c < K; c++) {
            const real target = y[c], prediction = NAME(vexp)(z[c]);
            const real y_log = target == 0 ? 0 : target * (NAME(vlog)(target) - z[c]);
            row += (double)y_log - target + prediction;
            z[c] = share * (prediction - target);
        }
        total += w * row;
    }
    return total / weight_sum;
}
