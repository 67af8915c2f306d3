/* Softmax, and the losses of classes that exclude one another: output activation, loss and
 * gradient (caviar.h has the formulas). Each row's loss is summed in double. */

/* Of so few classes, rows are joined where a loop is long: their ends cost too much. */
enum { NAME(FEW) = 64 };

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
    for (int64_t r = 0; r < B; r++) {
        real *restrict z = Z + r * K;
        const real highest = NAME(row_max)(z, K);
        if (classes)
            shifted[r] = z[classes[r]] - highest;
        if (K > NAME(FEW)) {
            sum[r] = NAME(row_exponentials)(z, highest, K);
        } else {
#pragma omp simd
            for (int64_t c = 0; c < K; c++)
                z[c] -= highest;
        }
    }
    if (K > NAME(FEW))
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
                                 double weight_sum, double parameter, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    (void)parameter;
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

/* Rows become log p. At most ROWS of them, or as many as cached_rows says. */
static void NAME(log_softmax)(real *restrict Z, int64_t B, int64_t K) {
    real log_sum[ROWS], exponentials[ROWS * NAME(FEW)];
    for (int64_t r = 0; r < B; r++) {
        real *restrict z = Z + r * K;
        const real highest = NAME(row_max)(z, K);
        real sum = 0;
#pragma omp simd
        for (int64_t c = 0; c < K; c++)
            z[c] -= highest;
        if (K > NAME(FEW)) {
#pragma omp simd reduction(+ : sum)
            for (int64_t c = 0; c < K; c++)
                sum += NAME(vexp)(z[c]);
            log_sum[r] = sum;
        }
    }
    if (K <= NAME(FEW)) {
        memcpy(exponentials, Z, (size_t)(B * K) * sizeof(real));
        NAME(row_exponentials)(exponentials, 0, B * K);
        for (int64_t r = 0; r < B; r++)
            log_sum[r] = NAME(row_sum)(exponentials + r * K, K);
    }
#pragma omp simd
    for (int64_t r = 0; r < B; r++)
        log_sum[r] = NAME(vlog)(log_sum[r]);
    for (int64_t r = 0; r < B; r++) {
#pragma omp simd
        for (int64_t c = 0; c < K; c++)
            Z[r * K + c] -= log_sum[r];
    }
}

/* log p becomes share * (p - y); returns the sum of -y log p. */
static CAVIAR_INLINE double NAME(cross_entropy_of)(real *restrict z, const real *restrict y,
                                                   real share, int64_t n) {
    double sum = 0;
#pragma omp simd reduction(- : sum)
    for (int64_t c = 0; c < n; c++) {
        sum -= y[c] * NAME(clip_log)(z[c]);
        z[c] = share * (NAME(vexp)(z[c]) - y[c]);
    }
    return sum;
}

static double NAME(cross_entropy_loss)(void *Z_, const void *targets, const void *weights_,
                                       double weight_sum, double parameter, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    (void)parameter;
    const real *restrict Y = targets, *restrict weights = weights_;
    const int64_t block = NAME(cached_rows)(K);
    double total = 0;
    for (int64_t first = 0; first < B; first += block) {
        const int64_t rows = B - first < block ? B - first : block;
        real *restrict P = Z + first * K;
        const real *restrict y = Y + first * K;
        NAME(log_softmax)(P, rows, K);
        if (!weights) {
            total += NAME(cross_entropy_of)(P, y, (real)(1 / weight_sum), rows * K);
            continue;
        }
        for (int64_t r = 0; r < rows; r++) {
            const double w = weights[first + r];
            total += w * NAME(cross_entropy_of)(P + r * K, y + r * K, (real)(w / weight_sum), K);
        }
    }
    return total / weight_sum;
}

/* One class' term y (1 - p)^gamma (-log p) of the focal loss, and its u = y (1 - p)^gamma *
 * (gamma p log p / (1 - p) - 1), so that dz = u - p sum(u). p is clipped from below, as in log
 * losses; where p = 1, 1 - p is kept from zero. */
static CAVIAR_INLINE real NAME(focal_term)(real *u, real log_p, real y, real gamma) {
    log_p = NAME(clamp)(log_p, -(real)LOG_EPS);
    const real rest = (real)1e-37 - NAME(vexpm1)(log_p);
    const real share = y * NAME(vexp)(gamma * NAME(vlog)(rest));
    *u = share * (gamma * (1 - rest) * log_p / rest - 1);
    return -share * log_p;
}

