"""What ``python -m caviar tune`` searches: the model, the space, the search itself.

Everything is built here, so that a test can look at it; nothing here is fitted, printed or
knows of argparse. A further kind of search is one more entry in `SEARCHES`.
"""

import math
from dataclasses import dataclass

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import (
    KFold,
    ParameterGrid,
    StratifiedKFold,
    train_test_split,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import _safe_indexing

from caviar import MLPClassifier, MLPRegressor
from caviar._cli_table import TEST_SIZE
from caviar._grid import GridSearch
from caviar._halving import halving_rounds, hyperband_brackets
from caviar.distributions import Choice, HiddenLayers, LogUniform
from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
)

METRICS = {
    "classification": ("accuracy", accuracy_score),
    "regression": ("r2", r2_score),
}
METRIC_TITLES = {"accuracy": "accuracy", "r2": "R2"}
FACTOR = 3  # of halving and Hyperband: a third goes on, three times as long
N_ROUNDS = 3  # of coarse to fine
SEARCH_ROWS = 20_000
EPOCHS_BY_EPOCHS = 81
BY_EPOCHS = ("halving", "hyperband")


@dataclass(frozen=True)
class Settings:
    """How to search; the defaults are those of the command line.

    Attributes
    ----------
    kind : str
        A key of `SEARCHES`.
    n_iter : int or None
        Candidates. None for as many as `N_CANDIDATES` says.
    n_splits : int
    n_jobs : int
    seed : int
    nested : bool
    time_budget : float or None
        Seconds for all searching, without the fits of the winner.
    epochs : int or None
        The most of a training. None for what `max_epochs` says.
    search_rows : int
        The most rows to search with.
    """

    kind: str = "coarse-to-fine"
    n_iter: int | None = None
    n_splits: int = 5
    n_jobs: int = -1
    seed: int = 0
    nested: bool = False
    time_budget: float | None = None
    epochs: int | None = None
    search_rows: int = SEARCH_ROWS


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
    network_class = MLPClassifier if problem.task == "classification" else MLPRegressor
    network = network_class(
        early_stopping=_stops_early(problem, settings),
        max_iter=max_epochs(problem, settings),
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
        [("numeric", numbers, numeric), ("categorical", categories, categorical)],
        verbose_feature_names_out=False,  # the checkup speaks of columns of the table
    )


def model_columns(model):
    """Which columns a model written by `tune` reads; see `align_columns`."""
    if getattr(model, "table_", None):
        return model.table_
    columns = model.named_steps["columns"]
    if not isinstance(columns, ColumnTransformer):
        return {"n_features": columns.n_features_in_}
    return {name: list(names) for name, _, names in columns.transformers}


def find_network(model):
    """The network in a pipeline of `build_model`, fitted if the pipeline is."""
    learner = model.named_steps["mlp"]
    if isinstance(learner, TransformedTargetRegressor):
        return getattr(learner, "regressor_", learner.regressor)
    return learner


def _stops_early(problem, settings):
    # A validation part of a tenth is worth its rows only if it can tell candidates apart;
    # below that the training loss decides when to stop. Where candidates are compared at
    # set numbers of epochs, the comparison is what stops the bad ones.
    if settings.kind in BY_EPOCHS:
        return False
    return search_size(problem, settings) >= max(500, 20 * problem.n_classes)


def max_epochs(problem, settings):
    """The most epochs of a training."""
    if settings.epochs is not None:
        return settings.epochs
    if settings.kind in BY_EPOCHS:
        return EPOCHS_BY_EPOCHS
    return 100 if _stops_early(problem, settings) else 200


def search_size(problem, settings):
    """How many rows each training of the search has."""
    kept = 1 - 1 / settings.n_splits
    rows = len(problem.y) * (kept if settings.nested else 1 - TEST_SIZE)
    return int(min(rows, settings.search_rows) * kept)


# The searches


def prefix_of(problem):
    """What the names of the network's parameters begin with in the pipeline."""
    return "mlp__" if problem.task == "classification" else "mlp__regressor__"


def build_space(problem, settings):
    """Distributions, or of a grid lists, by the names of the pipeline's parameters."""
    space = (
        _grid() if settings.kind == "grid" else _space(search_size(problem, settings))
    )
    prefix = prefix_of(problem)
    return {prefix + name: values for name, values in space.items()}


def _space(n_rows):
    """Learning rate first: it matters most. Batches: eight or more an epoch.

    `default_space` has networks up to three times 256 units, which made no better scores
    on five bundled tables in three to five times the time.
    """
    sizes = [size for size in (8, 16, 32, 64, 128, 256) if 8 * size <= n_rows]
    return {
        "learning_rate_init": LogUniform(1e-4, 1e-1),
        # Few rows are learned by heart unless the penalty may be strong: nested R2
        # on 442 rows was 0.45 with 0.1 and 0.49 with 1; 1797 rows gained nothing.
        "alpha": LogUniform(1e-6, 1.0 if n_rows < 1000 else 0.1, limits=(1e-6, None)),
        "batch_size": Choice(sizes[-3:] or [8]),
        "hidden_layer_sizes": HiddenLayers((1, 2), (32, 128), n_layers_limits=(1, 2)),
        "batch_norm": Choice([False, True]),
    }


