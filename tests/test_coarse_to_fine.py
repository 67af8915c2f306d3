"""Coarse to fine: where each round looks, what it says of edges, and what it finds.

Searches here tune `Quadratic`, whose score is a known function of its parameters, so that
each claim is checked against arithmetic, unless a test is about real estimators.
"""

import pickle
import time
import warnings
from numbers import Integral, Real

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils._param_validation import Interval

from caviar import MLPClassifier
from caviar.distributions import (
    Choice,
    HiddenLayers,
    IntLogUniform,
    IntUniform,
    LogUniform,
    OneMinusLogUniform,
    Uniform,
)
from caviar.model_selection import CoarseToFineSearchCV, SearchBoundaryWarning

X, y = np.zeros((6, 1)), np.arange(6)


class Quadratic(BaseEstimator):
    """Scores minus the squared distance of its parameters to the best ones."""

    _parameter_constraints: dict = {
        "rate": [Interval(Real, 0, None, closed="neither")],
        "share": [Interval(Real, 0, 1, closed="left")],
        "size": [Interval(Integral, 1, 512, closed="both"), "array-like"],
    }

    def __init__(
        self, rate=1e-2, share=0.3, size=30, free=0.0, kind="b", best=(1e-2, 0.3, 30)
    ):
        self.rate = rate
        self.share = share
        self.size = size
        self.free = free
        self.kind = kind
        self.best = best

    def fit(self, X, y):
        for name, constraints in self._parameter_constraints.items():
            value = getattr(self, name)
            assert np.ndim(value) or constraints[0].is_satisfied_by(value), (
                name,
                value,
            )
        return self

    def score(self, X, y):
        rate, share, size = self.best
        return -(
            np.log10(self.rate / rate) ** 2
            + (self.share - share) ** 2
            + np.log10(np.mean(self.size) / size) ** 2
            + self.free**2
            + (self.kind != "b")
        )


SPACE = {
    "rate": LogUniform(1e-6, 1.0),
    "share": Uniform(0.0, 0.8),
    "size": IntLogUniform(1, 300),
    "kind": Choice(["a", "b", "c"]),
}


def search(space, n_iter=10, best=(1e-2, 0.3, 30), **params):
    params = {"cv": 2, "random_state": 0, **params}
    return CoarseToFineSearchCV(Quadratic(best=best), space, n_iter=n_iter, **params)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SearchBoundaryWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


# Regions


def test_each_round_draws_from_its_region_round_the_best_so_far():
    fitted = search(SPACE, n_rounds=4).fit(X, y)
    results = fitted.cv_results_
    assert results["round"].tolist() == np.repeat(range(4), 10).tolist()
    for number, round_ in enumerate(fitted.rounds_):
        for row in np.flatnonzero(results["round"] == number):
            for name, value in results["params"][row].items():
                assert value in round_["region"][name]
        so_far = results["mean_test_score"][: 10 * (number + 1)]
        assert round_["best_score"] == so_far.max()
        assert round_["best_params"] == results["params"][so_far.argmax()]
        if number:
            before = fitted.rounds_[number - 1]
            assert all(
                v in round_["region"][n] for n, v in before["best_params"].items()
            )
    assert fitted.best_params_ == fitted.rounds_[-1]["best_params"]
    assert fitted.best_score_ == fitted.rounds_[-1]["best_score"]


@pytest.mark.parametrize("shrink", [0.3, 0.5, 1.0])
def test_widths_shrink_by_the_factor_in_each_parameters_own_scale(shrink):
    space = {
        "rate": LogUniform(1e-6, 1.0),
        "share": Uniform(0.0, 0.8),
        "free": OneMinusLogUniform(0.0, 0.999),
        "size": IntLogUniform(1, 300),
    }
    own_scale = {
        "rate": np.log10,
        "share": np.asarray,
        "free": lambda value: np.log10(1 - np.asarray(value)),
    }
    fitted = search(space, shrink=shrink, n_rounds=4).fit(X, y)
    for number, round_ in enumerate(fitted.rounds_):
        for name, scale in own_scale.items():
            low, high = scale(space[name].low), scale(space[name].high)
            region = round_["region"][name]
            width = abs(scale(region.high) - scale(region.low))
            assert width == pytest.approx(shrink**number * abs(high - low)), name


