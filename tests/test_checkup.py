"""`checkup` on data and networks with one thing wrong each, and on healthy ones."""

import json

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier, MLPRegressor, _rows
from caviar._diagnosed import find_problem
from caviar.diagnostics import (
    Diagnosis,
    InitialLoss,
    LearningRateRange,
    SmallSampleFit,
    checkup,
)

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")


def piped(**params):
    params = {"random_state": 0, **params}
    return make_pipeline(StandardScaler(), MLPClassifier(**params))


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


def data_findings(model, X, y):
    """The first findings of a checkup, without its trainings."""
    return _rows.look(find_problem(model, X, y), np.random.RandomState(0))[0]


# Healthy

GOOD = {
    "digits": (load_digits, {"max_iter": 60}),
    "digits tanh": (load_digits, {"activation": "tanh", "max_iter": 60}),
    "digits batch_norm": (
        load_digits,
        {"batch_norm": True, "dropout": 0.2, "max_iter": 60},
    ),
    "digits deep": (
        load_digits,
        {
            "hidden_layer_sizes": (64, 32),
            "weight_init": "he_normal",
            "max_iter": 50,
            "dropout": 0.1,
        },
    ),
    "digits early stopping": (load_digits, {"early_stopping": True}),
    "cancer": (load_breast_cancer, {"max_iter": 60, "alpha": 0.1}),
    "cancer tanh": (
        load_breast_cancer,
        {"max_iter": 60, "alpha": 0.1, "activation": "tanh"},
    ),
    "cancer early stopping": (load_breast_cancer, {"early_stopping": True}),
    "wine": (load_wine, {"learning_rate_init": 0.003, "max_iter": 100, "alpha": 0.1}),
    "wine dropout": (
        load_wine,
        {"learning_rate_init": 0.003, "max_iter": 100, "dropout": 0.2},
    ),
    "iris early stopping": (
        load_iris,
        {"learning_rate_init": 0.01, "early_stopping": True},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_healthy_networks_get_no_problem_and_hardly_a_warning(name):
    load, params = GOOD[name]
    X, y = load(return_X_y=True)
    found = [checkup(piped(**params), X, y, random_state=seed) for seed in range(2)]
    findings = [finding for one in found for finding in one.findings]
    assert not any(finding.status == "problem" for finding in findings)
    warnings = [finding for finding in findings if not finding.ok]
    # A draw of 30 or 100 validation rows may look like overfitting.
    assert len(warnings) <= 1, warnings
    assert all(finding.step == "curves" for finding in warnings)


@pytest.mark.parametrize("kind", ["relu", "tanh", "early stopping"])
def test_a_healthy_regression_is_left_in_peace(kind):
    X, y = load_diabetes(return_X_y=True)
    network = MLPRegressor(
        hidden_layer_sizes=(30,), alpha=1.0, learning_rate_init=0.003, max_iter=40
    )
    network.set_params(random_state=0, activation="tanh" if kind == "tanh" else "relu")
    network.set_params(early_stopping=kind == "early stopping")
    model = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), network), transformer=StandardScaler()
    )
    for seed in range(3):
        found = checkup(model, X, y, random_state=seed)
        assert found.ok, found


# One thing wrong


def test_unscaled_inputs_are_named_with_their_columns(cancer):
    X, y = cancer
    found = checkup(MLPClassifier(random_state=0), X, y)
    assert found["data"].status == "problem"
    assert "number 23" in found["data"].title  # worst area, up to 4254
    assert found["first loss"].status == "problem"
    for step in ("data", "first loss"):
        assert "StandardScaler()" in found[step].advice[0]


def test_columns_have_the_names_of_a_data_frame_or_of_the_pipeline_s_steps():
    pandas = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True)
    frame = pandas.DataFrame(X * 1000, columns=["a", "b", "c", "d"])
    found = checkup(MLPClassifier((5,), max_iter=5), frame, y)
    assert "'a', 'c'" in found["data"].title
    leaking = frame.assign(e=y)
    model = make_pipeline(StandardScaler(), MLPClassifier((5,), max_iter=5))
    assert "'e'" in checkup(model, leaking, y)["data"].title


