"""scikit-learn's own tests of its MLP, run on caviar's two classes.

The installed ``sklearn/neural_network/tests/test_mlp.py`` is executed as a module of
another name while ``sklearn.neural_network`` hands out our classes, so that its
imports and parametrized lists see ours. Its test functions become tests of this file.

Six of them reach into private attributes. They are listed in ``PRIVATE`` with the
names they use, and what they claim is tested again below through public API.
"""

import ast
import functools
import importlib.util
import inspect
import re
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import sklearn
import sklearn.neural_network
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import MinMaxScaler

from caviar import MLPClassifier, MLPRegressor

# Their tests are not written for warnings as errors.
pytestmark = pytest.mark.filterwarnings(
    "default", "ignore::sklearn.exceptions.ConvergenceWarning"
)

PRIVATE = {
    "test_fit": {
        "_coef_grads",
        "_coef_velocity",
        "_intercept_grads",
        "_intercept_velocity",
        "_no_improvement_count",
    },
    "test_gradient": {"_loss_grad_lbfgs"},
    "test_learning_rate_warmstart": {"_optimizer"},
    "test_adaptive_learning_rate": {"_optimizer"},
    "test_n_iter_no_change": {"_no_improvement_count"},
    "test_n_iter_no_change_inf": {"_no_improvement_count"},
}


def _load_their_tests():
    """Execute scikit-learn's test module with our classes in place of theirs."""
    path = Path(sklearn.neural_network.__file__).parent / "tests" / "test_mlp.py"
    spec = importlib.util.spec_from_file_location("sklearn_test_mlp_on_caviar", path)
    module = importlib.util.module_from_spec(spec)
    with mock.patch.multiple(
        sklearn.neural_network, MLPClassifier=MLPClassifier, MLPRegressor=MLPRegressor
    ):
        spec.loader.exec_module(module)
    return module


def _private_names(function):
    """Return the private attributes that a test function reads or sets."""
    tree = ast.parse(inspect.getsource(function))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {name for name in names if re.match(r"_[a-z]", name)}


