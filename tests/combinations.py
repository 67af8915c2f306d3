"""Random combinations of all parameters, for ``test_together``.

A case is drawn from its number alone: an estimator, data, weights and validation rows.
Which combinations make no sense is said here on its own, not taken from the package.
"""

import functools
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import make_scorer, zero_one_loss

from caviar import MLPClassifier, MLPRegressor, schedules
from caviar import augmentation as aug
from caviar._layout import ACTIVATION_NAMES

N_ROWS, N_FEATURES, IMAGE = 60, 12, (2, 2, 3)
KINDS = ["binary", "multiclass", "multilabel", "regression", "two outputs"]
RATES = {  # with which a solver learns the easy problems below in some 150 epochs
    "lbfgs": 0.001,
    "sgd": 0.02,
    "adam": 0.01,
    "adamw": 0.01,
    "nadam": 0.01,
    "rmsprop": 0.01,
    "adagrad": 0.1,
}
STOCHASTIC_ONLY = {
    "dropout": 0.0,
    "input_dropout": 0.0,
    "dropconnect": 0.0,
    "augment": None,
    "average_weights": None,
    "clip_norm": None,
}


def slower_and_slower(progress, n_epochs):
    return 1 / (1 + progress / n_epochs)


AUGMENTATIONS = [
    aug.Mixup(0.4),
    aug.GaussianNoise(0.2),
    aug.FeatureDropout(0.1),
    aug.HorizontalFlip(IMAGE),
    aug.RandomCrop(IMAGE, padding=1),
    aug.RandomCrop(IMAGE, scale=(0.5, 1.0)),
    aug.RandomAffine(IMAGE),
    aug.LensDistortion(IMAGE),
    aug.ColorJitter(IMAGE, saturation=0.2),
    aug.Cutout(IMAGE, size=1),
    aug.CutMix(IMAGE),
]

# What is drawn, uniformly; a value that stands here more than once, more often.
CHOICES = dict(
    hidden_layer_sizes=[(8,), (8, 6), (7, 5, 6), ()],
    activation=[*ACTIVATION_NAMES, *["one for each layer"] * 4],
    solver=[*RATES, "sgd", "adam"],
    alpha=[0.0, 1e-4, 1e-3],
    batch_size=["auto", "full", 16, 20, 59, 1],
    learning_rate=[
        *["constant"] * 3,
        "invscaling",
        "adaptive",
        *schedules.NAMES,
        schedules.CosineDecay(n_cycles=2),
        schedules.Warmup(schedules.CosineDecay(), n_epochs=2),
        slower_and_slower,
    ],
    power_t=[0.5, 0.1],
    max_iter=[8, 15],
    shuffle=[True, True, False],
    tol=[1e-4, 0.0, 0.01],
    verbose=[False, False, True],
    warm_start=[False, True],
    momentum=[0.9, 0.0, 0.5],
    nesterovs_momentum=[True, False],
    early_stopping=[False, True],
    validation_fraction=[0.2, 0.3],
    beta_1=[0.9, 0.5],
    beta_2=[0.999, 0.95],
    epsilon=[1e-8, 1e-6],
    n_iter_no_change=[10, 3, np.inf],
    max_fun=[15000, 20],
    batch_norm=[False, False, True, "pre", "post"],
    bn_momentum=[0.9, 0.5],
    bn_epsilon=[1e-5, 1e-2],
    rho=[0.9, 0.99],
    weight_decay=[0.0, 0.1],
    weight_init=[
        *["sklearn"] * 3,
        "normal",
        "glorot_uniform",
        "glorot_normal",
        "xavier",
        "he_uniform",
        "he_normal",
        "lecun_normal",
        "orthogonal",
    ],
    init_scale=[0.1, 0.3],
    dropout=[0.0, 0.0, 0.2, 0.4, "one for each layer"],
    input_dropout=[0.0, 0.0, 0.1],
    dropconnect=[0.0, 0.0, 0.2],
    augment=[*[None] * 8, *AUGMENTATIONS, *["several"] * 4],
    average_weights=[None, None, "ema", "swa"],
    ema_decay=[0.999, 0.9],
    swa_start=[0.75, 0.0, 1, 3, 40],
    clip_norm=[None, None, 0.3, 10.0],
    dtype=[None, "float32", "float64"],
    n_jobs=[None, 1, 2],
)
CLASSIFIER_CHOICES = CHOICES | dict(
    label_smoothing=[0.0, 0.1],
    loss=["log_loss", "log_loss", "focal", "hinge"],
    focal_gamma=[2.0, 0.7],
    class_weight=[None, "balanced", "by class"],
    scoring=[
        None,
        None,
        "loss",
        "f1_macro",
        make_scorer(zero_one_loss, greater_is_better=False),
    ],
)
REGRESSOR_CHOICES = CHOICES | dict(
    loss=["squared_error", "poisson", "absolute_error", "huber", "quantile"],
    huber_delta=[1.0, 0.2],
    quantile=[0.5, 0.9],
    scoring=[None, None, "loss", "neg_mean_absolute_error", "explained_variance"],
)


