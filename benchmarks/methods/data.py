"""Data sets, their splits, and the pipeline round the network."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_digits
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

DIGITS = "digits"  # in the place of a path
TASKS = ("classification", "regression")
CLIP = 5.0  # standard deviations
HELD_OUT = 0.25  # share of test rows where none are official, and of validation rows


@dataclass(frozen=True)
class Problem:
    """A data set; `is_test` is None where it has no official test rows."""

    name: str
    task: str
    X: np.ndarray
    y: np.ndarray
    cat_mask: np.ndarray
    is_test: np.ndarray | None


def name_of(path):
    return DIGITS if path == DIGITS else Path(path).stem


@lru_cache(maxsize=1)  # the runs of a data set follow one another
def load(path):
    """Read a data set; the package's docstring has the format."""
    if path == DIGITS:
        X, y = load_digits(return_X_y=True)
        no_column = np.zeros(X.shape[1], dtype=bool)
        return Problem(DIGITS, "classification", X, y, no_column, None)
    with np.load(path, allow_pickle=False) as file:
        missing = {"X", "y", "task"} - set(file.files)
        if missing:
            raise ValueError(f"{path} must have X, y and task, lacks {sorted(missing)}")
        task = str(file["task"])
        if task not in TASKS:
            raise ValueError(f"`task` in {path} must be one of {TASKS}, got {task!r}.")
        X, y = file["X"], file["y"]
        no_column = np.zeros(X.shape[1], dtype=bool)
        cat_mask = file["cat_mask"] if "cat_mask" in file.files else no_column
        is_test = file["is_test"] if "is_test" in file.files else None
    return Problem(name_of(path), task, X, y, cat_mask, is_test)


def split(problem, seed, max_rows):
    """Row numbers: training, validation (a part of training) and test.

    At most `max_rows` rows train, so that a large data set takes no longer than others.
    """
    rows = np.arange(len(problem.y))
    if problem.is_test is None:
        train, test = held_out(problem, rows, seed)
    else:
        train, test = rows[~problem.is_test], rows[problem.is_test]
    if len(train) > max_rows:
        train = np.random.default_rng(seed).permutation(train)[:max_rows]
    _, validation = held_out(problem, train, seed)
    return train, validation, test


def held_out(problem, rows, seed):
    is_class = problem.task == "classification"
    labels = problem.y[rows] if is_class else None
    return train_test_split(
        rows, test_size=HELD_OUT, random_state=seed, stratify=labels
    )


def pipeline(problem, network):
    """Impute, one-hot and standardize, then `network`; its targets standardized, too.

    Beyond five standard deviations numbers are clipped: one test row of the California
    housing data, 119 of them away, would decide R2 on its own.
    """
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        FunctionTransformer(np.clip, kw_args={"a_min": -CLIP, "a_max": CLIP}),
    )
    categories = make_pipeline(
        SimpleImputer(strategy="most_frequent", keep_empty_features=True),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32),
    )
    columns = ColumnTransformer(
        [
            ("numbers", numbers, np.flatnonzero(~problem.cat_mask)),
            ("categories", categories, np.flatnonzero(problem.cat_mask)),
        ]
    )
    if problem.task == "regression":
        network = TransformedTargetRegressor(network, transformer=StandardScaler())
    return make_pipeline(columns, network)
