"""Checks of parameters and data that scikit-learn's own do not cover, and the data as the
training loops want it. Every error is raised here, before anything is changed."""

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse

from . import schedules
from ._layout import ACTIVATION_NAMES, BATCH_NORM_MODES, each_layer

FEW_ELEMENTS = 2**14  # of an array whose check takes longer than to see it is fine
STOCHASTIC_SOLVERS = ("sgd", "adam", "rmsprop", "adagrad", "adamw", "nadam")
HELD_OUT = ("X_val", "y_val", "sample_weight_val")  # arguments of fit
# What 'lbfgs' cannot have: it minimizes one function of all rows, which stays the same.
STOCHASTIC_ONLY = {
    "dropout": 0,
    "input_dropout": 0,
    "dropconnect": 0,
    "augment": None,
    "average_weights": None,
    "clip_norm": None,
}


@dataclass
class TrainingData:
    """All rows in the memory layout of the kernels; X is dense or CSR."""

    X: np.ndarray | None  # (n_samples, n_features), C-contiguous
    indptr: np.ndarray | None  # int64
    indices: np.ndarray | None  # int32
    values: np.ndarray | None
    targets: np.ndarray  # (n_samples,) int32 classes or (n_samples, n_outputs)
    weights: np.ndarray | None  # (n_samples,)
    n_samples: int
    n_features: int
    dtype: np.dtype  # of X and weights


def make_training_data(X, targets, sample_weight, dtype):
    """Put validated arrays into the layout of the kernels, copying only where needed.

    Targets of one dimension are numbers of classes.
    """
    dense = indptr = indices = values = None
    if issparse(X):
        indptr = X.indptr.astype(np.int64, copy=False)
        indices = X.indices.astype(np.int32, copy=False)
        values = X.data.astype(dtype, copy=False)
    else:
        dense = np.require(X, dtype=dtype, requirements=["C", "A"])
    target_dtype = np.int32 if targets.ndim == 1 else dtype
    targets = np.require(targets, dtype=target_dtype, requirements=["C", "A"])
    if sample_weight is not None:
        sample_weight = np.require(sample_weight, dtype=dtype, requirements=["C", "A"])
    return TrainingData(
        dense,
        indptr,
        indices,
        values,
        targets,
        sample_weight,
        *X.shape,
        np.dtype(dtype),
    )


def needs_no_check(estimator, X):
    """Whether scikit-learn would take a few rows as they are, and say nothing.

    To find that out it needs ten times as long as one row's prediction.
    """
    return (
        type(X) is np.ndarray
        and X.dtype in (np.float64, np.float32)
        and X.ndim == 2
        and 0 < X.size <= FEW_ELEMENTS
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
        and bool(np.isfinite(X).all())
    )


