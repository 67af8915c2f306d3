/* What the processor's multiply-add units do at best: a yardstick for benchmarks. */

/* Independent chains, 12 vectors of them: enough to hide the latency of an addition behind
 * the others, few enough to stay in registers. Returns a sum that depends on all. */
static double NAME(multiply_add_chains)(double factor, double term, int64_t length) {
    enum { CHAINS = 12 * VECTOR_BYTES / (int)sizeof(real) };
    const real a = (real)factor, b = (real)term;
    real x[CHAINS];
    double sum = 0;
    for (int c = 0; c < CHAINS; c++)
        x[c] = (real)c;
    for (int64_t r = 0; r < length; r++) {
#pragma omp simd
        for (int c = 0; c < CHAINS; c++)
            x[c] = x[c] * a + b;
    }
    for (int c = 0; c < CHAINS; c++)
        sum += x[c];
    return sum;
}
