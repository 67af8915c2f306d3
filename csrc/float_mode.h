/* Denormal numbers flushed to zero, in the calling thread alone and only while a computation
 * lasts. Weights and moments that decay end as denormals, on which many processors take a
 * hundred times as long. Whoever changes the mode restores it before other code runs. */
#ifndef CAVIAR_FLOAT_MODE_H
#define CAVIAR_FLOAT_MODE_H

#include <stdint.h>

#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>

/* Flush-to-zero and denormals-are-zero of MXCSR (Intel SDM vol. 1, 10.2.3). */
enum { CAVIAR_FLUSH = 0x8040 };

static inline uint64_t caviar_get_float_mode(void) {
    return _mm_getcsr();
}

static inline void caviar_set_float_mode(uint64_t mode) {
    _mm_setcsr((unsigned)mode);
}
#elif defined(__aarch64__)

/* FZ of FPCR, for operands and results (Arm Architecture Reference Manual, C5.2.8). */
enum { CAVIAR_FLUSH = 1 << 24 };

static inline uint64_t caviar_get_float_mode(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}

static inline void caviar_set_float_mode(uint64_t mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}
#else /* denormals stay */

enum { CAVIAR_FLUSH = 0 };

static inline uint64_t caviar_get_float_mode(void) {
    return 0;
}

static inline void caviar_set_float_mode(uint64_t mode) {
    (void)mode;
}
#endif

/* Returns the mode before, for caviar_set_float_mode. */
static inline uint64_t caviar_flush_denormals(void) {
    const uint64_t before = caviar_get_float_mode();
    caviar_set_float_mode(before | CAVIAR_FLUSH);
    return before;
}

#endif
