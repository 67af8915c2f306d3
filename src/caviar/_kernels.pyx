"""Which instruction set runs, and each kernel of csrc on numpy arrays.

Training goes from ``_network`` to the tables; the functions below are for tests and
benchmarks. Their arguments are those of ``csrc/caviar.h`` without the sizes, which
come from the arrays; all arrays must be C-contiguous and of the dtype of the first one.
``isa`` is the name of an instruction set, None the one chosen at import.
"""

import os
import time
from itertools import pairwise

import numpy as np

from libc.stdlib cimport calloc, free
from libc.string cimport memset

from . cimport _blas

ACTIVATIONS = {
    "identity": CAVIAR_IDENTITY,
    "logistic": CAVIAR_LOGISTIC,
    "tanh": CAVIAR_TANH,
    "relu": CAVIAR_RELU,
    "exp": CAVIAR_EXP,
    "leaky_relu": CAVIAR_LEAKY_RELU,
    "elu": CAVIAR_ELU,
    "selu": CAVIAR_SELU,
    "gelu": CAVIAR_GELU,
    "silu": CAVIAR_SILU,
    "mish": CAVIAR_MISH,
    "softmax": CAVIAR_SOFTMAX,
}
LOSSES = {
    "softmax": CAVIAR_SOFTMAX_LOSS,
    "cross_entropy": CAVIAR_CROSS_ENTROPY_LOSS,
    "logistic": CAVIAR_LOGISTIC_LOSS,
    "squared_error": CAVIAR_SQUARED_LOSS,
    "poisson": CAVIAR_POISSON_LOSS,
    "absolute_error": CAVIAR_ABSOLUTE_LOSS,
    "huber": CAVIAR_HUBER_LOSS,
    "quantile": CAVIAR_QUANTILE_LOSS,
    "softmax_focal": CAVIAR_SOFTMAX_FOCAL_LOSS,
    "logistic_focal": CAVIAR_LOGISTIC_FOCAL_LOSS,
    "softmax_hinge": CAVIAR_SOFTMAX_HINGE_LOSS,
    "logistic_hinge": CAVIAR_LOGISTIC_HINGE_LOSS,
}
OPTIMIZERS = {
    "sgd": CAVIAR_SGD,
    "rmsprop": CAVIAR_RMSPROP,
    "adagrad": CAVIAR_ADAGRAD,
    "adam": CAVIAR_ADAM,
    "adamw": CAVIAR_ADAM,
    "nadam": CAVIAR_ADAM,
}
# Targets of a row of a softmax_hinge that may differ from zero.
MOST_HINGE_TARGETS = CAVIAR_MOST_HINGE_TARGETS

_ISA_NAMES = [caviar_isa_name(i).decode() for i in range(CAVIAR_N_ISAS)]
AVAILABLE_ISAS = [name for i, name in enumerate(_ISA_NAMES) if caviar_has_isa(i)]


def _choose_isa():
    """The best instruction set, or the one that CAVIAR_ISA asks for."""
    asked = os.environ.get("CAVIAR_ISA", "")
    if not asked:
        return _ISA_NAMES[caviar_best_isa()]
    if asked not in AVAILABLE_ISAS:
        raise ImportError(
            f"The environment variable CAVIAR_ISA must be one of {AVAILABLE_ISAS} on this "
            f"machine, got {asked!r}."
        )
    return asked


ISA = _choose_isa()
cdef int _chosen = _ISA_NAMES.index(ISA)


cdef const caviar_kernels *kernels_of(bint is_double) noexcept nogil:
    return caviar_get_kernels(_chosen, CAVIAR_F64 if is_double else CAVIAR_F32)


cdef const caviar_kernels *_table(object array, str isa) except NULL:
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"expected an array of float32 or float64, got {array.dtype}")
    if isa is not None and isa not in AVAILABLE_ISAS:
        raise ValueError(f"`isa` must be None or one of {AVAILABLE_ISAS}, got {isa!r}.")
    return caviar_get_kernels(
        _chosen if isa is None else _ISA_NAMES.index(isa),
        CAVIAR_F64 if array.dtype == np.float64 else CAVIAR_F32,
    )


