"""What the results of a search depend on, in short texts: the same in every process.

Data are told apart by their content, objects by their class and parameters. A journal
keeps these texts, and its refusal shows those that differ, so each part is either short
enough to be read or says what can be said, and a hash.
"""

import functools
import inspect
import pickle
import sys
import warnings
from importlib.metadata import version

import joblib
import numpy as np
import sklearn
from scipy import sparse
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer

_NOT_OF_THE_RESULT = {  # or, as cv and scoring, described as what was made of them
    *("n_jobs", "verbose", "pre_dispatch", "time_budget", "journal", "refit"),
    *("estimator", "param_distributions", "cv", "scoring", "random_state"),
}
_LONG = 120  # characters that a refusal can show
# What pickling an object of anyone's may raise, beside what it should.
_UNPICKLABLE = (
    pickle.PicklingError,
    TypeError,
    AttributeError,
    ValueError,
    RecursionError,
)


def fingerprint(search, X, y, fit_params, splits, scorers):
    """What a search depends on, part by part.

    Parameters
    ----------
    search : BaseSearchCV
        With the parameters ``estimator`` and ``param_distributions``.
    X, y : as passed to fit
        Arrays, sparse matrices, data frames, lists or anything that can be pickled; y may
        be None.
    fit_params : dict
        Further arguments of fit, by name.
    splits : list of tuples (train, test)
        Indices, as ``cv.split`` gives them.
    scorers : callable or dict of callables

    Returns
    -------
    parts : dict of str to str
        ``"X"``, ``"y"``, each argument of fit, ``"n_splits"``, ``"cv"`` (the splits
        themselves), ``"scoring"``, ``"search"`` (its class), the search's own settings and
        ``"random_state"`` if it is an int, ``"refit"`` if it is a metric or a callable,
        ``"estimator"`` (its class) and each of its parameters as ``"estimator__alpha"``,
        ``"space['alpha']"`` for each parameter that is searched (``"space[1]['alpha']"``
        in a list of spaces), and the versions of ``"caviar"`` and ``"scikit-learn"``.
        Left out is what the results do not depend on, as `n_jobs` and `verbose`, also of
        the estimator.

    Notes
    -----
    A memory map and an array of the same numbers count as the same, a list and an array,
    two dtypes, C and Fortran order as different. Of functions, module and qualified
    name count, so two lambdas of one function are not told apart, nor is a function from
    what it was before it was edited. Of an object without ``get_params`` the pickle counts;
    of one that cannot be pickled, its class only.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn.metrics import make_scorer, accuracy_score
    >>> from sklearn.model_selection import RandomizedSearchCV
    >>> search = RandomizedSearchCV(SGDClassifier(), {"alpha": [0.1, 1.0]}, n_iter=2)
    >>> X, y, splits = np.eye(4), np.array([0, 1, 0, 1]), [([0, 1], [2, 3])]
    >>> parts = fingerprint(search, X, y, {}, splits, make_scorer(accuracy_score))
    >>> parts["space['alpha']"], parts["n_iter"], parts["n_splits"]
    ('[0.1, 1.0]', '2', '1')
    """
    parts = {"X": describe(X), "y": describe(y)}
    parts |= {name: describe(value) for name, value in fit_params.items()}
    parts["n_splits"] = str(len(splits))
    indices = [[np.asarray(part) for part in split] for split in splits]
    parts["cv"] = f"splits {_digest(indices)}"
    parts |= _scoring_parts(scorers)
    parts |= _search_parts(search)
    parts |= _estimator_parts(search.estimator)
    parts |= _space_parts(search.param_distributions)
    parts |= {"caviar": version("caviar"), "scikit-learn": sklearn.__version__}
    return {name: _short(text) for name, text in parts.items()}


def describe(value, known=()):
    """One value as text, the same for equal values and in every process.

    Parameters
    ----------
    value : object
    known : collection of int
        Ids of objects whose parameters are described elsewhere; of these only the class.
    """
    if id(value) in known:
        return _name(type(value))
    if value is None or isinstance(value, str | bytes | bool | int | float | complex):
        return repr(value)
    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
        return repr(value.item())
    if data := _describe_data(value):  # first: a sparse matrix may be a dict, too
        return data
    again = functools.partial(describe, known=known)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{again(k)}: {again(value[k])}" for k in value) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(again, value))) + "}"
    if isinstance(value, tuple):
        return (
            "(" + ", ".join(map(again, value)) + ("," if len(value) == 1 else "") + ")"
        )
    if isinstance(value, list):
        if len(value) * 2 > _LONG:  # data rather than a setting: too long in any case
            return f"list of {len(value)}, {_digest(value)}"
        return "[" + ", ".join(map(again, value)) + "]"
    if hasattr(value, "get_params") and not isinstance(value, type):
        params = value.get_params(deep=False).items()
        settings = ", ".join(f"{name}={again(v)}" for name, v in sorted(params))
        return f"{_name(type(value))}({settings})"
    return _describe_callable(value) or _describe_object(value)


