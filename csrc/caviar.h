/* The contract of caviar's compute kernels: what each does, on which shapes, and what
 * the caller must have made sure of. Nothing here knows Python or numpy; no kernel
 * allocates, fails, keeps state or calls another library than libm.
 *
 * Dimension letters, used in every comment beside a pointer:
 *   B rows of a batch, I fan-in, O fan-out, K outputs (classes), P parameters.
 * All matrices are row-major and dense: element (r, c) of a (B, O) matrix is at r * O + c.
 * Where a kernel has a `stride`, rows of its (B, O) matrices are that many elements apart, so
 * that it may work on some of the columns of wider ones.
 * Matrices are of one floating type, float or double; `void *` stands for it, and the two
 * tables of an instruction set (CAVIAR_F32, CAVIAR_F64) have the same signatures.
 * Pointers need the alignment of their element type only. OUT and INOUT arrays must not
 * overlap any other argument. Sizes may be zero unless said otherwise.
 * IN, OUT and INOUT say what a kernel does with an argument.
 *
 * Sums over rows or parameters are made in double, from partial sums of few terms.
 * Returned losses are double, in nats (log losses) or squared units, weighted means over rows.
 * `weights` is (B) or NULL, which means all ones; `weight_sum` is their sum and > 0. */
#ifndef CAVIAR_H
#define CAVIAR_H

#include <stdint.h>

enum caviar_isa { CAVIAR_BASELINE, CAVIAR_AVX2, CAVIAR_AVX512, CAVIAR_N_ISAS };
enum caviar_dtype { CAVIAR_F32, CAVIAR_F64, CAVIAR_N_DTYPES };

/* CAVIAR_EXP is an output activation only: its derivative is never asked for. Those of gelu,
 * silu and mish, which rise again where z is very negative, are made from z, the others' from
 * h = g(z). At a kink the derivative is the one on its left. */
enum caviar_activation {
    CAVIAR_IDENTITY,
    CAVIAR_LOGISTIC,
    CAVIAR_TANH,
    CAVIAR_RELU,
    CAVIAR_EXP,
    CAVIAR_LEAKY_RELU, /* slope 0.01 where z < 0 */
    CAVIAR_ELU,        /* alpha = 1 */
    CAVIAR_SELU,
    CAVIAR_GELU, /* z Phi(z), not its approximation by tanh */
    CAVIAR_SILU,
    CAVIAR_MISH,
    CAVIAR_SOFTMAX, /* of whole rows: softmax_forward, not activation_forward */
};

enum caviar_loss {
    CAVIAR_SOFTMAX_LOSS,
    CAVIAR_CROSS_ENTROPY_LOSS,
    CAVIAR_LOGISTIC_LOSS,
    CAVIAR_SQUARED_LOSS,
    CAVIAR_POISSON_LOSS,
    CAVIAR_ABSOLUTE_LOSS,
    CAVIAR_HUBER_LOSS,
    CAVIAR_QUANTILE_LOSS,
    CAVIAR_SOFTMAX_FOCAL_LOSS,
    CAVIAR_LOGISTIC_FOCAL_LOSS,
    CAVIAR_SOFTMAX_HINGE_LOSS,
    CAVIAR_LOGISTIC_HINGE_LOSS,
    CAVIAR_N_LOSSES
};

/* Of the softmax hinge: targets of a row that may differ from zero. */
enum { CAVIAR_MOST_HINGE_TARGETS = 2048 };

enum caviar_optimizer {
    CAVIAR_SGD,
    CAVIAR_RMSPROP,
    CAVIAR_ADAGRAD,
    CAVIAR_ADAM,
    CAVIAR_N_OPTIMIZERS
};

/* The scalars of one optimizer step; powers and bias corrections are done by the caller. */
typedef struct caviar_step {
    double learning_rate; /* Adam: times sqrt(1 - beta_2^t) / (1 - beta_1^t) already */
    double l2;            /* g += l2 * w on the decayed entries (alpha / weight_sum) */
    double keep;          /* w *= keep on the decayed entries first (AdamW: 1 - lr * decay) */
    double momentum;      /* SGD */
    double nesterov;      /* SGD: 0 or 1 */
    double rho;           /* RMSProp */
    double beta_1;        /* Adam */
    double beta_2;        /* Adam */
    double epsilon;       /* RMSProp, AdaGrad, Adam: added to the square root */
    double ahead;         /* NAdam: rate of the gradient itself, beside Adam's moment; else 0 */
    double scale;         /* g *= scale first of all (clipping); 1: as it is */
} caviar_step;

