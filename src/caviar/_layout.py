"""The plan of a network: where each weight, statistic and activation lies.

A plan holds integers only. It is made from the layer sizes, and read by ``_network`` as
a C struct (``header``) and an array of them (``layers``). The five flat vectors are

- ``params`` ``[W_0 .. W_L | gamma_0 .. | b_0 .. b_L | beta_0 ..]``, gradients likewise;
  with batch normalization before the activation the shift beta stands in the intercept's
  slot (a bias there is cancelled by the mean) and the last part is empty;
- ``slots`` (n_slots, slot_stride), the optimizer's state, each slot as long as params
  and padded to whole cache lines (Adam took 1.2 to 1.8 times as long unaligned);
- ``stats`` ``[mean_0 .. | var_0 ..]``, the running statistics of batch normalization;
- ``work``, what one batch needs: per layer ``a`` (the product, or the pre-activation),
  ``z`` (the input of batch normalization), ``h`` (the output) and ``out`` (after dropout),
  which share a place where one is not needed after the next is known; gradients; copies.
"""

from dataclasses import dataclass

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
N_SLOTS = {"sgd": 1, "rmsprop": 1, "adagrad": 1, "adam": 2, "adamw": 2, "nadam": 2}
# Whose derivative needs the pre-activation: they are not monotonic.
FROM_PRE_ACTIVATION = {"gelu", "silu", "mish"}
MULTICLASS_LOSSES = {"softmax", "cross_entropy", "softmax_focal", "softmax_hinge"}
KEEP_ALL = 1 << 16  # probabilities of dropout are kept as 65536ths
ALIGNMENT = 64  # bytes: a cache line, an AVX-512 vector
LINE = ALIGNMENT // 4  # elements that fill whole cache lines in either dtype

