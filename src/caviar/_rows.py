"""What the data show: what is missing, of no use, out of scale, a copy or a leak.

Looks at the table that reaches the network, before anything is trained.
"""

from itertools import pairwise

import numpy as np
from scipy.sparse import issparse
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ._diagnosed import dense_columns
from ._findings import Finding, number

MAX_ROWS = 3000  # that are looked at closely
MAX_COLUMNS, MAX_VALUES, FEWEST_ROWS = 2000, 300_000, 500
# What one column may tell of the target on rows held out: above SUSPICIOUS, and without
# it LOST less is known, it is called a leak.
SUSPICIOUS, LOST = 0.985, 0.03
ENOUGH_ROWS = 20  # for a column with one value for each class not to be chance
SHOWN = 5  # names at most
LARGE, SMALL = 10.0, 1e-3  # of a column's size (root mean square)
COPIES, FEW_COPIES = 0.05, 3  # of validation rows that are training rows
FEW_OF_A_CLASS = 5


def look(problem, random_state):
    """Findings about the data, and whether these can be trained on at all."""
    unusable = _unusable(problem)
    if unusable:
        return [unusable], False
    findings = [
        _about_classes(problem),
        _about_columns(problem),
        _about_copies(problem),
        _about_leaks(problem, random_state),
    ]
    findings = [finding for finding in findings if finding is not None]
    return findings or [_all_well(problem)], True


def _finding(status, title, explanation, advice, numbers):
    return Finding("data", status, title, explanation, advice, numbers)


def _all_well(problem):
    n_rows, n_columns = problem.X.shape
    return _finding(
        "ok",
        f"{n_rows:,} rows of {n_columns:,} columns: nothing amiss.",
        "No missing values, constant columns or columns out of scale; no column gives the "
        "target away.",
        [],
        {"n_rows": n_rows, "n_columns": n_columns},
    )


def _unusable(problem):
    """What fit would refuse, or make nothing of."""
    X_val, y_val, _ = problem.held_out
    return (
        _about_values(problem, problem.X, "")
        or (None if X_val is None else _about_values(problem, X_val, "validation "))
        or _about_targets(problem.y, "")
        or (None if y_val is None else _about_targets(y_val, "validation "))
        or _about_one_class(problem)
    )


def _about_values(problem, X, whose):
    values = X.data if issparse(X) else np.asarray(X)
    try:
        finite = np.isfinite(values.astype(np.float64))
    except (TypeError, ValueError) as exc:
        return _finding(
            "problem",
            "Not all columns are numbers.",
            f"{exc}.",
            ["Encode them, in a pipeline: OneHotEncoder in a ColumnTransformer"],
            {},
        )
    n_missing = int(np.sum(~finite))
    if not n_missing:
        return None
    where = "some columns"
    if finite.ndim == 2:
        where = _listed(problem, np.flatnonzero(~finite.all(axis=0)))
    return _finding(
        "problem",
        f"{n_missing:,} {whose}values are missing or infinite, in {where}.",
        "A network cannot be trained on them.",
        ["Fill them in:\nmake_pipeline(SimpleImputer(), StandardScaler(), network)"],
        {"n_missing": n_missing},
    )


def _about_targets(y, whose):
    y = np.asarray(y)
    n_missing = int(np.sum(~np.isfinite(y))) if y.dtype.kind == "f" else 0
    if not n_missing:
        return None
    return _finding(
        "problem",
        f"{n_missing:,} {whose}targets are missing or infinite.",
        "These rows have nothing to learn from.",
        ["Leave them out."],
        {"n_missing_targets": n_missing},
    )


def _about_one_class(problem):
    y = np.asarray(problem.y)
    if not np.all(y == y[:1]):
        return None
    what = "class" if problem.classifies else "value"
    return _finding(
        "problem",
        f"All {len(y):,} targets have the same {what}: {y[0]}.",
        "There is nothing to tell apart.",
        ["Is it the right column? Were the rows filtered, or sorted and then cut?"],
        {"n_classes": 1},
    )


def _listed(problem, columns):
    """Some columns, by name."""
    names = [problem.column(int(i)) for i in columns[:SHOWN]]
    more = len(columns) - len(names)
    plural = "s" if len(columns) > 1 else ""
    return f"column{plural} " + ", ".join(names) + (f" and {more} more" if more else "")