def _describe_data(value):
    """Shape, dtype and hash of arrays and what is like them; None for others."""
    kind = type(value).__name__
    if sparse.issparse(value):
        # By its three arrays: the object also remembers what was asked of it.
        rows = value.tocsr()
        digest = _digest([rows.indptr, rows.indices, rows.data])
        return f"{kind} {value.shape} {value.dtype}, {digest}"
    if isinstance(value, np.ndarray):
        if not (value.flags.c_contiguous or value.flags.f_contiguous):
            value = np.ascontiguousarray(value)
        return f"{value.shape} {value.dtype}, {_digest(value)}"
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series):
        columns = value.to_frame() if isinstance(value, pandas.Series) else value
        return f"{kind} {value.shape}, {_digest_frame(pandas, columns)}"
    # numpy.float32, the class, as the dtype of a transformer, has both as descriptors.
    is_class = isinstance(value, type)
    if not is_class and hasattr(value, "__array__") and hasattr(value, "shape"):
        parts = [list(map(str, getattr(value, "columns", ()))), np.asarray(value)]
        return f"{kind} {tuple(value.shape)}, {_digest(parts)}"
    return None


def _digest_frame(pandas, frame):
    """Column by column: a frame's pickle changes with what it has been used for."""
    parts = [list(map(str, frame.columns)), list(map(str, frame.dtypes))]
    for position in range(frame.shape[1]):
        column = frame.iloc[:, position]
        if isinstance(column.dtype, np.dtype) and column.dtype != object:
            parts.append(np.ascontiguousarray(column.to_numpy()))
            continue
        try:
            hashes = pandas.util.hash_pandas_object(column, index=False)
            parts.append(hashes.to_numpy())
        except TypeError:  # a column of lists, say
            parts.append(list(column))
    # An index can be looked up by a transformer, so it is part of the data.
    parts.append(pandas.util.hash_pandas_object(frame.index).to_numpy())
    return _digest(parts)


def _describe_callable(value):
    """Functions, classes, partials, methods and scorers by name; None for others."""
    if isinstance(value, functools.partial):
        keywords = describe(value.keywords)
        return f"partial({describe(value.func)}, {describe(value.args)}, {keywords})"
    if isinstance(value, _PassthroughScorer):
        return "the estimator's score"
    if isinstance(value, _BaseScorer):
        sign = "-" if value._sign < 0 else ""
        kwargs = describe(value._kwargs)
        method = getattr(value, "_response_method", "predict")
        return f"{sign}{describe(value._score_func)}, {method!r}, {kwargs}"
    if inspect.ismethod(value):
        return f"{describe(value.__self__)}.{value.__name__}"
    if isinstance(value, np.ufunc):
        return f"numpy.{value.__name__}"
    if isinstance(value, type) or inspect.isroutine(value):
        return _name(value)
    return None


def _describe_object(value):
    """Distributions and random states by what makes them, the rest by its pickle."""
    name = _name(type(value))
    if hasattr(value, "dist") and hasattr(
        value, "kwds"
    ):  # scipy's frozen distributions
        return f"{describe(value.dist)}{describe(value.args)}{describe(value.kwds)}"
    if hasattr(value, "_updated_ctor_param"):  # scipy's distributions as such
        if name.startswith("scipy.") and name.endswith("_gen"):
            return value.name
        return f"{name}({describe(value._updated_ctor_param())})"
    if isinstance(value, np.random.RandomState):
        return f"RandomState, {_digest(value.get_state(legacy=True))}"
    return f"{name}, {_digest(value)}"


def _scoring_parts(scorers):
    if isinstance(scorers, _MultimetricScorer):
        scorers = scorers._scorers
    if not isinstance(scorers, dict):
        return {"scoring": describe(scorers)}
    return {f"scoring[{name!r}]": describe(one) for name, one in scorers.items()}


def _search_parts(search):
    settings = search.get_params(deep=False)
    parts = {"search": _name(type(search))}
    for name in sorted(settings.keys() - _NOT_OF_THE_RESULT):
        parts[name] = describe(settings[name])
    if not isinstance(
        settings["refit"], bool
    ):  # by which metric it is decided who goes on
        parts["refit"] = describe(settings["refit"])
    seed = settings.get("random_state")
    if isinstance(seed, int | np.integer):
        parts["random_state"] = str(int(seed))
    return parts


def _estimator_parts(estimator):
    """Its class, and its parameters under the names by which they are set."""
    params = estimator.get_params(deep=True)
    # What get_params unfolds is described by its own parameters, which follow.
    known = {
        id(value)
        for name, value in params.items()
        if hasattr(value, "get_params")
        and not isinstance(value, type)
        and all(f"{name}__{own}" in params for own in value.get_params(deep=False))
    }
    parts = {"estimator": _name(type(estimator))}
    for name, value in params.items():
        if name.split("__")[-1] not in ("n_jobs", "verbose"):
            parts[f"estimator__{name}"] = describe(value, known)
    return parts


def _space_parts(space):
    if not isinstance(space, list | tuple):
        return {f"space[{name!r}]": describe(values) for name, values in space.items()}
    return {
        f"space[{position}][{name!r}]": describe(values)
        for position, one in enumerate(space)
        for name, values in one.items()
    }


def _name(thing):
    """Module and qualified name of a class or function."""
    module = getattr(thing, "__module__", None)
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
    return f"{module}.{name}" if module not in (None, "builtins") else str(name)


def _digest(value):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of objects that do not like to be pickled
        try:
            return joblib.hash(value, hash_name="sha1", coerce_mmap=True)[:16]
        except _UNPICKLABLE:
            return "which cannot be pickled"


def _short(text):
    return text if len(text) <= _LONG else f"{text[: _LONG // 2]}..., {_digest(text)}"
