"""The same numbers as scikit-learn's MLP, in float64, over random configurations.

Each configuration draws the task (binary, multiclass, multilabel, regression,
multi-output, Poisson), the solver, the network, the regularization, the batches, the
learning rate and its schedule, early stopping, sample weights, dense or sparse X, and
how training is driven (one fit, warm starts, a sequence of partial_fit). Both
libraries get the same data and the same ``random_state`` for 20 epochs, and everything
they report must agree to a relative 1e-6: losses, validation scores, counters, weights,
predictions, warnings.

Two things are bounded in the draw, because there scikit-learn does not agree with
itself. With alpha=1 and batches of fewer than 32 rows Adam drives weights to zero,
where its step is the sign of a gradient of rounding size: moving X by 1e-15 moves
scikit-learn's own loss_curve_ by 1e-3. And rows of weight zero are drawn only where no
batch can consist of nothing else (scikit-learn raises ZeroDivisionError). The kink of
relu needed no bound: with relu everything agrees to 1e-9 and better.

One thing differs on purpose. Early stopping keeps the best weights seen. When a warm
start finds none better than the first fit, scikit-learn ends with its last weights,
because its copy of the best ones is the array it goes on training; ours ends with the
best ones, those of the first fit. There the weights are compared with scikit-learn's
after its first fit, and all else as everywhere.
"""

import copy
import inspect
import warnings

import numpy as np
import pytest
import sklearn.neural_network
from scipy import sparse
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_multilabel_classification,
)
from sklearn.preprocessing import StandardScaler, scale

from caviar import MLPClassifier, MLPRegressor

N_CONFIGURATIONS = 108
N_EPOCHS = 20
RTOL = 1e-6
TASKS = [
    "binary",
    "multiclass",
    "multilabel",
    "regression",
    "multioutput",
    "poisson",
]
SOLVERS = ["sgd", "adam", "lbfgs"]
CLASSIFICATION = {"binary", "multiclass", "multilabel"}

THEIR_REGRESSOR = inspect.signature(sklearn.neural_network.MLPRegressor)
THEIR_FIT = inspect.signature(sklearn.neural_network.MLPRegressor.fit)
HAVE_LOSS = "loss" in THEIR_REGRESSOR.parameters  # since scikit-learn 1.7
HAVE_SAMPLE_WEIGHT = "sample_weight" in THEIR_FIT.parameters  # since 1.7


# -- data: bundled, or generated from a seed -------------------------------------------


def load_task(task, rng):
    """Return standardized X and the y of a task, in a random order of the rows."""
    if task == "binary":
        X, y = load_breast_cancer(return_X_y=True)
        y = np.array(["benign", "malignant"])[y]
    elif task == "multiclass":
        X, y = load_wine(return_X_y=True) if rng.rand() < 0.5 else _digits()
    elif task == "multilabel":
        X, y = make_multilabel_classification(
            n_samples=170, n_features=12, n_classes=4, random_state=3
        )
    elif task == "regression":
        X, y = load_diabetes(return_X_y=True)
        y = scale(y)
    elif task == "multioutput":
        X, y = load_diabetes(return_X_y=True)
        X, y = X[:, :7], scale(np.column_stack([y, X[:, 7], X[:, 8]]))
    else:
        X, y = load_diabetes(return_X_y=True)
        y = np.round(y / 50)
    rows = rng.permutation(len(X))[: rng.randint(120, 171)]
    return StandardScaler().fit_transform(X)[rows], y[rows]


def _digits():
    X, y = load_digits(n_class=5, return_X_y=True)
    return X[:170, ::2], y[:170]


# -- configurations --------------------------------------------------------------------