@dataclass
class Case:
    kind: str
    estimator: object
    X: object
    y: np.ndarray
    sample_weight: np.ndarray | None
    held_out: dict  # X_val, y_val, sample_weight_val

    def fit(self, estimator=None, **changes):
        """A copy of the estimator with these parameters, fitted."""
        estimator = clone(estimator or self.estimator).set_params(**changes)
        return estimator.fit(self.X, self.y, self.sample_weight, **self.held_out)

    def partial_fit(self, estimator):
        extra = {}
        if isinstance(estimator, MLPClassifier):
            labels = self.y.shape[1] if self.y.ndim == 2 else None
            extra["classes"] = np.unique(self.y) if labels is None else range(labels)
        return estimator.partial_fit(
            self.X, self.y, self.sample_weight, **extra, **self.held_out
        )


def one_of(rng, values):
    return values[rng.randint(len(values))]


def draw_parameters(rng, kind):
    regresses = kind in ("regression", "two outputs")
    choices = REGRESSOR_CHOICES if regresses else CLASSIFIER_CHOICES
    params = {name: one_of(rng, values) for name, values in choices.items()}
    n_hidden = len(params["hidden_layer_sizes"])
    if params["activation"] == "one for each layer":
        params["activation"] = [one_of(rng, ACTIVATION_NAMES) for _ in range(n_hidden)]
    if params["dropout"] == "one for each layer":
        params["dropout"] = [one_of(rng, [0.0, 0.1, 0.3]) for _ in range(n_hidden)]
    if params["augment"] == "several":
        three = rng.permutation(len(AUGMENTATIONS))[:3]
        kinds = {type(AUGMENTATIONS[i]): AUGMENTATIONS[i] for i in three}
        params["augment"] = list(kinds.values())
    if params["solver"] == "lbfgs" and rng.uniform() < 0.8:  # else hardly any has it
        params |= STOCHASTIC_ONLY | {"learning_rate": "constant"}
    if params.get("class_weight") == "by class":
        weights = [{0: 1.0, 1: 2.0}, {0: 0.5, 1: 1.0}, {0: 1.0, 1: 1.0}]
        params["class_weight"] = {
            "binary": {"no": 1.0, "yes": 3.0},
            "multiclass": {3: 1.0, 5: 0.5, 7: 2.0},
            "multilabel": weights,
        }[kind]
    params["learning_rate_init"] = RATES[params["solver"]]
    return params | {"random_state": int(rng.randint(1000))}


def draw_rows(rng, kind, n, positive):
    """Rows and targets of a problem that is almost linear, the same in every case.

    What counts is the sum of each colour's pixels, which no flip and no crop changes much.
    """
    X = rng.standard_normal((n, N_FEATURES)) * (rng.uniform(size=(n, N_FEATURES)) < 0.6)
    slopes = np.random.RandomState(99).standard_normal((3, 3)) / 3
    scores = X @ np.tile(slopes, (4, 1)) + 0.05 * rng.standard_normal((n, 3))
    if kind == "binary":
        return X, np.where(scores[:, 0] > 0, "yes", "no")
    if kind == "multiclass":
        return X, np.array([3, 5, 7])[scores.argmax(axis=1)]
    if kind == "multilabel":
        return X, (scores > 0).astype(int)
    y = np.exp(scores) if positive else scores
    return X, y[:, 0] if kind == "regression" else y[:, :2]


@functools.cache
def draw(seed):
    rng = np.random.RandomState(seed)
    kind = one_of(rng, KINDS)
    params = draw_parameters(rng, kind)
    classifies = "class_weight" in params
    estimator = (MLPClassifier if classifies else MLPRegressor)(**params)
    positive = params["loss"] == "poisson"
    X, y = draw_rows(rng, kind, N_ROWS, positive)
    X_val, y_val = draw_rows(rng, kind, 25, positive)
    X = X.astype(one_of(rng, [np.float32, np.float64]))
    X = X if rng.uniform() < 0.75 else sparse.csr_array(X)
    weights = one_of(rng, [None, None, rng.randint(0, 3, 60), rng.uniform(size=60)])
    if weights is not None:
        weights = weights.astype(float)
    held_out = {}
    if rng.uniform() < 0.4 and (params["solver"] != "lbfgs" or rng.uniform() < 0.3):
        held_out = {"X_val": one_of(rng, [X_val, sparse.csr_array(X_val)])}
        held_out["y_val"] = y_val
        held_out["sample_weight_val"] = one_of(rng, [None, rng.uniform(size=25)])
    return Case(kind, estimator, X, y, weights, held_out)


def senseless(case):
    """The parameters and arguments on account of which the case makes no sense."""
    p = case.estimator.get_params(deep=False)
    names = set()
    if p["solver"] == "lbfgs":
        p["dropout"] = np.max(p["dropout"], initial=0)
        names = {name for name, off in STOCHASTIC_ONLY.items() if p[name] != off}
        if p["learning_rate"] not in ("constant", "invscaling", "adaptive"):
            names.add("learning_rate")
        if case.held_out:
            names.add("X_val")
    elif p["batch_norm"] and p["batch_size"] == 1:
        names.add("batch_size")
    if p["loss"] == "hinge" and p["label_smoothing"] > 0:
        names.add("label_smoothing")
    if p["average_weights"] == "swa" and p["swa_start"] >= p["max_iter"]:
        names.add("swa_start")
    if sparse.issparse(case.X):
        names |= {"augment"} if p["augment"] is not None else set()
        names |= {"input_dropout"} if p["input_dropout"] > 0 else set()
    return names
