"""SearchDisplay: scores where the results have them, of any search, at any size."""

import time

import numpy as np
import pytest
from scipy.stats import loguniform, norm, randint, uniform
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from caviar import MLPClassifier
from caviar.distributions import (
    Choice,
    HiddenLayers,
    IntLogUniform,
    LogUniform,
    OneMinusLogUniform,
    Uniform,
)
from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    read_journal,
)
from caviar.plotting import SearchDisplay
from displays import crowded_texts, left_end, no_leaks, svg_bytes

plt = pytest.importorskip("matplotlib.pyplot")
X, y = load_iris(return_X_y=True)
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::caviar.model_selection.SearchBoundaryWarning",
    "ignore:One or more of the test scores are non-finite",
    "ignore:Scoring failed",
)
_keep_clean = pytest.fixture(autouse=True)(no_leaks)
TREE = DecisionTreeClassifier(random_state=0)


def results_of(n, make, score, **columns):
    """Results of n made-up candidates."""
    random_state = np.random.RandomState(0)
    params = [make(i, random_state) for i in range(n)]
    scores = np.array([score(p) for p in params], dtype=np.float64)
    return {"params": params, "mean_test_score": scores, **columns}


def offsets(points):
    """Positions of all the points of one axes, in their order by score."""
    places = np.concatenate([np.asarray(p.get_offsets()) for p in points])
    return places[np.lexsort(places.T)]


def by_title(display):
    return {column.title: column for column in display.columns_}


# What is drawn


def test_points_are_the_candidates_of_the_search():
    space = {"learning_rate_init": LogUniform(1e-4, 1), "alpha": LogUniform(1e-6, 1)}
    network = MLPClassifier((8,), batch_size=10, max_iter=9, random_state=0)
    search = CoarseToFineSearchCV(
        network, space, n_iter=6, n_rounds=3, cv=2, random_state=0
    ).fit(X, y)
    display = SearchDisplay.from_estimator(search)
    results = search.cv_results_
    assert display.scores_.on_axes.all()
    for column, points in zip(display.columns_, display.scatters_, strict=True):
        at = np.array([p[column.name] for p in results["params"]])
        for number, level in enumerate(points):
            of_round = results["round"] == number
            expected = np.column_stack([at, results["mean_test_score"]])[of_round]
            expected = expected[np.lexsort(expected.T)]
            np.testing.assert_allclose(offsets([level]), expected)
    labels = [text.get_text() for text in display.legend_.get_texts()]
    assert labels[:3] == ["round 1", "round 2", "round 3"]
    assert display.scores_.best == search.best_index_
    assert [column.title for column in display.columns_] == list(space)  # its order


@pytest.mark.parametrize(
    "distribution, scale",
    [
        (LogUniform(1e-4, 1e-2), "log"),
        (OneMinusLogUniform(0.5, 0.99), "one-minus-log"),
        (Uniform(0.0, 0.5), "linear"),
        (IntLogUniform(2, 200), "log"),
        (randint(2, 9), "linear"),
        (loguniform(1e-3, 1e-2), "log"),
        (uniform(0, 1), "linear"),
        (norm(10, 1), "linear"),
        (Choice([1, 2, 3]), "choice"),
        ([0, 1e-5, 1e-3], "choice"),
        (np.linspace(0.1, 2, 40), "linear"),
        (np.geomspace(0.1, 1e5, 40).tolist(), "log"),
        (["a", "b"], "choice"),
    ],
)
def test_each_parameter_has_its_own_scale(distribution, scale):
    class Searched:  # what is read of a search
        param_distributions = {"parameter": distribution}
        cv_results_ = None

    random_state = np.random.RandomState(0)
    if hasattr(distribution, "rvs"):
        values = distribution.rvs(size=30, random_state=random_state).tolist()
    else:
        values = [distribution[i % len(distribution)] for i in range(40)]
    Searched.cv_results_ = {
        "params": [{"parameter": value} for value in values],
        "mean_test_score": random_state.rand(len(values)),
    }
    display = SearchDisplay.from_estimator(Searched())
    (column,), (ax,) = display.columns_, display.axes_
    assert column.scale == scale
    low, high = ax.get_xlim()
    if scale != "choice":
        np.testing.assert_array_equal(column.positions, values)
        middle = column.backward(np.mean(column.forward(np.array([low, high]))))
        at = ax.transData.transform([[low, 0], [middle, 0], [high, 0]])[:, 0]
        assert at[1] == pytest.approx((at[0] + at[2]) / 2, abs=0.01)
    shown = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert len(shown) >= 2


