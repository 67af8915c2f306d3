/* Activations and their derivatives, alone and with the bias added and its gradient summed.
 * Batch normalization includes the same two scalar functions (batch_norm.inc.h). */

#define LEAKY_SLOPE 0.01
/* Fixed points mean 0 and variance 1 (Klambauer et al. 2017, equation 14). */
#define SELU_ALPHA 1.6732632423543772848170429916717
#define SELU_SCALE 1.0507009873554804934193349852946

#define INVERSE_SQRT_2PI 0.39894228040143267793994605993438

/* The functions below are made of x, which is z as far as they are neither 0 nor z: inf * 0 would
 * be NaN. */

/* z Phi(z) (Hendrycks & Gimpel 2016). */
static CAVIAR_INLINE real NAME(gelu)(real z) {
    real density;
    const real x = NAME(clamp)(z, (real)TAIL_LIMIT), tail = NAME(normal_tail)(FABS(x), &density);
    return z < 0 ? x * tail : z * (1 - tail);
}

/* Phi(z) + z Phi'(z); at -z it is 1 minus that, as the next one is. */
static CAVIAR_INLINE real NAME(gelu_slope)(real z) {
    real density;
    const real a = FABS(NAME(clamp)(z, (real)TAIL_LIMIT)), tail = NAME(normal_tail)(a, &density);
    const real at_minus_a = tail - (real)INVERSE_SQRT_2PI * a * density;
    return z < 0 ? at_minus_a : 1 - at_minus_a;
}

/* z s, s = 1 / (1 + exp(-z)) (Elfwing, Uchibe & Doya 2018; swish: Ramachandran et al. 2017). */
static CAVIAR_INLINE real NAME(silu)(real z) {
    const real x = NAME(clamp)(z, (real)EXP_LIMIT), e = NAME(vexp_less)(-FABS(x), 0);
    return (z < 0 ? x * e : z) / (1 + e);
}

/* s + z s (1 - s). */
static CAVIAR_INLINE real NAME(silu_slope)(real z) {
    const real a = FABS(NAME(clamp)(z, (real)EXP_LIMIT)), e = NAME(vexp_less)(-a, 0);
    const real s = 1 / (1 + e), at_minus_a = e * s * (1 - a * s);
    return z < 0 ? at_minus_a : 1 - at_minus_a;
}

/* z t, t = tanh(log(1 + exp(z))) = (y^2 - 1) / (y^2 + 1), y = 1 + exp(z) (Misra 2020); the
 * fraction is reduced by exp(2z) where z > 0. */
static CAVIAR_INLINE real NAME(mish)(real z) {
    const real x = NAME(clamp)(z, (real)EXP_LIMIT), e = NAME(vexp_less)(-FABS(x), 0);
    const real above = z < 0 ? e * (e + 2) : 1 + 2 * e, rest = z < 0 ? 2 : 2 * e * e;
    return (z < 0 ? x : z) * (above / (above + rest));
}

/* t + z (1 - t^2) s: with t = above / below, 1 - t^2 = (below - above) (below + above) / below^2.
 */
static CAVIAR_INLINE real NAME(mish_slope)(real z) {
    const real x = NAME(clamp)(z, (real)EXP_LIMIT), e = NAME(vexp_less)(-FABS(x), 0);
    const real above = z < 0 ? e * (e + 2) : 1 + 2 * e, rest = z < 0 ? 2 : 2 * e * e;
    const real below = above + rest, z_s = (z < 0 ? x * e : x) / (1 + e);
    return (above + z_s * rest * (below + above) / below) / below;
}

/* exp(z) - 1, for z < 0. */
static CAVIAR_INLINE real NAME(elu_below)(real z) {
    return NAME(vexpm1)(NAME(clamp)(z, (real)TANH_LIMIT));
}

/* `activation` is a constant wherever this is inlined: the switch costs nothing. Conditions
 * are such that NaN stays. */
static CAVIAR_INLINE real NAME(activate)(real z, const int activation) {
    switch (activation) {
    case CAVIAR_LOGISTIC:
        return NAME(vlogistic)(z);
    case CAVIAR_TANH:
        return NAME(vtanh)(z);
    case CAVIAR_RELU:
        return z < 0 ? 0 : z;
    case CAVIAR_EXP:
        return NAME(vexp)(z);
    case CAVIAR_LEAKY_RELU:
        return z < 0 ? (real)LEAKY_SLOPE * z : z;
    case CAVIAR_ELU:
        return z < 0 ? NAME(elu_below)(z) : z;
    case CAVIAR_SELU:
        return z < 0 ? (real)(SELU_SCALE * SELU_ALPHA) * NAME(elu_below)(z) : (real)SELU_SCALE * z;
    case CAVIAR_GELU:
        return NAME(gelu)(z);
    case CAVIAR_SILU:
        return NAME(silu)(z);
    case CAVIAR_MISH:
        return NAME(mish)(z);
    default:
        return z;
    }
}