def test_the_middle_is_the_mean_of_the_three_best_unless_it_leaves_out_the_best():
    space = {"rate": LogUniform(1e-6, 1e2), "free": Uniform(-4.0, 4.0, limits=(-9, 9))}
    n_means = 0
    for seed in range(10):
        fitted = search(space, random_state=seed, n_rounds=2).fit(X, y)
        region = fitted.rounds_[1]["region"]
        scores = fitted.cv_results_["mean_test_score"][:10]
        if fitted.rounds_[0]["boundaries"]:
            continue  # the best itself is the middle then
        best = [fitted.cv_results_["params"][i] for i in np.argsort(-scores)[:3]]
        rates = np.log10([params["rate"] for params in best])
        frees = [params["free"] for params in best]
        for values, low, high, width in [
            (rates, *np.log10([region["rate"].low, region["rate"].high]), 4),
            (frees, region["free"].low, region["free"].high, 4),
        ]:
            reach = 0.45 * width
            mean = np.clip(np.mean(values), values[0] - reach, values[0] + reach)
            n_means += mean == np.mean(values)
            assert (low + high) / 2 == pytest.approx(mean)
            assert low < values[0] < high
    assert n_means > 10


def test_regions_stay_in_the_range_unless_the_best_is_at_its_edge():
    for seed in range(20):
        fitted = search(SPACE, n_rounds=5, random_state=seed).fit(X, y)
        allowed = {"rate": set(), "share": set(), "size": set()}
        for round_ in fitted.rounds_:
            for name, sides in allowed.items():
                region, given = round_["region"][name], SPACE[name]
                assert region.low >= given.low or "low" in sides
                assert region.high <= given.high or "high" in sides
                if name in round_["boundaries"]:
                    sides.add(round_["boundaries"][name])


def test_options_change_their_weights_and_all_remain():
    fitted = search({"kind": ["a", "b", "c"], "rate": SPACE["rate"]}).fit(X, y)
    assert fitted.best_params_["kind"] == "b"
    weights = fitted.rounds_[2]["region"]["kind"].weights
    assert weights == pytest.approx([1 / 12, 10 / 12, 1 / 12])


def test_scipys_distributions_and_lists_are_searched_as_well():
    space = {
        "rate": stats.loguniform(1e-6, 1),
        "share": stats.beta(2, 2),
        "size": stats.randint(1, 300),
        "kind": ("a", "b"),
    }
    regions = [r["region"] for r in search(space).fit(X, y).rounds_]
    assert regions[0]["rate"] == LogUniform(1e-6, 1.0)
    widths = [region["share"].high - region["share"].low for region in regions]
    assert widths == pytest.approx([1, 0.5, 0.25])
    assert regions[0]["size"].high == 299 and regions[0]["size"].limits == (1, 512)


def test_it_finds_what_random_search_finds_with_many_more_candidates():
    space = {name: SPACE[name] for name in ("rate", "share", "size")}
    scores = {n_rounds: [] for n_rounds in (1, 4)}
    for n_rounds, found in scores.items():
        for seed in range(20):
            fitted = search(space, 80 // n_rounds, n_rounds=n_rounds, random_state=seed)
            found.append(-fitted.fit(X, y).best_score_)
    assert np.median(scores[4]) < np.median(scores[1]) / 4


# Edges


def warned(search, category=SearchBoundaryWarning):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, y)
    return [str(w.message) for w in caught if issubclass(w.category, category)]