def _grid():
    return {
        "learning_rate_init": [1e-3, 3e-3, 1e-2],
        "alpha": [1e-4, 1e-1],
        "hidden_layer_sizes": [(64,), (128, 64)],
        "batch_norm": [False, True],
    }


def _random_search(problem, settings, *arguments, **common):
    n_iter = plan(problem, settings)[0].n_candidates
    return CoarseToFineSearchCV(*arguments, n_iter=n_iter, n_rounds=1, **common)


def _coarse_to_fine_search(problem, settings, *arguments, **common):
    rounds = plan(problem, settings)
    return CoarseToFineSearchCV(
        *arguments, n_iter=rounds[0].n_candidates, n_rounds=len(rounds), **common
    )


def _halving_search(problem, settings, *arguments, **common):
    return SuccessiveHalvingSearchCV(
        *arguments,
        n_initial_parameters=n_candidates(problem, settings),
        max_iter=max_epochs(problem, settings),
        aggressiveness=FACTOR,
        **common,
    )


def _hyperband_search(problem, settings, *arguments, **common):
    return HyperbandSearchCV(
        *arguments,
        max_iter=max_epochs(problem, settings),
        aggressiveness=FACTOR,
        **common,
    )


def _grid_search(problem, settings, *arguments, **common):
    return GridSearch(*arguments, **common)


SEARCHES = {
    "coarse-to-fine": _coarse_to_fine_search,
    "hyperband": _hyperband_search,
    "halving": _halving_search,
    "random": _random_search,
    "grid": _grid_search,
}
N_CANDIDATES = {"coarse-to-fine": 21, "random": 20, "halving": 27}


def build_search(problem, settings, journal=None, time_budget=None):
    """The search of `settings` over `build_model`'s pipeline, ready to be fitted."""
    return SEARCHES[settings.kind](
        problem,
        settings,
        build_model(problem, settings),
        build_space(problem, settings),
        scoring=METRICS[problem.task][0],
        cv=build_folds(problem, settings),
        n_jobs=settings.n_jobs,
        random_state=settings.seed,
        time_budget=time_budget,
        journal=journal,
    )


def build_folds(problem, settings):
    """The splitter, of the search as of the nested cross-validation round it."""
    kind = StratifiedKFold if problem.task == "classification" else KFold
    return kind(settings.n_splits, shuffle=True, random_state=settings.seed)


# What there is to do


@dataclass(frozen=True)
class Round:
    """Candidates that are trained on each split: from an epoch, if there is one, on."""

    bracket: int
    number: int
    n_candidates: int
    n_epochs: int | None = None  # that are added to those done before
    epochs: int | None = None  # in all


def plan(problem, settings):
    """The rounds of a search, if nothing cuts it short.

    Returns
    -------
    list of Round
    """
    if settings.kind in BY_EPOCHS:
        return _plan_by_epochs(problem, settings)
    n = n_candidates(problem, settings)
    if settings.kind != "coarse-to-fine":
        return [Round(0, 0, n)]
    n_rounds = min(N_ROUNDS, n)
    # Rounds are equally large, so a few more than asked for may be drawn.
    return [Round(0, r, math.ceil(n / n_rounds)) for r in range(n_rounds)]


def _plan_by_epochs(problem, settings):
    most = max_epochs(problem, settings)
    if settings.kind == "halving":
        n = n_candidates(problem, settings)
        brackets = [halving_rounds(n, None, most, FACTOR)]
    else:
        brackets = hyperband_brackets(most, FACTOR)
    return [
        Round(b, r, n, epochs - before, epochs)
        for b, bracket in enumerate(brackets)
        for r, (n, epochs, before) in enumerate(
            zip(
                bracket["n_candidates"],
                bracket["epochs"],
                [0, *bracket["epochs"]],
                strict=False,
            )
        )
    ]


def n_candidates(problem, settings):
    """How many parameter sets a search of `settings` is to compare."""
    if settings.kind == "grid":
        return len(ParameterGrid(_grid()))
    if settings.kind == "hyperband":
        brackets = hyperband_brackets(max_epochs(problem, settings), FACTOR)
        return sum(bracket["n_candidates"][0] for bracket in brackets)
    return settings.n_iter or N_CANDIDATES[settings.kind]


# Rows


def take(X, rows):
    """Rows of an array or a DataFrame, by number."""
    return _safe_indexing(X, rows)


def choose_rows(problem, settings, rows):
    """All of these rows, or a part of them in which classes have their proportions."""
    if len(rows) <= settings.search_rows:
        return rows
    classes = problem.y[rows] if problem.task == "classification" else None
    chosen, _ = train_test_split(
        rows,
        train_size=settings.search_rows,
        stratify=classes,
        random_state=settings.seed,
    )
    return chosen