def rows_gather(out, X, rows, isa=None):
    dt = out.dtype
    _table(out, isa).rows_gather(
        address(out, dt, True), address(X, dt), <int64_t *>address(rows, np.int64),
        X.shape[1], out.shape[0], out.shape[1],
    )


def sparse_forward(Z, indptr, indices, data, rows, W, isa=None):
    dt = Z.dtype
    _table(Z, isa).sparse_forward(
        address(Z, dt, True), <int64_t *>address(indptr, np.int64),
        <int32_t *>address(indices, np.int32), address(data, dt),
        <int64_t *>address(rows, np.int64), address(W, dt), Z.shape[0], Z.shape[1],
    )


def sparse_backward(dW, indptr, indices, data, rows, dZ, isa=None):
    dt = dW.dtype
    _table(dW, isa).sparse_backward(
        address(dW, dt, True), <int64_t *>address(indptr, np.int64),
        <int32_t *>address(indices, np.int32), address(data, dt),
        <int64_t *>address(rows, np.int64), address(dZ, dt),
        dZ.shape[0], dW.shape[0], dW.shape[1],
    )


def activation_forward(H, Z, b, activation, isa=None):
    dt = Z.dtype
    _table(Z, isa).activation_forward(
        address(H, dt, True), address(Z, dt, True), address(b, dt),
        ACTIVATIONS[activation], Z.shape[0], Z.shape[1],
    )


def activation_backward(dH, db, H, Z, activation, isa=None):
    dt = dH.dtype
    _table(dH, isa).activation_backward(
        address(dH, dt, True), address(db, dt, True), address(H, dt), address(Z, dt),
        ACTIVATIONS[activation], dH.shape[0], dH.shape[1], dH.shape[1],
    )


def batch_norm_forward(H, mean, var, Z, weights, gamma, beta, weight_sum, epsilon,
                       activation, isa=None):
    dt = H.dtype
    _table(H, isa).batch_norm_forward(
        address(H, dt, True), address(mean, dt, True), address(var, dt, True),
        address(Z, dt), address(weights, dt), address(gamma, dt), address(beta, dt),
        weight_sum, epsilon, ACTIVATIONS[activation], Z.shape[0], Z.shape[1],
        Z.shape[1],
    )


def batch_norm_backward(dH, dgamma, dbeta, Z, H, weights, mean, var, gamma, beta,
                        weight_sum, epsilon, activation, isa=None):
    dt = dH.dtype
    _table(dH, isa).batch_norm_backward(
        address(dH, dt, True), address(dgamma, dt, True), address(dbeta, dt, True),
        address(Z, dt), address(H, dt), address(weights, dt), address(mean, dt),
        address(var, dt), address(gamma, dt), address(beta, dt), weight_sum, epsilon,
        ACTIVATIONS[activation], Z.shape[0], Z.shape[1], Z.shape[1],
    )


def running_average(running, batch, momentum, isa=None):
    dt = running.dtype
    _table(running, isa).running_average(
        address(running, dt, True), address(batch, dt), momentum, running.size
    )


def softmax_forward(Z, isa=None):
    _table(Z, isa).softmax_forward(
        address(Z, Z.dtype, True), Z.shape[0], Z.shape[1]
    )


def one_hot(Y, classes, smoothing, isa=None):
    _table(Y, isa).one_hot(
        address(Y, Y.dtype, True), <int32_t *>address(classes, np.int32), smoothing,
        Y.shape[0], Y.shape[1],
    )


def smooth(Y, smoothing, isa=None):
    _table(Y, isa).smooth(address(Y, Y.dtype, True), smoothing, Y.size)


def sum_of_squares(g, isa=None):
    return _table(g, isa).sum_of_squares(address(g, g.dtype), g.size)


def loss_and_gradient(Z, targets, weights, weight_sum, loss, isa=None, parameter=0.0):
    dt = Z.dtype
    return _table(Z, isa).loss[<int>LOSSES[loss]](
        address(Z, dt, True), address(targets, np.int32 if loss == "softmax" else dt),
        address(weights, dt), weight_sum, parameter, Z.shape[0], Z.shape[1],
    )