def _never_skipped(function):
    """Make a skip inside one of their tests a failure of ours."""

    @functools.wraps(function)
    def run(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except pytest.skip.Exception as skip:
            pytest.fail(f"scikit-learn's {function.__name__} was skipped: {skip}")

    return run


theirs = _load_their_tests()
their_tests = {
    name: function
    for name, function in vars(theirs).items()
    if name.startswith("test_") and inspect.isfunction(function)
}
public_tests = {name: f for name, f in their_tests.items() if not _private_names(f)}
globals().update({name: _never_skipped(f) for name, f in public_tests.items()})


# -- that the file is covered ----------------------------------------------------------


def test_their_module_sees_our_classes():
    assert theirs.MLPClassifier is MLPClassifier
    assert theirs.MLPRegressor is MLPRegressor
    assert sklearn.neural_network.MLPClassifier is not MLPClassifier


def test_every_test_of_the_installed_file_is_run_or_listed():
    source = Path(theirs.__file__).read_text(encoding="utf-8")
    defined = set(re.findall(r"^def (test_\w+)", source, flags=re.MULTILINE))
    used = {name: _private_names(their_tests[name]) for name in defined}
    listed = {name: names for name, names in used.items() if names}

    assert defined == set(public_tests) | set(listed)
    for name, names in listed.items():
        assert names <= PRIVATE.get(name, set()), name
    if sklearn.__version__ == "1.9.1":
        assert (len(defined), len(public_tests)) == (43, 37)
        assert listed == PRIVATE


def test_none_of_their_tests_is_marked_to_be_skipped_or_to_fail():
    for name, function in public_tests.items():
        marks = list(getattr(function, "pytestmark", []))
        for mark in list(marks):
            if mark.name == "parametrize":
                for values in mark.args[1]:
                    marks.extend(getattr(values, "marks", []))
        names = {mark.name for mark in marks}
        assert not names & {"skip", "skipif", "xfail"}, name


# -- the claims of the private ones, through public API --------------------------------


class ScriptedRandomState(np.random.RandomState):
    """A RandomState whose first uniform draws are given: chooses initial weights.

    Weights are drawn as scikit-learn draws them, layer by layer, the matrix and then
    the intercepts.
    """

    def __init__(self, *draws):
        super().__init__(0)
        self.draws = [np.asarray(draw, dtype=float) for draw in draws]

    def uniform(self, low=0.0, high=1.0, size=None):
        draw = self.draws.pop(0)
        return draw.reshape(size if size is not None else draw.shape).copy()


def output_gradient(coefs, intercepts, X, y, alpha):
    """Return the gradient of the output weights of a logistic network, binary y."""
    hidden = 1 / (1 + np.exp(-(X @ coefs[0] + intercepts[0])))
    output = 1 / (1 + np.exp(-(hidden @ coefs[1] + intercepts[1])))
    return (hidden.T @ (output - np.reshape(y, (-1, 1))) + alpha * coefs[1]) / len(X)


def learning_rate_of_next_step(mlp, X, y):
    """Measure it: one plain SGD step on the full batch, divided by the gradient."""
    before = mlp.coefs_[1].copy()
    gradient = output_gradient(mlp.coefs_, mlp.intercepts_, X, y, mlp.alpha)
    mlp.partial_fit(X, y)
    largest = np.abs(gradient).argmax()
    return float((before - mlp.coefs_[1]).flat[largest] / gradient.flat[largest])


def test_one_sgd_step_equals_the_worked_example():
    """The claim of ``test_fit``, with its numbers: a 3-2-1 logistic network."""
    X, y = np.array([[0.6, 0.8, 0.7]]), np.array([0])
    weights = ScriptedRandomState(
        [[0.1, 0.2], [0.3, 0.1], [0.5, 0]], [0.1, 0.1], [[0.1], [0.2]], [1.0]
    )
    mlp = MLPClassifier(
        solver="sgd",
        learning_rate_init=0.1,
        alpha=0.1,
        activation="logistic",
        random_state=weights,
        max_iter=1,
        hidden_layer_sizes=2,
        momentum=0,
    )
    mlp.partial_fit(X, y, classes=[0, 1])

    assert not weights.draws
    coefs = [
        [[0.098, 0.195756], [0.2956664, 0.096008], [0.4939998, -0.002244]],
        [[0.04706], [0.154089]],
    ]
    intercepts = [[0.098333, 0.09626], [0.9235]]
    for got, want in zip(mlp.coefs_ + mlp.intercepts_, coefs + intercepts, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-3)
    assert mlp.predict_proba(X)[0, 1] == pytest.approx(0.739, abs=1e-3)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_sgd_step_is_the_numerical_gradient_of_the_loss(activation, n_classes):
    """The claim of ``test_gradient``: the loss and the step come from the estimator.

    Central differences, step 1e-5, to 7 decimals as there.
    """
    rng = np.random.RandomState(42)
    X = rng.rand(5, 6)
    y = np.mod(np.arange(5), n_classes)
    n_out = 1 if n_classes == 2 else n_classes
    shapes = [(6, 4), (4,), (4, n_out), (n_out,)]
    theta = rng.uniform(-0.8, 0.8, sum(int(np.prod(shape)) for shape in shapes))
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])

    def fit(flat):
        parts = np.split(flat, ends[:-1])
        draws = [part.reshape(s) for part, s in zip(parts, shapes, strict=True)]
        return MLPClassifier(
            activation=activation,
            hidden_layer_sizes=4,
            solver="sgd",
            momentum=0,
            learning_rate_init=1.0,
            alpha=1e-2,
            max_iter=1,
            shuffle=False,
            random_state=ScriptedRandomState(*draws),
        ).fit(X, y)

    mlp = fit(theta)
    layers = zip(mlp.coefs_, mlp.intercepts_, strict=True)
    gradient = theta - np.hstack([part.ravel() for layer in layers for part in layer])

    h = 1e-5
    numerical = np.zeros_like(theta)
    for k in range(theta.size):
        shift = np.zeros_like(theta)
        shift[k] = h
        up, down = fit(theta + shift).loss_, fit(theta - shift).loss_
        numerical[k] = (up - down) / (2 * h)
    np.testing.assert_allclose(gradient, numerical, rtol=0, atol=1.5e-7)


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
def test_warm_start_goes_on_counting_samples_for_the_learning_rate(learning_rate):
    """The claim of ``test_learning_rate_warmstart``; the rate is measured."""
    X = np.array([[3.0, 2], [1, 6], [5, 6], [-2, -4]])
    y = np.array([1, 1, 1, 0])
    mlp = MLPClassifier(
        solver="sgd",
        hidden_layer_sizes=4,
        activation="logistic",
        learning_rate=learning_rate,
        max_iter=1,
        power_t=0.25,
        momentum=0,
        warm_start=True,
        random_state=0,
    )
    mlp.fit(X, y)
    mlp.fit(X, y)
    assert mlp.t_ == 8
    expected = mlp.learning_rate_init
    if learning_rate == "invscaling":
        expected /= (8 + 1) ** mlp.power_t
    assert learning_rate_of_next_step(mlp, X, y) == pytest.approx(expected, rel=1e-6)


