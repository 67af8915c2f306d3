"""What ``python -m caviar tune`` computes: the model, the search, an honest score.

Everything is built by `build_model` and `build_search`, so that a test can
look at it; nothing here prints or knows of argparse. A further kind of search
is one more entry in `SEARCHES`.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    ParameterGrid,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from caviar import MLPClassifier, MLPRegressor
from caviar._cli_table import TEST_SIZE, CommandError, last_line

METRICS = {
    "classification": ("accuracy", accuracy_score),
    "regression": ("r2", r2_score),
}
HALVING_FACTOR = 3
HALVING_EPOCHS = 90
N_BOOTSTRAPS = 500


@dataclass(frozen=True)
class Settings:
    """How to search; the defaults are those of the command line."""

    kind: str = "random"
    n_iter: int = 20
    n_splits: int = 5
    n_jobs: int = -1
    seed: int = 0
    nested: bool = False


@dataclass
class Outcome:
    """What a search found, and what it is worth on rows it has not seen."""

    search: object
    model: Pipeline
    score: float
    spread: float


# The model


def build_model(problem, settings):
    """Impute, one-hot, scale and learn: the pipeline that is tuned and written.

    The step ``mlp`` is the network; for a regression it is wrapped, so that the
    target is standardized too.
    """
    if problem.numeric or problem.categorical:
        columns = _build_columns(problem.numeric, problem.categorical)
    else:
        columns = StandardScaler()
    n_rows = _smallest_training_part(problem, settings)
    # A validation part of a tenth is worth its rows only if it can tell
    # candidates apart; below that the training loss decides when to stop.
    early_stopping = n_rows >= max(500, 20 * problem.n_classes)
    network_class = MLPClassifier if problem.task == "classification" else MLPRegressor
    network = network_class(
        early_stopping=early_stopping and settings.kind != "halving",
        max_iter=100 if early_stopping else 200,
        random_state=settings.seed,
        dtype="float32",
    )
    if problem.task == "regression":
        network = TransformedTargetRegressor(network, transformer=StandardScaler())
    return Pipeline([("columns", columns), ("mlp", network)])


def _build_columns(numeric, categorical):
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    categories = make_pipeline(
        SimpleImputer(strategy="most_frequent", keep_empty_features=True),
        OneHotEncoder(handle_unknown="ignore", dtype=np.float32),
    )
    return ColumnTransformer(
        [("numeric", numbers, numeric), ("categorical", categories, categorical)]
    )


def model_columns(model):
    """Which columns a model written by `tune` reads; see `align_columns`."""
    if getattr(model, "table_", None):
        return model.table_
    columns = model.named_steps["columns"]
    if not isinstance(columns, ColumnTransformer):
        return {"n_features": columns.n_features_in_}
    return {name: list(names) for name, _, names in columns.transformers}


def _smallest_training_part(problem, settings):
    kept = 1 - 1 / settings.n_splits
    return int(len(problem.y) * kept * (kept if settings.nested else 1 - TEST_SIZE))


# The searches


def _prefix(problem):
    return "mlp__" if problem.task == "classification" else "mlp__regressor__"


def _random_space(n_rows):
    """Learning rate first: it matters most. Batches: eight or more an epoch."""
    sizes = [size for size in (8, 16, 32, 64, 128, 256) if 8 * size <= n_rows]
    return {
        "learning_rate_init": loguniform(1e-4, 1e-1),
        # Few rows are learned by heart unless the penalty may be strong: nested R2
        # on 442 rows was 0.45 with 0.1 and 0.49 with 1; 1797 rows gained nothing.
        "alpha": loguniform(1e-6, 1.0 if n_rows < 1000 else 0.1),
        "batch_size": sizes[-3:] or [8],
        "hidden_layer_sizes": [(32,), (64,), (128,), (64, 32), (128, 64)],
        "batch_norm": [False, True],
    }


def _grid():
    return {
        "learning_rate_init": [1e-3, 3e-3, 1e-2],
        "alpha": [1e-4, 1e-1],
        "hidden_layer_sizes": [(64,), (128, 64)],
        "batch_norm": [False, True],
    }


def _random_search(model, space, common, settings, prefix):
    return RandomizedSearchCV(
        model,
        space,
        n_iter=settings.n_iter,
        random_state=settings.seed,
        **common,
    )


def _grid_search(model, space, common, settings, prefix):
    return GridSearchCV(model, space, **common)


def _halving_search(model, space, common, settings, prefix):
    return HalvingRandomSearchCV(
        model,
        space,
        n_candidates=settings.n_iter,
        factor=HALVING_FACTOR,
        resource=f"{prefix}max_iter",
        max_resources=HALVING_EPOCHS,
        min_resources="exhaust",
        random_state=settings.seed,
        **common,
    )


SEARCHES = {
    "random": _random_search,
    "grid": _grid_search,
    "halving": _halving_search,
}


def build_search(problem, settings, scoring=None):
    """The search of `settings` over `build_model`'s pipeline, ready to be fitted."""
    prefix = _prefix(problem)
    if settings.kind == "grid":
        space = _grid()
    else:
        space = _random_space(_smallest_training_part(problem, settings))
    common = {
        "scoring": scoring or METRICS[problem.task][0],
        "cv": _folds(problem, settings),
        "n_jobs": settings.n_jobs,
        "return_train_score": False,
    }
    return SEARCHES[settings.kind](
        build_model(problem, settings),
        {prefix + name: values for name, values in space.items()},
        common,
        settings,
        prefix,
    )


