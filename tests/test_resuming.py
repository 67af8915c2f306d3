"""A fit that is cut into pieces has the bits of one that is not.

This is what successive halving rests on: survivors go on where they stopped.
"""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits

from caviar import MLPClassifier, MLPRegressor
from caviar.augmentation import GaussianNoise, Mixup, RandomAffine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
METHODS = {
    "plain": {},
    "batch norm": {"batch_norm": True},
    "post, float32": {"batch_norm": "post", "dtype": "float32"},
    "dropout": {"dropout": 0.2, "input_dropout": 0.1, "batch_norm": True},
    "dropconnect": {"dropconnect": 0.1},
    "cosine": {"learning_rate": "cosine", "batch_norm": True},
    "augmentation": {
        "augment": [
            RandomAffine(image_shape=(8, 8), rotation=10),
            GaussianNoise(0.1),
            Mixup(0.2),
        ],
        "batch_norm": True,
    },
    "early stopping": {"early_stopping": True, "batch_norm": True},
    "averages": {"average_weights": "ema", "batch_norm": True},
    "late averages": {"average_weights": "swa", "swa_start": 0.3, "dropout": 0.1},
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "tol": 0.1,
        "n_iter_no_change": 2,
    },
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling"},
    "nadam": {"solver": "nadam", "clip_norm": 1.0},
    "full batch": {"batch_size": "full"},
    "patience ends": {"n_iter_no_change": 1, "tol": 0.1},
    "class weights": {"class_weight": "balanced", "label_smoothing": 0.1},
}
FITTED = "params_ stats_ loss_curve_ n_iter_ t_ best_epoch_ best_loss_".split()
FITTED += ["best_validation_score_", "validation_scores_", "loss_"]


def assert_same_bits(one, other):
    for name in FITTED:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    for name, values in one.history_.items():
        if name != "seconds":
            np.testing.assert_array_equal(values, other.history_[name], name)


def in_pieces(estimator, epochs, *data, **more):
    """Train until each of `epochs`, from one pickle to the next."""
    course = None
    for n_epochs in epochs:
        course = estimator._fit_until(n_epochs, course, *data, **more)
        estimator, course = pickle.loads(pickle.dumps((estimator, course)))
    return estimator, course


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_one_and_two_and_six_epochs_have_the_bits_of_nine(name, weighted):
    X, y = load_digits(return_X_y=True)
    X, y = X[:500] / 16, y[:500]
    weights = np.random.default_rng(0).integers(1, 4, 500) if weighted else None
    estimator = MLPClassifier((20, 10), max_iter=9, random_state=0, batch_size=64)
    estimator.set_params(**METHODS[name])
    pieces, course = in_pieces(estimator, (1, 3, 9), X, y, sample_weight=weights)
    whole = estimator.__class__(**estimator.get_params())
    assert_same_bits(pieces, whole.fit(X, y, sample_weight=weights))
    assert course.n_epochs == whole.n_iter_
    assert course.finished == (whole.n_iter_ < 9)


def test_a_regression_with_validation_rows_goes_on():
    X, y = load_diabetes(return_X_y=True)
    held_out = {"X_val": X[300:], "y_val": y[300:] / 100}
    estimator = MLPRegressor(max_iter=8, random_state=0, early_stopping=True)
    pieces, _ = in_pieces(estimator, (2, 5, 8), X[:300], y[:300] / 100, **held_out)
    whole = MLPRegressor(max_iter=8, random_state=0, early_stopping=True)
    assert_same_bits(pieces, whole.fit(X[:300], y[:300] / 100, **held_out))


def test_a_course_can_be_gone_on_with_more_than_once():
    X, y = load_digits(return_X_y=True)
    estimator = MLPClassifier((20,), max_iter=6, random_state=0, dropout=0.1)
    course = estimator._fit_until(2, None, X, y)
    first = pickle.loads(pickle.dumps(estimator))
    estimator._fit_until(6, course, X, y)
    first._fit_until(6, course, X, y)
    assert_same_bits(first, estimator)


@pytest.mark.parametrize("name", ["patience ends", "averages", "dropout"])
def test_a_course_alone_makes_the_estimator_again(name):
    """Without more epochs to train, as where a rule has stopped it."""
    X, y = load_digits(return_X_y=True)
    estimator = MLPClassifier((20,), random_state=0).set_params(**METHODS[name])
    course = estimator._fit_until(30, None, X, y)
    other = MLPClassifier(**estimator.get_params())
    again = other._fit_until(40 if course.finished else 30, course, X, y)
    assert_same_bits(other, estimator)
    assert again.finished == course.finished == (name == "patience ends")
    assert again.n_epochs == course.n_epochs
    assert_same_bits(other.fit(X, y), estimator.fit(X, y))


def test_a_course_goes_on_with_any_bit_generator():
    X, y = load_digits(return_X_y=True)

    def network():
        random_state = np.random.RandomState(np.random.PCG64(3))
        return MLPClassifier((20,), max_iter=5, random_state=random_state)

    pieces, _ = in_pieces(network(), (2, 5), X, y)
    assert_same_bits(pieces, network().fit(X, y))
