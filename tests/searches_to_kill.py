"""Searches that run in processes of their own, to be killed there, and full disks.

The tests import this module, and so do the processes that they start.
"""

import contextlib
import errno
import os
import pickle
import signal
import time
import traceback
import warnings
from unittest import mock

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier
from caviar.distributions import LogUniform
from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
    read_journal,
)

X, y = load_digits(return_X_y=True)
X, y = X[:300] / 16, y[:300]
COUNTER = "CAVIAR_TEST_COUNTS_FITS_IN"


def counted_accuracy(estimator, X, y):
    """Accuracy; leaves a byte, for each fit that has been scored, in a file."""
    if os.environ.get(COUNTER):
        with open(os.environ[COUNTER], "ab", buffering=0) as file:
            file.write(b".")
    return estimator.score(X, y)


def make_search(kind, **settings):
    """A search of about sixty fits, which take a second in all.

    With what makes it hard to go on from a state: batch norm, dropout and, in one, a step
    before the network.
    """
    network = MLPClassifier(
        hidden_layer_sizes=(16,),
        batch_norm=True,
        dropout=0.2,
        random_state=0,
        max_iter=5,
    )
    space = {"learning_rate_init": LogUniform(1e-4, 1e-1), "alpha": [0.0, 1e-4, 1e-2]}
    if kind == "halving":
        network = make_pipeline(StandardScaler(), network)
        space = {f"mlpclassifier__{name}": values for name, values in space.items()}
    cls, own = {
        "coarse-to-fine": (CoarseToFineSearchCV, dict(n_iter=7, n_rounds=3)),
        "halving": (
            SuccessiveHalvingSearchCV,
            dict(n_initial_parameters=15, n_initial_iter=1, max_iter=9),
        ),
        "hyperband": (HyperbandSearchCV, dict(max_iter=9)),
    }[kind]
    common = dict(cv=3, random_state=0, scoring=counted_accuracy)
    return cls(network, space, **own | common | settings)


def fit(search, backend="loky", X=X, y=y, counter=""):
    """Fit, and count the fits in a file, if one is named."""
    with (
        mock.patch.dict(os.environ, {COUNTER: counter}),
        joblib.parallel_config(backend=backend),
        warnings.catch_warnings(),
    ):
        # Short trainings, and best values at edges, are meant here.
        warnings.simplefilter("ignore")
        return search.fit(X, y)


def results_of(search):
    """What must not depend on how often a search was cut short: all but times."""
    columns = {
        name: column
        for name, column in search.cv_results_.items()
        if not name.endswith("_time")
    }
    return columns, search.best_index_, search.best_params_, search.best_score_


def run(kind, backend, n_jobs, journal, counter, before=None):
    """In a process of its own: search, and leave the results in a file beside.

    `before`, if given, is called first.
    """
    # The process leads its group, so that a test can end loky's workers, too: they outlive
    # a parent that is killed by up to five minutes.
    os.setsid()
    try:
        if before is not None:
            before()
        search = fit(
            make_search(kind, n_jobs=n_jobs, journal=journal), backend, counter=counter
        )
        with open(f"{journal}.part", "wb") as file:
            pickle.dump(results_of(search), file)
        os.replace(f"{journal}.part", f"{journal}.results")
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    # Without waiting for loky's workers, which are idle.
    os._exit(0)


def full_disk(room, reason=errno.ENOSPC):
    """Stand in for os.write on a disk with room for that many bytes."""
    room = [room]
    write = os.write

    def full_write(fd, data):
        if room[0] <= 0:
            raise OSError(reason, os.strerror(reason))
        n = write(fd, bytes(data)[: room[0]])
        room[0] -= n
        return n

    return full_write


def limit_files_to_3000_bytes():
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))


def run_until_interrupted(kind, backend, n_jobs, journal):
    """Search long enough to be interrupted, and note when it was."""
    os.setsid()
    # Background jobs ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    search = make_search(kind, n_jobs=n_jobs, journal=journal)
    for name in search.estimator.get_params():
        if name.split("__")[-1] == "hidden_layer_sizes":
            search.estimator.set_params(**{name: (200,)})
    try:
        fit(search, backend, np.tile(X, (20, 1)), np.tile(y, 20))
    except KeyboardInterrupt:
        returned = time.time()
        with open(f"{journal}.part", "wb") as file:
            pickle.dump((returned, read_journal(journal)), file)
        os.replace(f"{journal}.part", f"{journal}.results")
    os._exit(0)


def end_group(process):
    """End the workers that a process may have left behind."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join()