def test_scales_are_found_from_values_alone():
    random_state = np.random.RandomState(0)
    values = {
        "rate": 10 ** random_state.uniform(-5, 0, 60),
        "momentum": 1 - 10 ** random_state.uniform(-3, -0.4, 60),
        "dropout": random_state.uniform(0, 0.8, 60),
        "decay": np.r_[np.zeros(6), 10 ** random_state.uniform(-6, -1, 54)],
        "mode": ["a", None, True] * 20,
        "grid": [0.1, 1.0, 10.0] * 20,
    }
    params = [{name: column[i] for name, column in values.items()} for i in range(60)]
    results = {"params": params, "mean_test_score": random_state.rand(60)}
    display = SearchDisplay.from_results(results)
    assert {title: column.scale for title, column in by_title(display).items()} == {
        "rate": "log",
        "momentum": "one-minus-log",
        "dropout": "linear",
        "decay": "symlog",
        "mode": "choice",
        "grid": "choice",
    }
    assert crowded_texts(display.figure_) == []


def test_options_of_mixed_types_are_told_apart_and_in_order():
    options = ["auto", None, 0.1, 1, True, 2, (32, 16), [32, 16, 8], MinMaxScaler()]
    results = results_of(
        40, lambda i, _: {"p": options[i % len(options)]}, lambda p: 0.5
    )
    display = SearchDisplay.from_results(results)
    (column,) = display.columns_
    assert column.labels[:6] == ["None", "True", "0.1", "1", "2", "32, 16"]
    assert len(set(column.labels)) == len(options)
    labels = [label.get_text() for label in display.axes_[0].get_xticklabels()]
    assert labels == column.labels


def test_an_integer_and_a_tuple_of_it_have_different_labels():
    options = [32, (32,)]
    results = results_of(20, lambda i, _: {"p": options[i % 2]}, lambda p: 0.5)
    assert SearchDisplay.from_results(results).columns_[0].labels == ["32", "(32,)"]


def test_hidden_layers_are_shown_by_their_number_and_their_mean_units():
    layers = HiddenLayers((1, 3), (8, 64))
    network = MLPClassifier(max_iter=1, random_state=0)
    search = CoarseToFineSearchCV(
        network, {"hidden_layer_sizes": layers}, n_iter=8, n_rounds=1, cv=2,
        random_state=0,
    ).fit(X, y)  # fmt: skip
    columns = by_title(SearchDisplay.from_estimator(search))
    drawn = [p["hidden_layer_sizes"] for p in search.cv_results_["params"]]
    number = columns["hidden_layer_sizes: layers"]
    assert number.positions.tolist() == [len(sizes) for sizes in drawn]
    assert number.range == (1, 3)
    units = columns["hidden_layer_sizes: mean units"]
    # The geometric mean: the mean on the distribution's own scale.
    expected = [10 ** np.mean(layers.to_scale(sizes)) for sizes in drawn]
    np.testing.assert_allclose(units.positions, expected)
    assert units.range == (8, 64) and units.scale == "log"


def test_nested_names_are_cut_to_what_tells_them_apart():
    from caviar._plot_parameters import short_titles

    names = ["mlp__regressor__alpha", "select__alpha", "mlp__regressor__loss", "alpha"]
    assert list(short_titles(names).values()) == [
        "regressor__alpha", "select__alpha", "loss", "alpha",
    ]  # fmt: skip


def test_constant_parameters_are_a_caption():
    results = results_of(
        5, lambda i, r: {"a__x": r.rand(), "a__solver": "adam"}, lambda p: p["a__x"]
    )
    display = SearchDisplay.from_results(results)
    assert [column.title for column in display.columns_] == ["x"]
    assert display.constant_ == {"solver": "adam"}
    assert "solver='adam'" in display.caption_.get_text()


def test_parameters_of_one_of_several_spaces_say_where_they_are_not_set():
    def make(i, random_state):
        rate = 10 ** random_state.uniform(-4, 0)
        if i % 4 == 0:
            return {"solver": "sgd", "rate": rate, "momentum": random_state.rand()}
        return {"solver": "adam", "rate": rate}

    display = SearchDisplay.from_results(results_of(40, make, lambda p: p["rate"]))
    momentum = display.axes_[2]
    assert momentum.get_title("right") == "not set in 30 of 40"
    assert len(offsets(display.scatters_[2])) == 10


# What does not compare


