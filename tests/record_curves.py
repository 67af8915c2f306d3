"""Records tests/curves.json: the curves of real trainings, by what went on in them.

``python tests/record_curves.py`` renews the file; the tests read it. Each name begins with
the verdict that a practitioner would give, looking at the plot.
"""

import json
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from caviar import MLPClassifier, MLPRegressor
from caviar.schedules import ExponentialDecay

FILE = Path(__file__).with_name("curves.json")
COLUMNS = ("loss", "validation_loss", "validation_score", "learning_rate")


def digits(n_train=1000, random_state=0):
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, train_size=n_train, random_state=random_state)


def scaled(load, random_state=0, targets=False):
    X, y = load(return_X_y=True)
    X_train, X_val, y_train, y_val = train_test_split(
        X, y, test_size=0.3, random_state=random_state
    )
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    X_train, X_val = (X_train - mean) / std, (X_val - mean) / std
    if targets:
        mean, std = y_train.mean(), y_train.std()
        y_train, y_val = (y_train - mean) / std, (y_val - mean) / std
    return X_train, X_val, y_train, y_val


def shuffled(data, random_state=0):
    X_train, X_val, y_train, y_val = data
    draw = np.random.RandomState(random_state).permutation
    return X_train, X_val, draw(y_train), draw(y_val)


def easier_validation(data):
    """Validation rows that were trained on, where training has dropout."""
    X_train, _, y_train, _ = data
    return X_train, X_train[:300], y_train, y_train[:300]


def sharp_turn(factor):
    """A schedule that multiplies the rate in the last third."""
    return lambda progress, n_epochs: np.where(
        np.asarray(progress) < 2 * n_epochs / 3, 1.0, factor
    )


def record(network, data, validated=True):
    X_train, X_val, y_train, y_val = data
    held_out = {"X_val": X_val, "y_val": y_val} if validated else {}
    network.set_params(random_state=0, tol=1e-4 if network.early_stopping else 0.0)
    course, history = None, {name: [] for name in COLUMNS}
    for epoch in range(1, network.max_iter + 1):
        try:
            course = network._fit_until(epoch, course, X_train, y_train, **held_out)
        except (
            ValueError
        ):  # weights that are not finite: that epoch's loss was the last
            for column in history.values():
                column.append(None)
            break
        history = {n: [_short(v) for v in network.history_[n]] for n in COLUMNS}
        if course.finished:
            break
    return history


def _short(value):
    """Five digits; JSON's null for what is not a number."""
    return float(f"{value:.5g}") if np.isfinite(value) else None