def test_adaptive_learning_rate_falls_by_5_down_to_1e_6_and_stops(capsys):
    """The claim of ``test_adaptive_learning_rate``; the rate is printed, measured."""
    X, y = np.array([[3.0, 2], [1, 6]]), np.array([1, 0])
    mlp = MLPClassifier(
        tol=0.5,
        max_iter=3000,
        solver="sgd",
        activation="logistic",
        momentum=0,
        learning_rate="adaptive",
        random_state=0,
        verbose=True,
    )
    mlp.fit(X, y)
    printed = capsys.readouterr().out
    rates = re.findall(r"Setting learning rate to ([\d.]+)", printed)
    assert [float(rate) for rate in rates] == pytest.approx(
        [0.001 / 5**k for k in range(1, 6)], abs=5e-7
    )
    assert printed.count("Learning rate too small. Stopping.") == 1
    assert mlp.n_iter_ < mlp.max_iter
    mlp.set_params(verbose=False)
    assert learning_rate_of_next_step(mlp, X, y) == pytest.approx(
        0.001 / 5**5, rel=1e-4
    )


def epochs_without_improvement(loss_curve, tol):
    """Return, per epoch, how many epochs in a row have not improved by tol."""
    best, counts, count = np.inf, [], 0
    for loss in loss_curve:
        count = count + 1 if loss > best - tol else 0
        best = min(best, loss)
        counts.append(count)
    return counts


@pytest.mark.parametrize("n_iter_no_change", [2, 5, 10, 50, 100])
def test_fit_stops_at_the_first_epoch_past_n_iter_no_change(n_iter_no_change):
    """The claim of ``test_n_iter_no_change``; the count is taken from loss_curve_."""
    X, y = load_digits(n_class=2, return_X_y=True)
    X, y = MinMaxScaler().fit_transform(X[:100]), y[:100]
    mlp = MLPClassifier(
        tol=0.01,
        max_iter=3000,
        solver="sgd",
        n_iter_no_change=n_iter_no_change,
        random_state=0,
    ).fit(X, y)
    counts = epochs_without_improvement(mlp.loss_curve_, mlp.tol)
    assert counts[-1] == n_iter_no_change + 1
    assert max(counts[:-1]) <= n_iter_no_change
    assert mlp.n_iter_ < mlp.max_iter


def test_infinite_n_iter_no_change_runs_to_max_iter():
    """The claim of ``test_n_iter_no_change_inf``: no epoch improves, none stops."""
    X, y = load_digits(n_class=2, return_X_y=True)
    X, y = MinMaxScaler().fit_transform(X[:100]), y[:100]
    mlp = MLPClassifier(
        tol=1e9, max_iter=3000, solver="sgd", n_iter_no_change=np.inf, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3000\)"):
        mlp.fit(X, y)
    assert mlp.n_iter_ == len(mlp.loss_curve_) == 3000
    counts = epochs_without_improvement(mlp.loss_curve_, mlp.tol)
    assert counts == list(range(3000))