def test_the_best_is_one_of_those_that_were_trained_longest():
    network = MLPClassifier((4,), random_state=0)
    search = HyperbandSearchCV(
        network, {"alpha": LogUniform(1e-6, 10)}, max_iter=9, cv=2, random_state=0
    ).fit(X, y)
    display = SearchDisplay.from_estimator(search)
    assert display.scores_.best == search.best_index_
    assert display.scores_.levels.tolist() == [1, 3, 9]
    (points,) = display.scatters_
    sizes = [level.get_sizes()[0] for level in points]
    shades = [level.get_alpha() for level in points]
    assert sizes == sorted(sizes) and shades == sorted(shades)
    labels = [text.get_text() for text in display.legend_.get_texts()]
    assert labels[:3] == ["1 epoch", "3 epochs", "9 epochs"]
    again = SearchDisplay(search.cv_results_).plot()  # that knows no best_index_
    assert again.scores_.best == search.best_index_


def test_failed_fits_are_marked_and_not_scored():
    results = results_of(
        30, lambda i, r: {"x": r.rand()}, lambda p: p["x"] if p["x"] > 0.3 else np.nan
    )
    n_failed = int(np.isnan(results["mean_test_score"]).sum())
    display = SearchDisplay.from_results(results)
    assert len(offsets(display.scatters_[0])) == 30 - n_failed
    (marks,) = [c for c in display.axes_[0].collections if "failed" in c.get_label()]
    assert marks.get_label() == f"failed: {n_failed}"
    assert len(marks.get_offsets()) == n_failed
    lowest = np.nanmin(results["mean_test_score"])
    to_axes = display.axes_[0].transAxes.inverted().transform
    at = to_axes(display.axes_[0].transData.transform((0.5, lowest)))[1]
    assert at > 0.05  # above the marks


def test_scores_that_would_hide_the_others_leave_the_axes_and_are_counted():
    results = results_of(
        50, lambda i, r: {"x": r.rand()}, lambda p: p["x"] if p["x"] > 0.1 else -1e6
    )
    n_low = int(np.sum(results["mean_test_score"] == -1e6))
    display = SearchDisplay.from_results(results)
    assert display.axes_[0].get_ylim()[0] > -1
    labels = [text.get_text() for text in display.legend_.get_texts()]
    assert f"below the axes: {n_low}" in labels


@pytest.mark.parametrize("score", [0.0, 1.0, -3.5, np.nan])
@pytest.mark.parametrize("n", [1, 2, 40])
def test_equal_scores_and_nothing_but_failures_can_be_drawn(score, n):
    results = results_of(n, lambda i, r: {"x": r.rand(), "c": i % 2}, lambda p: score)
    display = SearchDisplay.from_results(results)
    assert crowded_texts(display.figure_) == []
    assert (display.scores_.best is None) == np.isnan(score)


def test_no_candidate_yet_says_so():
    (ax,) = SearchDisplay.from_results({}).axes_
    assert [text.get_text() for text in ax.texts] == ["no complete candidate yet"]


# Edges


def vermilion_zones(ax):
    import matplotlib

    warned = matplotlib.colors.to_rgb("#D55E00")
    return [p for p in ax.patches if p.get_facecolor()[:3] == warned]


def coarse_to_fine(distribution, best, widen=True):
    """A fitted search for the depth of a tree, as if a value had been best."""
    search = CoarseToFineSearchCV(
        TREE, {"ccp_alpha": distribution}, n_iter=4, n_rounds=1, cv=2, random_state=0,
        widen=widen,
    ).fit(X, y)  # fmt: skip
    index = search.best_index_
    search.cv_results_["params"][index] = {"ccp_alpha": best}
    return search


@pytest.mark.parametrize("best, side", [(0.99, "upper"), (0.012, "lower"), (0.1, None)])
def test_a_best_value_at_an_edge_is_warned_of(best, side):
    display = SearchDisplay.from_estimator(coarse_to_fine(LogUniform(0.01, 1.0), best))
    (ax,) = display.axes_
    assert ax.get_title("left") == ("" if side is None else f"best at the {side} edge")
    zones = vermilion_zones(ax)
    assert len(zones) == (side is not None)
    if side == "upper":  # from 5 % of the decades below the end
        assert left_end(zones[0]) == pytest.approx(10 ** (-0.05 * 2))


