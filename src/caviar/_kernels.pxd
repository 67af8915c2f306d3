"""The kernels of csrc, as Cython sees them: see csrc/caviar.h for what each one does."""

from cpython.buffer cimport (
    PyBUF_SIMPLE,
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t


cdef extern from "float_mode.h" nogil:
    uint64_t caviar_flush_denormals()
    void caviar_set_float_mode(uint64_t mode)


cdef extern from "caviar.h" nogil:
    enum:
        CAVIAR_F32, CAVIAR_F64
        CAVIAR_N_ISAS
        CAVIAR_IDENTITY, CAVIAR_LOGISTIC, CAVIAR_TANH, CAVIAR_RELU
        CAVIAR_EXP, CAVIAR_LEAKY_RELU, CAVIAR_ELU, CAVIAR_SELU
        CAVIAR_GELU, CAVIAR_SILU, CAVIAR_MISH, CAVIAR_SOFTMAX
        CAVIAR_SOFTMAX_LOSS, CAVIAR_CROSS_ENTROPY_LOSS, CAVIAR_LOGISTIC_LOSS
        CAVIAR_SQUARED_LOSS, CAVIAR_POISSON_LOSS, CAVIAR_ABSOLUTE_LOSS
        CAVIAR_HUBER_LOSS, CAVIAR_QUANTILE_LOSS
        CAVIAR_SOFTMAX_FOCAL_LOSS, CAVIAR_LOGISTIC_FOCAL_LOSS
        CAVIAR_SOFTMAX_HINGE_LOSS, CAVIAR_LOGISTIC_HINGE_LOSS
        CAVIAR_MOST_HINGE_TARGETS
        CAVIAR_SGD, CAVIAR_RMSPROP, CAVIAR_ADAGRAD, CAVIAR_ADAM

    ctypedef struct caviar_step:
        double learning_rate
        double l2
        double keep
        double momentum
        double nesterov
        double rho
        double beta_1
        double beta_2
        double epsilon
        double ahead
        double scale

    ctypedef struct caviar_draw:
        uint64_t seed
        uint32_t step, stream

    enum:
        CAVIAR_SHARES

    ctypedef struct caviar_augmentation:
        int64_t height, width, channels
        int64_t warp
        double flip
        double padding
        double crop_low, crop_high
        double rotation, shear
        double scale, stretch
        double translate
        double lens
        double brightness, contrast, saturation
        double cutout
        int64_t cutout_size
        double cutmix, mixup
        const double *cutmix_shares
        const double *mixup_shares
        double noise
        int64_t feature_keep

    ctypedef struct caviar_product:
        void *out
        const void *left
        const void *right
        int64_t R, K, C
        int64_t out_row, left_row, left_inner, right_row, right_column

    ctypedef double (*caviar_loss_fn)(void *, const void *, const void *, double,
                                      double, int64_t, int64_t) noexcept nogil
    ctypedef double (*caviar_update_fn)(void *, void *, const void *, int64_t, int64_t,
                                        int64_t, const caviar_step *) noexcept nogil

    ctypedef struct caviar_kernels:
        void (*rows_gather)(void *out, const void *X, const int64_t *rows,
                            int64_t row_stride, int64_t B, int64_t I) noexcept nogil
        void (*sparse_forward)(void *Z, const int64_t *indptr, const int32_t *indices,
                               const void *data, const int64_t *rows, const void *W,
                               int64_t B, int64_t O) noexcept nogil
        void (*sparse_backward)(void *dW, const int64_t *indptr, const int32_t *indices,
                                const void *data, const int64_t *rows, const void *dZ,
                                int64_t B, int64_t I, int64_t O) noexcept nogil
        void (*activation_forward)(void *H, void *Z, const void *b, int activation,
                                   int64_t B, int64_t O) noexcept nogil
        void (*activation_backward)(void *dH, void *db, const void *H, const void *Z,
                                    int activation, int64_t B, int64_t O,
                                    int64_t stride) noexcept nogil
        void (*batch_norm_forward)(void *H, void *mean, void *var, const void *Z,
                                   const void *weights, const void *gamma,
                                   const void *beta, double weight_sum, double epsilon,
                                   int activation, int64_t B, int64_t O,
                                   int64_t stride) noexcept nogil
        void (*batch_norm_backward)(void *dH, void *dgamma, void *dbeta, const void *Z,
                                    const void *H, const void *weights,
                                    const void *mean, const void *var,
                                    const void *gamma, const void *beta,
                                    double weight_sum, double epsilon, int activation,
                                    int64_t B, int64_t O, int64_t stride) noexcept nogil
        void (*running_average)(void *running, const void *batch, double momentum,
                                int64_t n) noexcept nogil
        void (*softmax_forward)(void *Z, int64_t B, int64_t K) noexcept nogil
        void (*one_hot)(void *Y, const int32_t *classes, double smoothing, int64_t B,
                        int64_t K) noexcept nogil
        void (*smooth)(void *Y, double smoothing, int64_t n) noexcept nogil
        double (*sum_of_squares)(const void *g, int64_t n) noexcept nogil
        void (*product)(const caviar_product *p) noexcept nogil
        int64_t product_bytes, product_width
        void (*dropout_forward)(void *out, uint8_t *mask, const void *H,
                                const caviar_draw *draw, int64_t keep, int64_t B,
                                int64_t O, int64_t stride,
                                int64_t first) noexcept nogil
        void (*dropout_backward)(void *dH, const uint8_t *mask, int64_t keep, int64_t B,
                                 int64_t O, int64_t stride) noexcept nogil
        void (*augment)(void *X, void *Y, const void *weights, void *X_spare,
                        void *Y_spare, const caviar_augmentation *how,
                        const caviar_draw *draw, int64_t B, int64_t I,
                        int64_t K) noexcept nogil
        void (*random_bits)(uint32_t *words, const caviar_draw *draw,
                            uint32_t first_block, uint32_t first_row, int64_t B,
                            int64_t n_blocks) noexcept nogil
        double (*multiply_add_chains)(double factor, double term,
                                      int64_t length) noexcept nogil
        int64_t n_chains
        caviar_loss_fn loss[12]
        caviar_update_fn update[4]

    int caviar_best_isa()
    int caviar_has_isa(int isa)
    const char *caviar_isa_name(int isa)
    const caviar_kernels *caviar_get_kernels(int isa, int dtype)


# The table of the instruction set chosen at import.
cdef const caviar_kernels *kernels_of(bint is_double) noexcept nogil


# The struct of a caviar.augmentation.CompiledAugmentation, whose tables it points to: valid
# while the caller holds a reference to that. With None nothing is done.
cdef int fill_augmentation(caviar_augmentation *out, object compiled) except -1


cdef inline void *address(object array, object dtype, bint writable=False) except? NULL:
    """Where a C-contiguous array's elements lie; NULL for None.

    Valid while the caller holds a reference to ``array``.
    """
    cdef Py_buffer buffer
    if array is None:
        return NULL
    if array.dtype != dtype:
        raise TypeError(f"expected an array of {dtype}, got one of {array.dtype}")
    PyObject_GetBuffer(array, &buffer, PyBUF_WRITABLE if writable else PyBUF_SIMPLE)
    PyBuffer_Release(&buffer)
    return buffer.buf
