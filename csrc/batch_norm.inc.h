/* Batch normalization fused with the activation behind it, forward and backward, without any
 * matrix product (Ioffe & Szegedy 2015, algorithm 1 and the gradients of its section 3).
 * Works on blocks of COLUMNS channels: a block's rows stay in the cache from the first pass
 * (mean) through the second (variance) to the third (normalization). */

static CAVIAR_INLINE real NAME(weight_of)(const real *weights, int64_t r) {
    return weights ? weights[r] : 1;
}

/* sum[c] = sum over rows of w_r z_rc (center NULL) or w_r (z_rc - center_c)^2. */
static CAVIAR_INLINE void NAME(column_moment)(double *restrict sum, const real *restrict Z,
                                              const real *restrict weights,
                                              const real *restrict center, int64_t n, int64_t B,
                                              int64_t stride) {
    for (int64_t c = 0; c < n; c++)
        sum[c] = 0;
    for (int64_t chunk = 0; chunk < B; chunk += ROWS) {
        const int64_t end = B - chunk < ROWS ? B : chunk + ROWS;
        real part[COLUMNS] = {0};
        for (int64_t r = chunk; r < end; r++) {
            const real *restrict z = Z + r * stride;
            const real w = NAME(weight_of)(weights, r);
            if (center) {
#pragma omp simd
                for (int64_t c = 0; c < n; c++) {
                    const real x = z[c] - center[c];
                    part[c] += w * x * x;
                }
            } else {
#pragma omp simd
                for (int64_t c = 0; c < n; c++)
                    part[c] += w * z[c];
            }
        }
        NAME(add_to_double)(sum, part, n);
    }
}

static CAVIAR_INLINE void
NAME(normalize_and_activate)(real *restrict H, const real *restrict Z, const real *restrict mean,
                             const real *restrict scale, const real *restrict beta,
                             const int activation, int64_t n, int64_t B, int64_t stride) {
    for (int64_t r = 0; r < B; r++) {
        real *restrict h = H + r * stride;
        const real *restrict z = Z + r * stride;
#pragma omp simd
        for (int64_t c = 0; c < n; c++)
            h[c] = NAME(activate)((z[c] - mean[c]) * scale[c] + beta[c], activation);
    }
}

static void NAME(batch_norm_forward)(void *H_, void *mean_, void *var_, const void *Z_,
                                     const void *weights, const void *gamma_, const void *beta_,
                                     double weight_sum, double epsilon, int activation, int64_t B,
                                     int64_t O, int64_t stride) {
    real *restrict H = H_, *restrict mean = mean_, *restrict var = var_;
    const real *restrict Z = Z_, *restrict gamma = gamma_, *restrict beta = beta_;
    const double inverse_weight = 1 / weight_sum;
    for (int64_t first = 0; first < O; first += COLUMNS) {
        const int64_t n = O - first < COLUMNS ? O - first : COLUMNS;
        double sum[COLUMNS];
        real scale[COLUMNS];
        NAME(column_moment)(sum, Z + first, weights, NULL, n, B, stride);
        for (int64_t c = 0; c < n; c++)
            mean[first + c] = (real)(sum[c] * inverse_weight);
        NAME(column_moment)(sum, Z + first, weights, mean + first, n, B, stride);
        for (int64_t c = 0; c < n; c++) {
            const double variance = sum[c] * inverse_weight;
            var[first + c] = (real)variance;
            scale[c] = (real)(gamma[first + c] / sqrt(variance + epsilon));
        }
        SPECIALIZE_ACTIVATION(activation, NAME(normalize_and_activate), H + first, Z + first,
                              mean + first, scale, beta + first, WITH_ACTIVATION, n, B, stride)
    }
}

/* dH becomes dY; the sums of dY and of dY * xhat over rows. */
static CAVIAR_INLINE void NAME(chain_and_sum_normalized)(
    real *restrict dH, double *restrict sum_dy, double *restrict sum_dy_xhat,
    const real *restrict Z, const real *restrict H, const real *restrict mean,
    const real *restrict inverse_std, const int activation, int64_t n, int64_t B, int64_t stride) {
    for (int64_t chunk = 0; chunk < B; chunk += ROWS) {
        const int64_t end = B - chunk < ROWS ? B : chunk + ROWS;
        real part_dy[COLUMNS] = {0}, part_dy_xhat[COLUMNS] = {0};
        for (int64_t r = chunk; r < end; r++) {
            real *restrict d = dH + r * stride;
            const real *restrict z = Z + r * stride, *restrict h = H + r * stride;
#pragma omp simd
            for (int64_t c = 0; c < n; c++) {
                const real dy = NAME(chain)(d[c], h[c], activation);
                d[c] = dy;
                part_dy[c] += dy;
                part_dy_xhat[c] += dy * ((z[c] - mean[c]) * inverse_std[c]);
            }
        }
        NAME(add_to_double)(sum_dy, part_dy, n);
        NAME(add_to_double)(sum_dy_xhat, part_dy_xhat, n);
    }
}

static void NAME(batch_norm_backward)(void *dH_, void *dgamma_, void *dbeta_, const void *Z_,
                                      const void *H_, const void *weights_, const void *mean_,
                                      const void *var_, const void *gamma_, double weight_sum,
                                      double epsilon, int activation, int64_t B, int64_t O,
                                      int64_t stride) {
    real *restrict dH = dH_, *restrict dgamma = dgamma_, *restrict dbeta = dbeta_;
    const real *restrict Z = Z_, *restrict H = H_, *restrict weights = weights_;
    const real *restrict mean = mean_, *restrict var = var_, *restrict gamma = gamma_;
    const real inverse_weight = (real)(1 / weight_sum);
    for (int64_t first = 0; first < O; first += COLUMNS) {
        const int64_t n = O - first < COLUMNS ? O - first : COLUMNS;
        double sum_dy[COLUMNS] = {0}, sum_dy_xhat[COLUMNS] = {0};
        real inverse_std[COLUMNS], slope[COLUMNS];
        for (int64_t c = 0; c < n; c++)
            inverse_std[c] = (real)(1 / sqrt((double)var[first + c] + epsilon));
        SPECIALIZE_ACTIVATION(activation, NAME(chain_and_sum_normalized), dH + first, sum_dy,
                              sum_dy_xhat, Z + first, H + first, mean + first, inverse_std,
                              WITH_ACTIVATION, n, B, stride)
        NAME(store_from_double)(dbeta + first, sum_dy, n);
        NAME(store_from_double)(dgamma + first, sum_dy_xhat, n);
        /* xhat * dgamma = (z - mean) * slope */
        for (int64_t c = 0; c < n; c++)
            slope[c] = (real)(sum_dy_xhat[c] * inverse_std[c]);
        for (int64_t r = 0; r < B; r++) {
            real *restrict d = dH + r * stride + first;
            const real *restrict z = Z + r * stride + first;
            const real *restrict m = mean + first, *restrict g = gamma + first;
            const real *restrict db = dbeta + first;
            const real share = NAME(weight_of)(weights, r) * inverse_weight;
#pragma omp simd
            for (int64_t c = 0; c < n; c++)
                d[c] = g[c] * inverse_std[c] * (d[c] - share * (db[c] + (z[c] - m[c]) * slope[c]));
        }
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
