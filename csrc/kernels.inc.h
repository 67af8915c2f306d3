/* Includes the templates for float and for double and emits the two tables of the instruction
 * set ISA that the including file is compiled for; all other symbols are static. */
#include <math.h>
#include <string.h>

#include "caviar.h"

#if defined(_MSC_VER) && !defined(__clang__)
#define CAVIAR_INLINE __forceinline
#define CAVIAR_PREFETCH(address) ((void)(address))
#else
#define CAVIAR_INLINE inline __attribute__((always_inline))
#define CAVIAR_PREFETCH(address) __builtin_prefetch(address)
#endif

#define CAVIAR_PASTE_(a, b) a##_##b
#define CAVIAR_PASTE(a, b) CAVIAR_PASTE_(a, b)
#define NAME(name) CAVIAR_PASTE(name, SUFFIX)

/* Calls a function whose argument WITH_ACTIVATION is the activation, as a constant in each
 * case, so that its inlined loops are free of the choice. */
#define WITH_ACTIVATION activation_constant
#define SPECIALIZE_CASE(constant, ...)                                                             \
    case constant: {                                                                               \
        enum { activation_constant = constant };                                                   \
        SPECIALIZE_CALL(__VA_ARGS__)                                                               \
        break;                                                                                     \
    }
#define SPECIALIZE_CALL(function, ...) function(__VA_ARGS__);
#define SPECIALIZE_ACTIVATION(activation, ...)                                                     \
    switch (activation) {                                                                          \
        SPECIALIZE_CASE(CAVIAR_LOGISTIC, __VA_ARGS__)                                              \
        SPECIALIZE_CASE(CAVIAR_TANH, __VA_ARGS__)                                                  \
        SPECIALIZE_CASE(CAVIAR_RELU, __VA_ARGS__)                                                  \
        SPECIALIZE_CASE(CAVIAR_EXP, __VA_ARGS__)                                                   \
        SPECIALIZE_CASE(CAVIAR_LEAKY_RELU, __VA_ARGS__)                                            \
        SPECIALIZE_CASE(CAVIAR_ELU, __VA_ARGS__)                                                   \
        SPECIALIZE_CASE(CAVIAR_SELU, __VA_ARGS__)                                                  \
        SPECIALIZE_CASE(CAVIAR_GELU, __VA_ARGS__)                                                  \
        SPECIALIZE_CASE(CAVIAR_SILU, __VA_ARGS__)                                                  \
        SPECIALIZE_CASE(CAVIAR_MISH, __VA_ARGS__)                                                  \
    default: {                                                                                     \
        enum { activation_constant = CAVIAR_IDENTITY };                                            \
        SPECIALIZE_CALL(__VA_ARGS__)                                                               \
    }                                                                                              \
    }

/* Of the widest vector register. */
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

/* Rows that are summed in the narrow type before they go to double; channels of one block:
 * 512 bytes of partial sums, 8 vectors of AVX-512. */
enum { ROWS = 32 };

/* The tile of a product: as many sums as there are vector registers beside the operands (32
 * of AVX-512, 16 of AVX2), and terms that are summed at a time: DEPTH rows of a tile's part of
 * the right operand stay in the first-level cache. PRODUCT_BYTES: of the largest operand up to
 * which OpenBLAS 0.3.30 was not faster. 16-byte vectors are not tried: BLAS knows its processor. */
#if defined(__GNUC__) && VECTOR_BYTES >= 32
#define HAS_PRODUCT 1
enum { DEPTH = 128 };
#if VECTOR_BYTES == 64
#define TILE_ROWS 4
#define TILE_VECTORS 4
#define PRODUCT_BYTES (1 << 22)
#else
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define PRODUCT_BYTES (1 << 18)
#endif
/* Before anything else is done: or gcc keeps sums in memory, and takes 5 % to 60 % longer.
 * Told the same, clang unrolls later than by itself, and takes three times as long. */
#if defined(__clang__)
#define UNROLLED
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif
#else
#define HAS_PRODUCT 0
#endif

#include "philox.inc.h"

#include "image.inc.h"

#define SUFFIX f32
#define REAL_IS_DOUBLE 0
#include "template.inc.h"

#define SUFFIX f64
#define REAL_IS_DOUBLE 1
#include "template.inc.h"

const caviar_kernels *const CAVIAR_PASTE(caviar_kernels, ISA)[CAVIAR_N_DTYPES] = {
    [CAVIAR_F32] = &table_f32,
    [CAVIAR_F64] = &table_f64,
};