def recipes():
    """Name -> (network, data, whether it is validated)."""
    C, R = MLPClassifier, MLPRegressor
    few = digits(150)
    cancer = scaled(load_breast_cancer)
    diabetes = scaled(load_diabetes, targets=True)
    sgd = {"solver": "sgd", "n_iter_no_change": 1000}
    long = {"n_iter_no_change": 1000}
    return {
        "good_fit digits": (C((100,), max_iter=120, **long), digits(), True),
        "good_fit cancer": (
            C((30,), max_iter=60, alpha=1.0, learning_rate_init=0.01, **long),
            cancer,
            True,
        ),
        "good_fit digits batch_norm dropout": (
            C((100,), batch_norm=True, dropout=0.2, max_iter=60, **long),
            digits(),
            True,
        ),
        "good_fit diabetes": (
            R(
                hidden_layer_sizes=(20,),
                alpha=3.0,
                learning_rate_init=0.01,
                max_iter=60,
                **long,
            ),
            diabetes,
            True,
        ),
        "underfitting one unit": (
            C((1,), learning_rate_init=0.03, max_iter=100, **long),
            digits(),
            True,
        ),
        "no_learning penalty": (
            C((50,), alpha=300.0, learning_rate_init=0.003, max_iter=100, **long),
            digits(),
            True,
        ),
        "validation_better penalty": (
            C((50,), alpha=20.0, learning_rate_init=0.003, max_iter=100, **long),
            digits(),
            True,
        ),
        "plateau two units": (
            C((2,), learning_rate_init=0.03, max_iter=200, alpha=1.0, **long),
            digits(),
            True,
        ),
        "plateau schedule": (
            C(
                (50,),
                learning_rate=ExponentialDecay(0.7),
                learning_rate_init=0.003,
                max_iter=80,
                **long,
            ),
            digits(),
            True,
        ),
        "plateau noisy data": (
            R(
                hidden_layer_sizes=(5,),
                alpha=10.0,
                learning_rate_init=0.03,
                max_iter=150,
                **long,
            ),
            diabetes,
            True,
        ),
        "overfitting four units": (
            C((4,), learning_rate_init=0.03, max_iter=200, **long),
            digits(),
            True,
        ),
        "overfitting few digits": (
            C((200,), learning_rate_init=0.01, max_iter=150, alpha=0, **long),
            few,
            True,
        ),
        "overfitting diabetes": (
            R(
                hidden_layer_sizes=(200,),
                learning_rate_init=0.003,
                max_iter=150,
                alpha=0,
                **long,
            ),
            diabetes,
            True,
        ),
        "overfitting cancer": (
            C((100,), learning_rate_init=0.03, max_iter=100, alpha=0, **long),
            scaled(load_breast_cancer, 4),
            True,
        ),
        "needs_more_training digits": (C((100,), max_iter=15), digits(), True),
        "needs_more_training sgd": (
            C((50,), **sgd, learning_rate_init=0.03, max_iter=20),
            digits(),
            True,
        ),
        "needs_more_training alone": (C((100,), max_iter=15), digits(), False),
        "diverged sgd": (
            C((50,), **sgd, learning_rate_init=30.0, momentum=0.9, max_iter=20),
            cancer,
            True,
        ),
        "diverged regression": (
            R(hidden_layer_sizes=(50,), **sgd, learning_rate_init=0.5, max_iter=20),
            diabetes,
            True,
        ),
        "diverged_late schedule": (
            C(
                (50,),
                **sgd,
                learning_rate_init=0.1,
                learning_rate=sharp_turn(300.0),
                max_iter=60,
            ),
            digits(),
            True,
        ),
        "diverged_late adam": (
            C(
                (50,),
                learning_rate_init=0.003,
                learning_rate=sharp_turn(1000.0),
                max_iter=60,
            ),
            digits(),
            True,
        ),
        "unstable adam": (
            C((50,), learning_rate_init=0.1, batch_size=20, max_iter=60, **long),
            digits(),
            True,
        ),
        "no_learning sgd": (
            C((50,), **sgd, learning_rate_init=1.0, batch_size=50, max_iter=40),
            digits(),
            True,
        ),
        "spikes rmsprop": (
            C(
                (50, 50),
                solver="rmsprop",
                learning_rate_init=0.02,
                batch_size=100,
                max_iter=100,
                **long,
            ),
            digits(),
            True,
        ),
        "too_slow adam": (
            C((100,), learning_rate_init=1e-5, max_iter=40, **long),
            digits(),
            True,
        ),
        "too_slow sgd": (
            C((100,), **sgd, learning_rate_init=1e-4, max_iter=40),
            digits(),
            True,
        ),
        "too_slow alone": (
            C((100,), learning_rate_init=1e-5, max_iter=40, **long),
            digits(),
            False,
        ),
        "no_learning huge rate": (
            C((50,), learning_rate_init=30.0, max_iter=40, **long),
            digits(),
            True,
        ),
        "no_learning shuffled labels small": (
            C((5,), alpha=30.0, learning_rate_init=0.01, max_iter=40, **long),
            shuffled(digits()),
            True,
        ),
        "memorizing shuffled labels": (
            C((200,), learning_rate_init=0.003, max_iter=100, **long),
            shuffled(digits()),
            True,
        ),
        "memorizing shuffled targets": (
            R(
                hidden_layer_sizes=(200,),
                learning_rate_init=0.003,
                max_iter=100,
                **long,
            ),
            shuffled(diabetes),
            True,
        ),
        "memorizing shuffled two classes": (
            C((200,), learning_rate_init=0.003, max_iter=100, **long),
            shuffled(cancer),
            True,
        ),
        "validation_better dropout": (
            C((50,), dropout=0.5, input_dropout=0.3, max_iter=300, **long),
            easier_validation(digits()),
            True,
        ),
        "good_fit early stopping": (
            R(
                hidden_layer_sizes=(100,),
                learning_rate_init=0.003,
                early_stopping=True,
                max_iter=200,
            ),
            diabetes,
            True,
        ),
        "too_short": (C((100,), max_iter=3), digits(), True),
        "too_short one": (C((100,), max_iter=1), digits(), True),
        "no_validation digits": (C((100,), max_iter=200, **long), digits(), False),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    curves = {name: record(*recipe) for name, recipe in recipes().items()}
    lines = (f" {json.dumps(k)}: {json.dumps(v)}" for k, v in curves.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
