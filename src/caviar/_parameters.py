"""What each parameter of both estimators may be, as scikit-learn's validation reads it.

Combinations that make no sense together are refused by ``_validation``.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import Interval, Options, RealNotInt, StrOptions

from . import schedules
from ._augmentation import Augmentation
from ._initializers import WEIGHT_INITS
from ._layout import ACTIVATION_NAMES
from ._validation import STOCHASTIC_SOLVERS

CONSTRAINTS: dict = {
    "hidden_layer_sizes": [
        "array-like",
        Interval(Integral, 1, None, closed="left"),
    ],
    "activation": [StrOptions(set(ACTIVATION_NAMES)), "array-like"],
    "solver": [StrOptions({"lbfgs", *STOCHASTIC_SOLVERS})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [
        StrOptions({"auto", "full"}),
        Interval(Integral, 1, None, closed="left"),
    ],
    "learning_rate": [
        StrOptions({"constant", "invscaling", "adaptive", *schedules.NAMES}),
        callable,
    ],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "batch_norm": ["boolean", StrOptions({"pre", "post"})],
    "bn_momentum": [Interval(Real, 0, 1, closed="left")],
    "bn_epsilon": [Interval(Real, 0, None, closed="neither")],
    "rho": [Interval(Real, 0, 1, closed="left")],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "weight_init": [StrOptions(set(WEIGHT_INITS))],
    "init_scale": [Interval(Real, 0, None, closed="neither")],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "input_dropout": [Interval(Real, 0, 1, closed="left")],
    "dropconnect": [Interval(Real, 0, 1, closed="left")],
    "augment": [Augmentation, list, tuple, None],
    "average_weights": [StrOptions({"ema", "swa"}), None],
    "ema_decay": [Interval(Real, 0, 1, closed="neither")],
    "swa_start": [
        Interval(RealNotInt, 0, 1, closed="left"),
        Interval(Integral, 0, None, closed="left"),
    ],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "scoring": [StrOptions(set(get_scorer_names()) | {"loss"}), callable, None],
    "dtype": [StrOptions({"float32", "float64"}), None],
    "n_jobs": [
        Interval(Integral, None, -1, closed="right"),
        Interval(Integral, 1, None, closed="left"),
        None,
    ],
}