/* Whether the derivative is made from z, for h = g(z) has two such z. */
static CAVIAR_INLINE int NAME(needs_z)(const int activation) {
    return activation == CAVIAR_GELU || activation == CAVIAR_SILU || activation == CAVIAR_MISH;
}

/* d * g'(z), given h = g(z); z is read only where needs_z says so. */
static CAVIAR_INLINE real NAME(chain)(real d, real h, real z, const int activation) {
    switch (activation) {
    case CAVIAR_LOGISTIC:
        return d * h * (1 - h);
    case CAVIAR_TANH:
        return d * (1 - h * h);
    case CAVIAR_RELU:
        return h == 0 ? 0 : d;
    case CAVIAR_LEAKY_RELU:
        return h > 0 ? d : (real)LEAKY_SLOPE * d;
    case CAVIAR_ELU:
        return h > 0 ? d : d * (h + 1);
    case CAVIAR_SELU:
        return d * (h > 0 ? (real)SELU_SCALE : h + (real)(SELU_SCALE * SELU_ALPHA));
    case CAVIAR_GELU:
        return d * NAME(gelu_slope)(z);
    case CAVIAR_SILU:
        return d * NAME(silu_slope)(z);
    case CAVIAR_MISH:
        return d * NAME(mish_slope)(z);
    default:
        return d;
    }
}

/* H may be Z: neither is `restrict`. */
static CAVIAR_INLINE void NAME(bias_and_activate)(real *H, real *Z, const real *restrict b,
                                                  const int activation, int64_t B, int64_t O) {
    for (int64_t r = 0; r < B; r++) {
        real *h = H + r * O, *z = Z + r * O;
        if (!b) {
#pragma omp simd
            for (int64_t c = 0; c < O; c++)
                h[c] = NAME(activate)(z[c], activation);
        } else if (H == Z) {
#pragma omp simd
            for (int64_t c = 0; c < O; c++)
                z[c] = NAME(activate)(z[c] + b[c], activation);
        } else {
#pragma omp simd
            for (int64_t c = 0; c < O; c++) {
                const real shifted = z[c] + b[c];
                z[c] = shifted;
                h[c] = NAME(activate)(shifted, activation);
            }
        }
    }
}

static void NAME(activation_forward)(void *H, void *Z, const void *b, int activation, int64_t B,
                                     int64_t O) {
    if (!b) { /* rows do not matter: one long loop */
        O *= B;
        B = 1;
    }
    SPECIALIZE_ACTIVATION(activation, NAME(bias_and_activate), H, Z, b, WITH_ACTIVATION, B, O)
}

static CAVIAR_INLINE void NAME(chain_and_sum)(real *restrict dH, real *restrict db,
                                              const real *restrict H, const real *restrict Z,
                                              const int activation, int64_t B, int64_t O,
                                              int64_t stride) {
    for (int64_t first = 0; first < O; first += COLUMNS) {
        const int64_t n = O - first < COLUMNS ? O - first : COLUMNS;
        double sum[COLUMNS] = {0};
        for (int64_t chunk = 0; chunk < B; chunk += ROWS) {
            const int64_t end = B - chunk < ROWS ? B : chunk + ROWS;
            real part[COLUMNS] = {0};
            for (int64_t r = chunk; r < end; r++) {
                real *restrict d = dH + r * stride + first;
                const real *restrict h = H + r * stride + first;
                const real *restrict z = NAME(needs_z)(activation) ? Z + r * stride + first : h;
#pragma omp simd
                for (int64_t c = 0; c < n; c++) {
                    d[c] = NAME(chain)(d[c], h[c], z[c], activation);
                    part[c] += d[c];
                }
            }
            NAME(add_to_double)(sum, part, n);
        }
        NAME(store_from_double)(db + first, sum, n);
    }
}

static void NAME(activation_backward)(void *dH, void *db, const void *H, const void *Z,
                                      int activation, int64_t B, int64_t O, int64_t stride) {
    SPECIALIZE_ACTIVATION(activation, NAME(chain_and_sum), dH, db, H, Z, WITH_ACTIVATION, B, O,
                          stride)
}
#undef LEAKY_SLOPE
#undef SELU_ALPHA
#undef SELU_SCALE
#undef INVERSE_SQRT_2PI
