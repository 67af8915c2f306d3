"""The file of a training session: what is in it, and what a fit writes of itself.

Owns the names in the file's tree of plain data; the bytes are `_archive`'s matter. What
changes in a later version of caviar gets another `FORMAT`.
"""

import copy
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version

from sklearn.base import clone
from sklearn.preprocessing import LabelBinarizer

from ._archive import read_archive, write_archive
from ._estimator import BaseMLP
from ._fingerprint import describe
from ._plain import pack, unpack
from ._state import Course, Record, TrainingState
from .neural_network import MLPClassifier, MLPRegressor

KIND = "training session"
FORMAT = 1  # of the tree
DATA = ("X", "y", "sample_weight", "X_val", "y_val", "sample_weight_val")
_CLASSES = {one.__name__: one for one in (MLPClassifier, MLPRegressor)}


@dataclass(frozen=True)
class Point:
    """Where a session can stand."""

    estimator: BaseMLP  # its parameters count, and what validation learned of the data
    course: Course

    @property
    def n_epochs(self):
        return self.course.n_epochs


@dataclass
class Contents:
    """What a session is, but for its data."""

    now: Point
    data: dict  # `data_fingerprints`
    fitted: BaseMLP | None = None  # as `fit` would have left it at `now`
    best: Point | None = None
    snapshots: dict = field(default_factory=dict)  # name -> point
    log: list = field(default_factory=list)
    stopped: str | None = None


def write(path, contents):
    """Write a session to a file, as a whole or not at all.

    Raises
    ------
    TypeError
        For a parameter that is no plain data, and an estimator of another class.
    OSError
        If the file cannot be written.
    """
    snapshots = contents.snapshots.items()
    tree = {
        "caviar": version("caviar"),
        "format": FORMAT,
        "now": _point_tree(contents.now),
        "best": None if contents.best is None else _point_tree(contents.best),
        "snapshots": [[name, _point_tree(point)] for name, point in snapshots],
        "log": pack(contents.log, "log"),
        "stopped": contents.stopped,
        "fitted": None if contents.fitted is None else _fitted_tree(contents.fitted),
        "data": contents.data,
    }
    write_archive(path, tree, KIND)


def write_fit(path, estimator, training, course, fingerprints):
    """Write a fit that stands between two epochs, as a session.

    Parameters
    ----------
    path : str
    estimator : MLPClassifier or MLPRegressor
        In `fit`.
    training : _training.Training
    course : Course
        What `training.pause` returned just now.
    fingerprints : dict
        Of `data_fingerprints`.
    """
    fitted = copy.copy(estimator)
    fitted._publish(training, False)
    write(path, Contents(Point(estimator, course), fingerprints, fitted))


def read(path):
    """The `Contents` of a file.

    Raises
    ------
    ValueError
        If it is none of a session, is damaged, or of another version of caviar.
    OSError
        If it cannot be read.
    """
    tree = read_archive(path, KIND)
    try:
        if tree["format"] != FORMAT:
            raise ValueError(f"its format must be {FORMAT}, got {tree['format']!r}")
        best, fitted, now = tree["best"], tree["fitted"], _point_of(tree["now"])
        return Contents(
            now,
            tree["data"],
            None if fitted is None else _fitted_of(now.estimator, fitted),
            None if best is None else _point_of(best),
            {name: _point_of(point) for name, point in tree["snapshots"]},
            unpack(tree["log"]),
            tree["stopped"],
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        writer = tree.get("caviar") if isinstance(tree, dict) else None
        by = f"caviar {writer}" if writer else "something else"
        raise ValueError(
            f"The session in {str(path)!r} was written by {by}, and cannot be read by "
            f"caviar {version('caviar')} ({error})."
        ) from error


# Data, of which a file knows no more than what they are known by


def data_fingerprints(
    X, y, sample_weight=None, X_val=None, y_val=None, sample_weight_val=None
):
    """By which the data of a session are known again: a short text for each part."""
    parts = (X, y, sample_weight, X_val, y_val, sample_weight_val)
    return {name: describe(part) for name, part in zip(DATA, parts, strict=True)}


def check_data(given, expected):
    """Refuse fingerprints that are not those of the session."""
    for name in DATA:
        if given[name] != expected[name]:
            raise ValueError(
                f"`{name}` must be that of the session, {expected[name]}, got "
                f"{given[name]}."
            )


# Points and fitted estimators as plain data


def _point_tree(point):
    estimator, course = point.estimator, point.course
    name = type(estimator).__name__
    if _CLASSES.get(name) is not type(estimator):
        raise TypeError(
            f"`estimator` must be one of {sorted(_CLASSES)} to be saved, got "
            f"{type(estimator).__qualname__}."
        )
    params = estimator.get_params(deep=False)
    return {
        "class": name,
        "params": {key: pack(value, key) for key, value in params.items()},
        "course": {
            **_shallow(course),
            "state": _shallow(course.state),
            "record": asdict(course.record),
        },
    }


def _shallow(instance):
    """As a dict; `asdict` would copy each vector."""
    return {one.name: getattr(instance, one.name) for one in fields(instance)}


def _point_of(tree):
    params = {key: unpack(value) for key, value in tree["params"].items()}
    course = dict(tree["course"])
    course["state"] = TrainingState(**course["state"])
    course["record"] = Record(**course["record"])
    return Point(_CLASSES[tree["class"]](**params), Course(**course))


def _fitted_tree(estimator):
    """What `fit` has set, as plain data."""
    state = estimator.__getstate__()
    params = estimator.get_params(deep=False)
    kept = {
        name: value
        for name, value in state.items()
        if name not in params and name != "_sklearn_version" and "callback" not in name
    }
    if "_label_binarizer" in kept:
        kept["_label_binarizer"] = dict(vars(kept["_label_binarizer"]))
    return kept


def _fitted_of(estimator, tree):
    estimator, state = clone(estimator), dict(tree)
    if "_label_binarizer" in state:
        binarizer = LabelBinarizer()
        vars(binarizer).update(state["_label_binarizer"])
        state["_label_binarizer"] = binarizer
    estimator.__setstate__({**estimator.get_params(deep=False), **state})
    return estimator
