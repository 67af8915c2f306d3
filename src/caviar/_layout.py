"""The plan of a network: where each weight, statistic and activation lies.

A plan holds integers only. It is made from the layer sizes, and read by ``_network`` as
a C struct (``header``) and an array of them (``layers``). The five flat vectors are

- ``params`` ``[W_0 .. W_L | gamma_0 .. | b_0 .. b_L | beta_0 ..]``, gradients likewise;
  with batch normalization before the activation the shift beta stands in the intercept's
  slot (a bias there is cancelled by the mean) and the last part is empty;
- ``slots`` (n_slots, slot_stride), the optimizer's state, each slot as long as params
  and padded to whole cache lines (Adam took 1.2 to 1.8 times as long unaligned);
- ``stats`` ``[mean_0 .. | var_0 ..]``, the running statistics of batch normalization;
- ``work``, activations and their gradients for one batch.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ._kernels import ACTIVATIONS, LOSSES

# Of hidden layers; the kernels' list has the output layer's as well.
ACTIVATION_NAMES = (
    "identity",
    "logistic",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
)
BATCH_NORM_MODES = {False: 0, True: 1, "pre": 1, "post": 2}
BATCH_NORM_NAMES = [False, "pre", "post"]
N_SLOTS = {"sgd": 1, "rmsprop": 1, "adagrad": 1, "adam": 2, "adamw": 2}
ALIGNMENT = 64  # bytes: a cache line, an AVX-512 vector
LINE = ALIGNMENT // 4  # elements that fill whole cache lines in either dtype

# Field names and order are those of the structs in _network.pyx. Offsets count elements.
LAYER_FIELDS = "fan_in fan_out weights bias gamma beta stats z h activation".split()
HEADER_FIELDS = (
    "n_layers n_params slot_stride n_decay n_stats batch_norm loss max_rows sparse "
    "x targets row_weights delta_even delta_odd batch_stats n_work"
).split()


@dataclass(frozen=True)
class Plan:
    """Offsets of one network. Made by `make_plan`."""

    layer_units: tuple[int, ...]
    header: np.ndarray  # (1,) of HEADER_FIELDS
    layers: np.ndarray  # (n_layers,) of LAYER_FIELDS

    @property
    def n_params(self):
        return int(self.header["n_params"][0])

    @property
    def slot_stride(self):
        return int(self.header["slot_stride"][0])

    @property
    def n_decay(self):
        return int(self.header["n_decay"][0])

    @property
    def n_stats(self):
        return int(self.header["n_stats"][0])

    @property
    def batch_norm(self):
        """False, "pre" or "post"."""
        return BATCH_NORM_NAMES[self.header["batch_norm"][0]]

    def batch_stats(self, work):
        """The view of ``work`` that holds the statistics of the last batch."""
        start = int(self.header["batch_stats"][0])
        return work[start : start + self.n_stats]

    def coefs(self, params):
        """Views of the weight matrices, one per layer."""
        return [
            _view(params, layer["weights"], (layer["fan_in"], layer["fan_out"]))
            for layer in self.layers
        ]

    def intercepts(self, params):
        """Views of the intercepts; beta, with batch norm before the activation."""
        return [
            _view(params, layer["bias"], (layer["fan_out"],)) for layer in self.layers
        ]

    def gammas(self, params):
        return self._hidden(params, "gamma")

    def betas(self, params):
        return self._hidden(params, "beta")

    def moments(self, stats):
        """Views of the running means and of the running variances."""
        means = self._hidden(stats, "stats")
        variances = self._hidden(stats[self.n_stats // 2 :], "stats")
        return means, variances

    def _hidden(self, vector, field):
        return [
            _view(vector, layer[field], (layer["fan_out"],))
            for layer in self.layers[:-1]
        ]


def _view(vector, start, shape):
    return vector[start : start + np.prod(shape)].reshape(shape)


def _round_up(n, multiple):
    return -(-n // multiple) * multiple


class _Offsets:
    """Hands out consecutive places in a vector."""

    def __init__(self, multiple=1):
        self.total = 0
        self._multiple = multiple

    def take(self, n):
        start = self.total
        self.total += _round_up(n, self._multiple)
        return start


def make_plan(
    layer_units,
    batch_norm,
    activation="identity",
    loss="squared_error",
    max_rows=0,
    sparse=False,
    gather=True,
):
    """Lay out a network and the work of one batch of up to ``max_rows`` rows.

    Parameters
    ----------
    layer_units : sequence of int
        Units of each layer, from the features to the outputs.
    batch_norm : {False, True, "pre", "post"}
    activation : str
        Of the hidden layers.
    loss : {"softmax", "logistic", "squared_error", "poisson"}
    max_rows : int, default=0
        Rows of the largest batch; 0 for a plan without work.
    sparse : bool, default=False
        Whether X is in compressed sparse rows: its rows are then read in place.
    gather : bool, default=True
        Whether the rows of a batch are gathered into ``work``.
    """
    n_layers = len(layer_units) - 1
    mode = BATCH_NORM_MODES[batch_norm] if n_layers > 1 else 0
    layers = np.full(n_layers, -1, dtype=[(name, np.int64) for name in LAYER_FIELDS])
    header = np.zeros(1, dtype=[(name, np.int64) for name in HEADER_FIELDS])
    layers["fan_in"], layers["fan_out"] = layer_units[:-1], layer_units[1:]
    layers["activation"] = ACTIVATIONS[activation]
    layers["activation"][-1] = ACTIVATIONS["identity"]
    hidden = layers[:-1]

    params, stats = _Offsets(), _Offsets()
    layers["weights"] = [params.take(i * o) for i, o in pairwise(layer_units)]
    n_decay = params.total
    if mode:
        hidden["gamma"] = [params.take(n) for n in hidden["fan_out"]]
        hidden["stats"] = [stats.take(n) for n in hidden["fan_out"]]
    layers["bias"] = [params.take(n) for n in layers["fan_out"]]
    if mode == BATCH_NORM_MODES["pre"]:
        hidden["beta"] = hidden["bias"]
    elif mode:
        hidden["beta"] = [params.take(n) for n in hidden["fan_out"]]

    work = _Offsets(LINE)
    widest = max(layer_units[1:-1], default=0)
    n_features, n_outputs = layer_units[0], layer_units[-1]
    header["x"] = work.take(max_rows * n_features if gather and not sparse else 0)
    header["targets"] = work.take(max_rows * n_outputs if gather else 0)
    header["row_weights"] = work.take(max_rows if gather else 0)
    layers["h"] = [work.take(max_rows * n) for n in layers["fan_out"]]
    layers["z"] = layers["h"]
    if mode:
        hidden["z"] = [work.take(max_rows * n) for n in hidden["fan_out"]]
    header["delta_even"] = work.take(max_rows * widest)
    header["delta_odd"] = work.take(max_rows * widest if n_layers > 2 else 0)
    header["batch_stats"] = work.take(2 * stats.total)
    header["n_layers"], header["n_params"] = n_layers, params.total
    header["slot_stride"] = _round_up(params.total, LINE)
    header["n_decay"], header["n_stats"] = n_decay, 2 * stats.total
    header["batch_norm"], header["loss"] = mode, LOSSES[loss]
    header["max_rows"], header["sparse"] = max_rows, sparse
    header["n_work"] = work.total
    return Plan(tuple(int(n) for n in layer_units), header, layers)


def aligned_empty(n, dtype):
    """An uninitialized vector whose first element starts a cache line."""
    dtype = np.dtype(dtype)
    raw = np.empty(n * dtype.itemsize + ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + n * dtype.itemsize].view(dtype)


def aligned_copy(vector):
    """A copy of a vector whose first element starts a cache line."""
    copy = aligned_empty(vector.size, vector.dtype)
    copy[:] = vector
    return copy


def fold_batch_norm(plan, params, stats, epsilon):
    """The coefficients and intercepts of the plain network that predicts the same.

    Batch normalization at prediction is ``a * y + c`` with ``a = gamma / sqrt(var + eps)``
    and ``c = beta - a * mean``. Before the activation it goes into the layer's own weights,
    after it into the next layer's. Computed in double, whatever the dtype of ``params``.
    Without batch normalization: views of ``params``, no copies.
    """
    coefs, intercepts = plan.coefs(params), plan.intercepts(params)
    if not plan.batch_norm:
        return coefs, intercepts
    folded = [w.astype(np.float64) for w in coefs]
    shifted = [b.astype(np.float64) for b in intercepts]
    means, variances = plan.moments(stats)
    gammas, betas = plan.gammas(params), plan.betas(params)
    for index, (gamma, beta, mean, variance) in enumerate(
        zip(gammas, betas, means, variances, strict=True)
    ):
        scale = gamma / np.sqrt(variance.astype(np.float64) + epsilon)
        shift = beta - scale * mean
        if plan.batch_norm == "pre":
            folded[index] *= scale
            shifted[index] = shift
        else:
            shifted[index + 1] += shift @ folded[index + 1]
            folded[index + 1] *= scale[:, np.newaxis]
    return (
        [w.astype(params.dtype) for w in folded],
        [b.astype(params.dtype) for b in shifted],
    )