def test_saturated_and_dead_units_are_found_before_training(cancer):
    X, y = cancer
    saturated = checkup(MLPClassifier(activation="tanh", random_state=0), X, y)
    assert saturated["signal"].status == "problem"
    assert "saturated" in saturated["signal"].title
    digits = load_digits(return_X_y=True)
    dead = checkup(MLPClassifier((30,), random_state=0), digits[0] - 500, digits[1])
    assert "dead" in dead["signal"].title and not dead["signal"].ok


def test_a_signal_that_fades_from_layer_to_layer_is_found(digits):
    X, y = digits
    found = checkup(piped(hidden_layer_sizes=(30,) * 5, weight_init="normal"), X, y)
    assert not found["signal"].ok and "fades" in found["signal"].title
    assert found["first loss"].ok  # which is log 10 precisely


RATES = {
    "too small": ({"learning_rate_init": 1e-6}, "too_slow"),
    "too large": ({"learning_rate_init": 30.0, "solver": "sgd"}, "diverged"),
}


@pytest.mark.parametrize("words", RATES)
@pytest.mark.filterwarnings("ignore:overflow")
def test_a_rate_that_is_off_shows_in_the_range_test_and_the_curves(digits, words):
    params, verdict = RATES[words]
    found = checkup(piped(**params, max_iter=30), *digits)
    assert found["learning rate"].status == "problem"
    assert words in found["learning rate"].title
    assert found["curves"].verdict == verdict


def test_shuffled_labels_are_learnt_by_heart_and_say_nothing_of_others(digits):
    X, y = digits
    shuffled = np.random.RandomState(0).permutation(y)
    found = checkup(piped(), X, shuffled)
    assert found["curves"].verdict == "memorizing"
    assert found["curves"].status == "problem"
    assert "belong together" in " ".join(found["curves"].advice)
    # Fifty rows can be learnt by heart, whatever their labels.
    assert found["small sample"].ok and found["first loss"].ok


def test_shuffled_targets_of_a_regression_are_found():
    X, y = load_diabetes(return_X_y=True)
    y = np.random.RandomState(0).permutation(y)
    model = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), MLPRegressor(max_iter=100, random_state=0)),
        transformer=StandardScaler(),
    )
    assert checkup(model, X, y)["curves"].verdict == "memorizing"


def test_a_network_that_is_too_small_fails_the_small_sample(digits):
    found = checkup(piped(hidden_layer_sizes=(2,), max_iter=50), *digits)
    assert found["small sample"].status == "problem"
    assert "too small" in found["small sample"].explanation
    assert not found["curves"].ok


@pytest.mark.parametrize("kind", ["a copy", "noise", "renamed", "rank"])
def test_a_column_that_gives_the_target_away_is_named(cancer, kind):
    X, y = cancer
    rng = np.random.RandomState(0)
    leak = {
        "a copy": y,
        "noise": y + 0.05 * rng.standard_normal(len(y)),
        "renamed": np.where(y == 1, -3.5, 8.0),
        "rank": np.argsort(np.argsort(y, kind="stable")) / len(y),
    }[kind]
    for place in (0, 17, 30):
        table = np.insert(X, place, leak, axis=1)
        (found,) = data_findings(piped(), table, y)
        assert found.status == "problem"
        assert found.numbers["columns"] == [place]
        assert found.numbers["score_without"] < 0.97
        assert f"number {place} alone gives the target away" in found.title


def test_a_leak_of_a_regression_s_target_is_named():
    X, y = load_diabetes(return_X_y=True)
    rng = np.random.RandomState(0)
    leak = np.log(y) + 0.01 * rng.standard_normal(len(y))
    (found,) = data_findings(MLPRegressor(), np.column_stack([X, leak]), y)
    assert found.numbers["columns"] == [10]


@pytest.mark.parametrize(
    "load", [load_iris, load_wine, load_breast_cancer, load_digits]
)
def test_columns_that_merely_tell_much_are_no_leak(load):
    X, y = load(return_X_y=True)
    for target in (y, y == 0):  # one column of iris, wine alone tells the first class
        findings = data_findings(piped(), X, target)
        assert not any("columns" in f.numbers for f in findings), findings


