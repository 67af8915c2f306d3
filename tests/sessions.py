"""Trainings of many kinds, and what is done with them in processes of their own.

A configuration is known by its name, so that a new process needs no more than that and a
file.
"""

import functools
import os
import pickle
import signal
import sys
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning

from caviar import MLPClassifier, MLPRegressor, TrainingSession, schedules
from caviar import augmentation as aug

N_ROWS, IMAGE = 230, (8, 8)


@dataclass
class Configuration:
    """An estimator, its data, and what is changed after which epoch."""

    estimator: object
    X: object
    y: np.ndarray
    more: dict = field(default_factory=dict)
    changes: dict = field(default_factory=dict)  # epoch -> parameters

    def session(self):
        return TrainingSession(clone(self.estimator), self.X, self.y, **self.more)

    def load(self, path):
        return TrainingSession.load(path, self.X, self.y, **self.more)

    def fit(self):
        return clone(self.estimator).fit(self.X, self.y, **self.more)

    def change(self, session):
        """What is due after this epoch, unless it has been done."""
        change = self.changes.get(session.n_epochs)
        if change is not None and not any(
            entry["event"] == "params" and entry["epoch"] == session.n_epochs
            for entry in session.log
        ):
            session.set_params(**change)

    def finish(self, session):
        """Train to the end of `fit`, with what is to be changed on the way."""
        for epoch in [*self.changes, None]:
            if epoch is None:
                session.run()
            elif session.n_epochs < epoch:
                session.run(epoch - session.n_epochs)
            self.change(session)
        return session.estimator


def _digits(
    estimator, *, X=lambda X: X, y=lambda y: y, held_out=False, n_rows=N_ROWS, **more
):
    """A classifier of digits; `X` and `y` make of them what it is to be trained with."""
    images, numbers = load_digits(return_X_y=True)
    rows, others = slice(n_rows), slice(n_rows, n_rows + 100)
    changes = more.pop("changes", {})
    if held_out:
        more |= {"X_val": X(images[others] / 16), "y_val": y(numbers[others])}
    return Configuration(
        estimator, X(images[rows] / 16), y(numbers[rows]), more, changes
    )


def _diabetes(estimator, y=lambda y: y, **more):
    X, targets = load_diabetes(return_X_y=True)
    X, targets = X * 20, y(targets / 100)
    held_out = {"X_val": X[N_ROWS:], "y_val": targets[N_ROWS:]}
    return Configuration(estimator, X[:N_ROWS], targets[:N_ROWS], held_out | more)


_SMALL = {
    "hidden_layer_sizes": (14, 9),
    "batch_size": 40,
    "max_iter": 7,
    "random_state": 0,
}


def _classifier(**params):
    return MLPClassifier(**_SMALL | params)


def _regressor(**params):
    return MLPRegressor(**_SMALL | params)


def _weights(n):
    return np.random.default_rng(0).integers(1, 4, n).astype(float)


def _two_labels(y):
    return np.column_stack([y % 2, y > 4, y == 3]).astype(int)


