/* One pass over all templates for one floating type; included by kernels.inc.h alone, with
 * SUFFIX and REAL_IS_DOUBLE set. Owns the constants of the type and the table. */
#if REAL_IS_DOUBLE
#define real double
#define uint_t uint64_t
#define SQRT sqrt
#define FABS fabs
#define COPYSIGN copysign
#define COLUMNS 64
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
#define ROUND 0x1.8p52
#define EXP_LIMIT 746.0               /* exp(-746) is less than half the least denormal: 0 */
#define TAIL_LIMIT 40.0               /* exp(-40^2 / 2) is 0 */
#define TANH_LIMIT 40.0               /* tanh(20) rounds to 1 */
#define LN2_HIGH 0x1.62e42fefa3800p-1 /* 11 low bits zero: times an exponent is exact */
#define LN2_LOW 0x1.ef35793c76730p-45
#define LOG_EPS (-0x1.205966f2b4f12p+5) /* log(2^-52) */
#define LOG_ONE_MINUS_EPS (-0x1p-52)
#else
#define real float
#define uint_t uint32_t
#define SQRT sqrtf
#define FABS fabsf
#define COPYSIGN copysignf
#define COLUMNS 128
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
#define ROUND 0x1.8p23
#define EXP_LIMIT 104.0
#define TAIL_LIMIT 15.0
#define TANH_LIMIT 20.0
#define LN2_HIGH 0x1.62e4p-1
#define LN2_LOW 0x1.7f7d1cf79abcap-20
#define LOG_EPS (-0x1.fe2804e87b348p+3) /* log(2^-23) */
#define LOG_ONE_MINUS_EPS (-0x1.0000010000015p-23)
#endif
#define LOG2_E 0x1.71547652b82fep+0

static CAVIAR_INLINE void NAME(add_to_double)(double *restrict sum, const real *restrict part,
                                              int64_t n) {
#pragma omp simd
    for (int64_t c = 0; c < n; c++)
        sum[c] += part[c];
}

static CAVIAR_INLINE void NAME(store_from_double)(real *restrict out, const double *restrict sum,
                                                  int64_t n) {
#pragma omp simd
    for (int64_t c = 0; c < n; c++)
        out[c] = (real)sum[c];
}

#include "vmath.inc.h"

#include "activation.inc.h"
#include "batch_norm.inc.h"
#include "loss.inc.h"
#include "loss_of_outputs.inc.h"
#include "optimizer.inc.h"
#include "peak.inc.h"
#include "product.inc.h"
#include "random.inc.h"
#include "sparse.inc.h"
#include "targets.inc.h"

#include "augment.inc.h"

static const caviar_kernels NAME(table) = {
    .rows_gather = NAME(rows_gather),
    .sparse_forward = NAME(sparse_forward),
    .sparse_backward = NAME(sparse_backward),
    .activation_forward = NAME(activation_forward),
    .activation_backward = NAME(activation_backward),
    .batch_norm_forward = NAME(batch_norm_forward),
    .batch_norm_backward = NAME(batch_norm_backward),
    .running_average = NAME(running_average),
    .softmax_forward = NAME(softmax_forward),
    .one_hot = NAME(one_hot),
    .smooth = NAME(smooth),
    .sum_of_squares = NAME(sum_of_squares),
#if HAS_PRODUCT
    .product = NAME(product),
    .product_bytes = PRODUCT_BYTES,
    .product_width = NAME(LANES),
#endif
    .dropout_forward = NAME(dropout_forward),
    .dropout_backward = NAME(dropout_backward),
    .augment = NAME(augment),
    .random_bits = random_bits,
    .multiply_add_chains = NAME(multiply_add_chains),
    .n_chains = 12 * VECTOR_BYTES / (int64_t)sizeof(real),
    .loss =
        {
            [CAVIAR_SOFTMAX_LOSS] = NAME(softmax_loss),
            [CAVIAR_CROSS_ENTROPY_LOSS] = NAME(cross_entropy_loss),
            [CAVIAR_LOGISTIC_LOSS] = NAME(logistic_loss),
            [CAVIAR_SQUARED_LOSS] = NAME(squared_loss),
            [CAVIAR_POISSON_LOSS] = NAME(poisson_loss),
            [CAVIAR_ABSOLUTE_LOSS] = NAME(absolute_loss),
            [CAVIAR_HUBER_LOSS] = NAME(huber_loss),
            [CAVIAR_QUANTILE_LOSS] = NAME(quantile_loss),
            [CAVIAR_SOFTMAX_FOCAL_LOSS] = NAME(softmax_focal_loss),
            [CAVIAR_LOGISTIC_FOCAL_LOSS] = NAME(logistic_focal_loss),
            [CAVIAR_SOFTMAX_HINGE_LOSS] = NAME(softmax_hinge_loss),
            [CAVIAR_LOGISTIC_HINGE_LOSS] = NAME(logistic_hinge_loss),
        },
    .update =
        {
            [CAVIAR_SGD] = NAME(sgd_update),
            [CAVIAR_RMSPROP] = NAME(rmsprop_update),
            [CAVIAR_ADAGRAD] = NAME(adagrad_update),
            [CAVIAR_ADAM] = NAME(adam_update),
        },
};

#undef real
#undef uint_t
#undef SQRT
#undef FABS
#undef COPYSIGN
#undef COLUMNS
#undef MANTISSA_BITS
#undef EXPONENT_BIAS
#undef ROUND
#undef EXP_LIMIT
#undef TAIL_LIMIT
#undef TANH_LIMIT
#undef LN2_HIGH
#undef LN2_LOW
#undef LOG_EPS
#undef LOG_ONE_MINUS_EPS
#undef LOG2_E
#undef SUFFIX
#undef REAL_IS_DOUBLE
