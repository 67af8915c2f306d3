"""What a search depends on, as texts: equal for equal things, in every process."""

import doctest
import functools
import os
import pickle
import subprocess
import sys
import time

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import accuracy_score, fbeta_score, make_scorer
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import caviar
from caviar import MLPClassifier, _fingerprint, augmentation, schedules
from caviar._fingerprint import describe, fingerprint
from caviar.distributions import Choice, HiddenLayers, LogUniform
from caviar.model_selection import CoarseToFineSearchCV, HyperbandSearchCV

X = np.random.RandomState(0).normal(size=(30, 4))
y = np.arange(30) % 3
SPACE = {"alpha": LogUniform(1e-5, 1), "batch_size": [8, 16]}


def parts_of(search=None, X=X, y=y, splits=None, **fit_params):
    """The fingerprint of a search that is fitted to X and y."""
    search = search or HyperbandSearchCV(MLPClassifier(), SPACE)
    splits = splits or list(KFold(3).split(X, y))
    return fingerprint(search, X, y, fit_params, splits, search._get_scorers()[0])


def differing(one, other):
    return {name for name in one | other if one.get(name) != other.get(name)}


# What counts


def test_all_that_results_depend_on_is_named():
    search = HyperbandSearchCV(MLPClassifier(alpha=0.5), SPACE, random_state=3)
    parts = parts_of(search, sample_weight=np.ones(30))
    assert all(isinstance(text, str) for text in parts.values())
    expected = {
        "y": describe(y),
        "sample_weight": describe(np.ones(30)),
        "n_splits": "3",
        "scoring": "the estimator's score",
        "search": "caviar._halving.HyperbandSearchCV",
        "max_iter": "81",
        "random_state": "3",
        "error_score": "nan",
        "estimator": "caviar.neural_network.MLPClassifier",
        "estimator__alpha": "0.5",
        "space['batch_size']": "[8, 16]",
        "caviar": caviar.__version__,
        "scikit-learn": sklearn.__version__,
    }
    assert parts.items() >= expected.items()
    assert parts["X"].startswith("(30, 4) float64, ")
    assert "LogUniform(high=1, " in parts["space['alpha']"]
    assert parts["cv"].startswith("splits ")


def changed_space(**changes):
    return HyperbandSearchCV(MLPClassifier(), SPACE | changes)


CHANGES = {
    "X": (lambda: parts_of(X=X + (np.arange(4) == 2) * 1e-12), {"X"}),
    "dtype": (lambda: parts_of(X=X.astype(np.float32)), {"X"}),
    "y": (lambda: parts_of(y=np.roll(y, 1)), {"y"}),
    "weights": (lambda: parts_of(sample_weight=np.ones(30)), {"sample_weight"}),
    "splits": (lambda: parts_of(splits=list(KFold(3, shuffle=True).split(X))), {"cv"}),
    "folds": (lambda: parts_of(splits=list(KFold(5).split(X))), {"cv", "n_splits"}),
    "estimator": (
        lambda: parts_of(HyperbandSearchCV(MLPClassifier(momentum=0.5), SPACE)),
        {"estimator__momentum"},
    ),
    "range": (
        lambda: parts_of(changed_space(alpha=LogUniform(1e-5, 2))),
        {"space['alpha']"},
    ),
    "list": (
        lambda: parts_of(changed_space(batch_size=[8, 32])),
        {"space['batch_size']"},
    ),
    "more": (
        lambda: parts_of(changed_space(momentum=stats.uniform(0, 1))),
        {"space['momentum']"},
    ),
    "setting": (
        lambda: parts_of(HyperbandSearchCV(MLPClassifier(), SPACE, max_iter=27)),
        {"max_iter"},
    ),
    "seed": (
        lambda: parts_of(HyperbandSearchCV(MLPClassifier(), SPACE, random_state=1)),
        {"random_state"},
    ),
    "scoring": (
        lambda: parts_of(
            HyperbandSearchCV(MLPClassifier(), SPACE, scoring="balanced_accuracy")
        ),
        {"scoring"},
    ),
    "train scores": (
        lambda: parts_of(
            HyperbandSearchCV(MLPClassifier(), SPACE, return_train_score=True)
        ),
        {"return_train_score"},
    ),
}


@pytest.mark.parametrize("change, names", CHANGES.values(), ids=CHANGES)
def test_a_change_shows_in_the_part_that_it_is_of_and_in_no_other(change, names):
    assert differing(parts_of(), change()) == names


def test_another_class_of_search_shows():
    search = CoarseToFineSearchCV(MLPClassifier(), SPACE)
    assert "search" in differing(parts_of(), parts_of(search))


@pytest.mark.parametrize(
    "settings",
    [
        dict(n_jobs=2, pre_dispatch="all", verbose=3),
        dict(refit=False),
        dict(random_state=np.random.RandomState(3)),
        dict(cv=5),  # the splits that were made count instead
        dict(time_budget=10.0, journal="elsewhere"),
    ],
)
def test_what_results_do_not_depend_on_does_not_count(settings):
    search = HyperbandSearchCV(MLPClassifier(verbose=True), SPACE, **settings)
    assert parts_of(search) == parts_of()