@functools.cache
def configurations():
    bits = np.random.PCG64(5)
    images = [
        aug.RandomAffine(IMAGE, rotation=10),
        aug.CutMix(IMAGE),
        aug.GaussianNoise(0.1),
    ]
    return {
        "adam": _digits(_classifier()),
        "sgd with momentum": _digits(_classifier(solver="sgd", alpha=0.01)),
        "sgd, invscaling": _digits(
            _classifier(solver="sgd", learning_rate="invscaling", momentum=0.0)
        ),
        "sgd, adaptive": _digits(
            _classifier(
                solver="sgd", learning_rate="adaptive", tol=0.1, n_iter_no_change=1
            )
        ),
        "rmsprop, batch norm": _digits(_classifier(solver="rmsprop", batch_norm=True)),
        "adagrad, batch norm behind, float32": _digits(
            _classifier(solver="adagrad", batch_norm="post", dtype="float32")
        ),
        "nadam, clipped": _digits(_classifier(solver="nadam", clip_norm=0.5)),
        "adamw, cosine": _digits(
            _classifier(solver="adamw", weight_decay=0.1, learning_rate="cosine")
        ),
        "all dropouts, batch norm": _digits(
            _classifier(
                dropout=[0.3, 0.1], input_dropout=0.1, dropconnect=0.1, batch_norm=True
            )
        ),
        "augmented images": _digits(_classifier(augment=images, batch_norm=True)),
        "full batch, one cycle": _digits(
            _classifier(batch_size="full", learning_rate="one_cycle")
        ),
        "running average": _digits(_classifier(average_weights="ema", batch_norm=True)),
        "late average, dropout": _digits(
            _classifier(average_weights="swa", swa_start=0.4, dropout=0.2)
        ),
        "early stopping": _digits(
            _classifier(
                early_stopping=True,
                n_iter_no_change=2,
                tol=0.05,
                max_iter=12,
                learning_rate_init=0.01,
            )
        ),
        "held-out rows and a metric": _digits(
            _classifier(early_stopping=True, scoring="f1_macro", batch_norm=True),
            held_out=True,
        ),
        "patience that ends": _digits(_classifier(tol=0.3, n_iter_no_change=2)),
        "all weights, smoothed": _digits(
            _classifier(class_weight={3: 2.0, 5: 0.5}, label_smoothing=0.1),
            sample_weight=_weights(N_ROWS),
        ),
        "balanced, names": _digits(
            _classifier(class_weight="balanced"),
            y=lambda y: np.array(["odd", "even", "high"], object)[
                np.where(y > 6, 2, y % 2)
            ],
        ),
        "sparse, binary": _digits(
            _classifier(dropout=0.1), X=sparse.csr_array, y=lambda y: y > 4
        ),
        "focal, float32 rows": _digits(
            _classifier(loss="focal"), X=lambda X: X.astype(np.float32)
        ),
        "hinge, no shuffle": _digits(
            _classifier(loss="hinge", shuffle=False, batch_size=17)
        ),
        "labels, early stopping": _digits(
            _classifier(early_stopping=True), y=_two_labels
        ),
        "regression, huber": _diabetes(_regressor(loss="huber", early_stopping=True)),
        "two outputs, weighted": _diabetes(
            _regressor(loss="quantile", quantile=0.8, batch_norm=True),
            y=lambda y: np.column_stack([y, y**2]),
            sample_weight=_weights(N_ROWS),
        ),
        "poisson, two threads": _diabetes(_regressor(loss="poisson", n_jobs=2)),
        "schedule of schedules, any bits": _digits(
            _classifier(
                learning_rate=schedules.Warmup(schedules.StepDecay(0.3, 2), 2.5),
                random_state=np.random.RandomState(bits),
                dropout=0.1,
            )
        ),
        "other rates in mid-course": _digits(
            _classifier(solver="sgd", learning_rate_init=0.1),
            changes={
                2: {"learning_rate_init": 0.01, "momentum": 0.5},
                5: {"batch_size": 23, "alpha": 0.1, "learning_rate": "adaptive"},
            },
        ),
        "other methods in mid-course": _digits(
            _classifier(batch_norm=True),
            held_out=True,
            changes={
                3: {"dropout": 0.2, "augment": images, "learning_rate": "cosine"},
                4: {"solver": "rmsprop", "average_weights": "ema", "scoring": "loss"},
            },
        ),
    }


