/* One optimizer step over the flat parameter vector: L2, moments and weights in one pass.
 * Blocks of BLOCK parameters: a block is either wholly decayed (a weight) or not at all, and
 * the sum of squares that the loss needs is taken from it while it is in the cache. */

enum { NAME(BLOCK) = 1024 };

static CAVIAR_INLINE int64_t NAME(block_end)(int64_t first, int64_t P, int64_t n_decay) {
    const int64_t limit = first < n_decay ? n_decay : P;
    return limit - first < NAME(BLOCK) ? limit : first + NAME(BLOCK);
}

static CAVIAR_INLINE double NAME(sum_of_squares)(const real *restrict w, int64_t n) {
    real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t p = 0; p < n; p++)
        sum += w[p] * w[p];
    return sum;
}

/* v = momentum v - lr g;  w += v, or with Nesterov's momentum w += momentum v - lr g
 * (Sutskever et al. 2013, section 2, in the form of scikit-learn). */
static double NAME(sgd_update)(void *params, void *slots, const void *grads, int64_t stride,
                               int64_t P, int64_t n_decay, const caviar_step *step) {
    real *restrict w = params, *restrict v = slots;
    (void)stride;
    const real *restrict g = grads;
    const real rate = (real)step->learning_rate, momentum = (real)step->momentum;
    const real ahead = step->nesterov != 0 ? momentum : 1;
    const real now = step->nesterov != 0 ? rate : 0;
    double squares = 0;
    for (int64_t first = 0, end; first < P; first = end) {
        end = NAME(block_end)(first, P, n_decay);
        const real l2 = first < n_decay ? (real)step->l2 : 0;
        if (first < n_decay)
            squares += NAME(sum_of_squares)(w + first, end - first);
#pragma omp simd
        for (int64_t p = first; p < end; p++) {
            const real d = g[p] + l2 * w[p];
            v[p] = momentum * v[p] - rate * d;
            w[p] += ahead * v[p] - now * d;
        }
    }
    return squares;
}

/* s = rho s + (1 - rho) g^2;  w -= lr g / (sqrt(s) + eps)  (Tieleman & Hinton 2012). */
static double NAME(rmsprop_update)(void *params, void *slots, const void *grads, int64_t stride,
                                   int64_t P, int64_t n_decay, const caviar_step *step) {
    real *restrict w = params, *restrict s = slots;
    (void)stride;
    const real *restrict g = grads;
    const real rate = (real)step->learning_rate, epsilon = (real)step->epsilon;
    const real rho = (real)step->rho, rest = (real)(1 - step->rho);
    double squares = 0;
    for (int64_t first = 0, end; first < P; first = end) {
        end = NAME(block_end)(first, P, n_decay);
        const real l2 = first < n_decay ? (real)step->l2 : 0;
        if (first < n_decay)
            squares += NAME(sum_of_squares)(w + first, end - first);
#pragma omp simd
        for (int64_t p = first; p < end; p++) {
            const real d = g[p] + l2 * w[p];
            s[p] = rho * s[p] + rest * (d * d);
            w[p] -= rate * d / (SQRT(s[p]) + epsilon);
        }
    }
    return squares;
}

/* h += g^2;  w -= lr g / (sqrt(h) + eps)  (Duchi, Hazan & Singer 2011). */
static double NAME(adagrad_update)(void *params, void *slots, const void *grads, int64_t stride,
                                   int64_t P, int64_t n_decay, const caviar_step *step) {
    real *restrict w = params, *restrict h = slots;
    (void)stride;
    const real *restrict g = grads;
    const real rate = (real)step->learning_rate, epsilon = (real)step->epsilon;
    double squares = 0;
    for (int64_t first = 0, end; first < P; first = end) {
        end = NAME(block_end)(first, P, n_decay);
        const real l2 = first < n_decay ? (real)step->l2 : 0;
        if (first < n_decay)
            squares += NAME(sum_of_squares)(w + first, end - first);
#pragma omp simd
        for (int64_t p = first; p < end; p++) {
            const real d = g[p] + l2 * w[p];
            h[p] += d * d;
            w[p] -= rate * d / (SQRT(h[p]) + epsilon);
        }
    }
    return squares;
}

/* m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  w -= lr m / (sqrt(v) + eps), lr with the
 * bias corrections (Kingma & Ba 2015, end of section 2, "epsilon hat"). keep < 1 is the
 * decoupled decay of AdamW (Loshchilov & Hutter 2019, algorithm 2). */
static double NAME(adam_update)(void *params, void *slots, const void *grads, int64_t stride,
                                int64_t P, int64_t n_decay, const caviar_step *step) {
    real *restrict w = params, *restrict m = slots, *restrict v = m + stride;
    const real *restrict g = grads;
    const real rate = (real)step->learning_rate, epsilon = (real)step->epsilon;
    const real beta_1 = (real)step->beta_1, rest_1 = (real)(1 - step->beta_1);
    const real beta_2 = (real)step->beta_2, rest_2 = (real)(1 - step->beta_2);
    double squares = 0;
    for (int64_t first = 0, end; first < P; first = end) {
        end = NAME(block_end)(first, P, n_decay);
        const real l2 = first < n_decay ? (real)step->l2 : 0;
        const real keep = first < n_decay ? (real)step->keep : 1;
        if (first < n_decay)
            squares += NAME(sum_of_squares)(w + first, end - first);
#pragma omp simd
        for (int64_t p = first; p < end; p++) {
            const real d = g[p] + l2 * w[p];
            m[p] = beta_1 * m[p] + rest_1 * d;
            v[p] = beta_2 * v[p] + rest_2 * (d * d);
            w[p] = keep * w[p] - rate * m[p] / (SQRT(v[p]) + epsilon);
        }
    }
    return squares;
}
