/* Batch normalization fused with the activation behind it, forward and backward, without any
 * matrix product (Ioffe & Szegedy 2015, algorithm 1 and the gradients of its section 3).
 * Two passes over the rows forward (moments, normalization) and two backward (sums, gradient),
 * over blocks of WIDTH channels: long pieces of rows come faster from beyond the second cache
 * than what a narrow block saves by staying in it (4096 x 256: 1.3x). Several rows at a time,
 * so that the sums and constants of a channel are fetched once for all of them. */

enum { NAME(WIDTH) = 512 };

/* Calls function(r, rows, ...) for the rows from `first` to `end`: `several` at a time if they
 * may go together, singly what is left; `rows` is a constant. */
#define FOR_ROWS(several, together, first, end, function, ...)                                     \
    {                                                                                              \
        int64_t r = first;                                                                         \
        for (; together && r + (several) <= end; r += (several))                                   \
            function(r, several, __VA_ARGS__);                                                     \
        for (; r < end; r++)                                                                       \
            function(r, 1, __VA_ARGS__);                                                           \
    }

/* Beyond 2 MB per matrix rows come from far, and faster one after another (8192 x 256: 2 to 5
 * times as fast as 4 or 8 of them side by side). */
static CAVIAR_INLINE int NAME(rows_are_near)(int64_t B, int64_t stride) {
    return B * stride * (int64_t)sizeof(real) <= 1 << 21;
}

/* First caches have 8 ways of 4096 bytes or so: the same columns of several rows and matrices,
 * all a multiple of that apart, push one another out (512 x 1024 backward: 1.5x). */
static CAVIAR_INLINE int NAME(rows_share_cache)(int64_t B, int64_t stride) {
    return NAME(rows_are_near)(B, stride) && stride * (int64_t)sizeof(real) % 4096 != 0;
}

static CAVIAR_INLINE real NAME(weight_of)(const real *weights, int64_t r) {
    return weights ? weights[r] : 1;
}

static CAVIAR_INLINE void NAME(moments_of_rows)(int64_t r, const int rows, real *restrict sum,
                                                real *restrict squares, const real *restrict Z,
                                                const real *restrict weights,
                                                const real *restrict center, int64_t n,
                                                int64_t stride) {
    const real *restrict z = Z + r * stride;
#pragma omp simd
    for (int64_t c = 0; c < n; c++) {
        real s = 0, q = 0;
        for (int k = 0; k < rows; k++) {
            const real x = z[k * stride + c] - center[c];
            const real wx = NAME(weight_of)(weights, r + k) * x;
            s += wx;
            q += wx * x;
        }
        sum[c] += s;
        squares[c] += q;
    }
}

/* The sums over rows of w x and w x^2, x = z - center. */
static void NAME(moments)(double *restrict sum, double *restrict squares, const real *restrict Z,
                          const real *restrict weights, const real *restrict center, int64_t n,
                          int64_t B, int64_t stride) {
    memset(sum, 0, (size_t)n * sizeof(double));
    memset(squares, 0, (size_t)n * sizeof(double));
    for (int64_t chunk = 0; chunk < B; chunk += ROWS) {
        const int64_t end = B - chunk < ROWS ? B : chunk + ROWS;
        real part[NAME(WIDTH)], part_squares[NAME(WIDTH)];
        memset(part, 0, (size_t)n * sizeof(real));
        memset(part_squares, 0, (size_t)n * sizeof(real));
        if (weights) {
            FOR_ROWS(8, NAME(rows_are_near)(B, stride), chunk, end, NAME(moments_of_rows), part,
                     part_squares, Z, weights, center, n, stride)
        } else {
            FOR_ROWS(8, NAME(rows_are_near)(B, stride), chunk, end, NAME(moments_of_rows), part,
                     part_squares, Z, NULL, center, n, stride)
        }
        NAME(add_to_double)(sum, part, n);
        NAME(add_to_double)(squares, part_squares, n);
    }
}

/* The mean, and the variance var = sum w x^2 / weight_sum - (sum w x / weight_sum)^2 about the
 * mean of the first rows, which is as good as one about the mean itself unless the difference
 * cancels (Chan, Golub & LeVeque 1983): then it is done again, about the mean just found. */