/* Rows of few classes, joined: log p becomes the gradient. */
static double NAME(focal_of_few)(real *restrict Z, const real *restrict Y, const real *weights,
                                 double weight_sum, real gamma, int64_t B, int64_t K) {
    real u[ROWS * NAME(FEW)], value[ROWS * NAME(FEW)];
    double total = 0;
#pragma omp simd
    for (int64_t c = 0; c < B * K; c++) {
        value[c] = NAME(focal_term)(&u[c], Z[c], Y[c], gamma);
        Z[c] = NAME(vexp)(Z[c]);
    }
    for (int64_t r = 0; r < B; r++) {
        const double w = NAME(weight_of)(weights, r);
        const real share = (real)(w / weight_sum), sum = NAME(row_sum)(u + r * K, K);
        total += w * NAME(row_sum)(value + r * K, K);
#pragma omp simd
        for (int64_t c = 0; c < K; c++)
            Z[r * K + c] = share * (u[r * K + c] - Z[r * K + c] * sum);
    }
    return total;
}

/* A row of many: u is made twice rather than kept. */
static double NAME(focal_of_many)(real *restrict z, const real *restrict y, real share, real gamma,
                                  int64_t K) {
    double total = 0, sum = 0;
#pragma omp simd reduction(+ : total, sum)
    for (int64_t c = 0; c < K; c++) {
        real u;
        total += NAME(focal_term)(&u, z[c], y[c], gamma);
        sum += u;
    }
    const real sum_of_u = (real)sum;
#pragma omp simd
    for (int64_t c = 0; c < K; c++) {
        real u;
        NAME(focal_term)(&u, z[c], y[c], gamma);
        z[c] = share * (u - NAME(vexp)(z[c]) * sum_of_u);
    }
    return total;
}

static double NAME(softmax_focal_loss)(void *Z_, const void *targets, const void *weights_,
                                       double weight_sum, double parameter, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    const real *restrict Y = targets, *weights = weights_;
    const real gamma = (real)parameter;
    const int64_t block = NAME(cached_rows)(K);
    double total = 0;
    for (int64_t first = 0; first < B; first += block) {
        const int64_t rows = B - first < block ? B - first : block;
        real *restrict P = Z + first * K;
        const real *restrict y = Y + first * K, *w = weights ? weights + first : NULL;
        NAME(log_softmax)(P, rows, K);
        if (K <= NAME(FEW)) {
            total += NAME(focal_of_few)(P, y, w, weight_sum, gamma, rows, K);
            continue;
        }
        for (int64_t r = 0; r < rows; r++) {
            const double weight = NAME(weight_of)(w, r);
            const real share = (real)(weight / weight_sum);
            total += weight * NAME(focal_of_many)(P + r * K, y + r * K, share, gamma, K);
        }
    }
    return total / weight_sum;
}

/* The hinge of one row. Its own class is counted in each sum and taken off again: max(0, 1 + z_j -
 * z_j) is exactly 1. Pieces of the row are copied, for the gradient takes their place. */
static double NAME(softmax_hinge_of)(real *restrict z, const real *restrict y, real share,
                                     int64_t K) {
    enum { MOST = CAVIAR_MOST_HINGE_TARGETS };
    real own[MOST], target[MOST];  /* of the classes with a target: z and y */
    double sum[MOST], count[MOST]; /* over k: of the hinges, and of those above 0 */
    double total = 0;
    int64_t n_targets = 0;
    for (int64_t j = 0; j < K; j++)
        if (y[j] != 0) {
            own[n_targets] = z[j];
            target[n_targets] = y[j];
            sum[n_targets] = count[n_targets] = 0;
            n_targets++;
        }
    for (int64_t first = 0; first < K; first += COLUMNS) {
        const int64_t n = K - first < COLUMNS ? K - first : COLUMNS;
        real piece[COLUMNS], slope[COLUMNS] = {0};
        memcpy(piece, z + first, (size_t)n * sizeof(real));
        for (int64_t j = 0; j < n_targets; j++) {
            real hinges = 0, active = 0;
#pragma omp simd reduction(+ : hinges, active)
            for (int64_t c = 0; c < n; c++) {
                const real hinge = piece[c] - own[j] + 1;
                hinges += hinge < 0 ? 0 : hinge; /* NaN stays */
                active += hinge > 0 ? 1 : 0;
                slope[c] += hinge > 0 ? target[j] : 0;
            }
            sum[j] += hinges;
            count[j] += active;
        }
#pragma omp simd
        for (int64_t c = 0; c < n; c++)
            z[first + c] = share * slope[c];
    }
    for (int64_t k = 0, j = 0; k < K; k++)
        if (y[k] != 0) {
            z[k] -= share * target[j] * (real)count[j];
            total += target[j] * (sum[j] - 1);
            j++;
        }
    return total;
}

static double NAME(softmax_hinge_loss)(void *Z_, const void *targets, const void *weights_,
                                       double weight_sum, double parameter, int64_t B, int64_t K) {
    real *restrict Z = Z_;
    (void)parameter;
    const real *restrict Y = targets, *restrict weights = weights_;
    double total = 0;
    for (int64_t r = 0; r < B; r++) {
        const double w = NAME(weight_of)(weights, r);
        const real share = (real)(w / weight_sum);
        total += w * NAME(softmax_hinge_of)(Z + r * K, Y + r * K, share, K);
    }
    return total / weight_sum;
}
