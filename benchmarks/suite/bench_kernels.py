"""The kernels of csrc in GB/s: bytes read and written, over the best time of a call.

256 rows of 256 units, as in a layer of a training step: in the caches, as there.
CAVIAR_ISA chooses another instruction set than the best one. Arrays start a cache line,
as caviar's own do: where numpy's start varies, and with it the time, by up to 2.5x.
Some kernels work in place and are called again on what they left; their inputs are such
that the numbers neither grow nor fade into (slow) subnormal ones.
"""

import time
from functools import partial

import numpy as np
from scipy.sparse import csr_array

from caviar import _kernels, _layout
from caviar._augmentation import compile_augmentations
from caviar.augmentation import Cutout, HorizontalFlip, Mixup, RandomAffine

from . import sizes

# The smooth ones' slopes are made from the pre-activation, which is kept for them.
NEED_Z = ("gelu", "silu", "mish")
RECTIFIERS = ("leaky_relu", "elu", "selu", *NEED_Z)


def aligned(array):
    """A copy that starts a cache line."""
    return _layout.aligned_copy(array.ravel()).reshape(array.shape)


def layer(dtype, shape=None):
    """Arrays of a layer (rows, n): normal values, and zeros (n,) and ones (n,)."""
    shape = shape or (sizes.size(256), sizes.size(256))
    normal = np.random.default_rng(0).standard_normal(shape, dtype=dtype)
    vectors = np.zeros(shape[1], dtype), np.ones(shape[1], dtype)
    return [aligned(a) for a in (normal, *vectors)]