def _about_classes(problem):
    y = np.asarray(problem.y)
    if not problem.classifies or (y.ndim == 2 and y.shape[1] > 1):
        return None
    classes, counts = np.unique(y.ravel(), return_counts=True)
    rare = classes[counts < FEW_OF_A_CLASS]
    share = counts.max() / counts.sum()
    numbers = {"n_classes": len(classes), "largest_share": float(share)}
    if len(rare):
        shown = ", ".join(map(str, rare[:SHOWN]))
        return _finding(
            "warning",
            f"{len(rare)} of {len(classes)} classes have fewer than {FEW_OF_A_CLASS} rows: "
            f"{shown}.",
            "Nothing can be learnt of them, or said of how well it was. Is y a quantity? "
            "Then it is a regression.",
            ["Merge rare classes, or leave them out."],
            numbers,
        )
    if share > 0.9:
        return _finding(
            "warning",
            f"{share:.1%} of the rows are of class {classes[counts.argmax()]}.",
            f"Always saying so is {share:.1%} right: accuracy hides whether anything is "
            "learnt.",
            [
                'scoring="balanced_accuracy" or "roc_auc", and perhaps '
                'class_weight="balanced"'
            ],
            numbers,
        )
    return None


def _moments(X):
    """Standard deviation and size (root mean square) of each column."""
    if issparse(X):
        X = X.tocsc().astype(np.float64)
        mean = np.asarray(X.mean(axis=0)).ravel()
        square = np.asarray(X.multiply(X).mean(axis=0)).ravel()
    else:
        X = np.asarray(X, dtype=np.float64)
        # Round a first row: the variance of large numbers that hardly differ.
        first = X[0]
        return (X - first).std(axis=0), np.sqrt((X**2).mean(axis=0))
    return np.sqrt(np.maximum(square - mean**2, 0)), np.sqrt(square)


def _about_columns(problem):
    std, size = _moments(problem.X)
    varying = std > 0
    numbers = {
        "n_constant": int((~varying).sum()),
        "largest_column": float(size.max()),
        "least_column": float(size[varying].min()) if varying.any() else 0.0,
    }
    if not varying.any():
        return _finding(
            "problem",
            "All columns are constant.",
            "The rows cannot be told apart.",
            ["Is it the right table?"],
            numbers,
        )
    large = np.flatnonzero(size > LARGE)
    scaler = "Scale the columns:\nmake_pipeline(StandardScaler(), network)"
    large = large[np.argsort(-size[large], kind="stable")]
    apart = size[varying].max() / size[varying].min()
    if (len(large) and not issparse(problem.X)) or apart > LARGE / SMALL:
        far = large if len(large) else np.argsort(-size, kind="stable")[:1]
        grave = size.max() > 10 * LARGE or apart > LARGE / SMALL
        return _finding(
            "problem" if grave else "warning",
            f"Inputs are not scaled: {_listed(problem, far)}.",
            f"Columns have sizes (root mean square) from {number(numbers['least_column'])} "
            f"to {number(size.max())}; networks want all near 1. Large ones drown the "
            "others, and saturate or kill units.",
            [scaler],
            numbers,
        )
    constant = np.flatnonzero(~varying)
    many = len(constant) > 0.5 * len(std)
    if many:
        return _finding(
            "warning",
            f"{len(constant)} of {len(std)} columns are constant: "
            f"{_listed(problem, constant)}.",
            "They tell nothing.",
            ["Leave them out:\nmake_pipeline(VarianceThreshold(), ..., network)"],
            numbers,
        )
    return None


def _hashes(X):
    X = (
        X.tocsr()
        if issparse(X)
        else np.ascontiguousarray(np.asarray(X, dtype=np.float64))
    )
    if not issparse(X):
        return [(row + 0.0).tobytes() for row in X]
    X.sort_indices()
    ends = X.indptr
    return [
        X.indices[a:b].tobytes() + X.data[a:b].astype(np.float64).tobytes()
        for a, b in pairwise(ends)
    ]


def _about_copies(problem):
    """Validation rows that are training rows."""
    X_val = problem.held_out[0]
    if X_val is None:
        return None
    training = set(_hashes(problem.X))
    validation = _hashes(X_val)
    n_copies = sum(row in training for row in validation)
    share = n_copies / len(validation)
    if share <= COPIES or n_copies < FEW_COPIES:
        return None
    return _finding(
        "problem" if share > 0.1 else "warning",
        f"{n_copies:,} of {len(validation):,} validation rows ({share:.0%}) are copies of "
        "training rows.",
        "The validation score is then partly that of training, and too good.",
        [
            "Remove copies before splitting (X.drop_duplicates()), or keep them together: "
            "GroupKFold, GroupShuffleSplit"
        ],
        {"share_of_copies": share, "n_copies": n_copies},
    )


