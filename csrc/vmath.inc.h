/* Elementary functions written so that a compiler vectorizes a loop over them: no tables, no
 * branches, no calls. Within 4 units in the last place; NaN in, NaN out; overflow gives inf
 * and underflow goes through the denormals. */

static CAVIAR_INLINE uint_t NAME(bits)(real x) {
    uint_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

/* 2^n for n = an integer in the range of normal exponents, given as n + ROUND: the low bits of
 * that sum's mantissa are n in two's complement, so that a shift makes them the exponent. */
static CAVIAR_INLINE real NAME(power_of_two)(real n_plus_round) {
    const uint_t u =
        (NAME(bits)(n_plus_round) << MANTISSA_BITS) + ((uint_t)EXPONENT_BIAS << MANTISSA_BITS);
    real x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* exp(r) - 1 for |r| <= log(2) / 2 by its Taylor series, whose remainder is below a quarter
 * of a unit in the last place there. */
static CAVIAR_INLINE real NAME(expm1_reduced)(real r) {
#if REAL_IS_DOUBLE
    real p = (real)(1.0 / 6227020800.0);
    p = p * r + (real)(1.0 / 479001600.0);
    p = p * r + (real)(1.0 / 39916800.0);
    p = p * r + (real)(1.0 / 3628800.0);
    p = p * r + (real)(1.0 / 362880.0);
    p = p * r + (real)(1.0 / 40320.0);
    p = p * r + (real)(1.0 / 5040.0);
#else
    real p = (real)(1.0 / 5040.0);
#endif
    p = p * r + (real)(1.0 / 720.0);
    p = p * r + (real)(1.0 / 120.0);
    p = p * r + (real)(1.0 / 24.0);
    p = p * r + (real)(1.0 / 6.0);
    p = p * r + (real)0.5;
    return p * r * r + r;
}

/* Subtracts the multiple n of log(2) nearest to x, in two parts, the first of them exact. */
static CAVIAR_INLINE real NAME(reduce)(real x, real n) {
    return (x - n * (real)LN2_HIGH) - n * (real)LN2_LOW;
}

static CAVIAR_INLINE real NAME(vexp)(real x) {
    /* Comparisons this way round let NaN through. */
    x = x < (real)EXP_LOWEST ? (real)EXP_LOWEST : x;
    x = x > (real)EXP_HIGHEST ? (real)EXP_HIGHEST : x;
    const real n = (x * (real)LOG2_E + (real)ROUND) - (real)ROUND;
    const real p = NAME(expm1_reduced)(NAME(reduce)(x, n));
    /* 2^n in two factors: n reaches beyond the normal exponents at both ends. */
    const real half = n * (real)0.5 + (real)ROUND;
    const real rest = (n - (half - (real)ROUND)) + (real)ROUND;
    return (p + 1) * NAME(power_of_two)(half) * NAME(power_of_two)(rest);
}

static CAVIAR_INLINE real NAME(vlogistic)(real x) {
    return 1 / (1 + NAME(vexp)(-x));
}

/* tanh(x) = m / (m + 2), m = exp(2x) - 1 = 2^n (e^r - 1) + (2^n - 1): exact near zero, n = 0. */
static CAVIAR_INLINE real NAME(vtanh)(real x) {
    real y = x + x;
    y = y < -(real)TANH_HIGHEST ? -(real)TANH_HIGHEST : y;
    y = y > (real)TANH_HIGHEST ? (real)TANH_HIGHEST : y;
    const real n_plus_round = y * (real)LOG2_E + (real)ROUND;
    const real n = n_plus_round - (real)ROUND;
    const real scale = NAME(power_of_two)(n_plus_round);
    const real m = scale * NAME(expm1_reduced)(NAME(reduce)(y, n)) + (scale - 1);
    return m / (m + 2);
}

/* log(1 + e) for e in [0, 1]: 2 artanh(s), s = e / (2 + e) <= 1/3, by its odd series. */
static CAVIAR_INLINE real NAME(log1p_unit)(real e) {
    const real s = e / (2 + e);
    const real q = s * s;
#if REAL_IS_DOUBLE
    real p = (real)(1.0 / 33.0);
    p = p * q + (real)(1.0 / 31.0);
    p = p * q + (real)(1.0 / 29.0);
    p = p * q + (real)(1.0 / 27.0);
    p = p * q + (real)(1.0 / 25.0);
    p = p * q + (real)(1.0 / 23.0);
    p = p * q + (real)(1.0 / 21.0);
    p = p * q + (real)(1.0 / 19.0);
    p = p * q + (real)(1.0 / 17.0);
    p = p * q + (real)(1.0 / 15.0);
#else
    real p = (real)(1.0 / 15.0);
#endif
    p = p * q + (real)(1.0 / 13.0);
    p = p * q + (real)(1.0 / 11.0);
    p = p * q + (real)(1.0 / 9.0);
    p = p * q + (real)(1.0 / 7.0);
    p = p * q + (real)(1.0 / 5.0);
    p = p * q + (real)(1.0 / 3.0);
    return 2 * s * (p * q) + 2 * s;
}