def test_a_metric_that_chooses_who_goes_on_counts():
    def parts(refit):
        metrics = ["accuracy", "f1_macro"]
        return parts_of(
            HyperbandSearchCV(MLPClassifier(), SPACE, scoring=metrics, refit=refit)
        )

    assert differing(parts("accuracy"), parts("f1_macro")) == {"refit"}


def test_the_versions_count(monkeypatch):
    before = parts_of()
    monkeypatch.setattr("caviar._fingerprint.version", lambda name: "99.0")
    monkeypatch.setattr(sklearn, "__version__", "98.0")
    assert differing(before, parts_of()) == {"caviar", "scikit-learn"}


def test_each_metric_of_several_is_a_part_of_its_own():
    def parts(beta):
        scoring = {"a": "accuracy", "f": make_scorer(fbeta_score, beta=beta)}
        search = HyperbandSearchCV(MLPClassifier(), SPACE, scoring=scoring, refit="a")
        return parts_of(search)

    assert differing(parts(0.5), parts(2)) == {"scoring['f']"}


def test_spaces_in_a_list_are_told_apart_by_their_number():
    def parts(size):
        spaces = [{"alpha": [0.1]}, {"batch_size": [size]}]
        return parts_of(HyperbandSearchCV(MLPClassifier(), spaces))

    assert differing(parts(8), parts(16)) == {"space[1]['batch_size']"}


# Estimators


def pipeline(**settings):
    return make_pipeline(StandardScaler(), MLPClassifier(**settings))


def test_a_parameter_in_a_pipeline_is_named_as_it_is_set():
    def parts(**settings):
        return parts_of(HyperbandSearchCV(pipeline(**settings), {"memory": [None]}))

    assert differing(parts(), parts(alpha=1)) == {"estimator__mlpclassifier__alpha"}


NESTED = {
    "a list of pairs": lambda c: VotingClassifier([("a", LogisticRegression(C=c))]),
    "an estimator": lambda c: BaggingClassifier(LogisticRegression(C=c)),
    "a schedule": lambda c: MLPClassifier(learning_rate=schedules.StepDecay(c)),
    "augmentations": lambda c: MLPClassifier(augment=[augmentation.GaussianNoise(c)]),
    "keywords": lambda c: FunctionTransformer(np.multiply, kw_args={"x2": c}),
    "an array": lambda c: SGDClassifier(class_weight={0: np.full(2, c)}),
}


@pytest.mark.parametrize("make", NESTED.values(), ids=NESTED)
def test_what_an_estimator_holds_counts_by_its_parameters(make):
    def parts(value):
        search = HyperbandSearchCV(clone(make(value)), {"a": [1]})
        return fingerprint(search, X, y, {}, [], some_function)

    assert parts(0.5) == parts(0.5)
    changed = differing(parts(0.5), parts(0.25))
    assert changed
    assert all(name.startswith("estimator__") for name in changed)


def test_a_random_state_counts_by_its_state_and_a_fit_does_not_change_it():
    first, second = np.random.RandomState(5), np.random.RandomState(5)
    assert describe(first) == describe(second)
    second.rand()
    assert describe(first) != describe(second)


# Values of any kind: equal for equal, different for different


def some_function(estimator, X, y):
    return 0.0


class Plain:
    """An object without get_params."""

    def __init__(self, value):
        self.value = value

    def method(self):
        return self.value


class Closed(Plain):
    """An object that cannot be pickled."""

    def __reduce__(self):
        raise TypeError("no")


def frame(value=1.0):
    return pd.DataFrame(
        {
            "float": [0.5, value],
            "text": ["a", None],
            "kind": pd.Categorical(["u", "v"]),
            "time": pd.to_datetime(["2020-01-01", "2020-01-02"]),
            "mask": pd.array([1, None], dtype="Int64"),
            "mixed": [1, "one"],
            "lists": [[1], [2, 3]],
        }
    )