/* Which random bits a kernel draws: csrc/philox.inc.h. The counter of a block of 128 bits is
 * (block, row, step, stream), so that results depend neither on threads nor on the order of
 * calls. `step` counts batches, `row` is the position in the batch, and each use has streams
 * of its own: 0 to 255 are those of `augment`. */
typedef struct caviar_draw {
    uint64_t seed;
    uint32_t step, stream;
} caviar_draw;

/* What `augment` does to a batch, in this order; what is 0 is not done. Where a range is
 * symmetrical its largest value is given. */
typedef struct caviar_augmentation {
    int64_t height, width, channels; /* of the rows, as images; 0 where nothing needs them */
    int64_t warp;                    /* 1 if any of flip .. lens is asked for */
    double flip;                     /* probability of left becoming right */
    double padding;                  /* pixels: of the crop, that is whole pixels where ... */
    double crop_low, crop_high;      /* ... these are 1: share of the area that is kept */
    double rotation, shear;          /* radians */
    double scale, stretch;           /* logarithms of factors */
    double translate;                /* share of the height and of the width */
    double lens;                     /* first radial coefficient, with a radius of 1 at corners */
    double brightness, contrast, saturation; /* factors less 1; saturation for 3 channels */
    double cutout;                           /* probability */
    int64_t cutout_size;                     /* pixels: rows and columns of the box */
    double cutmix, mixup;                    /* probabilities */
    const double *cutmix_shares; /* (CAVIAR_SHARES + 1) quantiles of the share that ... */
    const double *mixup_shares;  /* ... comes from another row, at i / CAVIAR_SHARES */
    double noise;                /* standard deviation */
    int64_t feature_keep;        /* features are kept in this many cases of 65536 */
} caviar_augmentation;

enum { CAVIAR_SHARES = 1024 };

/* The draws of each part are of its own stream: that of the caviar_draw plus these. */
enum caviar_augment_stream {
    CAVIAR_WARP_STREAM,
    CAVIAR_COLOUR_STREAM,
    CAVIAR_CUTOUT_STREAM,
    CAVIAR_CUTMIX_STREAM,
    CAVIAR_MIXUP_STREAM,
    CAVIAR_NOISE_STREAM,
    CAVIAR_FEATURE_STREAM,
    CAVIAR_N_AUGMENT_STREAMS
};

/* A product of dense matrices, or a part of one. Element (r, k) of `left` is at
 * r * left_row + k * left_inner, (k, c) of `right` at k * right_row + c * right_column; one
 * stride of each pair is 1. */
typedef struct caviar_product {
    void *out;         /* (R, C) OUT, rows `out_row` apart */
    const void *left;  /* (R, K) IN */
    const void *right; /* (K, C) IN */
    int64_t R, K, C;
    int64_t out_row, left_row, left_inner, right_row, right_column;
} caviar_product;

/* A loss turns the output layer's pre-activations Z into the gradient of the weighted mean
 * loss with respect to them, in place, and returns that mean: over rows, of the sum over the K
 * outputs. The squared loss alone averages over outputs, as in scikit-learn, and there its
 * gradient is K times that of the returned value: weights[r] / weight_sum * (z - y).
 * Log losses are clipped to the range of p in [eps, 1 - eps], as in scikit-learn. Gradients at
 * a kink are 0. A NaN in Z gives a NaN loss.
 * Targets are (B, K) of the float type, but (B) int32 class indices in [0, K) for `softmax`.
 * Per output, with e = z - y and p = 1 / (1 + exp(-z)):
 *   logistic         -y log p - (1 - y) log(1 - p), y in [0, 1]
 *   squared          e^2 / 2
 *   poisson          y log(y / exp(z)) - y + exp(z)
 *   absolute         |e|
 *   huber            e^2 / 2 where |e| <= parameter = delta, else delta (|e| - delta / 2)
 *                    (Huber 1964)
 *   quantile         -q e where e < 0, (1 - q) e elsewhere, q = parameter
 *                    (Koenker & Bassett 1978)
 *   logistic_focal   -y (1 - p)^gamma log p - (1 - y) p^gamma log(1 - p), gamma = parameter
 *   logistic_hinge   y max(0, 1 - z) + (1 - y) max(0, 1 + z)
 * Per row, with p = softmax(z) and targets that sum to one:
 *   softmax, cross_entropy  -sum_j y_j log p_j
 *   softmax_focal    -sum_j y_j (1 - p_j)^gamma log p_j, gamma = parameter (Lin et al. 2017)
 *   softmax_hinge    sum_j y_j sum_{k != j} max(0, 1 + z_k - z_j) (Weston & Watkins 1999);
 *                    at most CAVIAR_MOST_HINGE_TARGETS of the y_j are not zero */