@functools.cache
def long_configurations():
    """Trainings of a second or two, to be interrupted and killed in their middle."""
    return {
        "methods": _digits(
            _classifier(
                batch_norm=True,
                dropout=0.2,
                augment=aug.RandomAffine(IMAGE, rotation=10),
                average_weights="ema",
                learning_rate="cosine",
                early_stopping=True,
                n_iter_no_change=1000,
                batch_size=20,
                max_iter=150,
            ),
            held_out=True,
            n_rows=1500,
        ),
        "epochs in one go": _digits(
            _classifier(solver="sgd", batch_size=2, max_iter=200, n_iter_no_change=500),
            n_rows=1500,
        ),
        "large, two threads": _digits(
            _classifier(
                hidden_layer_sizes=(700, 300), batch_size="full", max_iter=12, n_jobs=2
            )
        ),
    }


def saved_configuration():
    """One of which files have two megabytes."""
    return _digits(_classifier(hidden_layer_sizes=(200, 100)))


def outcome(estimator, X):
    """All that training has made of an estimator, but the time it took."""
    fitted = {name: v for name, v in vars(estimator).items() if name.endswith("_")}
    fitted["history_"] = {n: v for n, v in fitted["history_"].items() if n != "seconds"}
    # A schedule's parts, and binarizers, are objects: what they are is tested elsewhere.
    fitted["_optimizer"] = {
        name: value
        for name, value in estimator._optimizer.items()
        if not callable(value)
    }
    fitted["predictions"] = estimator.predict(X)
    if hasattr(estimator, "predict_proba"):
        fitted["probabilities"] = estimator.predict_proba(X)
    return dict(sorted(fitted.items()))


# In processes of their own


def in_own_process(function):
    """Let a function end its process at once, with 1 after an error that is shown."""

    @functools.wraps(function)
    def run(*arguments):
        # Background jobs ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            function(*arguments)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    return run


def put(path, value):
    """Pickle a result such that the test finds the whole of it, or nothing."""
    with open(f"{path}.part", "wb") as file:
        pickle.dump(value, file)
    os.replace(f"{path}.part", path)


@in_own_process
def run_until_interrupted(name, path):
    """Go on with the session in a file, or begin it; after Ctrl-C, save it there.

    ``<path>.begun`` appears before the first epoch, and ``<path>.outcome`` at the end.
    """
    configuration = long_configurations()[name]
    begun = os.path.exists(path)
    session = configuration.load(path) if begun else configuration.session()
    try:
        put(f"{path}.begun", session.n_epochs)
        session.run()
    except KeyboardInterrupt:
        session.save(path)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which comes too late
    session.save(path)
    put(f"{path}.outcome", outcome(session.estimator, configuration.X))


@in_own_process
def save_again_and_again(old, new, path, begun):
    """Save the sessions of two files in turn to a third, for ever."""
    sessions = [saved_configuration().load(path) for path in (old, new)]
    put(begun, None)
    while True:
        for session in sessions:
            session.save(path)


@in_own_process
def run_and_save(name, path, begun):
    """Go on with the session in a file, or begin it; save it after each epoch."""
    configuration = long_configurations()[name]
    found = os.path.exists(path)
    session = configuration.load(path) if found else configuration.session()
    put(begun, None)
    while session.n_epochs < configuration.estimator.max_iter:
        session.run(1).save(path)


@in_own_process
def fit_with_checkpoints(name, every, path, begun):
    """Fit; after Ctrl-C, put the epochs that the estimator has into a file."""
    from caviar.callbacks import Checkpoint

    configuration = long_configurations()[name]
    estimator = clone(configuration.estimator).set_callbacks(Checkpoint(path, every))
    put(begun, None)
    try:
        estimator.fit(configuration.X, configuration.y, **configuration.more)
    except KeyboardInterrupt:
        put(f"{path}.interrupted", estimator.n_iter_)


def finish_all(folder):
    """Finish the training of every file ``<name>/<epoch>``, and put the outcome beside."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    for path in sorted(Path(folder).glob("*/*")):
        configuration = configurations()[path.parent.name]
        estimator = configuration.finish(configuration.load(path))
        put(f"{path}.outcome", outcome(estimator, configuration.X))


if __name__ == "__main__":
    finish_all(sys.argv[1])