def test_the_region_moves_past_an_edge_and_the_warning_says_so():
    fitted = search({"rate": LogUniform(1e-6, 1e-3)}, best=(1e-2, 0.3, 30), n_rounds=6)
    messages = warned(fitted)
    first = fitted.rounds_[0]
    value = first["best_params"]["rate"]
    assert first["boundaries"] == {"rate": "high"}
    assert fitted.rounds_[1]["region"]["rate"].high > 1e-3
    assert fitted.best_params_["rate"] > 2e-3
    assert messages[0] == (
        f"The best value of `rate`, {value:.6g}, lies beside the upper edge of its range "
        "[1e-06, 0.001] in round 1 of 6. The next round goes on past this edge; begin "
        "with a range that goes further up another time."
    )
    assert len(messages) <= 2  # one more if the last round ends at an edge
    assert all(round_["boundaries"] == {"rate": "high"} for round_ in fitted.rounds_)


def test_a_search_that_reaches_the_best_past_the_edge_warns_once():
    fitted = search(
        {"rate": LogUniform(1e-6, 1e-3)}, best=(2e-3, 0.3, 30), n_iter=30, n_rounds=4
    )
    assert len(warned(fitted)) == 1
    assert fitted.best_params_["rate"] == pytest.approx(2e-3, rel=0.2)


@pytest.mark.parametrize("widen", [True, False])
def test_a_best_at_the_edge_in_the_only_round_warns_with_what_to_do(widen):
    fitted = search({"rate": LogUniform(0.1, 1.0)}, n_iter=40, n_rounds=1, widen=widen)
    (message,) = warned(fitted)
    advice = "search again with a range that goes further down"
    assert message == (
        f"The best value of `rate`, {fitted.best_params_['rate']:.6g}, lies beside the "
        "lower edge of its range [0.1, 1.0] in round 1 of 1. A better one may lie beyond "
        f"what was searched: {advice}{'' if widen else ' or with widen=True'}."
    )


def test_without_widening_the_range_is_kept_and_one_warning_given():
    space = {"rate": LogUniform(1e-6, 1e-3), "free": Uniform(1.0, 2.0)}
    fitted = search(space, n_iter=30, n_rounds=5, widen=False)
    messages = warned(fitted)
    assert sorted(message.split("`")[1] for message in messages) == ["free", "rate"]
    for round_ in fitted.rounds_:
        for name, given in space.items():
            region = round_["region"][name]
            assert given.low <= region.low <= region.high <= given.high


def test_an_edge_that_is_a_hard_limit_is_noted_without_a_warning():
    fitted = search({"share": Uniform(0.0, 0.5)}, best=(1e-2, -1.0, 30), n_iter=30)
    assert warned(fitted) == []
    assert fitted.rounds_[-1]["boundaries"] == {"share": "low"}
    assert all(round_["region"]["share"].low == 0 for round_ in fitted.rounds_)


@pytest.mark.parametrize(
    "distribution, name, best, limit",
    [
        # the distribution's own limits
        (LogUniform(1e-6, 1e-3, limits=(None, 2e-3)), "rate", (10, 0.3, 30), 2e-3),
        # intervals of the estimator, closed and open
        (IntLogUniform(4, 300), "size", (1e-2, 0.3, 10_000), 512),
        (IntUniform(4, 300), "size", (1e-2, 0.3, 10_000), 512),
        (Uniform(0.2, 0.9), "share", (1e-2, 5.0, 30), np.nextafter(1, 0)),
        (OneMinusLogUniform(0.2, 0.9), "share", (1e-2, 5.0, 30), np.nextafter(1, 0)),
        (Uniform(0.1, 0.9), "share", (1e-2, -5.0, 30), 0),
        # a range that begins above 0, without any limit
        (Uniform(0.01, 10.0), "free", (1e-2, 0.3, 30), 0),
        (Uniform(0.0, 1.0, limits=(-0.1, None)), "free", (1e-2, 0.3, 30), -0.1),
        (Uniform(-0.01, 10.0), "free", (1e-2, 0.3, 30), None),
    ],
    ids=str,
)
def test_regions_reach_hard_limits_and_no_further(distribution, name, best, limit):
    upwards = limit is not None and limit > distribution.low
    reached = []
    for seed in range(5):
        fitted = search(
            {name: distribution}, n_iter=20, n_rounds=6, best=best, random_state=seed
        )
        if name == "free" and upwards is False:
            fitted.estimator.set_params(free=0.0)
        fitted.fit(X, y)
        for round_ in fitted.rounds_:
            region = round_["region"][name]
            reached.append(region.high if upwards else region.low)
        for value in fitted.cv_results_[f"param_{name}"]:
            if limit is not None:
                assert value <= limit if upwards else value >= limit
    if limit is None:
        assert min(reached) < -0.02  # past zero, as the range given is
    elif upwards:
        assert max(reached) <= limit and max(reached) > distribution.high
    else:
        assert min(reached) >= limit