def _folds(problem, settings):
    kind = StratifiedKFold if problem.task == "classification" else KFold
    return kind(settings.n_splits, shuffle=True, random_state=settings.seed)


def n_candidates(settings):
    """How many parameter sets a search of `settings` compares."""
    if settings.kind == "grid":
        return len(ParameterGrid(_grid()))
    return settings.n_iter


def count_scores(settings):
    """How often a scorer is called in all: what a progress bar counts to."""
    remaining = n_evaluations = n_candidates(settings)
    if settings.kind == "halving":
        # As scikit-learn counts rounds: floating-point logarithms, then floor.
        most = min(remaining, HALVING_EPOCHS)
        for _ in range(math.floor(math.log(most, HALVING_FACTOR))):
            remaining = math.ceil(remaining / HALVING_FACTOR)
            n_evaluations += remaining
    n_scores = n_evaluations * settings.n_splits
    if not settings.nested:
        return n_scores
    return n_scores * (1 + settings.n_splits) + settings.n_splits


# Running


def run(problem, settings, scoring=None):
    """Search, and measure the winner on rows that played no part in choosing it.

    Nested: the whole search is repeated within each outer fold. Otherwise a
    quarter of the rows is held out, and the spread is the standard error of the
    score on them; the model is then refitted on all rows.

    Raises
    ------
    CommandError
        If no candidate could be fitted.
    """
    search = build_search(problem, settings, scoring)
    with warnings.catch_warnings():
        # What they say is in the report: candidates that fail are counted.
        for category in (ConvergenceWarning, FitFailedWarning, RuntimeWarning):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("ignore", message="One or more of the test scores")
        try:
            run_search = _run_nested if settings.nested else _run_held_out
            outcome = run_search(search, problem, settings)
        except (ValueError, MemoryError) as error:
            raise CommandError(f"The search failed: {last_line(error)}.") from error
    # Written with the model: how to read further tables as this one was read.
    outcome.model.table_ = problem.layout
    return outcome


def _run_nested(search, problem, settings):
    search.fit(problem.X, problem.y)
    scores = cross_val_score(
        clone(search),
        problem.X,
        problem.y,
        cv=_folds(problem, settings),
        error_score="raise",
    )
    return Outcome(search, search.best_estimator_, scores.mean(), scores.std())


def _run_held_out(search, problem, settings):
    X_train, X_test, y_train, y_test = train_test_split(
        problem.X,
        problem.y,
        test_size=TEST_SIZE,
        stratify=problem.y if problem.task == "classification" else None,
        random_state=settings.seed,
    )
    search.fit(X_train, y_train)
    predicted = search.predict(X_test)
    metric = METRICS[problem.task][1]
    score = metric(y_test, predicted)
    if problem.task == "classification":
        spread = _accuracy_error(score, len(y_test))
    else:
        spread = _bootstrap_error(metric, y_test, predicted, settings.seed)
    model = clone(search.best_estimator_).fit(problem.X, problem.y)
    return Outcome(search, model, score, spread)


def _accuracy_error(accuracy, n_rows):
    """Standard error with two rights and two wrongs added (Agresti & Coull 1998).

    Bootstraps would give 0 where every row is right, which few rows cannot
    promise.
    """
    share = (accuracy * n_rows + 2) / (n_rows + 4)
    return math.sqrt(share * (1 - share) / (n_rows + 4))


def _bootstrap_error(metric, y, predicted, seed):
    rows = np.random.default_rng(seed).integers(len(y), size=(N_BOOTSTRAPS, len(y)))
    return np.std([metric(y[row], predicted[row]) for row in rows])