def test_copies_between_training_and_validation_are_found(digits):
    X, y = digits
    X_train, X_val, y_train, y_val = train_test_split(X, y, random_state=0)
    apart = checkup(piped(max_iter=5), X_train, y_train, X_val=X_val, y_val=y_val)
    assert apart["data"].ok
    X_val[:200], y_val[:200] = X_train[:200], y_train[:200]
    found = checkup(piped(max_iter=5), X_train, y_train, X_val=X_val, y_val=y_val)
    assert found["data"].status == "problem"
    assert found["data"].numbers["n_copies"] == 200
    sparse = checkup(
        MLPClassifier(max_iter=5),
        csr_matrix(X_train),
        y_train,
        X_val=csr_matrix(X_val),
        y_val=y_val,
    )
    assert any(f.numbers.get("n_copies") == 200 for f in sparse.findings)


def test_missing_values_are_a_finding_not_an_error(cancer):
    X, y = cancer
    X = X.copy()
    X[::7, 3] = np.nan
    found = checkup(piped(), X, y)
    assert len(found.findings) == 1 and found.status == "problem"
    assert "number 3" in found["data"].title
    assert "SimpleImputer()" in found["data"].advice[0]
    filled = make_pipeline(SimpleImputer(), piped(max_iter=5))
    assert checkup(filled, X, y)["data"].ok


def test_missing_values_among_validation_rows_are_found(cancer):
    X, y = cancer
    bad = np.where(X[:50] > 100, np.inf, X[:50])
    found = checkup(MLPClassifier(), X, y, X_val=bad, y_val=y[:50])
    assert "validation" in found["data"].title and not found.ok


def test_targets_that_are_missing_are_found():
    X, y = load_diabetes(return_X_y=True)
    y = np.where(y > 200, np.nan, y)
    found = checkup(MLPRegressor(), X, y)
    assert found.status == "problem" and "targets" in found["data"].title


@pytest.mark.parametrize("network", [MLPClassifier(), MLPRegressor()])
def test_one_class_or_one_value_is_a_finding(network):
    X, _ = load_iris(return_X_y=True)
    found = checkup(network, X, np.ones(len(X)))
    assert found.status == "problem" and "same" in found["data"].title


def test_rare_classes_and_a_class_of_nearly_all_rows_are_worth_a_look(cancer):
    X, y = cancer
    rare = np.where(np.arange(len(y)) < 2, 7, y)
    assert "fewer than 5" in checkup(piped(max_iter=5), X, rare)["data"].title
    skewed = (np.arange(len(y)) % 20 == 0).astype(int)
    found = checkup(piped(max_iter=5), X, skewed)
    assert not found["data"].ok and "94.9%" in found["data"].title


def test_constant_columns_are_counted(cancer):
    X, y = cancer
    table = np.hstack([X, np.ones((len(X), 40))])
    found = checkup(piped(max_iter=5), table, y)
    assert found["data"].status == "warning" and "40 of 70" in found["data"].title
    assert checkup(piped(), np.ones_like(X), y)["data"].status == "problem"


def test_text_is_a_finding():
    X = np.array([["a", "b"]] * 30, dtype=object)
    found = checkup(MLPClassifier(), X, np.arange(30) % 2)
    assert found.status == "problem" and "numbers" in found["data"].title


