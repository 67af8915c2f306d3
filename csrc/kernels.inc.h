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