def check_hidden_layer_sizes(hidden_layer_sizes):
    """The sizes as a list of int."""
    sizes = hidden_layer_sizes
    sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if any(not isinstance(n, Integral) for n in sizes):
        raise ValueError(
            f"`hidden_layer_sizes` must be an integer or a sequence of integers, got "
            f"{hidden_layer_sizes!r}."
        )
    if any(n <= 0 for n in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [int(n) for n in sizes]


def check_activations(activation, n_hidden):
    """One name for each hidden layer, of a list of them or of one for all."""
    names = each_layer(activation, n_hidden)
    if len(names) != n_hidden or any(name not in ACTIVATION_NAMES for name in names):
        raise ValueError(
            f"`activation` must be one of {list(ACTIVATION_NAMES)}, or a list of one of "
            f"them for each of the {n_hidden} hidden layers, got {activation!r}."
        )
    return names


def check_dropout(dropout, n_hidden):
    """The probability to drop a unit, for each hidden layer."""
    rates = each_layer(dropout, n_hidden)
    numbers = all(isinstance(p, Real) and 0 <= p < 1 for p in rates)
    if len(rates) != n_hidden or not numbers:
        raise ValueError(
            f"`dropout` must be a number in [0, 1), or a list of one for each of the "
            f"{n_hidden} hidden layers, got {dropout!r}."
        )
    return rates


def draws_in_training(settings):
    """Whether training needs random numbers beside weights, split and shuffles."""
    rates = [settings.input_dropout, settings.dropconnect]
    rates += each_layer(settings.dropout, 1)
    return settings.augment is not None or any(p > 0 for p in rates)


def check_combinations(settings, held_out, incremental):
    """Refuse parameters and arguments that make no sense together."""
    schedule = schedules.resolve(settings.learning_rate)
    if incremental and settings.early_stopping:
        raise ValueError("partial_fit does not support early_stopping=True")
    _check_held_out(*held_out)
    if settings.solver == "lbfgs":
        _check_lbfgs(settings, held_out, schedule)
    if getattr(settings, "label_smoothing", 0) > 0 and settings.loss == "hinge":
        raise ValueError(
            "`label_smoothing` must be 0 with `loss='hinge'`, which has no "
            f"probabilities, got {settings.label_smoothing}."
        )
    start = settings.swa_start
    averages = settings.average_weights == "swa" and not incremental
    if averages and isinstance(start, Integral) and start >= settings.max_iter:
        raise ValueError(
            "`swa_start` must be less than `max_iter`, or no epoch is averaged: got "
            f"swa_start={start} and max_iter={settings.max_iter}."
        )


def _check_held_out(X_val, y_val, sample_weight_val):
    if (X_val is None) != (y_val is None):
        given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
        raise ValueError(
            f"`X_val` and `y_val` must be given together, got `{given}` without "
            f"`{missing}`."
        )
    if X_val is None and sample_weight_val is not None:
        raise ValueError(
            "`sample_weight_val` weighs the rows of `X_val`, which must be given with it, "
            "got None."
        )


@contextmanager
def about_held_out_rows():
    """Say of an error in data that it is in the validation rows, not in X and y."""
    try:
        yield
    except ValueError as exc:
        message = f"In `X_val`, `y_val` or `sample_weight_val`: {exc}"
        raise ValueError(message) from exc


def check_held_out_targets(y, like, classes):
    """``y_val`` has the outputs and none but the classes of ``y``."""
    n_outputs, expected = (a.shape[1] if a.ndim == 2 else 1 for a in (y, like))
    if n_outputs != expected:
        raise ValueError(
            f"`y_val` must have as many outputs as `y`, {expected}, got {n_outputs}."
        )
    if classes is None:
        return
    if y.ndim == 2:  # labels, of which a row has some
        y, classes = y.data if issparse(y) else y, np.arange(2)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(
            f"`y_val` must have no other classes than `y`, {classes}, got {unknown}."
        )


def _check_lbfgs(settings, held_out, schedule):
    given = {name: getattr(settings, name) for name in STOCHASTIC_ONLY}
    given["dropout"] = next((p for p in each_layer(settings.dropout, 1) if p != 0), 0)
    for name, off in STOCHASTIC_ONLY.items():
        if given[name] != off:
            raise ValueError(
                f"`{name}` must be {off} with `solver='lbfgs'`, got "
                f"{getattr(settings, name)!r}; every other solver can have it."
            )
    if schedule is not None:
        raise ValueError(
            "`learning_rate` must be 'constant', 'invscaling' or 'adaptive' with "
            f"`solver='lbfgs'`, which has none, got {settings.learning_rate!r}."
        )
    if held_out[0] is not None:
        raise ValueError(
            "`X_val` must be None with `solver='lbfgs'`, which has no epochs to validate, "
            f"got an array of shape {np.shape(held_out[0])}."
        )


def check_dense_input(settings, X):
    if issparse(X) and settings.input_dropout > 0:
        raise ValueError(
            "`input_dropout` must be 0 with sparse X, whose rows are read in place, got "
            f"{settings.input_dropout}; `dropout` works, and X.toarray() does."
        )


def check_batch_norm(settings, n_samples):
    """Batch normalization needs two rows: of one, the variance is zero."""
    batch_norm = settings.batch_norm
    if not BATCH_NORM_MODES[batch_norm]:
        return
    if n_samples < 2:
        raise ValueError(
            f"`batch_norm={batch_norm!r}` needs at least 2 rows to train on, got "
            f"n_samples={n_samples}."
        )
    if settings.solver != "lbfgs" and settings.batch_size == 1:
        raise ValueError(
            f"`batch_size` must be at least 2 with `batch_norm={batch_norm!r}`, got 1."
        )


def check_weights(sample_weight, batch_norm):
    """Refuse weights under which the loss or a batch's variance means nothing."""
    if sample_weight is None:
        return
    if BATCH_NORM_MODES[batch_norm] and np.any(sample_weight < 0):
        raise ValueError(
            f"`sample_weight` must be non-negative with `batch_norm={batch_norm!r}`, got "
            f"a minimum of {sample_weight.min()}."
        )
    if not np.any(sample_weight):
        raise ValueError(
            "`sample_weight` must contain at least one non-zero weight, got only zeros."
        )


def check_class_weight(class_weight, n_outputs):
    """The parameter: one dict, or of several labels a list of one for each."""
    if class_weight == "balanced":
        return
    parts = class_weight if n_outputs > 1 else [class_weight]
    well_formed = (
        isinstance(parts, list)
        and len(parts) == n_outputs
        and all(isinstance(part, dict) for part in parts)
        and all(isinstance(w, Real) for part in parts for w in part.values())
    )
    if not well_formed:
        form = "a dict" if n_outputs == 1 else f"a list of {n_outputs} dicts"
        raise ValueError(
            f"`class_weight` must be 'balanced' or {form} of the classes' weights, got "
            f"{class_weight!r}."
        )


def check_class_weights(class_weight, by_row, weights):
    """Refuse weights that no sum of losses can have.

    ``by_row`` are the weights of the rows by their classes, ``weights`` those times their
    sample weights.
    """
    if not (np.isfinite(by_row).all() and np.all(by_row >= 0)):
        raise ValueError(
            "`class_weight` must have finite, non-negative weights, got "
            f"{class_weight!r}."
        )
    if not np.any(weights):
        raise ValueError(
            "`class_weight` must leave some row a weight above zero, got "
            f"{class_weight!r}."
        )


def check_targets_for_loss(y, loss):
    if loss == "poisson" and np.any(y < 0):
        raise ValueError(
            f"`y` must be non-negative with `loss='poisson'`, got a minimum of {y.min()}."
        )


def batch_bounds(n_rows, batch_size, batch_norm):
    """Where each batch starts and ends.

    The last batch holds what is left; with batch normalization a single row joins the
    batch before it.
    """
    bounds = np.arange(0, n_rows, batch_size, dtype=np.int64)
    if BATCH_NORM_MODES[batch_norm] and len(bounds) > 1 and n_rows - bounds[-1] == 1:
        bounds = bounds[:-1]
    return np.append(bounds, np.int64(n_rows))


def resolve_batch_size(batch_size, n_rows, warn=True):
    """Rows per batch; scikit-learn's warning when a batch would exceed all rows."""
    if batch_size == "full":
        return n_rows
    if batch_size == "auto":
        return min(200, n_rows)
    if batch_size > n_rows and warn:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than "
            "sample size. It is going to be clipped",
            stacklevel=5,
        )
    return min(int(batch_size), n_rows)


def check_same_network(plan, network):
    """warm_start and partial_fit go on with the network there is."""
    now, before = list(plan.layer_units), network["layer_units"]
    if now != before:
        raise ValueError(
            f"`hidden_layer_sizes` and the number of outputs must be those of the previous "
            f"fit for warm_start and partial_fit: the layers had {before} units, got {now}."
        )
    now, before = plan.batch_norm, network["batch_norm"]
    if now != before:
        raise ValueError(
            "`batch_norm` must be that of the previous fit for warm_start and partial_fit, "
            f"{before!r}, got {now!r}."
        )


def check_split_weights(sample_weight, train, held_out):
    """Either part of early stopping's split needs some weight."""
    if sample_weight is None:
        return
    for rows, name in ((train, "training"), (held_out, "validation")):
        if not np.any(sample_weight[rows]):
            raise ValueError(
                f"`sample_weight` must contain a non-zero weight in the {name} part of "
                f"early stopping's split, got only zeros in its {len(rows)} rows."
            )