def test_the_limits_of_a_nested_estimator_are_found():
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(max_iter=2))
    fitted = CoarseToFineSearchCV(
        pipeline,
        {"mlpclassifier__dropout": Uniform(0.0, 0.9)},
        n_iter=2,
        n_rounds=1,
        cv=2,
    ).fit(*load_iris(return_X_y=True))
    region = fitted.rounds_[0]["region"]["mlpclassifier__dropout"]
    assert region.limits == (0.0, np.nextafter(1, 0))


def test_layers_move_in_number_and_units():
    fitted = search(
        {"size": HiddenLayers((1, 2), (4, 16))}, n_iter=30, best=(1e-2, 0.3, 100)
    )
    (first, *_) = warned(fitted)
    assert (
        "upper edge of its range HiddenLayers(n_layers=(1, 2), units=(4, 16))" in first
    )
    assert fitted.rounds_[-1]["region"]["size"].units[1] > 16


# Several spaces, finite spaces


def test_later_rounds_keep_to_the_dict_that_the_best_came_from():
    spaces = [
        {"kind": ["a"], "rate": LogUniform(1e-3, 1)},
        {"kind": ["b"], "rate": LogUniform(1e-3, 1)},
    ]
    fitted = search(spaces).fit(X, y)
    kinds = fitted.cv_results_["param_kind"].data
    assert set(kinds[:10]) == {"a", "b"} and set(kinds[10:]) == {"b"}
    assert isinstance(fitted.rounds_[0]["region"], list)
    assert fitted.rounds_[1]["region"]["kind"].options == ["b"]


def test_a_finite_space_is_evaluated_once_and_ends_the_search():
    space = {"kind": ["a", "b", "c"], "size": [1, 10, 30]}
    fitted = search(space, n_iter=4, n_rounds=5)
    (message,) = warned(fitted, UserWarning)
    assert message == (
        "The space of parameters has no more candidates than 9: all were drawn in 3 of "
        "n_rounds=5 rounds of n_iter=4."
    )
    drawn = {(p["kind"], p["size"]) for p in fitted.cv_results_["params"]}
    assert len(drawn) == len(fitted.cv_results_["params"]) == 9
    assert len(fitted.rounds_) == 3
    assert warned(search(space, n_iter=3, n_rounds=3), UserWarning) == []


def test_a_region_without_new_candidates_gives_way_to_the_whole_space():
    fitted = search({"size": IntUniform(1, 40)}, n_iter=8, n_rounds=4, shrink=0.1)
    fitted.fit(X, y)
    sizes = fitted.cv_results_["param_size"].data.tolist()
    assert len(set(sizes)) == len(sizes) == 32


# Which candidate is the best


def test_several_metrics_go_by_the_one_that_refit_names():
    X, y = load_iris(return_X_y=True)
    fitted = CoarseToFineSearchCV(
        SVC(),
        {"C": LogUniform(1e-3, 1e3)},
        n_iter=5,
        scoring=["accuracy", "f1_macro"],
        refit="f1_macro",
        random_state=0,
    ).fit(X, y)
    for number, round_ in enumerate(fitted.rounds_):
        scores = fitted.cv_results_["mean_test_f1_macro"][: 5 * (number + 1)]
        assert round_["best_score"] == scores.max()


