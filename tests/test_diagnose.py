"""`diagnose` on curves recorded from real trainings (tests/record_curves.py).

Each curve's name begins with the verdict that a practitioner would give, looking at it.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier, MLPRegressor, TrainingSession
from caviar._verdicts import STATUS, TITLES
from caviar.diagnostics import Diagnosis, diagnose

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
CURVES = json.loads(Path(__file__).with_name("curves.json").read_text())


def scaled(history, factor):
    """The same training, its loss in another unit."""
    losses = ("loss", "validation_loss")
    return {
        name: [v if v is None or name not in losses else factor * v for v in column]
        for name, column in history.items()
    }


def history(loss, validation=None, score=None):
    loss = np.asarray(loss, dtype=float)
    columns = {"loss": loss, "validation_loss": validation, "validation_score": score}
    return {name: list(v) for name, v in columns.items() if v is not None}


def test_there_are_curves_of_every_verdict():
    recorded = {name.split()[0] for name in CURVES}
    assert recorded | {"stopped_in_time"} == set(STATUS) == set(TITLES)
    assert len(CURVES) > 30


@pytest.mark.parametrize("name", CURVES)
def test_recorded_curves_get_the_verdict_of_a_practitioner(name):
    diagnosis = diagnose(CURVES[name])
    assert diagnosis.verdict == name.split()[0], diagnosis
    assert isinstance(diagnosis, Diagnosis)
    assert diagnosis.numbers["n_epochs"] == len(CURVES[name]["loss"])


@pytest.mark.parametrize("factor", [1e-6, 0.37, 1e6])
@pytest.mark.parametrize("name", CURVES)
def test_the_unit_of_the_loss_does_not_matter(name, factor):
    assert diagnose(scaled(CURVES[name], factor)).verdict == name.split()[0]


@pytest.mark.parametrize("name", CURVES)
def test_numbers_and_advice_stand_behind_every_verdict(name):
    diagnosis = diagnose(CURVES[name])
    curves, numbers = CURVES[name], diagnosis.numbers
    losses = [v for v in curves["loss"] if v is not None]
    assert numbers["first_loss"] == losses[0]
    assert numbers["least_loss"] == min(losses)
    validation = [v for v in curves["validation_loss"] if v is not None]
    if validation:
        assert numbers["least_validation_loss"] == min(validation)
        best = curves["validation_loss"].index(min(validation)) + 1
        assert numbers["best_epoch"] == best
    if not diagnosis.ok:
        assert diagnosis.advice
    # Advice names parameters, or what to look at; it is never empty words.
    assert all(len(text) > 10 for text in diagnosis.advice)
    assert max(map(len, str(diagnosis).split("\n"))) < 80
    assert json.dumps(diagnosis.to_dict(), allow_nan=False)


def test_a_constant_added_column_or_a_missing_one_changes_nothing():
    curves = CURVES["needs_more_training alone"]
    loss_alone = {"loss": curves["loss"]}
    more = {**curves, "seconds": [1.0] * len(curves["loss"])}
    verdicts = {diagnose(h).verdict for h in (curves, loss_alone, more)}
    assert verdicts == {"needs_more_training"}


def test_arrays_and_nan_are_read_as_lists_and_none():
    curves = CURVES["no_validation digits"]
    arrays = {
        name: np.array([np.nan if v is None else v for v in column])
        for name, column in curves.items()
    }
    assert diagnose(arrays) == diagnose(curves)


# Curves by formula, whose numbers are known


def test_the_gap_and_the_rise_are_what_they_say():
    epochs = np.arange(1, 101)
    loss = np.exp(-epochs / 20)
    validation = np.where(epochs < 40, loss + 0.02, 0.16 + 0.004 * (epochs - 40))
    diagnosis = diagnose(history(loss, validation))
    assert diagnosis.verdict == "overfitting"
    end = np.median(validation[-10:])
    numbers, scale = diagnosis.numbers, loss[0]
    assert_allclose(numbers["rise"], (end - validation.min()) / scale)
    assert_allclose(numbers["gap"], (end - np.median(loss[-10:])) / scale)
    assert numbers["best_epoch"] == np.argmin(validation) + 1
    assert "early_stopping=True" in diagnosis.advice[0]


def test_where_r2_tells_the_variance_the_level_is_measured_by_it():
    """The loss of half the squared error is (1 - R2) / 2 of the variance."""
    epochs = np.arange(60)
    validation = 7.0 * (0.9 + 0.05 * np.exp(-epochs / 5))
    diagnosis = diagnose(history(validation + 0.01, validation, 1 - validation / 7.0))
    assert_allclose(diagnosis.numbers["loss_of_knowing_nothing"], 7.0)
    assert_allclose(diagnosis.numbers["share_left"], 0.9, rtol=1e-3)
    assert diagnosis.verdict == "underfitting"


def test_a_learning_rate_that_fell_to_nothing_is_named_for_a_plateau():
    diagnosis = diagnose(CURVES["plateau schedule"])
    assert "schedule" in diagnosis.advice[0]
    assert "slower" in diagnosis.advice[0]


@pytest.mark.parametrize("n_epochs", [1, 2, 3])
def test_few_epochs_are_too_short_to_tell_but_not_for_divergence(n_epochs):
    curves = {k: v[:n_epochs] for k, v in CURVES["good_fit digits"].items()}
    assert diagnose(curves).verdict == "too_short"
    assert diagnose(history([*[2.0] * n_epochs, np.nan])).verdict == "diverged"


def test_a_first_loss_that_is_not_finite_is_divergence():
    assert diagnose(history([np.nan])).verdict == "diverged"
    assert diagnose(history([np.inf, np.nan], [np.nan] * 2)).verdict == "diverged"


@pytest.mark.parametrize("loss", [0.0, 1e-12])
def test_a_loss_of_zero_is_no_problem(loss):
    flat = [loss] * 20
    assert diagnose(history(flat, flat, [1.0] * 20)).ok


def test_a_history_without_epochs_is_refused():
    with pytest.raises(ValueError, match="at least one epoch, got none"):
        diagnose({"loss": []})
    with pytest.raises(TypeError, match=r"a fitted caviar estimator .* LogisticReg"):
        diagnose(LogisticRegression())
    with pytest.raises(TypeError, match="fitted"):
        diagnose(MLPClassifier())


# Estimators, searches, sessions


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:900] / 16, y[:900], X[900:] / 16, y[900:]


@pytest.fixture(scope="module")
def fitted(digits):
    X, y, X_val, y_val = digits
    network = MLPClassifier((30,), max_iter=12, random_state=0)
    return network.fit(X, y, X_val=X_val, y_val=y_val)


def test_an_estimator_knows_its_parameters_and_the_loss_of_knowing_nothing(fitted):
    diagnosis = diagnose(fitted)
    assert diagnosis.verdict == "needs_more_training"
    assert_allclose(diagnosis.numbers["loss_of_knowing_nothing"], np.log(10))
    assert "max_iter=24 (now 12)" in diagnosis.advice
    assert "learning_rate_init=0.003 (now 0.001)" in diagnosis.advice


def test_what_stands_round_an_estimator_is_looked_through(digits, fitted):
    X, y, *_ = digits
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=5)).fit(
        X, y
    )
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [0.1]}, cv=2).fit(X, y)
    A, b = load_diabetes(return_X_y=True)
    wrapped = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), MLPRegressor(max_iter=5)),
        transformer=StandardScaler(),
    ).fit(A, b)
    for estimator in (pipeline, search, wrapped):
        assert diagnose(estimator).numbers["n_epochs"] == 5


def test_lbfgs_has_a_history_too(digits):
    X, y, *_ = digits
    network = MLPClassifier((10,), solver="lbfgs", max_iter=200).fit(X, y)
    assert diagnose(network).verdict == "no_validation"


def test_early_stopping_that_stopped_is_called_so(digits):
    X, y, *_ = digits
    network = MLPClassifier(
        (30,), early_stopping=True, learning_rate_init=0.02, random_state=0
    ).fit(X, y)
    assert network.n_iter_ < network.max_iter
    assert diagnose(network).verdict == "stopped_in_time"
    assert diagnose(network.history_).verdict != "stopped_in_time"
    # 'lbfgs' has none, though the parameter is on, and is not advised to.
    network.set_params(solver="lbfgs").fit(X, y)
    assert not any("early_stopping" in text for text in diagnose(network).advice)


def test_a_session_is_read_where_it_stands(digits):
    X, y, X_val, y_val = digits
    session = TrainingSession(
        MLPClassifier((30,), max_iter=100, random_state=0),
        X,
        y,
        X_val=X_val,
        y_val=y_val,
    ).run(10)
    diagnosis = diagnose(session)
    assert diagnosis.verdict == "needs_more_training"
    assert "10 of max_iter=100" in diagnosis.advice[0]


def test_curves_that_are_together_but_high_are_no_good_fit(digits):
    """With this rate half of the digits are right, after 15 epochs and after 100."""
    X, y, X_val, y_val = digits
    network = MLPClassifier((64,), random_state=0, learning_rate_init=0.3)
    session = TrainingSession(network, X, y, X_val=X_val, y_val=y_val).run(15)
    diagnosis = diagnose(session)
    assert diagnosis.verdict == "underfitting"
    assert diagnosis.advice[0] == "learning_rate_init=0.03 (now 0.3)"


def test_regularization_explains_validation_that_is_better(digits):
    X, y, *_ = digits
    network = MLPClassifier((50,), dropout=0.5, input_dropout=0.3, max_iter=300)
    network.set_params(random_state=0, n_iter_no_change=300)
    network.fit(X, y, X_val=X[:300], y_val=y[:300])
    diagnosis = diagnose(network)
    assert diagnosis.verdict == "validation_better" and diagnosis.ok
    assert not diagnose(network.history_).ok  # which does not know of the dropout
