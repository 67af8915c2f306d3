"""Rows ready for a network, the folds, and the network itself."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from benchmarks.methods import data
from caviar import MLPClassifier, MLPRegressor

N_SPLITS = 3


@dataclass(frozen=True)
class Task:
    """What all searches of a data set and a seed have in common.

    `splits` is a list, so that nobody can draw other folds.
    """

    name: str
    network: object
    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    splits: list
    seed: int


def prepare(path, seed, max_rows):
    """Impute, one-hot and standardize by the training rows, before any search.

    Inside the search this would take longer than the short fits, which are what is
    compared; the folds see each other's means by it, the test rows are not looked at.
    """
    problem = data.load(path)
    train, _, test = data.split(problem, seed, max_rows)
    columns = data.pipeline(problem, None)[0]
    X = np.asarray(columns.fit_transform(problem.X[train]), dtype=np.float32)
    X_test = np.asarray(columns.transform(problem.X[test]), dtype=np.float32)
    y, y_test = problem.y[train], problem.y[test]
    if problem.task == "regression":
        scaler = StandardScaler().fit(y[:, None])
        y, y_test = (scaler.transform(part[:, None]).ravel() for part in (y, y_test))
        network, folds = MLPRegressor, KFold
    else:
        network, folds = MLPClassifier, StratifiedKFold
    splits = list(folds(N_SPLITS, shuffle=True, random_state=seed).split(X, y))
    # The number of epochs is the search's to choose: nothing may stop before.
    network = network(dtype="float32", random_state=seed, n_iter_no_change=10**6)
    return Task(problem.name, network, X, y, X_test, y_test, splits, seed)