def test_a_callable_refit_chooses_in_every_round():
    def smallest_size(results):
        return int(np.argmin(results["param_size"]))

    fitted = search({"size": IntLogUniform(2, 500)}, refit=smallest_size).fit(X, y)
    sizes = fitted.cv_results_["param_size"]
    for number, round_ in enumerate(fitted.rounds_):
        assert round_["best_params"]["size"] == sizes[: 10 * (number + 1)].min()
    assert not hasattr(fitted, "best_score_")


def score_it(estimator, X, y):
    return estimator.score(X, y)


def score_one(estimator, X, y):
    return 1.0


def score_both(estimator, X, y):
    return {"own": estimator.score(X, y), "one": 1.0}


@pytest.mark.parametrize("scoring", [{"own": score_it, "one": score_one}, score_both])
def test_several_metrics_without_one_that_refit_names_go_by_the_first(scoring):
    several = search(SPACE, scoring=scoring, refit=False).fit(X, y)
    alone = search(SPACE, refit=False).fit(X, y)
    assert several.cv_results_["params"] == alone.cv_results_["params"]
    assert several.rounds_[-1]["best_score"] == alone.rounds_[-1]["best_score"]
    assert not hasattr(several, "best_params_")


def test_rounds_of_failures_do_not_move_the_region():
    class Failing(Quadratic):
        def fit(self, X, y):
            raise ValueError("this one always fails")

    fails = search(SPACE, n_iter=2)
    with pytest.raises(ValueError, match="fail"):
        fails.set_params(estimator=Failing()).fit(X, y)

    class Sometimes(Quadratic):
        def fit(self, X, y):
            if self.rate < 0.5:
                raise ValueError("this one fails")
            return self

    some = search(SPACE, n_iter=10, random_state=1, n_rounds=4)
    some.set_params(estimator=Sometimes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        some.fit(X, y)
    for before, after in zip(some.rounds_, some.rounds_[1:], strict=False):
        if np.isnan(before["best_score"]):
            assert after["region"] == before["region"]
    assert np.isfinite(some.best_score_)


# Determinism


def results_without_times(fitted):
    kept = (k for k in fitted.cv_results_ if "time" not in k)
    return {k: np.asarray(fitted.cv_results_[k]).tolist() for k in kept}


def test_all_follows_from_the_seed_and_not_from_the_order_of_the_space():
    first = search(SPACE).fit(X, y)
    again = clone(first).fit(X, y)
    parallel = clone(first).set_params(n_jobs=2).fit(X, y)
    turned = search(dict(reversed(SPACE.items()))).fit(X, y)
    for other in (again, parallel, turned):
        assert other.seed_ == first.seed_
        assert other.cv_results_["params"] == first.cv_results_["params"]
        assert [r["region"] for r in other.rounds_] == [
            r["region"] for r in first.rounds_
        ]
    other = search(SPACE, random_state=1).fit(X, y)
    assert other.cv_results_["params"] != first.cv_results_["params"]
    drawn = search(SPACE, random_state=np.random.RandomState(5)).fit(X, y)
    replayed = search(SPACE, random_state=drawn.seed_).fit(X, y)
    assert results_without_times(replayed) == results_without_times(drawn)


def test_a_fitted_search_survives_pickling():
    fitted = search(SPACE).fit(X, y)
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.best_params_ == fitted.best_params_
    assert [r["region"] for r in copy.rounds_] == [r["region"] for r in fitted.rounds_]


def test_a_search_ended_by_its_time_budget_goes_on_from_its_journal(tmp_path):
    whole = search(SPACE, n_rounds=4).fit(X, y)

    n_fits = 0

    class Slow(Quadratic):
        def fit(self, X, y):
            nonlocal n_fits
            n_fits += 1
            if n_fits == 25:  # in the second of rounds with twenty
                time.sleep(1.1)
            return super().fit(X, y)

    journal = tmp_path / "journal"
    part = search(SPACE, n_rounds=4, journal=journal).set_params(estimator=Slow())
    part.set_params(time_budget=1.0).fit(X, y)
    assert not part.completed_ and len(part.rounds_) == 1
    done = clone(part).set_params(time_budget=None).fit(X, y)
    assert done.completed_
    assert results_without_times(done) == results_without_times(whole)
    assert [r["region"] for r in done.rounds_] == [r["region"] for r in whole.rounds_]


# Bad arguments


@pytest.mark.parametrize(
    "params, message",
    [
        ({"n_iter": 0}, "'n_iter' parameter .* must be an int in the range"),
        ({"n_rounds": 0}, "'n_rounds' parameter .* must be an int in the range"),
        ({"n_rounds": 1.5}, "'n_rounds' parameter .* must be an int in the range"),
        ({"shrink": 0}, "'shrink' parameter .* must be a float in the range"),
        ({"shrink": 1.1}, "'shrink' parameter .* must be a float in the range"),
        ({"widen": "yes"}, "'widen' parameter .* must be an instance of 'bool'"),
        ({"param_distributions": 3}, "'param_distributions' parameter .* must be"),
        ({"param_distributions": {"rate": "abc"}}, r"`param_distributions\['rate'\]`"),
        ({"param_distributions": {"rate": []}}, r"`param_distributions\['rate'\]`"),
        ({"param_distributions": {"rate": 3}}, "not iterable or a distribution"),
        ({"param_distributions": [3]}, "not a dict"),
        ({"param_distributions": []}, r"at least, got \[\]"),
    ],
    ids=str,
)
def test_bad_arguments_are_refused(params, message):
    with pytest.raises((ValueError, TypeError), match=message):
        search(SPACE).set_params(**params).fit(X, y)


# Real estimators


def test_any_estimator_can_be_tuned():
    X, y = load_iris(return_X_y=True)
    fitted = CoarseToFineSearchCV(
        make_pipeline(StandardScaler(), SVC()),
        {"svc__C": LogUniform(1e-4, 1e4), "svc__gamma": LogUniform(1e-4, 1e2)},
        n_iter=8,
        random_state=0,
    ).fit(X, y)
    assert fitted.best_score_ > 0.95 and fitted.score(X, y) > 0.95


def test_the_example_of_the_lectures():
    """CS231n: learning rate 10^U(-6, -3) and regularization 10^U(-5, 5), then finer.

    The coarse search leaves what is hopeless. In the narrowed ranges the best learning
    rate lies beside the edge, and better ones beyond it.
    """
    X, y = load_digits(return_X_y=True)
    X = X / 16
    network = MLPClassifier(
        hidden_layer_sizes=(32,),
        max_iter=8,
        n_iter_no_change=np.inf,
        batch_size=16,
        dtype="float32",
        random_state=0,
    )
    cv = KFold(3, shuffle=True, random_state=0)
    coarse = {
        "learning_rate_init": LogUniform(1e-6, 1e-3),
        "alpha": LogUniform(1e-5, 1e5),
    }
    first = CoarseToFineSearchCV(
        network, coarse, n_iter=20, n_rounds=3, cv=cv, random_state=0
    ).fit(X, y)
    region = first.rounds_[-1]["region"]
    assert region["alpha"].high < 10 and region["learning_rate_init"].low > 1e-5
    rounds, scores = first.cv_results_["round"], first.cv_results_["mean_test_score"]
    medians = [np.median(scores[rounds == number]) for number in range(3)]
    assert medians[2] > medians[0] + 0.3

    narrowed = {
        "learning_rate_init": LogUniform(1e-4, 1e-3),
        "alpha": LogUniform(1e-4, 1),
    }
    second = CoarseToFineSearchCV(
        network, narrowed, n_iter=20, n_rounds=3, cv=cv, random_state=1
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        second.fit(X, y)
    messages = [str(w.message) for w in caught if w.category is SearchBoundaryWarning]
    message = next(m for m in messages if "`learning_rate_init`" in m)
    assert "lies beside the upper edge of its range [0.0001, 0.001]" in message
    boundaries = [round_["boundaries"] for round_ in second.rounds_]
    assert {"learning_rate_init": "high"}.items() <= boundaries[-1].items()
    assert second.rounds_[2]["region"]["learning_rate_init"].high > 1e-3
    assert second.best_params_["learning_rate_init"] > 1e-3