typedef double (*caviar_loss_fn)(void *Z,             /* (B, K) INOUT */
                                 const void *targets, /* (B) int32 or (B, K) IN */
                                 const void *weights, /* (B) or NULL IN */
                                 double weight_sum, double parameter, int64_t B, int64_t K);

/* An optimizer updates all parameters in one pass, with L2 on the first n_decay entries, and
 * returns the sum of squares of those entries before the update (the L2 term of the loss).
 * slots: SGD velocity; RMSProp s; AdaGrad h; Adam m, and v `stride` elements further on: a
 * part of a longer vector can be updated by itself. */
typedef double (*caviar_update_fn)(void *params,      /* (P) INOUT */
                                   void *slots,       /* (P) each, INOUT */
                                   const void *grads, /* (P) IN */
                                   int64_t stride, int64_t P, int64_t n_decay,
                                   const caviar_step *step);

typedef struct caviar_kernels {
    /* out[r] = X[rows[r]]; row_stride in elements of X, at least I. */
    void (*rows_gather)(void *out,           /* (B, I) OUT */
                        const void *X,       /* (n, I) IN */
                        const int64_t *rows, /* (B) IN, each in [0, n) */
                        int64_t row_stride, int64_t B, int64_t I);

    /* Z = X[rows] W for X in compressed sparse rows; duplicate and unsorted entries add up. */
    void (*sparse_forward)(void *Z,                                  /* (B, O) OUT */
                           const int64_t *indptr,                    /* (n + 1) IN */
                           const int32_t *indices, const void *data, /* (nnz) IN */
                           const int64_t *rows,                      /* (B) IN */
                           const void *W,                            /* (I, O) IN */
                           int64_t B, int64_t O);

    /* dW = X[rows]^T dZ; all of dW is written. */
    void (*sparse_backward)(void *dW,                                 /* (I, O) OUT */
                            const int64_t *indptr,                    /* (n + 1) IN */
                            const int32_t *indices, const void *data, /* (nnz) IN */
                            const int64_t *rows,                      /* (B) IN */
                            const void *dZ,                           /* (B, O) IN */
                            int64_t B, int64_t I, int64_t O);

    /* Z += b, H = g(Z); any g but softmax. b may be NULL: none. H may be Z itself; where it is
     * not, Z is left with the bias added. */
    void (*activation_forward)(void *H,       /* (B, O) OUT */
                               void *Z,       /* (B, O) INOUT */
                               const void *b, /* (O) IN */
                               int activation, int64_t B, int64_t O);

    /* dH -> dZ = dH * g'(Z); db = sum of dZ over rows. Z is read for gelu, silu and mish only
     * and may be NULL for the others, whose g' is computed from H = g(Z). */
    void (*activation_backward)(void *dH,      /* (B, O) INOUT */
                                void *db,      /* (O) OUT */
                                const void *H, /* (B, O) IN */
                                const void *Z, /* (B, O) IN */
                                int activation, int64_t B, int64_t O, int64_t stride);

    /* Batch normalization and activation (Ioffe & Szegedy 2015, algorithm 1), B >= 1:
     * H = g(gamma * xhat + beta), xhat = (Z - mean) / sqrt(var + epsilon), with the weighted
     * mean and the biased variance over rows. */
    void (*batch_norm_forward)(void *H,             /* (B, O) OUT */
                               void *mean,          /* (O) OUT */
                               void *var,           /* (O) OUT */
                               const void *Z,       /* (B, O) IN */
                               const void *weights, /* (B) or NULL IN */
                               const void *gamma,   /* (O) IN */
                               const void *beta,    /* (O) IN */
                               double weight_sum, double epsilon, int activation, int64_t B,
                               int64_t O, int64_t stride);

    /* Its gradient: with dY = dH * g'(Y),
     * dbeta = sum dY, dgamma = sum dY * xhat,
     * dZ = gamma / sqrt(var + epsilon) * (dY - weights / weight_sum * (dbeta + xhat * dgamma)). */
    void (*batch_norm_backward)(void *dH,            /* (B, O) INOUT: dZ on return */
                                void *dgamma,        /* (O) OUT */
                                void *dbeta,         /* (O) OUT */
                                const void *Z,       /* (B, O) IN */
                                const void *H,       /* (B, O) IN */
                                const void *weights, /* (B) or NULL IN */
                                const void *mean,    /* (O) IN */
                                const void *var,     /* (O) IN */
                                const void *gamma,   /* (O) IN */
                                const void *beta,    /* (O) IN */
                                double weight_sum, double epsilon, int activation, int64_t B,
                                int64_t O, int64_t stride);

    /* running = momentum * running + (1 - momentum) * batch. */
    void (*running_average)(void *running,     /* (n) INOUT */
                            const void *batch, /* (n) IN */
                            double momentum, int64_t n);

    /* Rows of Z become probabilities; no overflow up to the largest float. */
    void (*softmax_forward)(void *Z, /* (B, K) INOUT */
                            int64_t B, int64_t K);

    /* Rows of Y become (1 - smoothing) e_c + smoothing / K, c the class of the row
     * (Szegedy et al. 2016, section 7). */
    void (*one_hot)(void *Y,                /* (B, K) OUT */
                    const int32_t *classes, /* (B) IN, each in [0, K) */
                    double smoothing, int64_t B, int64_t K);

    /* The same for outputs that are binary problems each: y = (1 - smoothing) y + smoothing / 2. */
    void (*smooth)(void *Y, /* (n) INOUT */
                   double smoothing, int64_t n);

    /* The sum of squares of a vector, each squared in double. */
    double (*sum_of_squares)(const void *g, /* (n) IN */
                             int64_t n);

    /* out = left right; R, K >= 1 and C >= product_width. Every entry has the same bits in
     * whatever part of the product it is computed. NULL where BLAS is the faster on all sizes;
     * elsewhere it may be so where an operand has more than product_bytes bytes or C is not a
     * multiple of product_width: src/caviar/_product.pxd chooses. */
    void (*product)(const caviar_product *p);
    int64_t product_bytes, product_width;

    /* Dropout (Srivastava et al. 2014), inverted. Entry (r, first + c) has 16 random bits, which
     * depend on nothing but (draw, r, first + c). Where they are < keep, in [1, 65536], it is
     * multiplied by 65536 / keep, and its mask is 1; else it is 0, as is its mask. `first`, of
     * the first column, is a multiple of 8. */
    void (*dropout_forward)(void *out,     /* (B, O) OUT, may be H */
                            uint8_t *mask, /* (B, O) OUT or NULL */
                            const void *H, /* (B, O) IN */
                            const caviar_draw *draw, int64_t keep, int64_t B, int64_t O,
                            int64_t stride, int64_t first);

    /* dH = dH * mask * 65536 / keep. */
    void (*dropout_backward)(void *dH,            /* (B, O) INOUT */
                             const uint8_t *mask, /* (B, O) IN */
                             int64_t keep, int64_t B, int64_t O, int64_t stride);

    /* Augments a gathered batch. Rows whose partner has weight zero are not mixed. Y and Y_spare
     * may be NULL where neither cutmix nor mixup is asked for. */
    void (*augment)(void *X,             /* (B, I) INOUT */
                    void *Y,             /* (B, K) INOUT */
                    const void *weights, /* (B) or NULL IN */
                    void *X_spare,       /* (B, I) OUT: anything */
                    void *Y_spare,       /* (B, K) OUT: anything */
                    const caviar_augmentation *how, const caviar_draw *draw, int64_t B, int64_t I,
                    int64_t K);

    /* words[r, b] = the 128 bits of block first_block + b of row first_row + r; for tests. */
    void (*random_bits)(uint32_t *words, /* (B, n_blocks, 4) OUT */
                        const caviar_draw *draw, uint32_t first_block, uint32_t first_row,
                        int64_t B, int64_t n_blocks);

    /* n_chains * length multiply-adds x = x * factor + term in registers: the arithmetic peak
     * of one core, for benchmarks. Returns the sum of all x. */
    double (*multiply_add_chains)(double factor, double term, int64_t length);
    int64_t n_chains;

    caviar_loss_fn loss[CAVIAR_N_LOSSES];
    caviar_update_fn update[CAVIAR_N_OPTIMIZERS];
} caviar_kernels;

/* The best instruction set that this build and this processor both have. */
int caviar_best_isa(void);

/* Whether this build and this processor both have it. */
int caviar_has_isa(int isa);

/* "baseline", "avx2", "avx512"; NULL for anything else. */
const char *caviar_isa_name(int isa);

/* The table of kernels. @pre caviar_has_isa(isa), dtype one of enum caviar_dtype. */
const caviar_kernels *caviar_get_kernels(int isa, int dtype);

#endif