def test_noise_is_told_from_underfitting_by_trying(digits):
    """Of noisy labels no network gets more; of a network of two units a larger one does."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((4000, 5))
    y = X.sum(axis=1) + 4 * rng.standard_normal(4000) > 0
    noisy = checkup(piped(hidden_layer_sizes=(4,), max_iter=40), X, y)["curves"]
    assert noisy.ok and "all there is" in noisy.title
    assert noisy.numbers["share_left"] > 0.7
    small = checkup(
        piped(hidden_layer_sizes=(2,), max_iter=100, learning_rate_init=0.03), *digits
    )["curves"]
    assert not small.ok and small.advice[0].startswith("hidden_layer_sizes=(32,)")


# The page and the data


def test_findings_are_the_results_of_the_steps(digits):
    found = checkup(piped(max_iter=10), *digits)
    steps = [finding.step for finding in found.findings]
    assert steps == [
        "data",
        "first loss",
        "signal",
        "small sample",
        "learning rate",
        "curves",
    ]
    kinds = {
        "first loss": InitialLoss,
        "small sample": SmallSampleFit,
        "learning rate": LearningRateRange,
        "curves": Diagnosis,
    }
    assert all(isinstance(found[step], kind) for step, kind in kinds.items())
    with pytest.raises(KeyError):
        found["weather"]


def test_the_page_fits_a_terminal_and_shows_every_finding(cancer):
    found = checkup(MLPClassifier(random_state=0), *cancer)
    page = str(found)
    assert page.isascii()
    assert max(map(len, page.split("\n"))) < 80
    assert len(page.split("\n")) < 110
    words = " ".join(page.split())
    for finding in found.findings:
        assert finding.title in words
    assert "Begin with the first (data)" in words and found.code not in str(found)


def test_the_data_are_json_and_the_same_for_a_seed(digits):
    first, again = (
        checkup(piped(random_state=None, max_iter=5), *digits) for _ in "ab"
    )
    assert first.to_dict() == again.to_dict() and str(first) == str(again)
    other = checkup(piped(random_state=None, max_iter=5), *digits, random_state=1)
    assert other.to_dict() != first.to_dict()
    data = json.loads(json.dumps(first.to_dict(), allow_nan=False))
    assert data["findings"][0]["step"] == "data"
    assert len(data["history"]["loss"]) == 5


@pytest.mark.filterwarnings("ignore::caviar.model_selection.SearchBoundaryWarning")
def test_the_code_of_the_searches_runs_and_finds_something(digits):
    X, y = digits[0][:400], digits[1][:400]
    estimator = piped(hidden_layer_sizes=(16,))
    found = checkup(estimator, X, y)
    code = found.code.replace("n_iter=20", "n_iter=4").replace("n_iter=10", "n_iter=2")
    names = {"estimator": estimator, "X": X, "y": y}
    exec(compile(code, "checkup", "exec"), names)
    assert names["fine"].best_score_ > 0.8
    assert "mlpclassifier__alpha" in names["coarse"].best_params_
    # The steps as the course has them: 1 to 5 epochs, then 10 to 20.
    assert names["coarse"].estimator is estimator
    assert "max_iter=5" in code and "max_iter=20" in code
    assert "[1e-4, 1e-5, 0.0]" in code


@pytest.mark.parametrize(
    "params",
    [
        {"solver": "lbfgs", "max_iter": 50},
        {"solver": "adamw", "weight_decay": 0.01},
        {"loss": "focal"},
        {"class_weight": "balanced"},
        {"hidden_layer_sizes": ()},
        {"learning_rate": "one_cycle", "max_iter": 20},
        {"dtype": "float32"},
    ],
    ids=str,
)
def test_networks_of_all_kinds_are_checked(params, cancer):
    found = checkup(piped(**{"max_iter": 30, **params}), *cancer)
    assert found["first loss"].ok
    steps = [finding.step for finding in found.findings]
    assert ("learning rate" in steps) == (params.get("solver") != "lbfgs")


def test_labels_weights_and_sparse_rows_are_taken(digits):
    X, y = digits
    labels = np.stack([y % 2, y > 4], axis=1).astype(int)
    assert checkup(piped(max_iter=30), X, labels)["first loss"].formula == "2 log 2"
    found = checkup(
        MLPClassifier(max_iter=30, random_state=0),
        csr_matrix(X / 16),
        y,
        np.ones(len(y)),
    )
    assert found["small sample"].ok and found["first loss"].ok


def test_few_rows_are_not_held_out(digits):
    X, y = digits
    found = checkup(MLPClassifier(max_iter=5), X[:8] / 16, y[:8])
    assert np.isnan(found.history["validation_loss"]).all()


def test_lists_are_taken():
    X, y = load_iris(return_X_y=True)
    found = checkup(MLPClassifier((5,), max_iter=5), X.tolist(), y.tolist())
    assert "150 rows, 4 columns, 3 classes" in str(found)


def test_a_checkup_of_digits_takes_seconds_and_leaves_the_estimator_alone(digits):
    model = piped()
    before = repr(model)
    checkup(model, *digits)
    assert repr(model) == before and not hasattr(model[-1], "coefs_")


def test_the_page_is_printed_and_the_findings_are_returned(capsys):
    X, y = load_iris(return_X_y=True)
    found = checkup(MLPClassifier(random_state=0), X, y)
    assert capsys.readouterr().out == f"{found}\n"
    assert str(found).startswith("Checkup of MLPClassifier: 150 rows")
    assert "\n" not in repr(found)
    again = checkup(MLPClassifier(random_state=0), X, y, verbose=False)
    assert capsys.readouterr().out == ""
    assert str(again) == str(found)
