/* Elementary functions written so that a compiler vectorizes a loop over them: no tables, no
 * branches, no calls. Within 4 units in the last place, normal_tail within 12; NaN in, NaN out;
 * overflow gives inf and underflow goes through the denormals. */

static CAVIAR_INLINE uint_t NAME(bits)(real x) {
    uint_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static CAVIAR_INLINE real NAME(from_bits)(uint_t u) {
    real x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* The power of two whose exponent, biased, is in these low bits. */
static CAVIAR_INLINE real NAME(from_exponent)(uint_t biased) {
    return NAME(from_bits)(biased << MANTISSA_BITS);
}

/* x within [-limit, limit]; NaN stays. The sign is copied, for with two constants compilers
 * work out the rest of the formula for each and choose at the end: 1.1x as long. */
static CAVIAR_INLINE real NAME(clamp)(real x, real limit) {
    return FABS(x) > limit ? COPYSIGN(limit, x) : x;
}

/* exp(r) - 1 = r + r^2 q(r) for |r| <= log(2) / 2; q is the polynomial of least greatest
 * error relative to exp(r) (Remez): 2^-28 of it in single precision and 2^-58 in double. Even
 * and odd powers apart: one chain of multiply-adds half as long is what a core can overlap. */
static CAVIAR_INLINE real NAME(expm1_reduced)(real r) {
    const real s = r * r;
#if REAL_IS_DOUBLE
    real even = 0x1.28af4064d724dp-22, odd = 0x1.ae8553e401674p-26;
    even = even * s + 0x1.a01997dc1e5f2p-16;
    odd = odd * s + 0x1.71de817622c32p-19;
    even = even * s + 0x1.6c16c18517d8fp-10;
    odd = odd * s + 0x1.a01a0172b0ebfp-13;
    even = even * s + 0x1.5555555550364p-5;
    odd = odd * s + 0x1.111111111aa83p-7;
    even = even * s + 0x1.000000000000bp-1;
    odd = odd * s + 0x1.555555555552cp-3;
#else
    real even = 0x1.6be888p-10f, odd = 0x1.123b00p-7f;
    even = even * s + 0x1.5556acp-5f;
    odd = odd * s + 0x1.55548ep-3f;
    even = even * s + 0x1.fffffep-2f;
#endif
    return (odd * r + even) * s + r;
}

/* Subtracts the multiple n of log(2) nearest to x, in two parts, the first of them exact. */
static CAVIAR_INLINE real NAME(reduce)(real x, real n) {
    return (x - n * (real)LN2_HIGH) - n * (real)LN2_LOW;
}

/* exp(x - less), for |x| <= 1.1 EXP_LIMIT and |less| <= 1/8: what x was rounded by. An integer n
 * plus ROUND plus a bias has n + bias in the low bits of its mantissa, from where from_exponent
 * takes it. Clamping is left to the caller: after another clamp, gcc computes all the rest once
 * for each (gelu: 3 times as long). */
static CAVIAR_INLINE real NAME(vexp_less)(real x, real less) {
    const real whole = x * (real)LOG2_E + (real)(ROUND + 2 * EXPONENT_BIAS);
    const real n = whole - (real)(ROUND + 2 * EXPONENT_BIAS);
    const real p = NAME(expm1_reduced)(NAME(reduce)(x, n) - less);
    /* 2^n in two factors: n reaches beyond the normal exponents at both ends. */
    const uint_t half = NAME(bits)(n * (real)0.5 + (real)(ROUND + EXPONENT_BIAS));
    const real scale = NAME(from_exponent)(half);
    return (p * scale + scale) * NAME(from_exponent)(NAME(bits)(whole) - half);
}

static CAVIAR_INLINE real NAME(vexp)(real x) {
    return NAME(vexp_less)(NAME(clamp)(x, (real)EXP_LIMIT), 0);
}

static CAVIAR_INLINE real NAME(vlogistic)(real x) {
    return 1 / (1 + NAME(vexp)(-x));
}

/* exp(y) - 1 = 2^n (e^r - 1) + (2^n - 1), exact near zero where n = 0; |y| <= TANH_LIMIT. */
static CAVIAR_INLINE real NAME(vexpm1)(real y) {
    const real whole = y * (real)LOG2_E + (real)(ROUND + EXPONENT_BIAS);
    const real n = whole - (real)(ROUND + EXPONENT_BIAS);
    const real scale = NAME(from_exponent)(NAME(bits)(whole));
    return scale * NAME(expm1_reduced)(NAME(reduce)(y, n)) + (scale - 1);
}

/* tanh(x) = m / (m + 2), m = exp(2x) - 1. */
static CAVIAR_INLINE real NAME(vtanh)(real x) {
    const real m = NAME(vexpm1)(NAME(clamp)(x + x, (real)TANH_LIMIT));
    return m / (m + 2);
}

/* log((1 + s) / (1 - s)) = 2 artanh(s) for |s| <= 1/3 by its odd series, in two chains. */
static CAVIAR_INLINE real NAME(log_ratio)(real s) {
    const real q = s * s, f = q * q;
#if REAL_IS_DOUBLE
    real even = (real)(1.0 / 31), odd = (real)(1.0 / 33);
    even = even * f + (real)(1.0 / 27);
    odd = odd * f + (real)(1.0 / 29);
    even = even * f + (real)(1.0 / 23);
    odd = odd * f + (real)(1.0 / 25);
    even = even * f + (real)(1.0 / 19);
    odd = odd * f + (real)(1.0 / 21);
    even = even * f + (real)(1.0 / 15);
    odd = odd * f + (real)(1.0 / 17);
#else
    real even = (real)(1.0 / 15), odd = 0;
#endif
    even = even * f + (real)(1.0 / 11);
    odd = odd * f + (real)(1.0 / 13);
    even = even * f + (real)(1.0 / 7);
    odd = odd * f + (real)(1.0 / 9);
    even = even * f + (real)(1.0 / 3);
    odd = odd * f + (real)(1.0 / 5);
    return 2 * s * ((odd * q + even) * q) + 2 * s;
}

/* log(1 + e) for e in [0, 1]. */
static CAVIAR_INLINE real NAME(log1p_unit)(real e) {
    return NAME(log_ratio)(e / (2 + e));
}

/* log of a normal number x = m 2^n, m in [2/3, 4/3). NaN stays. */
static CAVIAR_INLINE real NAME(vlog)(real x) {
    const uint_t bias = (uint_t)EXPONENT_BIAS << MANTISSA_BITS;
    const uint_t u = NAME(bits)(x) + (bias - NAME(bits)((real)(2.0 / 3.0)));
    const uint_t biased = u >> MANTISSA_BITS; /* n + EXPONENT_BIAS */
    /* As the low bits of the mantissa of 2^MANTISSA_BITS it becomes a number. */
    const real whole = (real)((uint_t)1 << MANTISSA_BITS);
    const real n = NAME(from_bits)(NAME(bits)(whole) + biased) - (whole + EXPONENT_BIAS);
    const real m = NAME(from_bits)(NAME(bits)(x) - (biased << MANTISSA_BITS) + bias);
    const real tail = n * (real)LN2_LOW + NAME(log_ratio)((m - 1) / (m + 1));
    return n * (real)LN2_HIGH + tail + (x - x);
}

/* The standard normal distribution's density at a, without its factor 1 / sqrt(2 pi), and its
 * tail Phi(-a) = exp(-a^2 / 2) R(a), for a in [0, TAIL_LIMIT]. R, Mills' ratio over sqrt(2 pi),
 * is there the rational function P / Q of least greatest relative error (linearized least squares
 * with Lawson's weights, in 60 digits): 2^-27 in single precision and 2^-59 in double. All
 * coefficients are positive: nothing cancels. The square is made of two parts, the first of them
 * exact: rounded, it would cost a^2 / 2 units in the last place. */
static CAVIAR_INLINE real NAME(normal_tail)(real a, real *density) {
    const uint_t low = ((uint_t)1 << (MANTISSA_BITS / 2 + 1)) - 1;
    const real high = NAME(from_bits)(NAME(bits)(a) & ~low);
    const real half = (real)0.5;
    *density = NAME(vexp_less)(-half * high * high, half * (a - high) * (a + high));
#if REAL_IS_DOUBLE
    real p = 0x1.e5cb86fd0ebffp-23, q = 0x1.306d489129e39p-21;
    q = q * a + 0x1.27a126b76cd16p-16;
    p = p * a + 0x1.d7c1a4ec47a37p-18;
    q = q * a + 0x1.1a8bb53545542p-12;
    p = p * a + 0x1.c1edcef1d5f7ep-14;
    q = q * a + 0x1.59cd1b319a6e0p-9;
    p = p * a + 0x1.12110f1f67e1dp-10;
    q = q * a + 0x1.2a44d598e6151p-6;
    p = p * a + 0x1.d4f7c0db98699p-8;
    q = q * a + 0x1.7a2fb46b72a51p-4;
    p = p * a + 0x1.254cb52026772p-5;
    q = q * a + 0x1.65c740dc894a1p-2;
    p = p * a + 0x1.0f3ecd65fe012p-3;
    q = q * a + 0x1.f702d90a77e24p-1;
    p = p * a + 0x1.6ec05fbc56e42p-2;
    q = q * a + 0x1.00a125d2fff94p+1;
    p = p * a + 0x1.5c7f5a8fca58ap-1;
    q = q * a + 0x1.68fbea61533b6p+1;
    p = p * a + 0x1.a83de430d9cc3p-1;
    q = q * a + 0x1.3a4006e7bdbf6p+1;
    p = p * a + half;
    q = q * a + 1;
#else
    real p = 0x1.103364p-8f, q = 0x1.55263ep-7f;
    q = q * a + 0x1.a3c3e8p-4f;
    p = p * a + 0x1.4ee77ap-5f;
    q = q * a + 0x1.e2b9acp-2f;
    p = p * a + 0x1.78c548p-3f;
    q = q * a + 0x1.349ed6p+0f;
    p = p * a + 0x1.c1d348p-2f;
    q = q * a + 0x1.ad2bd4p+0f;
    p = p * a + half;
    q = q * a + 1;
#endif
    return *density * p / q;
}