def test_an_edge_with_a_hard_limit_is_none_to_be_warned_of():
    # A tree's ccp_alpha is never negative.
    display = SearchDisplay.from_estimator(coarse_to_fine(Uniform(0.0, 1.0), 0.01))
    assert display.edges == [] and vermilion_zones(display.axes_[0]) == []
    limited = Uniform(0.1, 1.0, limits=(0.1, None))
    assert SearchDisplay.from_estimator(coarse_to_fine(limited, 0.11)).edges == []


@pytest.mark.parametrize(
    "options, edges",
    [
        ([1, 2, 3], ["high"]),  # deeper is better
        ([3, 2, 1], ["high"]),
        ([1, 3], []),  # two options have no inside
        ([None, 1, 3], []),
    ],
)
def test_the_ends_of_a_list_of_numbers_are_edges(options, edges):
    search = GridSearchCV(TREE, {"max_depth": options}, cv=3).fit(X, y)
    search.best_index_ = options.index(3)
    display = SearchDisplay.from_estimator(search)
    assert [edge["edge"] for edge in display.edges] == edges
    titles = [ax.get_title("left") for ax in display.axes_]
    assert titles == ["best at the upper edge" if edges else ""]


def test_of_several_spaces_it_is_the_edge_of_the_candidates_own():
    spaces = [{"ccp_alpha": [0.5, 0.6, 0.7]}, {"ccp_alpha": [0.0, 0.01, 0.02, 0.03]}]
    search = GridSearchCV(TREE, spaces, cv=3).fit(X, y)
    params = search.cv_results_["params"]
    for value, sides in ((0.01, []), (0.03, ["high"]), (0.5, ["low"])):
        search.best_index_ = params.index({"ccp_alpha": value})
        display = SearchDisplay.from_estimator(search)
        assert [edge["edge"] for edge in display.edges] == sides


@pytest.mark.parametrize("known", [True, False])
def test_of_hidden_layers_the_part_at_the_edge_is_warned_of(known):
    results = results_of(
        40,
        lambda i, r: {"layers": tuple(r.randint(10, 60, size=1 + i % 3).tolist())},
        lambda p: 0.5,
    )
    results["params"][7] = {"layers": (60, 62)}  # two layers of three, wide ones
    ranges = {"layers": {"layers": (1, 3), "mean units": (10, 64)}} if known else {}
    edges = [{"parameter": "layers", "value": (60, 62), "edge": "high"}]
    display = SearchDisplay(results, ranges=ranges, edges=edges, best_index=7).plot()
    titles = {
        column.part: ax.get_title("left")
        for column, ax in zip(display.columns_, display.axes_, strict=True)
    }
    assert titles == {"layers": "", "mean units": "best at the upper edge"}


def test_edges_can_be_given():
    results = results_of(9, lambda i, r: {"x": 1 + i}, lambda p: -p["x"])
    edges = [{"parameter": "x", "value": 1, "edge": "low"}]
    display = SearchDisplay(results, ranges={"x": (1, 9)}, edges=edges).plot()
    assert display.axes_[0].get_title("left") == "best at the lower edge"


# Searches


def test_scikit_learns_searches_can_be_drawn():
    space = {"ccp_alpha": loguniform(1e-4, 0.1), "criterion": ["gini", "entropy"]}
    options = {"random_state": 0, "cv": 3}
    for search in (
        RandomizedSearchCV(TREE, space, n_iter=8, **options),
        HalvingRandomSearchCV(TREE, space, n_candidates=9, **options),
        GridSearchCV(TREE, [{"max_depth": [1, 2, 3]}, {"criterion": ["gini"]}], cv=3),
    ):
        search.fit(X, y)
        display = SearchDisplay.from_estimator(search)
        assert display.scores_.best == search.best_index_
        n_points = sum(len(points.get_offsets()) for points in display.scatters_[0])
        there = np.isfinite(display.columns_[0].positions)
        assert n_points == np.sum(there)
        assert crowded_texts(display.figure_) == []


def test_several_metrics_are_drawn_one_at_a_time():
    search = GridSearchCV(
        TREE, {"max_depth": [1, 2, 4]}, cv=2, refit="f1_macro",
        scoring=["accuracy", "f1_macro"],
    ).fit(X, y)  # fmt: skip
    display = SearchDisplay.from_estimator(search)
    assert display.scores_.metric == "f1_macro"
    assert display.axes_[0].get_ylabel() == "mean test f1 macro"
    other = SearchDisplay.from_estimator(search, metric="accuracy")
    np.testing.assert_array_equal(
        other.scores_.values, search.cv_results_["mean_test_accuracy"]
    )
    assert SearchDisplay.from_results(search.cv_results_).scores_.metric == "accuracy"
    with pytest.raises(
        ValueError, match=r"one of \['accuracy', 'f1_macro'\], got 'r2'"
    ):
        SearchDisplay.from_estimator(search, metric="r2")