def _about_leaks(problem, random_state):
    """A column that gives the target away."""
    X, y = problem.X, np.asarray(problem.y)
    if (y.ndim == 2 and y.shape[1] > 1) or X.shape[1] > MAX_COLUMNS:
        return None
    y = y.ravel()
    n_rows = max(FEWEST_ROWS, min(MAX_ROWS, MAX_VALUES // X.shape[1]))
    if X.shape[0] > n_rows:
        rows = np.sort(random_state.permutation(X.shape[0])[:n_rows])
        X, y = X[rows] if issparse(X) else np.asarray(X)[rows], y[rows]
    X = dense_columns(X)
    guessing = _Guessing(X, y, problem.classifies, random_state)
    if not guessing.possible:
        return None
    columns = [guessing.with_column(j) for j in range(X.shape[1])]
    scores = np.array([score for score, _ in columns])
    leaks = np.flatnonzero(scores >= SUSPICIOUS)
    if not len(leaks):
        return None
    others = np.setdiff1d(np.arange(X.shape[1]), leaks)
    without, n_wrong = guessing.with_columns(others)
    is_copy = problem.classifies and any(_is_renamed(X[:, j], y) for j in leaks)
    if not is_copy and not guessing.is_less(
        without, n_wrong, *columns[int(np.argmax(scores))]
    ):
        return None  # the other columns know it as well
    numbers = {
        "columns": leaks.tolist(),
        "score_of_column": float(scores.max()),
        "score_without": without,
    }
    measure = "balanced accuracy (chance taken off)" if problem.classifies else "R2"
    gives = "each give" if len(leaks) > 1 else "alone gives"
    return _finding(
        "problem",
        f"The {_listed(problem, leaks)} {gives} the target away.",
        f"On rows held out, the {measure} is {scores.max():.3f} with it alone, and "
        f"{without:.3f} with all other columns together. That is hardly ever true: more "
        "likely it was made from the target, or is known only after it.",
        ["Will it be known when a prediction is wanted? If not, leave it out."],
        numbers,
    )


def _is_renamed(column, y):
    """Whether a column is the target under other names: one value for each class."""
    pairs = set(zip(column.tolist(), y.tolist(), strict=True))
    n_values, n_classes = len(np.unique(column)), len(np.unique(y))
    return len(y) >= ENOUGH_ROWS and n_values == n_classes == len(pairs)


class _Guessing:
    """How well some columns tell the target: by trees, on rows held out (two folds)."""

    def __init__(self, X, y, classifies, random_state):
        self.X, self.y, self._classifies = X, y, classifies
        if classifies:
            classes, counts = np.unique(y, return_counts=True)
            common = np.isin(y, classes[counts >= 4])
            self.X, self.y = X[common], y[common]
        self.possible = len(self.y) >= ENOUGH_ROWS and len(np.unique(self.y)) > 1
        folds = StratifiedKFold if classifies else KFold
        seed = int(random_state.randint(2**31 - 1))
        self._folds = folds(2, shuffle=True, random_state=seed)

    def with_column(self, j):
        """Score, and how many rows are wrong (0 for a regression)."""
        if np.ptp(self.X[:, j]) == 0:
            return 0.0, len(self.y)
        Tree = DecisionTreeClassifier if self._classifies else DecisionTreeRegressor
        return self._score(Tree(min_samples_leaf=2, random_state=0), self.X[:, [j]])

    def with_columns(self, columns):
        if not len(columns):
            return 0.0, len(self.y)
        Forest = ExtraTreesClassifier if self._classifies else ExtraTreesRegressor
        return self._score(Forest(100, random_state=0), self.X[:, columns])

    def _score(self, model, X):
        predicted = np.empty_like(self.y)
        for train, test in self._folds.split(X, self.y):
            predicted[test] = model.fit(X[train], self.y[train]).predict(X[test])
        if not self._classifies:
            return float(r2_score(self.y, predicted)), 0
        score = balanced_accuracy_score(self.y, predicted, adjusted=True)
        return float(score), int(np.sum(predicted != self.y))

    def is_less(self, score, n_wrong, score_of_column, n_wrong_of_column):
        """Whether it is clearly less than what the column tells."""
        if not self._classifies:
            return score < score_of_column - LOST
        return n_wrong - n_wrong_of_column >= max(5, 3 * np.sqrt(n_wrong))
