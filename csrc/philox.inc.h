/* Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror & Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3" (SC11): 128 random bits are a function of a 64-bit key and a
 * 128-bit counter, so that any of them can be had alone, in any order, from any thread.
 * Included once per instruction set by kernels.inc.h; what is made of the bits is in
 * random.inc.h. */

/* A 32-bit word in the low half of each 64-bit lane; the high half holds anything. That way a
 * product is one instruction and both of its halves are words again. From plain loops over
 * uint32_t gcc 12 makes code that takes 2.6x (AVX2) and 1.4x (SSE2) as long. */
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__)) && defined(__SSE2__)
#include <immintrin.h>
typedef uint64_t philox_lanes __attribute__((vector_size(VECTOR_BYTES)));
#if VECTOR_BYTES == 64
/* Four 32-byte vectors take 20 % less here, but dropout then 10 % more: it reads the bits as
 * 64-byte vectors, which are not forwarded from two stores. */
#define PHILOX_VECTORS 1 /* side by side, until the registers are used up */
#define PHILOX_MULTIPLY(a, b) ((philox_lanes)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#elif defined(__AVX2__)
#define PHILOX_VECTORS 2
#define PHILOX_MULTIPLY(a, b) ((philox_lanes)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#else
#define PHILOX_VECTORS 2
#define PHILOX_MULTIPLY(a, b) ((philox_lanes)_mm_mul_epu32((__m128i)(a), (__m128i)(b)))
#endif
#else
typedef uint64_t philox_lanes;
#define PHILOX_VECTORS 4
#define PHILOX_MULTIPLY(a, b) ((uint64_t)(uint32_t)(a) * (uint32_t)(b))
#endif

enum {
    PHILOX_ROUNDS = 10,
    PHILOX_WIDTH = (int)(sizeof(philox_lanes) / sizeof(uint64_t)),
    PHILOX_BLOCKS = PHILOX_WIDTH * PHILOX_VECTORS, /* that are made at a time */
    PHILOX_BUFFER = 64,                            /* blocks of philox_bits */
};

/* What is the same for all blocks of a kernel call. */
typedef struct philox_state {
    philox_lanes keys[PHILOX_ROUNDS][2];
    uint32_t step, stream;
} philox_state;

/* The words of up to 64 blocks in their order, four for each. As 16 bits, the low half of each
 * word comes first (on a big-endian machine the high one). */
typedef union philox_bits {
    uint64_t pairs[2 * PHILOX_BUFFER];
    uint32_t words[4 * PHILOX_BUFFER];
    uint16_t halves[8 * PHILOX_BUFFER];
} philox_bits;

static CAVIAR_INLINE philox_lanes philox_broadcast(uint32_t word) {
    return (philox_lanes){0} + word;
}

static void philox_start(philox_state *state, const caviar_draw *draw) {
    uint32_t key_0 = (uint32_t)draw->seed, key_1 = (uint32_t)(draw->seed >> 32);
    for (int i = 0; i < PHILOX_ROUNDS; i++) {
        state->keys[i][0] = philox_broadcast(key_0);
        state->keys[i][1] = philox_broadcast(key_1);
        key_0 += 0x9E3779B9u; /* the golden ratio's fraction */
        key_1 += 0xBB67AE85u; /* that of sqrt(3) */
    }
    state->step = draw->step;
    state->stream = draw->stream;
}

/* bits of the counters (first + i, row, step, stream), i < n <= PHILOX_BUFFER; some more are
 * written where n is not a multiple of PHILOX_BLOCKS. */
static CAVIAR_INLINE void philox_fill(philox_bits *bits, const philox_state *state, uint32_t first,
                                      uint32_t row, int64_t n) {
    uint64_t places[PHILOX_BLOCKS];
    for (int i = 0; i < PHILOX_BLOCKS; i++)
        places[i] = (uint64_t)i;
    for (int64_t start = 0; start < n; start += PHILOX_BLOCKS) {
        philox_lanes c0[PHILOX_VECTORS], c1[PHILOX_VECTORS], c2[PHILOX_VECTORS], c3[PHILOX_VECTORS];
        memcpy(c0, places, sizeof c0);
        for (int v = 0; v < PHILOX_VECTORS; v++) {
            c0[v] += philox_broadcast(first + (uint32_t)start);
            c1[v] = philox_broadcast(row);
            c2[v] = philox_broadcast(state->step);
            c3[v] = philox_broadcast(state->stream);
        }
        for (int i = 0; i < PHILOX_ROUNDS; i++) {
            for (int v = 0; v < PHILOX_VECTORS; v++) {
                const philox_lanes p0 = PHILOX_MULTIPLY(c0[v], philox_broadcast(0xD2511F53u));
                const philox_lanes p1 = PHILOX_MULTIPLY(c2[v], philox_broadcast(0xCD9E8D57u));
                c0[v] = (p1 >> 32) ^ c1[v] ^ state->keys[i][0];
                c1[v] = p1;
                c2[v] = (p0 >> 32) ^ c3[v] ^ state->keys[i][1];
                c3[v] = p0;
            }
        }
        const philox_lanes low = philox_broadcast(0xFFFFFFFFu);
        for (int v = 0; v < PHILOX_VECTORS; v++) {
            const philox_lanes a = (c0[v] & low) | c1[v] << 32, b = (c2[v] & low) | c3[v] << 32;
            uint64_t even[PHILOX_WIDTH], odd[PHILOX_WIDTH];
            memcpy(even, &a, sizeof a);
            memcpy(odd, &b, sizeof b);
            uint64_t *restrict out = bits->pairs + 2 * (start + v * PHILOX_WIDTH);
            for (int i = 0; i < PHILOX_WIDTH; i++) {
                out[2 * i] = even[i];
                out[2 * i + 1] = odd[i];
            }
        }
    }
}

static void random_bits(uint32_t *words, const caviar_draw *draw, uint32_t first_block,
                        uint32_t first_row, int64_t B, int64_t n_blocks) {
    philox_state state;
    philox_start(&state, draw);
    for (int64_t r = 0; r < B; r++) {
        for (int64_t first = 0; first < n_blocks; first += PHILOX_BUFFER) {
            const int64_t left = n_blocks - first, n = left < PHILOX_BUFFER ? left : PHILOX_BUFFER;
            philox_bits bits;
            philox_fill(&bits, &state, first_block + (uint32_t)first, first_row + (uint32_t)r, n);
            memcpy(words + 4 * (r * n_blocks + first), bits.words, (size_t)n * 16);
        }
    }
}