def test_a_journal_can_be_drawn(tmp_path):
    path = tmp_path / "journal"
    space = {"alpha": LogUniform(1e-5, 1), "hidden_layer_sizes": HiddenLayers()}
    network = MLPClassifier(max_iter=2, random_state=0)
    CoarseToFineSearchCV(
        network, space, n_iter=4, n_rounds=2, cv=2, random_state=0, journal=path
    ).fit(X, y)
    display = SearchDisplay.from_estimator(read_journal(path))
    assert display.columns_[0].scale == "log"
    assert {column.name for column in display.columns_} == set(space)


def test_nested_estimators_as_parameters_are_named():
    model = make_pipeline(StandardScaler(), SVC())
    grid = {"standardscaler": [StandardScaler(), MinMaxScaler(), "passthrough"]}
    search = GridSearchCV(model, {**grid, "svc__C": [1, 10]}, cv=2).fit(X, y)
    columns = by_title(SearchDisplay.from_estimator(search))
    assert columns["standardscaler"].labels == [
        "MinMaxScaler()", "StandardScaler()", "passthrough",
    ]  # fmt: skip


def test_what_is_no_search_is_refused():
    with pytest.raises(TypeError, match="`search` must be fitted, with `cv_results_`"):
        SearchDisplay.from_estimator(GridSearchCV(TREE, {}))
    results = results_of(3, lambda i, r: {"x": i}, lambda p: 1.0)
    with pytest.raises(ValueError, match=r"`scales\['x'\]` must be None or one of"):
        SearchDisplay.from_results(results, scales={"x": "logarithmic"})
    for params in ([], ["z"]):
        with pytest.raises(ValueError, match="`params` must be a list of parameters"):
            SearchDisplay.from_results(results, params=params)


# Sizes


@pytest.mark.parametrize("n_params", [1, 2, 5, 7, 20])
def test_one_to_twenty_parameters_can_be_read(n_params):
    kinds = [
        lambda r: 10 ** r.uniform(-6, 1),
        lambda r: int(r.randint(8, 300)),
        lambda r: ["relu", "tanh", "a long name of an option", "x"][r.randint(4)],
        lambda r: 1 - 10 ** r.uniform(-3, -0.3),
        lambda r: r.uniform(0, 0.5),
    ]

    def make(i, random_state):
        return {
            f"pipeline__mlp__p{k}": kinds[k % 5](random_state) for k in range(n_params)
        }

    results = results_of(60, make, lambda p: np.log10(p["pipeline__mlp__p0"]))
    results["round"] = np.arange(60) // 20
    display = SearchDisplay.from_results(results)
    assert len(display.axes_) == n_params
    assert crowded_texts(display.figure_) == []
    chosen = SearchDisplay.from_results(results, params=["p0"])
    assert [column.title for column in chosen.columns_] == ["p0"]


@pytest.mark.parametrize("n_candidates, n_params", [(10, 20), (1000, 5), (10_000, 5)])
def test_pictures_of_many_candidates_are_small_and_quick(n_candidates, n_params):
    results = results_of(
        n_candidates,
        lambda i, r: {f"p{k}": 10 ** r.uniform(-4, 0) for k in range(n_params)},
        lambda p: -((np.log10(p["p0"]) + 2) ** 2),
    )
    results["round"] = np.arange(n_candidates) * 4 // n_candidates
    start = time.process_time()
    display = SearchDisplay.from_results(results)
    assert svg_bytes(display.figure_) < 600_000
    assert time.process_time() - start < 10


def test_of_thousands_the_best_are_points_and_the_rest_a_density():
    results = results_of(5000, lambda i, r: {"x": r.rand()}, lambda p: p["x"])
    display = SearchDisplay.from_results(results)
    points = offsets(display.scatters_[0])
    np.testing.assert_allclose(
        np.sort(points[:, 1]), np.sort(results["mean_test_score"])[-300:]
    )
    (mesh,) = [c for c in display.axes_[0].collections if hasattr(c, "_coordinates")]
    # Every candidate is in one of its cells.
    assert np.isfinite(mesh.get_array()).any()
    assert np.nansum(np.asarray(mesh.get_array())) == 5000
