/* Random numbers of a floating type, and dropout. The bits come from philox.inc.h; one of a
 * matrix depends on the draw, its row and its column alone. */

/* cos and sin of `angle` / 2^32 turns: from the nearest quarter of a turn by their power
 * series, to the last place or two. */
static CAVIAR_INLINE void NAME(turn)(real *cosine, real *sine, uint32_t angle) {
    const uint32_t quarter = (angle + 0x20000000u) >> 30;
    const int32_t rest = (int32_t)(angle - (quarter << 30));
    const real x = (real)rest * (real)(0x1.921fb54442d18p+2 / 4294967296.0);
    const real q = x * x;
#if REAL_IS_DOUBLE
    real s = (real)(-1.0 / 1307674368000.0), c = (real)(1.0 / 20922789888000.0);
    s = s * q + (real)(1.0 / 6227020800.0);
    c = c * q - (real)(1.0 / 87178291200.0);
    s = s * q - (real)(1.0 / 39916800.0);
    c = c * q + (real)(1.0 / 479001600.0);
    s = s * q + (real)(1.0 / 362880.0);
    c = c * q - (real)(1.0 / 3628800.0);
#else
    real s = (real)(1.0 / 362880.0), c = 0;
#endif
    s = s * q - (real)(1.0 / 5040.0);
    c = c * q + (real)(1.0 / 40320.0);
    s = s * q + (real)(1.0 / 120.0);
    c = c * q - (real)(1.0 / 720.0);
    s = s * q - (real)(1.0 / 6.0);
    c = c * q + (real)(1.0 / 24.0);
    s = s * q * x + x;
    c = (c * q - (real)0.5) * q + 1;
    const real even = quarter & 1 ? s : c, odd = quarter & 1 ? c : s;
    *cosine = (quarter + 1) & 2 ? -even : even;
    *sine = quarter & 2 ? -odd : odd;
}

/* out[c] += scale * normal, one row of n columns: Box & Muller (1958), two normals of two
 * words. 32 bits for the radius, so none is beyond 6.7, whatever the type. */
static CAVIAR_INLINE void NAME(add_normals)(real *restrict out, const philox_state *state,
                                            uint32_t row, real scale, int64_t n) {
    for (int64_t first = 0; first < n; first += 4 * PHILOX_BUFFER) {
        const int64_t m = n - first < 4 * PHILOX_BUFFER ? n - first : 4 * PHILOX_BUFFER;
        philox_bits bits;
        philox_fill(&bits, state, (uint32_t)(first / 4), row, (m + 3) / 4);
        real normals[4 * PHILOX_BUFFER];
#pragma omp simd
        for (int64_t i = 0; i < (m + 1) / 2; i++) {
            const int32_t word = (int32_t)(bits.words[2 * i] >> 1); /* as a signed number */
            const real u = ((real)word + (real)0.5) * (real)0x1p-31;
            const real radius = scale * SQRT(-2 * NAME(vlog)(u));
            real cosine, sine;
            NAME(turn)(&cosine, &sine, bits.words[2 * i + 1]);
            normals[2 * i] = radius * cosine;
            normals[2 * i + 1] = radius * sine;
        }
#pragma omp simd
        for (int64_t c = 0; c < m; c++)
            out[first + c] += normals[c];
    }
}

/* Multiplies what is kept by `scale` and zeroes the rest, whatever it was, NaN too. For
 * `mask ? x : 0` gcc 12 makes code that takes up to 5x as long. */
static CAVIAR_INLINE void NAME(mask_row)(real *out, const uint8_t *restrict mask, const real *H,
                                         real scale, int64_t n) {
#pragma omp simd
    for (int64_t c = 0; c < n; c++)
        out[c] = NAME(from_bits)(NAME(bits)(H[c] * scale) & (0 - (uint_t)mask[c]));
}

static void NAME(dropout_forward)(void *out, uint8_t *mask, const void *H, const caviar_draw *draw,
                                  int64_t keep, int64_t B, int64_t O, int64_t stride,
                                  int64_t first) {
    enum { N = 8 * PHILOX_BUFFER };
    const uint16_t last = (uint16_t)(keep - 1); /* that is kept */
    const real scale = (real)(65536.0 / (double)keep);
    philox_state state;
    philox_start(&state, draw);
    for (int64_t r = 0; r < B; r++) {
        for (int64_t start = 0; start < O; start += N) {
            const int64_t n = O - start < N ? O - start : N, at = r * stride + start;
            philox_bits bits;
            uint8_t spare[N], *kept = mask ? mask + at : spare;
            philox_fill(&bits, &state, (uint32_t)((first + start) / 8), (uint32_t)r, (n + 7) / 8);
#pragma omp simd
            for (int64_t c = 0; c < n; c++)
                kept[c] = bits.halves[c] <= last;
            NAME(mask_row)((real *)out + at, kept, (const real *)H + at, scale, n);
        }
    }
}

static void NAME(dropout_backward)(void *dH, const uint8_t *mask, int64_t keep, int64_t B,
                                   int64_t O, int64_t stride) {
    const real scale = (real)(65536.0 / (double)keep);
    for (int64_t r = 0; r < B; r++) {
        real *row = (real *)dH + r * stride;
        NAME(mask_row)(row, mask + r * stride, row, scale, O);
    }
}