def draw_configuration(index):
    """Return the task, the parameters and the way of training of one configuration."""
    rng = np.random.RandomState(1000 + index)

    def pick(*values):
        return values[rng.randint(len(values))]

    task = TASKS[index % len(TASKS)]
    solver = SOLVERS[index // len(TASKS) % len(SOLVERS)]
    stochastic = solver != "lbfgs"
    params = dict(
        solver=solver,
        max_iter=N_EPOCHS,
        random_state=index,
        hidden_layer_sizes=pick((12,), 9, (24,), (10, 7), (6, 5, 4), (16, 8, 8)),
        activation=pick("identity", "logistic", "tanh", "relu", "relu"),
        alpha=pick(0.0, 1e-4, 1e-2, 1.0),
        tol=pick(1e-4, 1e-4, 1e-2),
    )
    way = "fit" if not stochastic else pick("fit", "fit", "warm_start", "partial_fit")
    if stochastic:
        small = (1, 7) if params["alpha"] < 1 else ()
        params |= dict(
            batch_size=pick("auto", 32, 50, 64, 1000, *small),
            shuffle=pick(True, True, False),
            n_iter_no_change=pick(2, 10, 10, np.inf),
            early_stopping=way != "partial_fit" and pick(True, False),
            validation_fraction=pick(0.1, 0.25),
        )
    if solver == "sgd":
        params |= dict(
            learning_rate=pick("constant", "invscaling", "adaptive"),
            learning_rate_init=pick(0.003, 0.01),
            power_t=pick(0.5, 0.1),
            momentum=pick(0.0, 0.5, 0.9),
            nesterovs_momentum=pick(True, False),
        )
    if solver == "adam":
        params |= dict(
            learning_rate_init=pick(0.001, 0.01),
            beta_1=pick(0.9, 0.5),
            beta_2=pick(0.999, 0.9),
            epsilon=pick(1e-8, 1e-3),
        )
    if way == "warm_start":
        params |= dict(warm_start=True)
    X, y = load_task(task, rng)
    if params.get("early_stopping") and task == "binary":
        y = (y == "benign").astype(int)  # strings failed before scikit-learn 1.9
    container = pick(None, None, sparse.csr_array, sparse.csc_array)
    if container is not None:
        X = container(np.where(np.abs(X) > 0.5, X, 0.0))
    weight = pick(None, "integers", "reals")
    sample_weight = None
    if weight is not None and HAVE_SAMPLE_WEIGHT:
        whole = way != "partial_fit" and params.get("batch_size", "auto") in (
            "auto",
            1000,
        )
        sample_weight = (
            rng.randint(0 if whole else 1, 4, len(y))
            if weight == "integers"
            else rng.rand(len(y))
        )
    return task, params, way, X, y, sample_weight


def estimators(task, params):
    """Return scikit-learn's estimator and ours with the same parameters."""
    if task in CLASSIFICATION:
        pair = sklearn.neural_network.MLPClassifier, MLPClassifier
    else:
        pair = sklearn.neural_network.MLPRegressor, MLPRegressor
        if task == "poisson":
            if not HAVE_LOSS:
                pytest.skip("this scikit-learn has no Poisson loss to compare with")
            params = params | dict(loss="poisson")
    return [cls(**params) for cls in pair]


def train(estimator, task, way, X, y, sample_weight):
    """Train in the given way; return the warnings and the weights of the first fit."""
    first_weights = None
    extra = {} if sample_weight is None else dict(sample_weight=sample_weight)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if way == "fit":
            estimator.fit(X, y, **extra)
        elif way == "warm_start":
            estimator.set_params(max_iter=N_EPOCHS // 2)
            estimator.fit(X, y, **extra)
            first_weights = copy.deepcopy((estimator.coefs_, estimator.intercepts_))
            estimator.fit(X, y, **extra)
        else:
            train_in_pieces(estimator, task, X, y, sample_weight)
    messages = {(str(w.category.__name__), str(w.message)) for w in caught}
    return sorted(messages), first_weights


def train_in_pieces(estimator, task, X, y, sample_weight):
    """Call partial_fit once per epoch, on the rows in three pieces of unequal size."""
    X = X.tocsr() if sparse.issparse(X) else X
    pieces = np.split(np.arange(X.shape[0]), [17, 60])
    first = {}
    if task in CLASSIFICATION:
        first["classes"] = np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)
    for epoch in range(N_EPOCHS):
        for rows in pieces:
            extra = first if epoch == 0 else {}
            if sample_weight is not None:
                extra = extra | dict(sample_weight=sample_weight[rows])
            estimator.partial_fit(X[rows], y[rows], **extra)


def put_back_lost_best_weights(theirs, first_weights):
    """Give scikit-learn's estimator the best weights back if a warm start lost them."""
    if theirs.early_stopping and theirs.warm_start:
        n_first = len(theirs.validation_scores_) - theirs.n_iter_
        first, second = np.split(theirs.validation_scores_, [n_first])
        if max(second) <= max(first):
            theirs.coefs_, theirs.intercepts_ = first_weights


# -- comparison ------------------------------------------------------------------------


def assert_same_state(ours, theirs):
    """Compare everything both report, to RTOL."""
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=RTOL)
    for name in ("loss_curve_", "validation_scores_"):
        values = getattr(theirs, name, None)
        assert (getattr(ours, name, None) is None) == (values is None), name
        if values is not None:
            assert type(getattr(ours, name)) is list
            np.testing.assert_allclose(getattr(ours, name), values, rtol=RTOL)
    for name in ("best_loss_", "best_validation_score_"):
        assert hasattr(ours, name) == hasattr(theirs, name), name
        value = getattr(theirs, name, None)
        assert getattr(ours, name, None) == (
            None if value is None else pytest.approx(value, rel=RTOL)
        ), name
    for got, want in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        assert got.dtype == want.dtype == np.float64
        np.testing.assert_allclose(got, want, rtol=RTOL, atol=RTOL * abs(want).max())


def assert_same_predictions(ours, theirs, X):
    got, want = ours.predict(X), theirs.predict(X)
    assert got.dtype == want.dtype
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_array_equal(got, want)
        got, want = ours.predict_proba(X), theirs.predict_proba(X)
        np.testing.assert_allclose(got, want, rtol=RTOL)
        # The logarithm of a p next to 1 is as exact as p: to 1e-16, but absolutely.
        got, want = ours.predict_log_proba(X), theirs.predict_log_proba(X)
        np.testing.assert_allclose(got, want, rtol=RTOL, atol=1e-14)
    else:
        np.testing.assert_allclose(got, want, rtol=RTOL, atol=RTOL * abs(want).max())


@pytest.mark.parametrize("index", range(N_CONFIGURATIONS))
def test_training_gives_the_numbers_of_scikit_learn(index):
    task, params, way, X, y, sample_weight = draw_configuration(index)
    theirs, ours = estimators(task, params)
    their_warnings, first_weights = train(theirs, task, way, X, y, sample_weight)
    our_warnings, _ = train(ours, task, way, X, y, sample_weight)
    put_back_lost_best_weights(theirs, first_weights)
    assert_same_state(ours, theirs)
    assert_same_predictions(ours, theirs, X)
    assert our_warnings == their_warnings