def rows_gather(dtype, shape=None):
    Z, _, _ = layer(dtype, shape)
    n_bytes = Z.nbytes  # X is beyond the second cache
    X = aligned(np.tile(Z, (max(1, 5 * 2**20 // n_bytes), 1)))
    rows = np.random.default_rng(0).permutation(len(X))[: len(Z)].astype(np.int64)

    def call(isa=None):
        _kernels.rows_gather(Z, X, rows, isa)

    return call, 2 * n_bytes


def sparse_arguments(dtype, shape):
    Z, _, _ = layer(dtype, shape)
    X = csr_array(np.tile(Z, 5) * (np.tile(Z, 5) > 1.645))  # one entry in twenty
    csr = X.indptr.astype(np.int64), X.indices.astype(np.int32), X.data
    rows = np.random.default_rng(0).permutation(len(Z)).astype(np.int64)
    W = aligned(np.ones((X.shape[1], Z.shape[1]), dtype))
    return Z, W, (*csr, rows), X.nnz * Z.shape[1] * Z.itemsize


def sparse_forward(dtype, shape=None):
    Z, W, X, n_bytes = sparse_arguments(dtype, shape)
    return lambda isa=None: _kernels.sparse_forward(Z, *X, W, isa), n_bytes + Z.nbytes


def sparse_backward(dtype, shape=None):
    dZ, dW, X, n_bytes = sparse_arguments(dtype, shape)

    def call(isa=None):
        _kernels.sparse_backward(dW, *X, dZ, isa)

    return call, n_bytes + dW.nbytes


def activation_forward(dtype, shape=None, *, activation):
    Z, b, _ = layer(dtype, shape)
    H = aligned(Z) if activation in RECTIFIERS else Z

    def call(isa=None):
        _kernels.activation_forward(H, Z, b, activation, isa)

    return call, (2 if H is Z else 3) * Z.nbytes


def activation_backward(dtype, shape=None, *, activation):
    dH, db, _ = layer(dtype, shape)
    # Where the derivative is 1, so that dH stays as it is.
    H = aligned(np.full_like(dH, {"tanh": 0.0, "selu": -0.75809934}.get(activation, 1)))
    Z = aligned(np.full_like(dH, 40.0)) if activation in NEED_Z else None

    def call(isa=None):
        _kernels.activation_backward(dH, db, H, Z, activation, isa)

    return call, (3 if Z is None else 4) * dH.nbytes


def batch_norm_forward(dtype, shape=None, activation="relu"):
    Z, beta, gamma = layer(dtype, shape)
    H, mean, var = aligned(Z), aligned(beta), aligned(gamma)

    def call(isa=None):
        _kernels.batch_norm_forward(
            H, mean, var, Z, None, gamma, beta, len(Z), 1e-5, activation, isa
        )

    return call, 2 * Z.nbytes


def batch_norm_backward(dtype, shape=None, activation="relu"):
    Z, dbeta, dgamma = layer(dtype, shape)
    beta = aligned(dbeta)
    mean, var = aligned(Z.mean(axis=0)), aligned(Z.var(axis=0))
    gamma = aligned(np.sqrt(var + 1e-5, dtype=dtype))  # so that dH keeps its scale
    dH, H = aligned(Z[::-1]), aligned(np.ones_like(Z))

    def call(isa=None):
        _kernels.batch_norm_backward(
            dH,
            dgamma,
            dbeta,
            Z,
            H,
            None,
            mean,
            var,
            gamma,
            beta,
            len(Z),
            1e-5,
            activation,
            isa,
        )

    return call, 4 * Z.nbytes


def softmax_forward(dtype, shape=None):
    Z, _, _ = layer(dtype, shape)
    return lambda isa=None: _kernels.softmax_forward(Z, isa), 2 * Z.nbytes


def loss(dtype, shape=None, *, name, parameter=0.0):
    Z, _, _ = layer(dtype, shape)
    softmax = name == "softmax"
    targets = np.zeros(len(Z), np.int32) if softmax else aligned(np.zeros_like(Z))
    if name in ("cross_entropy", "softmax_focal", "softmax_hinge"):
        targets[:, 0] = 1

    def call(isa=None):
        _kernels.loss_and_gradient(Z, targets, None, 1.0, name, isa, parameter)

    return call, 2 * Z.nbytes + targets.nbytes


def update(dtype, shape=None, *, solver):
    """Of as many parameters as a layer of that shape has values."""
    n_slots = 2 if solver == "adam" else 1
    ones = np.ones((n_slots, np.prod(shape or sizes.size(200_000))), dtype)
    params, grads, slots = aligned(ones[0]), aligned(ones[0]), aligned(ones)
    scalars = {"learning_rate": 1e-6, "l2": 1e-4, "momentum": 0.9, "nesterov": 1.0}
    n_bytes = 2 * params.nbytes + grads.nbytes + 2 * slots.nbytes

    def call(isa=None):
        _kernels.update(params, slots, grads, params.size, solver, isa, **scalars)

    return call, n_bytes


def dropout_forward(dtype, shape=None):
    H, _, _ = layer(dtype, shape)
    out, mask = aligned(H), aligned(np.zeros(H.shape, np.uint8))

    def call(isa=None):
        _kernels.dropout_forward(out, mask, H, 52429, 0, isa=isa)

    return call, 2 * H.nbytes + mask.nbytes


def dropout_backward(dtype, shape=None):
    dH, _, _ = layer(dtype, shape)
    mask = aligned(np.ones(dH.shape, np.uint8))

    def call(isa=None):
        _kernels.dropout_backward(dH, mask, 65536, isa)  # so that dH keeps its scale

    return call, 2 * dH.nbytes + mask.nbytes


def augment(dtype, shape=None, *, parts):
    """Of images of 28 x 28; each call starts from the same rows, and copies them first."""
    X, _, _ = layer(dtype, shape or (sizes.size(256), 784))
    Y = aligned(np.ones((len(X), 10), dtype))
    arrays = aligned(X), Y, None, aligned(X), aligned(Y)
    compiled = compile_augmentations(parts, X.shape[1])

    def call(isa=None):
        np.copyto(arrays[0], X)  # warped again and again, rows would fade away
        _kernels.augment(*arrays, compiled, 0, isa=isa)

    return call, 2 * X.nbytes


IMAGE = (28, 28)
WARP_AND_CUT = [RandomAffine(IMAGE), HorizontalFlip(IMAGE), Cutout(IMAGE, size=8)]

KERNELS = {
    "dropout_forward": dropout_forward,
    "dropout_backward": dropout_backward,
    "augment_mixup": partial(augment, parts=Mixup()),
    "augment_warp_and_cutout": partial(augment, parts=WARP_AND_CUT),
    "rows_gather": rows_gather,
    "sparse_forward": sparse_forward,
    "sparse_backward": sparse_backward,
    "relu_forward": partial(activation_forward, activation="relu"),
    "tanh_forward": partial(activation_forward, activation="tanh"),
    "logistic_forward": partial(activation_forward, activation="logistic"),
    "relu_backward": partial(activation_backward, activation="relu"),
    "tanh_backward": partial(activation_backward, activation="tanh"),
    **{f"{g}_forward": partial(activation_forward, activation=g) for g in RECTIFIERS},
    **{f"{g}_backward": partial(activation_backward, activation=g) for g in RECTIFIERS},
    "batch_norm_forward": batch_norm_forward,
    "batch_norm_backward": batch_norm_backward,
    "softmax_forward": softmax_forward,
    "softmax_loss": partial(loss, name="softmax"),
    "cross_entropy_loss": partial(loss, name="cross_entropy"),
    "squared_loss": partial(loss, name="squared_error"),
    "absolute_loss": partial(loss, name="absolute_error"),
    "huber_loss": partial(loss, name="huber", parameter=1.0),
    "quantile_loss": partial(loss, name="quantile", parameter=0.5),
    "softmax_focal_loss": partial(loss, name="softmax_focal", parameter=2.0),
    "logistic_focal_loss": partial(loss, name="logistic_focal", parameter=2.0),
    "softmax_hinge_loss": partial(loss, name="softmax_hinge"),
    "logistic_hinge_loss": partial(loss, name="logistic_hinge"),
    "sgd_update": partial(update, solver="sgd"),
    "rmsprop_update": partial(update, solver="rmsprop"),
    "adagrad_update": partial(update, solver="adagrad"),
    "adam_update": partial(update, solver="adam"),
}


class Kernels:
    params = (list(KERNELS), ["float32", "float64"])
    param_names = ("kernel", "dtype")
    unit = "GB/s"

    def setup(self, kernel, dtype):
        self.call, self.n_bytes = KERNELS[kernel](dtype)

    def track_bandwidth(self, kernel, dtype):
        return self.n_bytes / best_seconds(self.call) / 1e9


def best_seconds(call):
    """The shortest of ten means over about a millisecond of calls each."""
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    n_calls = 1 if sizes.TINY else max(1, round(1e-3 / once))
    means = []
    for _ in range(1 if sizes.TINY else 10):
        start = time.perf_counter()
        for _ in range(n_calls):
            call()
        means.append((time.perf_counter() - start) / n_calls)
    return min(means)