static void NAME(mean_and_variance)(real *restrict mean, double *restrict var,
                                    const real *restrict Z, const real *restrict weights,
                                    double weight_sum, int64_t n, int64_t B, int64_t stride) {
    const int64_t n_first = B < ROWS ? B : ROWS;
    double shift[NAME(WIDTH)];
    int cancelled = 1;
    memset(mean, 0, (size_t)n * sizeof(real));
    NAME(moments)(shift, var, Z, NULL, mean, n, n_first, stride);
    for (int64_t c = 0; c < n; c++)
        shift[c] /= (double)n_first;
    for (int again = 0; again < 2 && cancelled; again++) {
        for (int64_t c = 0; c < n; c++)
            mean[c] += (real)shift[c];
        NAME(moments)(shift, var, Z, weights, mean, n, B, stride);
        cancelled = 0;
        for (int64_t c = 0; c < n; c++) {
            shift[c] /= weight_sum;
            const double squared = shift[c] * shift[c], rest = var[c] / weight_sum - squared;
            cancelled |= squared > 16 * rest;
            var[c] = rest < 0 ? 0 : rest;
        }
    }
    for (int64_t c = 0; c < n; c++)
        mean[c] += (real)shift[c];
}

static CAVIAR_INLINE void NAME(normalize_rows)(int64_t r, const int rows, real *restrict H,
                                               const real *restrict Z, const real *restrict mean,
                                               const real *restrict scale,
                                               const real *restrict beta, const int activation,
                                               int64_t n, int64_t stride) {
    real *restrict h = H + r * stride;
    const real *restrict z = Z + r * stride;
#pragma omp simd
    for (int64_t c = 0; c < n; c++)
        for (int k = 0; k < rows; k++)
            h[k * stride + c] =
                NAME(activate)((z[k * stride + c] - mean[c]) * scale[c] + beta[c], activation);
}

/* Singly where the activation needs z: gcc does not vectorize four of those (6 times as long). */
static CAVIAR_INLINE void
NAME(normalize_and_activate)(real *restrict H, const real *restrict Z, const real *restrict mean,
                             const real *restrict scale, const real *restrict beta,
                             const int activation, int64_t n, int64_t B, int64_t stride) {
    const int together = !NAME(needs_z)(activation) && NAME(rows_share_cache)(B, stride);
    FOR_ROWS(4, together, 0, B, NAME(normalize_rows), H, Z, mean, scale, beta, activation, n,
             stride)
}

static void NAME(batch_norm_forward)(void *H_, void *mean_, void *var_, const void *Z_,
                                     const void *weights, const void *gamma_, const void *beta_,
                                     double weight_sum, double epsilon, int activation, int64_t B,
                                     int64_t O, int64_t stride) {
    real *restrict H = H_, *restrict mean = mean_, *restrict var = var_;
    const real *restrict Z = Z_, *restrict gamma = gamma_, *restrict beta = beta_;
    for (int64_t first = 0; first < O; first += NAME(WIDTH)) {
        const int64_t n = O - first < NAME(WIDTH) ? O - first : NAME(WIDTH);
        double variance[NAME(WIDTH)];
        real scale[NAME(WIDTH)];
        NAME(mean_and_variance)(mean + first, variance, Z + first, weights, weight_sum, n, B,
                                stride);
        NAME(store_from_double)(var + first, variance, n);
        for (int64_t c = 0; c < n; c++)
            scale[c] = (real)(gamma[first + c] / sqrt(variance[c] + epsilon));
        SPECIALIZE_ACTIVATION(activation, NAME(normalize_and_activate), H + first, Z + first,
                              mean + first, scale, beta + first, WITH_ACTIVATION, n, B, stride)
    }
}

static CAVIAR_INLINE void NAME(chain_rows)(int64_t r, const int rows, real *restrict dH,
                                           real *restrict sum_dy, real *restrict sum_dy_x,
                                           const real *restrict Z, const real *restrict H,
                                           const real *restrict mean, const real *restrict scale,
                                           const real *restrict beta, const int activation,
                                           int64_t n, int64_t stride) {
    real *restrict d = dH + r * stride;
    const real *restrict z = Z + r * stride, *restrict h = H + r * stride;
#pragma omp simd
    for (int64_t c = 0; c < n; c++) {
        real s = 0, q = 0;
        for (int k = 0; k < rows; k++) {
            const real x = z[k * stride + c] - mean[c];
            const real y = NAME(needs_z)(activation) ? x * scale[c] + beta[c] : 0;
            const real dy = NAME(chain)(d[k * stride + c], h[k * stride + c], y, activation);
            if (activation != CAVIAR_IDENTITY)
                d[k * stride + c] = dy;
            s += dy;
            q += dy * x;
        }
        sum_dy[c] += s;
        sum_dy_x[c] += q;
    }
}

/* dH becomes dY; the sums of dY and of dY * (Z - mean) over rows. Where the derivative needs
 * it, the pre-activation Y = (Z - mean) * scale + beta is made again. */
