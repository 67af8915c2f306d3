/* Which instruction set runs: what this build has, what the processor has, and the tables.
 * setup.py defines CAVIAR_WITH_X86 where it compiles the AVX2 and AVX-512 variants. */
#include "caviar.h"

#include <stddef.h>

extern const caviar_kernels *const caviar_kernels_baseline[CAVIAR_N_DTYPES];
#if CAVIAR_WITH_X86
extern const caviar_kernels *const caviar_kernels_avx2[CAVIAR_N_DTYPES];
extern const caviar_kernels *const caviar_kernels_avx512[CAVIAR_N_DTYPES];
#endif

#if CAVIAR_WITH_X86 && defined(_MSC_VER) && !defined(__clang__)
#include <immintrin.h>
#include <intrin.h>

/* Bit `bit` of register `reg` (0 eax .. 3 edx) of cpuid leaf 7, with the operating system
 * saving the vector state `state` (XCR0). Intel SDM vol. 1, 14.3 and 15.2. */
static int processor_has(int leaf, int reg, int bit, unsigned long long state) {
    int registers[4];
    __cpuid(registers, 1);
    if (!(registers[2] & (1 << 27)) || (_xgetbv(0) & state) != state)
        return 0;
    __cpuidex(registers, leaf, 0);
    return registers[reg] >> bit & 1;
}
#define HAS_FMA processor_has(1, 2, 12, 0x6)
#define HAS_AVX2 processor_has(7, 1, 5, 0x6)
#define HAS_AVX512                                                                                 \
    (processor_has(7, 1, 16, 0xe6) && processor_has(7, 1, 17, 0xe6) &&                             \
     processor_has(7, 1, 30, 0xe6) && processor_has(7, 1, 31, 0xe6))
#elif CAVIAR_WITH_X86
#define HAS_FMA __builtin_cpu_supports("fma")
#define HAS_AVX2 __builtin_cpu_supports("avx2")
#define HAS_AVX512                                                                                 \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&                    \
     __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
#endif

int caviar_has_isa(int isa) {
    switch (isa) {
    case CAVIAR_BASELINE:
        return 1;
#if CAVIAR_WITH_X86
    case CAVIAR_AVX2:
        return HAS_AVX2 && HAS_FMA;
    case CAVIAR_AVX512:
        return HAS_AVX512 && HAS_AVX2 && HAS_FMA;
#endif
    default:
        return 0;
    }
}

int caviar_best_isa(void) {
    for (int isa = CAVIAR_N_ISAS - 1; isa > CAVIAR_BASELINE; isa--)
        if (caviar_has_isa(isa))
            return isa;
    return CAVIAR_BASELINE;
}

const char *caviar_isa_name(int isa) {
    static const char *const names[CAVIAR_N_ISAS] = {"baseline", "avx2", "avx512"};
    return isa >= 0 && isa < CAVIAR_N_ISAS ? names[isa] : NULL;
}

const caviar_kernels *caviar_get_kernels(int isa, int dtype) {
#if CAVIAR_WITH_X86
    if (isa == CAVIAR_AVX512)
        return caviar_kernels_avx512[dtype];
    if (isa == CAVIAR_AVX2)
        return caviar_kernels_avx2[dtype];
#endif
    (void)isa;
    return caviar_kernels_baseline[dtype];
}
