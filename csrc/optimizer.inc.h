/* One optimizer step over the flat parameter vector: scale, L2, moments and weights in one pass.
 * Blocks of BLOCK parameters: a block is either wholly decayed (a weight) or not at all, and
 * its sum of squares, which the loss needs, is made in one go. All is loaded before anything
 * is stored: a load from the address of a store but for a multiple of 4096 waits for it. */

enum { NAME(BLOCK) = 1024 };

/* a * b + c rounded once where that is one instruction, whatever else the compiler could
 * contract in c: with a scale of 1 the gradient has the bits that it has without a scale. */
#if defined(__GNUC__) && (defined(__FMA__) || defined(__aarch64__))
#if REAL_IS_DOUBLE
#define MULTIPLY_ADD(a, b, c) __builtin_fma(a, b, c)
#else
#define MULTIPLY_ADD(a, b, c) __builtin_fmaf(a, b, c)
#endif
#else
#define MULTIPLY_ADD(a, b, c) ((c) + (a) * (b))
#endif

static CAVIAR_INLINE int64_t NAME(block_end)(int64_t first, int64_t P, int64_t n_decay) {
    const int64_t limit = first < n_decay ? n_decay : P;
    return limit - first < NAME(BLOCK) ? limit : first + NAME(BLOCK);
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
    const real scale = (real)step->scale;
    double squares = 0;
    for (int64_t first = 0, end; first < P; first = end) {
        end = NAME(block_end)(first, P, n_decay);
        const real l2 = first < n_decay ? (real)step->l2 : 0;
        real sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t p = first; p < end; p++) {
            const real weight = w[p], d = MULTIPLY_ADD(l2, weight, scale * g[p]);
            const real velocity = momentum * v[p] - rate * d;
            sum += weight * weight;
            v[p] = velocity;
            w[p] = weight + (ahead * velocity - now * d);
        }
        squares += first < n_decay ? sum : 0;
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
    const real scale = (real)step->scale;
    double squares = 0;
    for (int64_t first = 0, end; first < P; first = end) {
        end = NAME(block_end)(first, P, n_decay);
        const real l2 = first < n_decay ? (real)step->l2 : 0;
        real sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t p = first; p < end; p++) {
            const real weight = w[p], d = MULTIPLY_ADD(l2, weight, scale * g[p]);
            const real square = rho * s[p] + rest * (d * d);
            sum += weight * weight;
            s[p] = square;
            w[p] = weight - rate * d / (SQRT(square) + epsilon);
        }
        squares += first < n_decay ? sum : 0;
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
    const real scale = (real)step->scale;
    double squares = 0;
    for (int64_t first = 0, end; first < P; first = end) {
        end = NAME(block_end)(first, P, n_decay);
        const real l2 = first < n_decay ? (real)step->l2 : 0;
        real sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t p = first; p < end; p++) {
            const real weight = w[p], d = MULTIPLY_ADD(l2, weight, scale * g[p]);
            const real square = h[p] + d * d;
            sum += weight * weight;
            h[p] = square;
            w[p] = weight - rate * d / (SQRT(square) + epsilon);
        }
        squares += first < n_decay ? sum : 0;
    }
    return squares;
}

/* m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  w -= lr m / (sqrt(v) + eps), lr with the
 * bias corrections (Kingma & Ba 2015, end of section 2, "epsilon hat"). keep < 1 is the
 * decoupled decay of AdamW (Loshchilov & Hutter 2019, algorithm 2). NAdam (Dozat 2016, algorithm
 * 2) looks ahead by a share of the gradient: w -= (lr m + ahead g) / (sqrt(v) + eps). */
static double NAME(adam_update)(void *params, void *slots, const void *grads, int64_t stride,
                                int64_t P, int64_t n_decay, const caviar_step *step) {
    real *restrict w = params, *restrict m = slots, *restrict v = m + stride;
    const real *restrict g = grads;
    const real rate = (real)step->learning_rate, epsilon = (real)step->epsilon;
    const real beta_1 = (real)step->beta_1, rest_1 = (real)(1 - step->beta_1);
    const real beta_2 = (real)step->beta_2, rest_2 = (real)(1 - step->beta_2);
    const real ahead = (real)step->ahead;
    const real scale = (real)step->scale;
    double squares = 0;
    for (int64_t first = 0, end; first < P; first = end) {
        end = NAME(block_end)(first, P, n_decay);
        const real l2 = first < n_decay ? (real)step->l2 : 0;
        const real keep = first < n_decay ? (real)step->keep : 1;
        real sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t p = first; p < end; p++) {
            const real weight = w[p], d = MULTIPLY_ADD(l2, weight, scale * g[p]);
            const real mean = beta_1 * m[p] + rest_1 * d;
            const real square = beta_2 * v[p] + rest_2 * (d * d);
            sum += weight * weight;
            m[p] = mean;
            v[p] = square;
            w[p] = keep * weight - (rate * mean + ahead * d) / (SQRT(square) + epsilon);
        }
        squares += first < n_decay ? sum : 0;
    }
    return squares;
}
#undef MULTIPLY_ADD

static double NAME(sum_of_squares)(const void *g_, int64_t n) {
    const real *restrict g = g_;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t p = 0; p < n; p++)
        sum += (double)g[p] * g[p];
    return sum;
}