def update(params, slots, grads, n_decay, solver, isa=None, **scalars):
    """One optimizer step; ``scalars`` are the fields of ``caviar_step``."""
    dt = params.dtype
    cdef caviar_step step = caviar_step(
        scalars.pop("learning_rate"), scalars.pop("l2", 0.0), scalars.pop("keep", 1.0),
        scalars.pop("momentum", 0.0), scalars.pop("nesterov", 0.0),
        scalars.pop("rho", 0.9), scalars.pop("beta_1", 0.9),
        scalars.pop("beta_2", 0.999), scalars.pop("epsilon", 1e-8),
        scalars.pop("ahead", 0.0), scalars.pop("scale", 1.0),
    )
    if scalars:
        raise TypeError(f"unknown fields of caviar_step: {sorted(scalars)}")
    return _table(params, isa).update[<int>OPTIMIZERS[solver]](
        address(params, dt, True), address(slots, dt, True), address(grads, dt),
        params.size, params.size, n_decay, &step,
    )


def random_bits(words, seed, step=0, stream=0, block=0, row=0, isa=None):
    """``words[r, b]`` = Philox's words of counter (block + b, row + r, step, stream)."""
    cdef caviar_draw draw = caviar_draw(seed, step, stream)
    _table(np.empty(0), isa).random_bits(
        <uint32_t *>address(words, np.uint32, True), &draw, block, row,
        words.shape[0], words.shape[1],
    )


def dropout_forward(out, mask, H, keep, seed, step=0, stream=0, first=0, n_columns=None,
                    isa=None):
    """Of all columns, or of the tile of ``n_columns`` columns from ``first`` on."""
    dt = out.dtype
    cdef caviar_draw draw = caviar_draw(seed, step, stream)
    cdef size_t start = first
    cdef char *out_data = <char *>address(out, dt, True)
    cdef char *H_data = <char *>address(H, dt)
    cdef uint8_t *mask_data = <uint8_t *>address(mask, np.uint8, True)
    _table(out, isa).dropout_forward(
        out_data + start * <size_t>dt.itemsize,
        NULL if mask is None else mask_data + start,
        H_data + start * <size_t>dt.itemsize, &draw, keep, out.shape[0],
        out.shape[1] - first if n_columns is None else n_columns, out.shape[1], first,
    )


def dropout_backward(dH, mask, keep, isa=None):
    _table(dH, isa).dropout_backward(
        address(dH, dH.dtype, True), <uint8_t *>address(mask, np.uint8), keep,
        dH.shape[0], dH.shape[1], dH.shape[1],
    )


# Quantiles of a share are given at i / N_SHARES, i = 0 .. N_SHARES.
N_SHARES = CAVIAR_SHARES


cdef const double *_shares(object table) except? NULL:
    if table is not None and table.shape != (CAVIAR_SHARES + 1,):
        raise ValueError(
            f"a table of shares must have {CAVIAR_SHARES + 1} entries, got {table.shape}"
        )
    return <const double *>address(table, np.float64)


cdef int fill_augmentation(caviar_augmentation *out, object compiled) except -1:
    memset(out, 0, sizeof(caviar_augmentation))
    if compiled is None:
        return 0
    cdef dict numbers = compiled.numbers
    out.height, out.width = numbers["height"], numbers["width"]
    out.channels, out.warp = numbers["channels"], numbers["warp"]
    out.flip, out.padding = numbers["flip"], numbers["padding"]
    out.crop_low, out.crop_high = numbers["crop_low"], numbers["crop_high"]
    out.rotation, out.shear = numbers["rotation"], numbers["shear"]
    out.scale, out.stretch = numbers["scale"], numbers["stretch"]
    out.translate, out.lens = numbers["translate"], numbers["lens"]
    out.brightness, out.contrast = numbers["brightness"], numbers["contrast"]
    out.saturation = numbers["saturation"]
    out.cutout, out.cutout_size = numbers["cutout"], numbers["cutout_size"]
    out.cutmix, out.mixup = numbers["cutmix"], numbers["mixup"]
    out.noise, out.feature_keep = numbers["noise"], numbers["feature_keep"]
    out.cutmix_shares = _shares(compiled.cutmix_shares)
    out.mixup_shares = _shares(compiled.mixup_shares)
    return 0


