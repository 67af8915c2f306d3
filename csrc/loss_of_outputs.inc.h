/* Losses that are sums over outputs: each output's value and derivative, and the one pass over
 * all of them (caviar.h has the formulas). Each row's loss is summed in double. */

/* -log p in the middle, p = 1 / (1 + exp(-z)): both logarithms from one exponential. */
static CAVIAR_INLINE double NAME(logistic_value)(real *dz, real z, real y) {
    const real e = NAME(vexp)(z < 0 ? z : -z); /* exp(-|z|), NaN stays */
    const real log_p = (z < 0 ? z : 0) - NAME(log1p_unit)(e);
    *dz = (z < 0 ? e : 1) / (1 + e) - y;
    return -(y * NAME(clip_log)(log_p) + (1 - y) * NAME(clip_log)(log_p - z));
}

/* With q = 1 - p, the derivative of -q^gamma log p is q^gamma (gamma p log p - q); that of
 * -p^gamma log q its mirror image. */
static CAVIAR_INLINE double NAME(logistic_focal_value)(real *dz, real z, real y, real gamma) {
    const real e = NAME(vexp)(z < 0 ? z : -z), s = 1 / (1 + e);
    const real unclipped = (z < 0 ? z : 0) - NAME(log1p_unit)(e);
    const real log_p = NAME(clip_log)(unclipped), log_q = NAME(clip_log)(unclipped - z);
    const real p = z < 0 ? e * s : s, q = z < 0 ? s : e * s;
    const real p_power = NAME(vexp)(gamma * log_p), q_power = NAME(vexp)(gamma * log_q);
    *dz = y * q_power * (gamma * p * log_p - q) + (1 - y) * p_power * (p - gamma * q * log_q);
    return -(y * q_power * log_p + (1 - y) * p_power * log_q);
}

static CAVIAR_INLINE double NAME(logistic_hinge_value)(real *dz, real z, real y) {
    const real above = 1 - z, below = 1 + z;
    *dz = (below > 0 ? 1 - y : 0) - (above > 0 ? y : 0);
    return y * (above < 0 ? 0 : above) + (1 - y) * (below < 0 ? 0 : below);
}

/* y log(y / p) - y + p with p = exp(z): y log y - y z - y + p; half the Poisson deviance. */
static CAVIAR_INLINE double NAME(poisson_value)(real *dz, real z, real y) {
    const real p = NAME(vexp)(z);
    const real y_log = y == 0 ? 0 : y * (NAME(vlog)(y) - z);
    *dz = p - y;
    return (double)y_log - y + p;
}

/* Of an error e; both branches in one, for the clamped error is also the derivative. */
static CAVIAR_INLINE double NAME(huber_value)(real *dz, real e, real delta) {
    *dz = NAME(clamp)(e, delta);
    return (double)*dz * (e - (double)*dz / 2);
}

/* below where e < 0, above where e > 0, 0 between; NaN stays. */
static CAVIAR_INLINE real NAME(sloped)(real e, real below, real above) {
    return e > 0 ? above : e < 0 ? below : e;
}

/* One output's loss, its derivative in dz. `loss` is a constant wherever this is inlined. */
static CAVIAR_INLINE double NAME(output_loss)(real *dz, real z, real y, real parameter,
                                              const int loss) {
    const real e = z - y;
    switch (loss) {
    case CAVIAR_LOGISTIC_LOSS:
        return NAME(logistic_value)(dz, z, y);
    case CAVIAR_LOGISTIC_FOCAL_LOSS:
        return NAME(logistic_focal_value)(dz, z, y, parameter);
    case CAVIAR_LOGISTIC_HINGE_LOSS:
        return NAME(logistic_hinge_value)(dz, z, y);
    case CAVIAR_POISSON_LOSS:
        return NAME(poisson_value)(dz, z, y);
    case CAVIAR_ABSOLUTE_LOSS:
        *dz = NAME(sloped)(e, -1, 1);
        return FABS(e);
    case CAVIAR_HUBER_LOSS:
        return NAME(huber_value)(dz, e, parameter);
    case CAVIAR_QUANTILE_LOSS:
        *dz = NAME(sloped)(e, -parameter, 1 - parameter);
        return e * (e < 0 ? -parameter : 1 - parameter);
    default: /* squared: the caller halves it */
        *dz = e;
        return (double)e * e;
    }
}

static CAVIAR_INLINE double NAME(mean_over_rows)(real *restrict Z, const real *restrict Y,
                                                 const real *restrict weights, double weight_sum,
                                                 real parameter, const int loss, int64_t B,
                                                 int64_t K) {
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
            real dz;
            row += NAME(output_loss)(&dz, z[c], y[c], parameter, loss);
            z[c] = share * dz;
        }
        total += w * row;
    }
    return total / weight_sum;
}

#define LOSS_OF_OUTPUTS(name, loss)                                                                \
    static double NAME(name)(void *Z, const void *Y, const void *weights, double weight_sum,       \
                             double parameter, int64_t B, int64_t K) {                             \
        return NAME(mean_over_rows)(Z, Y, weights, weight_sum, (real)parameter, loss, B, K);       \
    }
LOSS_OF_OUTPUTS(logistic_loss, CAVIAR_LOGISTIC_LOSS)
LOSS_OF_OUTPUTS(logistic_focal_loss, CAVIAR_LOGISTIC_FOCAL_LOSS)
LOSS_OF_OUTPUTS(logistic_hinge_loss, CAVIAR_LOGISTIC_HINGE_LOSS)
LOSS_OF_OUTPUTS(poisson_loss, CAVIAR_POISSON_LOSS)
LOSS_OF_OUTPUTS(absolute_loss, CAVIAR_ABSOLUTE_LOSS)
LOSS_OF_OUTPUTS(huber_loss, CAVIAR_HUBER_LOSS)
LOSS_OF_OUTPUTS(quantile_loss, CAVIAR_QUANTILE_LOSS)
#undef LOSS_OF_OUTPUTS

static double NAME(squared_loss)(void *Z, const void *Y, const void *weights, double weight_sum,
                                 double parameter, int64_t B, int64_t K) {
    const double mean =
        NAME(mean_over_rows)(Z, Y, weights, weight_sum, (real)parameter, CAVIAR_SQUARED_LOSS, B, K);
    return K > 0 ? mean / (2 * (double)K) : 0;
}