KINDS = {  # two calls make equal things, another argument another
    "float": lambda v: 0.1 + v,
    "numpy float": lambda v: np.float64(0.1 + v),
    "text": lambda v: f"text {v}",
    "tuple": lambda v: (1, (v,)),
    "list of lists": lambda v: [[v, 2], [3]] * 100,
    "set": lambda v: {f"name {i + v}" for i in range(10)},
    "dict": lambda v: {"a": {"b": v}},
    "array": lambda v: np.full((3, 2), v, dtype=float),
    "array of objects": lambda v: np.array(["a", None, v], dtype=object),
    "array of text": lambda v: np.array(["a", f"{v}"]),
    "csr": lambda v: sparse.csr_matrix(np.diag([1.0, v + 1])),
    "coordinates": lambda v: sparse.coo_array(np.diag([1.0, v + 1])),
    "dok": lambda v: sparse.dok_matrix(np.diag([1.0, v + 1])),
    "data frame": lambda v: frame(float(v)),
    "series": lambda v: frame(float(v))["float"],
    "index": lambda v: pd.DataFrame({"a": [1, 2]}, index=["r", f"s{v}"]),
    "column names": lambda v: pd.DataFrame({f"a{v}": [1, 2]}),
    "scipy's distribution": lambda v: stats.loguniform(1e-3, 1 + v),
    "its keywords": lambda v: stats.uniform(loc=0, scale=1 + v),
    "a discrete one": lambda v: stats.randint(1, 9 + v),
    "a histogram": lambda v: stats.rv_histogram(np.histogram([1.0, 2.0, 3.0 + v])),
    "values": lambda v: stats.rv_discrete(values=([1, 2 + v], [0.5, 0.5])),
    "ours": lambda v: LogUniform(1e-3, 1 + v),
    "layers": lambda v: HiddenLayers(n_layers=(2, 4), units=(50, 100 + v)),
    "choice": lambda v: Choice(["relu", ("tanh", v)]),
    "splitter": lambda v: KFold(3 + v),
    "partial": lambda v: functools.partial(some_function, y=v),
    "method": lambda v: Plain(v).method if v else LogUniform(1, 2).rvs,
    "function": lambda v: [np.mean, some_function][v],
    "ufunc": lambda v: [np.exp, np.tanh][v],
    "class": lambda v: [StandardScaler, Plain][v],
    "object": lambda v: Plain(v),
    "scorer": lambda v: make_scorer(fbeta_score, beta=1 + v),
    "sign": lambda v: make_scorer(accuracy_score, greater_is_better=bool(v)),
    "generator": lambda v: np.random.default_rng(v),
}
LINE = "print(test_fingerprint.describe(test_fingerprint.KINDS[name](0)))"


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_equal_things_have_equal_descriptions_and_different_ones_do_not(make):
    assert describe(make(0)) == describe(make(0))
    assert describe(make(0)) != describe(make(1))


def test_descriptions_are_the_same_in_another_process():
    code = "import test_fingerprint\nfor name in test_fingerprint.KINDS: " + LINE
    folder = os.path.dirname(__file__)
    output = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([folder, *sys.path]),
            "PYTHONHASHSEED": "7",
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    # In that process this module is not imported by pytest, so has the same name.
    here = [describe(make(0)) for make in KINDS.values()]
    assert output.splitlines() == here


USES = {
    "csr": lambda matrix: (matrix.has_sorted_indices, matrix.has_canonical_format),
    "data frame": lambda data: (data.iloc[[0]], data["text"] == "a", data.copy()),
    "series": lambda data: (data.index.is_unique, data.iloc[[1]], data.mean()),
}


@pytest.mark.parametrize("kind", USES)
def test_use_and_pickling_do_not_change_the_description_of_data(kind):
    data = KINDS[kind](0)
    before = describe(data)
    USES[kind](data)
    assert describe(data) == before
    assert describe(pickle.loads(pickle.dumps(data))) == before


def test_a_memory_map_counts_as_the_array_that_it_holds(tmp_path):
    joblib.dump(X, tmp_path / "X")
    mapped = joblib.load(tmp_path / "X", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    assert describe(mapped) == describe(X)


def test_a_view_counts_as_its_copy():
    assert describe(X[::2, ::2]) == describe(X[::2, ::2].copy())


def test_a_class_of_numpy_counts_by_its_name():
    transformer = OneHotEncoder(dtype=np.float32)
    assert "dtype=numpy.float32" in describe(transformer)


def test_a_list_does_not_count_as_an_array():
    assert describe(X.tolist()) != describe(X)
    assert describe(X.tolist()) == describe(X.tolist())


def test_lambdas_and_what_cannot_be_pickled_are_described_by_name():
    assert describe(lambda x: x).endswith("<lambda>")
    assert describe(Closed(1)) == describe(Closed(2))
    assert describe(Closed(1)).endswith("Closed, which cannot be pickled")
    here = __name__
    assert f"{here}.Closed" in describe([Closed(1)])
    many = [lambda x, i=i: i for i in range(100)]
    assert describe(many) == "list of 100, which cannot be pickled"


def test_each_part_is_short_enough_to_be_read():
    parts = parts_of(changed_space(batch_size=list(range(50)), momentum=["x" * 10_000]))
    assert max(map(len, parts.values())) <= 120
    assert parts["space['momentum']"].startswith("['xxxxxxx")


def test_data_are_hashed_at_the_speed_of_a_hash():
    data = np.random.RandomState(0).normal(size=(2**22, 8))  # 256 MB

    def seconds(function):
        start = time.process_time()
        function()
        return time.process_time() - start

    unit = seconds(lambda: joblib.hash(data, hash_name="sha1"))
    # 0.14 s, or half a second for a gigabyte, when this was written; the best of three.
    assert min(seconds(lambda: describe(data)) for _ in range(3)) < 3 * unit


def test_examples_run():
    results = doctest.testmod(_fingerprint)
    assert results.attempted > 0
    assert results.failed == 0