def augment(X, Y, weights, X_spare, Y_spare, compiled, seed, step=0, stream=0, isa=None):
    dt = X.dtype
    cdef caviar_draw draw = caviar_draw(seed, step, stream)
    cdef caviar_augmentation how
    fill_augmentation(&how, compiled)
    _table(X, isa).augment(
        address(X, dt, True), address(Y, dt, True), address(weights, dt),
        address(X_spare, dt, True), address(Y_spare, dt, True), &how, &draw,
        X.shape[0], X.shape[1], 0 if Y is None else Y.shape[1],
    )


def product(out, left, right, left_transposed=False, right_transposed=False, isa=None):
    """Return the vector width, the fewest columns of ``out``; 0: no such kernel."""
    dt = out.dtype
    cdef const caviar_kernels *kernels = _table(out, isa)
    cdef caviar_product p
    if kernels.product == NULL:
        return 0
    if out.shape[1] < kernels.product_width:
        raise ValueError(
            f"`out` must have at least {kernels.product_width} columns, got {out.shape[1]}."
        )
    p.out, p.left, p.right = address(out, dt, True), address(left, dt), address(right, dt)
    p.R, p.C = out.shape[0], out.shape[1]
    p.K = left.shape[0 if left_transposed else 1]
    p.out_row = p.C
    p.left_row = 1 if left_transposed else p.K
    p.left_inner = p.R if left_transposed else 1
    p.right_row = 1 if right_transposed else p.C
    p.right_column = p.K if right_transposed else 1
    kernels.product(&p)
    return kernels.product_width


def time_products(layer_units, batch_size, dtype, n_repeats):
    """Seconds that the matrix products of one training step take alone.

    Those of a network with ``layer_units`` units from input to output: forward, the
    weights' gradients, and the gradients of every layer's input but the first. The roof
    of a training step on this BLAS: benchmarks compare with it.
    """
    cdef bint is_double = np.dtype(dtype) == np.float64
    cdef size_t size = 8 if is_double else 4
    cdef int64_t[::1] units = np.asarray(layer_units, dtype=np.int64)
    cdef int64_t B = batch_size, widest = max(layer_units), l, repeats = n_repeats
    cdef int64_t n_layers = len(layer_units) - 1
    cdef int64_t largest = max(a * b for a, b in pairwise(layer_units))
    cdef _blas.Product p
    cdef char *W = <char *>calloc(<size_t>(n_layers * largest), size)
    cdef char *dW = <char *>calloc(<size_t>largest, size)
    cdef char *a = <char *>calloc(<size_t>(B * widest), size)
    cdef char *z = <char *>calloc(<size_t>(B * widest), size)
    cdef int64_t n_bytes = n_layers * largest * size
    try:
        if not (W and dW and a and z):
            raise MemoryError()
        memset(W, 1, n_bytes)  # else all its pages are the one page of zeros
        start = time.perf_counter()
        with nogil:
            for _ in range(repeats):
                for l in range(n_layers):
                    p = _blas.forward_product(is_double, z, a, W + l * largest * size, B,
                                              units[l], units[l + 1])
                    _blas.multiply(&p, 0, p.rows, 0, p.columns)
                for l in range(n_layers - 1, -1, -1):
                    p = _blas.weight_gradient(is_double, dW, a, z, B, units[l],
                                              units[l + 1])
                    _blas.multiply(&p, 0, p.rows, 0, p.columns)
                    if l > 0:
                        p = _blas.input_gradient(is_double, a, z, W + l * largest * size,
                                                 B, units[l], units[l + 1])
                        _blas.multiply(&p, 0, p.rows, 0, p.columns)
        return (time.perf_counter() - start) / n_repeats
    finally:
        free(W)
        free(dW)
        free(a)
        free(z)


def time_fma_peak(dtype=np.float32, length=2_000_000, isa=None):
    """GFLOP/s of this core's multiply-add units, busy with nothing else.

    The roof over the roof: no matrix product of ``dtype`` can be faster.
    """
    cdef const caviar_kernels *kernels = _table(np.empty(0, dtype), isa)
    start = time.perf_counter()
    total = kernels.multiply_add_chains(0.5, 1.0, length)
    seconds = time.perf_counter() - start
    # Every chain has come to the fixed point of x = x / 2 + 1.
    if total != 2.0 * kernels.n_chains:
        raise ArithmeticError(f"expected {2.0 * kernels.n_chains}, got {total}")
    return 2.0 * kernels.n_chains * length / seconds / 1e9