# Field names and order are those of the structs in _network.pyx. Offsets count elements.
LAYER_FIELDS = (
    "fan_in fan_out weights bias gamma beta stats a z h out mask activation keep"
).split()
HEADER_FIELDS = (
    "n_layers n_params slot_stride n_decay n_stats batch_norm loss max_rows sparse "
    "multiclass soft_targets input_keep connect_keep n_connect "
    "x targets row_weights x_spare targets_spare delta_even delta_odd batch_stats "
    "connect connect_mask n_work"
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
        self.total += _round_up(int(n), self._multiple)
        return start


@dataclass(frozen=True)
class BatchPlan:
    """What a plan has to know of a batch beside its rows.

    The three ``*_keep`` are probabilities in 65536ths; `keep_of` makes them.
    """

    max_rows: int = 0  # of the largest batch; 0 for a plan without work
    sparse: bool = False  # X is in compressed sparse rows, which are read in place
    gather: bool = True  # rows are gathered into work
    soft_targets: bool = False  # targets are made, not only copied
    spares: bool = False  # second copies of rows and targets, for augmentation
    keeps: tuple[int, ...] = ()  # per hidden layer, of dropout
    input_keep: int = KEEP_ALL
    connect_keep: int = KEEP_ALL


def keep_of(dropout):
    """The probability of an entry to stay, in 65536ths, at least one of them."""
    return max(1, round((1 - dropout) * KEEP_ALL))


def make_plan(
    layer_units,
    batch_norm,
    activation="identity",
    loss="squared_error",
    batch=BatchPlan(),
):
    """Lay out a network and the work of one batch.

    Parameters
    ----------
    layer_units : sequence of int
        Units of each layer, from the features to the outputs.
    batch_norm : {False, True, "pre", "post"}
    activation : str or list of str
        Of all hidden layers, or of each.
    loss : str
        A key of `_kernels.LOSSES`.
    batch : BatchPlan
    """
    n_layers = len(layer_units) - 1
    mode = BATCH_NORM_MODES[batch_norm] if n_layers > 1 else 0
    layers = np.full(n_layers, -1, dtype=[(name, np.int64) for name in LAYER_FIELDS])
    header = np.zeros(1, dtype=[(name, np.int64) for name in HEADER_FIELDS])
    layers["fan_in"], layers["fan_out"] = layer_units[:-1], layer_units[1:]
    names = each_layer(activation, n_layers - 1)
    layers["activation"] = [ACTIVATIONS[name] for name in [*names, "identity"]]
    layers["keep"] = KEEP_ALL
    if batch.keeps:
        layers["keep"][:-1] = batch.keeps
    _place_params(header, layers, mode)
    _place_work(header, layers, mode, names, batch)
    header["n_layers"], header["batch_norm"] = n_layers, mode
    header["loss"], header["multiclass"] = LOSSES[loss], loss in MULTICLASS_LOSSES
    header["max_rows"], header["sparse"] = batch.max_rows, batch.sparse
    header["soft_targets"] = batch.soft_targets
    header["input_keep"], header["connect_keep"] = batch.input_keep, batch.connect_keep
    return Plan(tuple(int(n) for n in layer_units), header, layers)


def each_layer(value, n_hidden):
    """One value per hidden layer, of one for all or of a sequence."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return [value] * n_hidden
    return list(value)


def _place_params(header, layers, mode):
    """Offsets in params and stats."""
    params, stats, hidden = _Offsets(), _Offsets(), layers[:-1]
    layers["weights"] = [params.take(n["fan_in"] * n["fan_out"]) for n in layers]
    header["n_decay"] = params.total
    header["n_connect"] = layers["weights"][-1]
    if mode:
        hidden["gamma"] = [params.take(n) for n in hidden["fan_out"]]
        hidden["stats"] = [stats.take(n) for n in hidden["fan_out"]]
    layers["bias"] = [params.take(n) for n in layers["fan_out"]]
    if mode == BATCH_NORM_MODES["pre"]:
        hidden["beta"] = hidden["bias"]
    elif mode:
        hidden["beta"] = [params.take(n) for n in hidden["fan_out"]]
    header["n_params"], header["n_stats"] = params.total, 2 * stats.total
    header["slot_stride"] = _round_up(params.total, LINE)


def _place_work(header, layers, mode, activations, batch):
    """Offsets in work."""
    work, rows, hidden = _Offsets(LINE), batch.max_rows, layers[:-1]
    n_features, n_outputs = layers["fan_in"][0], layers["fan_out"][-1]
    widest = max(hidden["fan_out"], default=0)
    copies_x = batch.gather and not batch.sparse
    makes_targets = batch.gather or batch.soft_targets
    header["x"] = work.take(rows * n_features * copies_x)
    header["targets"] = work.take(rows * n_outputs * makes_targets)
    header["row_weights"] = work.take(rows * batch.gather)
    header["x_spare"] = work.take(rows * n_features * batch.spares)
    needs_spare = batch.spares or batch.soft_targets
    header["targets_spare"] = work.take(rows * n_outputs * needs_spare)
    layers["h"] = [work.take(rows * n) for n in layers["fan_out"]]
    layers["z"] = layers["a"] = layers["out"] = layers["h"]
    for layer, name in zip(hidden, activations, strict=True):
        n = rows * layer["fan_out"]
        if mode:
            layer["z"] = layer["a"] = work.take(n)
        if name in FROM_PRE_ACTIVATION and mode != BATCH_NORM_MODES["pre"]:
            layer["a"] = work.take(n)
        if layer["keep"] < KEEP_ALL:
            layer["out"], layer["mask"] = work.take(n), work.take(_bytes(n))
    header["delta_even"] = work.take(rows * widest)
    header["delta_odd"] = work.take(rows * widest if len(layers) > 2 else 0)
    header["batch_stats"] = work.take(header["n_stats"][0])
    if batch.connect_keep < KEEP_ALL:
        header["connect"] = work.take(header["n_connect"][0])
        header["connect_mask"] = work.take(_bytes(header["n_connect"][0]))
    header["n_work"] = work.total


def _bytes(n):
    """Elements that have room for n bytes in either dtype."""
    return _round_up(n, 4) // 4


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