static CAVIAR_INLINE void NAME(chain_and_sum_normalized)(
    real *restrict dH, double *restrict sum_dy, double *restrict sum_dy_x, const real *restrict Z,
    const real *restrict H, const real *restrict mean, const real *restrict scale,
    const real *restrict beta, const int activation, int64_t n, int64_t B, int64_t stride) {
    const int together = !NAME(needs_z)(activation) && NAME(rows_share_cache)(B, stride);
    for (int64_t chunk = 0; chunk < B; chunk += ROWS) {
        const int64_t end = B - chunk < ROWS ? B : chunk + ROWS;
        real part_dy[NAME(WIDTH)], part_dy_x[NAME(WIDTH)];
        memset(part_dy, 0, (size_t)n * sizeof(real));
        memset(part_dy_x, 0, (size_t)n * sizeof(real));
        FOR_ROWS(4, together, chunk, end, NAME(chain_rows), dH, part_dy, part_dy_x, Z, H, mean,
                 scale, beta, activation, n, stride)
        NAME(add_to_double)(sum_dy, part_dy, n);
        NAME(add_to_double)(sum_dy_x, part_dy_x, n);
    }
}

/* dZ = scale * (dY - share * (dbeta + (Z - mean) * slope)), xhat * dgamma being the latter. */
static CAVIAR_INLINE void
NAME(gradient_rows)(int64_t r, const int rows, real *restrict dH, const real *restrict Z,
                    const real *restrict weights, real inverse_weight, const real *restrict mean,
                    const real *restrict scale, const real *restrict slope,
                    const real *restrict dbeta, int64_t n, int64_t stride) {
    real *restrict d = dH + r * stride;
    const real *restrict z = Z + r * stride;
    real share[8];
    for (int k = 0; k < rows; k++)
        share[k] = NAME(weight_of)(weights, r + k) * inverse_weight;
#pragma omp simd
    for (int64_t c = 0; c < n; c++)
        for (int k = 0; k < rows; k++) {
            const real to_mean = dbeta[c] + (z[k * stride + c] - mean[c]) * slope[c];
            d[k * stride + c] = scale[c] * (d[k * stride + c] - share[k] * to_mean);
        }
}

static void NAME(batch_norm_backward)(void *dH_, void *dgamma_, void *dbeta_, const void *Z_,
                                      const void *H_, const void *weights_, const void *mean_,
                                      const void *var_, const void *gamma_, const void *beta_,
                                      double weight_sum, double epsilon, int activation, int64_t B,
                                      int64_t O, int64_t stride) {
    real *restrict dH = dH_, *restrict dgamma = dgamma_, *restrict dbeta = dbeta_;
    const real *restrict Z = Z_, *restrict H = H_, *restrict weights = weights_;
    const real *restrict mean = mean_, *restrict var = var_, *restrict gamma = gamma_;
    const real *restrict beta = beta_;
    const real inverse_weight = (real)(1 / weight_sum);
    for (int64_t first = 0; first < O; first += NAME(WIDTH)) {
        const int64_t n = O - first < NAME(WIDTH) ? O - first : NAME(WIDTH);
        double sum_dy[NAME(WIDTH)] = {0}, sum_dy_x[NAME(WIDTH)] = {0};
        double inverse_std[NAME(WIDTH)];
        real scale[NAME(WIDTH)], slope[NAME(WIDTH)];
        for (int64_t c = 0; c < n; c++) {
            inverse_std[c] = 1 / sqrt((double)var[first + c] + epsilon);
            scale[c] = (real)(gamma[first + c] * inverse_std[c]);
        }
        SPECIALIZE_ACTIVATION(activation, NAME(chain_and_sum_normalized), dH + first, sum_dy,
                              sum_dy_x, Z + first, H + first, mean + first, scale, beta + first,
                              WITH_ACTIVATION, n, B, stride)
        NAME(store_from_double)(dbeta + first, sum_dy, n);
        for (int64_t c = 0; c < n; c++) {
            dgamma[first + c] = (real)(sum_dy_x[c] * inverse_std[c]);
            slope[c] = (real)(sum_dy_x[c] * inverse_std[c] * inverse_std[c]);
        }
        FOR_ROWS(4, NAME(rows_share_cache)(B, stride), 0, B, NAME(gradient_rows), dH + first,
                 Z + first, weights, inverse_weight, mean + first, scale, slope, dbeta + first, n,
                 stride)
    }
}

static void NAME(running_average)(void *running_, const void *batch_, double momentum, int64_t n) {
    real *restrict running = running_;
    const real *restrict batch = batch_;
    const real old = (real)momentum, new = (real)(1 - momentum);
#pragma omp simd
    for (int64_t c = 0; c < n; c++)
        running[c] = old * running[c] + new * batch[c];
}
#undef FOR_ROWS
