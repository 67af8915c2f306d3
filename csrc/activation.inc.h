/* Activations and their derivatives, alone and with the bias added and its gradient summed.
 * Batch normalization includes the same two scalar functions (batch_norm.inc.h). */

/* `activation` is a constant wherever this is inlined: the switch costs nothing. */
static CAVIAR_INLINE real NAME(activate)(real z, const int activation) {
    switch (activation) {
    case CAVIAR_LOGISTIC:
        return NAME(vlogistic)(z);
    case CAVIAR_TANH:
        return NAME(vtanh)(z);
    case CAVIAR_RELU:
        return z < 0 ? 0 : z; /* NaN stays */
    case CAVIAR_EXP:
        return NAME(vexp)(z);
    default:
        return z;
    }
}

/* d * g'(z), given h = g(z). */
static CAVIAR_INLINE real NAME(chain)(real d, real h, const int activation) {
    switch (activation) {
    case CAVIAR_LOGISTIC:
        return d * h * (1 - h);
    case CAVIAR_TANH:
        return d * (1 - h * h);
    case CAVIAR_RELU:
        return h == 0 ? 0 : d;
    default:
        return d;
    }
}

static CAVIAR_INLINE void NAME(bias_and_activate)(real *restrict Z, const real *restrict b,
                                                  const int activation, int64_t B, int64_t O) {
    for (int64_t r = 0; r < B; r++) {
        real *restrict z = Z + r * O;
        if (b) {
#pragma omp simd
            for (int64_t c = 0; c < O; c++)
                z[c] = NAME(activate)(z[c] + b[c], activation);
        } else {
#pragma omp simd
            for (int64_t c = 0; c < O; c++)
                z[c] = NAME(activate)(z[c], activation);
        }
    }
}

static void NAME(activation_forward)(void *Z, const void *b, int activation, int64_t B, int64_t O) {
    if (!b) { /* rows do not matter: one long loop */
        O *= B;
        B = 1;
    }
    SPECIALIZE_ACTIVATION(activation, NAME(bias_and_activate), Z, b, WITH_ACTIVATION, B, O)
}

static CAVIAR_INLINE void NAME(chain_and_sum)(real *restrict dH, real *restrict db,
                                              const real *restrict H, const int activation,
                                              int64_t B, int64_t O, int64_t stride) {
    for (int64_t first = 0; first < O; first += COLUMNS) {
        const int64_t n = O - first < COLUMNS ? O - first : COLUMNS;
        double sum[COLUMNS] = {0};
        for (int64_t chunk = 0; chunk < B; chunk += ROWS) {
            const int64_t end = B - chunk < ROWS ? B : chunk + ROWS;
            real part[COLUMNS] = {0};
            for (int64_t r = chunk; r < end; r++) {
                real *restrict d = dH + r * stride + first;
                const real *restrict h = H + r * stride + first;
#pragma omp simd
                for (int64_t c = 0; c < n; c++) {
                    d[c] = NAME(chain)(d[c], h[c], activation);
                    part[c] += d[c];
                }
            }
            NAME(add_to_double)(sum, part, n);
        }
        NAME(store_from_double)(db + first, sum, n);
    }
}

static void NAME(activation_backward)(void *dH, void *db, const void *H, int activation, int64_t B,
                                      int64_t O, int64_t stride) {
    SPECIALIZE_ACTIVATION(activation, NAME(chain_and_sum), dH, db, H, WITH_ACTIVATION, B, O, stride)
}
