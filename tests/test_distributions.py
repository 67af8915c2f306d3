"""Distributions of hyperparameters against their formulas, scipy and scikit-learn."""

import math
import pickle

import numpy as np
import pytest
from scipy import stats
from sklearn import neural_network
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import ParameterSampler, RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from caviar import MLPClassifier, MLPRegressor
from caviar.distributions import (
    Choice,
    HiddenLayers,
    IntLogUniform,
    IntUniform,
    LogUniform,
    OneMinusLogUniform,
    Quantiles,
    Uniform,
    as_distribution,
    default_space,
)

FLOATS = [Uniform, LogUniform, OneMinusLogUniform]
INTEGERS = [IntUniform, IntLogUniform]
EXAMPLES = [
    Uniform(-1.5, 2.0),
    Uniform(0, 0.5, limits=(0, 1)),
    LogUniform(1e-6, 1e-3),
    LogUniform(1e-4, 1, limits=(None, 10.0)),
    OneMinusLogUniform(0.9, 0.999),
    IntUniform(-3, 5),
    IntLogUniform(1, 300),
    Choice(["relu", ("a", 1), None]),
    Choice([8, 16, 32], weights=[1, 2, 1]),
    HiddenLayers(),
    HiddenLayers((1, 3), (16, 256), units_limits=(8, 512)),
    as_distribution(stats.norm(loc=3, scale=2)),
    as_distribution(stats.poisson(4)),
]
examples = pytest.mark.parametrize("distribution", EXAMPLES, ids=repr)


def random_range(kind, random_state):
    """Any range of a class, wide or tiny, with or without limits."""
    u = random_state.uniform
    if kind in INTEGERS:
        low = int(u(1 if kind is IntLogUniform else -50, 50))
        low, high = low, low + int(10 ** u(0, 3))
        limits = (max(low - 3, 1) if kind is IntLogUniform else low - 3, high + 10)
    elif kind is Uniform:
        low, high = sorted(u(-1, 1, 2) * 10 ** u(-8, 8))
        limits = (low - (high - low) / 10, high + 1)
    elif kind is LogUniform:
        low, high = sorted(10 ** u(-12, 3, 2))
        limits = (low / 3, high * 100)
    else:
        low, high = sorted(1 - 10 ** u(-8, 1, 2))
        limits = (low - 1, 1 - (1 - high) / 2)
    return kind(low, high, limits=limits if u() < 0.5 else None)


# Drawing


@pytest.mark.parametrize(
    "distribution, own_scale",
    [
        (Uniform(-1, 3), lambda x: x),
        (LogUniform(1e-4, 1), np.log10),
        (LogUniform(3e-7, 2e-2), np.log10),
        (OneMinusLogUniform(0.9, 0.999), lambda x: -np.log10(1 - x)),
        (OneMinusLogUniform(-3, 0.5), lambda x: -np.log10(1 - x)),
    ],
)
def test_draws_are_uniform_in_the_own_scale(distribution, own_scale):
    positions = own_scale(distribution.rvs(20_000, random_state=0))
    start, end = own_scale(distribution.low), own_scale(distribution.high)
    uniform = stats.uniform(start, end - start)
    assert stats.kstest(positions, uniform.cdf).pvalue > 0.01
    for value in distribution.rvs(10, random_state=1):
        assert distribution.to_scale(value) == pytest.approx(own_scale(value))


def test_integers_have_the_probabilities_of_the_formulas():
    draws = IntUniform(-2, 3).rvs(60_000, random_state=0)
    observed = [np.sum(draws == k) for k in range(-2, 4)]
    assert sum(observed) == 60_000
    assert stats.chisquare(observed).pvalue > 0.01

    draws = IntLogUniform(1, 9).rvs(60_000, random_state=0)
    k = np.arange(1, 10)
    expected = 60_000 * np.log((k + 0.5) / (k - 0.5)) / math.log(9.5 / 0.5)
    observed = [np.sum(draws == value) for value in k]
    assert stats.chisquare(observed, expected).pvalue > 0.01


def test_choices_have_their_weights():
    draws = Choice(["a", "b", "c"], weights=[1, 2, 5]).rvs(40_000, random_state=0)
    observed = [np.sum(draws == option) for option in "abc"]
    assert stats.chisquare(observed, [5_000, 10_000, 25_000]).pvalue > 0.01


def test_layers_have_their_number_and_each_its_own_units():
    draws = HiddenLayers((2, 4), (50, 100)).rvs(30_000, random_state=0)
    lengths = [len(layers) for layers in draws]
    assert stats.chisquare([lengths.count(n) for n in (2, 3, 4)]).pvalue > 0.01
    units = np.array([layers[:2] for layers in draws])
    k = np.arange(50, 101)
    expected = 60_000 * np.log((k + 0.5) / (k - 0.5)) / math.log(100.5 / 49.5)
    observed = [np.sum(units == value) for value in k]
    assert stats.chisquare(observed, expected).pvalue > 0.01
    assert abs(np.corrcoef(np.log(units.T))[0, 1]) < 0.02


def test_draws_are_scipys_from_the_same_random_state():
    for ours, scipys in [
        (LogUniform(1e-5, 10), stats.loguniform(1e-5, 10)),
        (Uniform(-1, 3), stats.uniform(-1, 4)),
    ]:
        np.testing.assert_allclose(
            ours.rvs(100, random_state=3), scipys.rvs(100, random_state=3), rtol=1e-12
        )
    frozen = stats.gamma(2.0, scale=3.0)
    drawn = as_distribution(frozen).rvs(50, random_state=3)
    np.testing.assert_array_equal(drawn, frozen.rvs(50, random_state=3))


@examples
def test_draws_are_plain_values_inside_and_follow_the_random_state(distribution):
    values = distribution.rvs((4, 25), random_state=0)
    assert values.shape == (4, 25)
    assert np.array_equal(values, distribution.rvs((4, 25), random_state=0))
    assert not np.array_equal(values, distribution.rvs((4, 25), random_state=1))
    assert all(value in distribution for value in values.ravel())

    random_state = np.random.RandomState(0)
    one_by_one = [distribution.rvs(random_state=random_state) for _ in range(5)]
    assert all(type(value).__module__ == "builtins" for value in one_by_one)
    if isinstance(distribution, HiddenLayers):
        assert all(type(units) is int for units in one_by_one[0])
    else:
        assert one_by_one == distribution.rvs(5, random_state=0).tolist()
    generator = np.random.default_rng(0)
    assert distribution.rvs(random_state=generator) in distribution
    assert distribution.rvs() in distribution


@pytest.mark.parametrize("kind", FLOATS + INTEGERS)
def test_rounding_does_not_leave_the_range(kind):
    random_state = np.random.RandomState(0)
    for _ in range(300):
        distribution = random_range(kind, random_state)
        low, high = distribution.low, distribution.high
        ends = distribution._draw(np.array([0.0, np.nextafter(1.0, 0.0)]))
        assert low <= ends[0] and ends[1] <= high
        assert ends == pytest.approx([low, high], rel=1e-6)
        draws = distribution.rvs(50, random_state)
        assert draws.min() >= low and draws.max() <= high
        assert all(value in distribution for value in draws)


@pytest.mark.parametrize("kind", INTEGERS)
def test_both_ends_of_integers_are_drawn(kind):
    assert set(kind(3, 5).rvs(200, random_state=0).tolist()) == {3, 4, 5}
    assert kind(7, 7).rvs(random_state=0) == 7
    assert kind(3, 5).rvs(10, random_state=0).dtype == np.int64


# Being a distribution for scikit-learn


@examples
def test_clones_pickles_and_reprs_are_equal(distribution):
    copies = [clone(distribution), pickle.loads(pickle.dumps(distribution))]
    if not isinstance(distribution, Quantiles):
        copies.append(eval(repr(distribution)))
    for copy in copies:
        assert copy is not distribution and copy == distribution
        assert repr(copy) == repr(distribution)
        assert (
            copy.get_params(deep=False).keys() == distribution.get_params(False).keys()
        )
    assert distribution != EXAMPLES[EXAMPLES.index(distribution) - 1]
    assert distribution != "another kind"


def test_what_differs_is_not_equal():
    assert Uniform(0, 1) != LogUniform(1e-9, 1)
    assert Uniform(0, 1) != Uniform(0, 1, limits=(0, 1))
    assert Choice([1, 2]) != Choice([True, 2])
    assert Choice([1, 2]) != Choice([1, 2], weights=[1, 2])
    assert Choice([np.arange(3)]) == Choice([np.arange(3)]) != Choice([np.zeros(3)])
    assert as_distribution(stats.norm(0, 1)) != as_distribution(stats.norm(0, 2))


def test_scikit_learns_sampler_and_search_take_them():
    space = {
        "max_depth": IntUniform(1, 5),
        "min_samples_split": IntLogUniform(2, 20),
        "ccp_alpha": LogUniform(1e-5, 1e-2),
        "criterion": Choice(["gini", "entropy"]),
    }
    for candidate in ParameterSampler(space, 20, random_state=0):
        assert all(candidate[name] in space[name] for name in space)
    X, y = np.random.RandomState(0).normal(size=(60, 3)), np.arange(60) % 2
    search = RandomizedSearchCV(
        DecisionTreeClassifier(random_state=0), space, n_iter=5, random_state=0
    )
    search = clone(search).fit(X, y)
    assert search.best_params_["criterion"] in ("gini", "entropy")


def test_parameters_are_checked_when_they_are_set():
    distribution = LogUniform(1e-3, 1)
    assert distribution.set_params(high=10) == LogUniform(1e-3, 10)
    with pytest.raises(ValueError, match=r"`LogUniform.low` must be a positive number"):
        distribution.set_params(low=0)


# Scales


@examples
def test_the_own_scale_goes_there_and_back(distribution):
    for value in distribution.rvs(50, random_state=0):
        back = distribution.from_scale(distribution.to_scale(value))
        assert type(back).__module__ == "builtins" or isinstance(distribution, Choice)
        if isinstance(value, (float, np.floating)):
            assert back == pytest.approx(value, rel=1e-9)
        else:
            assert back == value


@pytest.mark.parametrize("kind", FLOATS + INTEGERS)
def test_the_own_scale_takes_arrays(kind):
    distribution = kind(*((1, 30) if kind in INTEGERS else (0.1, 0.9)))
    values = distribution.rvs((3, 4), random_state=0)
    positions = distribution.to_scale(values)
    assert positions.shape == (3, 4)
    np.testing.assert_allclose(distribution.from_scale(positions), values)
    assert np.all(np.diff(distribution.to_scale(np.sort(values, axis=None))) >= 0)


def test_scales_have_names():
    names = {type(example): example.scale for example in EXAMPLES}
    assert list(names.values()) == [
        "linear",
        "log",
        "one-minus-log",
        "integer",
        "integer-log",
        "choice",
        "layers",
        "quantile",
    ]


# Narrowing and edges


@pytest.mark.parametrize("kind", FLOATS)
def test_narrowed_ranges_have_their_width_and_hold_the_centre(kind):
    random_state = np.random.RandomState(0)
    for _ in range(300):
        distribution = random_range(kind, random_state)
        centre = distribution.rvs(random_state=random_state)
        factor = random_state.uniform(0.05, 1)
        narrow = distribution.narrow(centre, factor)
        assert type(narrow) is kind and narrow.limits == distribution.limits
        assert centre in narrow
        scale = distribution.to_scale
        start, end = scale(narrow.low), scale(narrow.high)
        width = scale(distribution.high) - scale(distribution.low)
        slack = 1e-6 * max(width, abs(start), 1e-3)
        assert end - start == pytest.approx(factor * width, abs=slack)
        if distribution.limits is None:
            assert (start + end) / 2 == pytest.approx(scale(centre), abs=slack)
        else:
            assert distribution.limits[0] <= narrow.low
            assert narrow.high <= distribution.limits[1]


@pytest.mark.parametrize("kind", INTEGERS)
def test_narrowed_integers_are_those_of_the_narrowed_interval(kind):
    random_state = np.random.RandomState(0)
    own_scale = np.log if kind is IntLogUniform else np.asarray
    for _ in range(300):
        distribution = random_range(kind, random_state)
        low, high = distribution.low, distribution.high
        centre = distribution.rvs(random_state=random_state)
        factor = random_state.uniform(0.05, 1)
        narrow = distribution.narrow(centre, factor)
        assert type(narrow.low) is int and type(narrow.high) is int
        assert centre in narrow
        if distribution.limits is None and kind is IntUniform:
            width = factor * np.diff(own_scale([low - 0.5, high + 0.5]))[0]
            near = np.arange(low - 2000, high + 2000)
            near = near[np.abs(near - centre) <= width / 2 + 1e-9]
            assert (narrow.low, narrow.high) == (near[0], near[-1])
        elif distribution.limits is not None:
            assert distribution.limits[0] <= narrow.low
            assert narrow.high <= distribution.limits[1]
        elif narrow.low > 1:  # neither end is moved by the scale's own, at 1
            width = factor * np.diff(own_scale([low - 0.5, high + 0.5]))[0]
            near = np.arange(1, 20 * high)
            near = near[np.abs(own_scale(near / centre)) <= width / 2 + 1e-9]
            assert (narrow.low, narrow.high) == (near[0], near[-1])


@pytest.mark.parametrize("kind", FLOATS + INTEGERS)
def test_a_range_within_another_leaves_it_only_past_an_edge_that_the_centre_is_at(kind):
    random_state = np.random.RandomState(0)
    passed = 0
    for _ in range(300):
        distribution = random_range(kind, random_state)
        centre = distribution.rvs(random_state=random_state)
        narrow = distribution.narrow(centre, 0.5, within=distribution)
        edge = distribution.edge(centre)
        inside = (narrow.low >= distribution.low, narrow.high <= distribution.high)
        assert inside[0] or edge == "low"
        assert inside[1] or edge == "high"
        passed += not all(inside)
        again = narrow.narrow(centre, 0.5, within=distribution)
        assert again.low <= centre <= again.high
    assert passed > 10


@pytest.mark.parametrize("kind", FLOATS)
def test_an_edge_is_a_twentieth_of_the_range_in_its_own_scale(kind):
    random_state = np.random.RandomState(0)
    for _ in range(100):
        distribution = random_range(kind, random_state)
        ends = [distribution.to_scale(v) for v in (distribution.low, distribution.high)]
        width = ends[1] - ends[0]
        for share, edge in [
            (-0.1, "low"),
            (0.0, "low"),
            (0.049, "low"),
            (0.051, None),
            (0.5, None),
            (0.949, None),
            (0.951, "high"),
            (1.0, "high"),
            (1.1, "high"),
        ]:
            value = distribution.from_scale(ends[0] + share * width)
            assert distribution.edge(value) == edge, (distribution, share)


def test_edges_of_integers_layers_and_choices():
    assert [IntUniform(1, 3).edge(k) for k in (1, 2, 3)] == ["low", None, "high"]
    assert IntLogUniform(10, 1000).edge(11) == "low"
    assert IntUniform(4, 4).edge(4) is None
    layers = HiddenLayers((1, 3), (16, 256))
    assert layers.edge((60, 70)) is None
    assert layers.edge((17, 16)) == "low"
    assert layers.edge((256, 240)) == "high"
    assert layers.edge((60, 70, 80)) == "high"  # the number of layers
    assert Choice([1, 2, 3]).edge(1) is None


def test_layers_narrow_in_number_and_in_the_scale_of_the_units():
    layers = HiddenLayers((1, 5), (16, 256)).narrow((32, 64, 128), 0.5)
    assert layers.n_layers == (2, 4)
    assert layers.units == (32, 129)
    held = HiddenLayers((1, 2), (16, 64), units_limits=(16, 64))
    within = held.narrow((60, 62), 0.5, within=held)
    assert within.units[1] == 64 and within.units[0] < 60


def test_the_winners_weight_grows_and_no_option_vanishes():
    choice = Choice(["a", "b", "c", "d"])
    for round_ in range(1, 30):
        choice = choice.narrow("b", 0.5)
        assert sum(choice.weights) == pytest.approx(1)
        wanted = 0.25 * 0.5**round_
        assert choice.weights[0] == pytest.approx(wanted) and wanted > 0
        assert choice.weights[1] == pytest.approx(1 - 3 * wanted)


def test_scipys_narrow_in_their_quantiles_and_keep_their_support():
    frozen = stats.expon(scale=2)
    narrow = as_distribution(frozen).narrow(frozen.median(), 0.5)
    draws = narrow.rvs(20_000, random_state=0)
    positions = 2 * (frozen.cdf(draws) - 0.25)
    assert stats.kstest(positions, stats.uniform.cdf).pvalue > 0.01
    first = as_distribution(frozen).narrow(1e-9, 0.25)
    assert (first.low, first.high) == (0.0, 0.25)
    counts = as_distribution(stats.poisson(4)).narrow(4, 0.3)
    assert set(counts.rvs(200, random_state=0).tolist()) == {3, 4, 5}


# Conversion


@pytest.mark.parametrize(
    "given, wanted",
    [
        (stats.loguniform(1e-3, 10), LogUniform(1e-3, 10.0)),
        (stats.reciprocal(2, 8, scale=2), LogUniform(4.0, 16.0)),
        (stats.uniform(), Uniform(0.0, 1.0)),
        (stats.uniform(loc=-1, scale=3), Uniform(-1.0, 2.0)),
        (stats.randint(2, 9), IntUniform(2, 8)),
        (stats.randint(2, high=9, loc=1), IntUniform(3, 9)),
        ([1, None], Choice([1, None])),
        ((1, 2), Choice((1, 2))),
        (range(3), Choice([0, 1, 2])),
        (Uniform(0, 1), Uniform(0, 1)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_space_may_hold_becomes_one_of_ours(given, wanted):
    assert as_distribution(given) == wanted


def test_scipys_ends_are_ours():
    frozen = stats.randint(-2, 7)
    assert frozen.support() == (
        as_distribution(frozen).low,
        as_distribution(frozen).high,
    )
    shifted = as_distribution(stats.loguniform(1, 2, loc=3))
    assert isinstance(shifted, Quantiles)
    assert repr(shifted) == "Quantiles(loguniform(1, 2, loc=3))"
    np.testing.assert_array_equal(as_distribution(np.arange(3)).options, np.arange(3))


@pytest.mark.parametrize("given", [3, "abc", None, {"a": 1}, stats.norm, {1: 2}.keys])
def test_what_is_no_distribution_is_refused(given):
    with pytest.raises(TypeError, match="must be one of caviar"):
        as_distribution(given)


# Spaces of networks


@pytest.mark.parametrize(
    "wrap, prefix",
    [
        (lambda network: network, ""),
        (lambda network: make_pipeline(StandardScaler(), network), "{name}__"),
        (lambda network: TransformedTargetRegressor(network), "regressor__"),
        (
            lambda network: make_pipeline(TransformedTargetRegressor(network)),
            "transformedtargetregressor__regressor__",
        ),
    ],
    ids=["itself", "in a pipeline", "with transformed targets", "in both"],
)
@pytest.mark.parametrize(
    "network",
    [MLPClassifier(), MLPRegressor(), neural_network.MLPRegressor()],
    ids=repr,
)
def test_the_default_space_names_the_networks_parameters(network, wrap, prefix):
    prefix = prefix.format(name=type(network).__name__.lower())
    estimator = wrap(network)
    space = default_space(estimator, np.zeros((1000, 3)))
    assert list(space) == [
        f"{prefix}{name}"
        for name in ("learning_rate_init", "hidden_layer_sizes", "batch_size", "alpha")
    ]
    for candidate in ParameterSampler(space, 10, random_state=0):
        estimator.set_params(**candidate)


@pytest.mark.parametrize(
    "n_samples, sizes",
    [(20, [8]), (150, [8, 16]), (1000, [8, 16, 32, 64]), (10**5, [32, 64, 128, 256])],
)
def test_batches_of_the_default_space_are_at_least_eight_an_epoch(n_samples, sizes):
    space = default_space(MLPClassifier(), np.zeros((n_samples, 1)))
    assert space["batch_size"].options == sizes


def test_the_default_space_is_that_of_the_solver():
    spaces = {
        solver: default_space(MLPRegressor(solver=solver), np.zeros((5000, 1)))
        for solver in ("sgd", "adagrad", "adamw", "lbfgs")
    }
    assert spaces["sgd"]["momentum"] == OneMinusLogUniform(0.5, 0.99)
    assert spaces["adagrad"]["learning_rate_init"] == LogUniform(1e-4, 1.0)
    assert "alpha" not in spaces["adamw"] and "weight_decay" in spaces["adamw"]
    assert list(spaces["lbfgs"]) == ["hidden_layer_sizes", "alpha"]


@pytest.mark.parametrize(
    "estimator, found",
    [
        (SVC(), "none"),
        (make_pipeline(StandardScaler(), SVC()), "none"),
        (3, "none"),
        (Pipeline([("a", MLPClassifier()), ("b", MLPClassifier())]), "a and b"),
    ],
    ids=["svc", "pipeline", "number", "two"],
)
def test_an_estimator_without_one_network_has_no_default_space(estimator, found):
    with pytest.raises(ValueError, match=rf"must be or contain one .* with {found}\."):
        default_space(estimator, np.zeros((10, 2)))


# Errors


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: LogUniform(0, 1),
            "`LogUniform.low` must be a positive number, got 0.",
        ),
        (
            lambda: LogUniform(1e-3, float("inf")),
            "`LogUniform.high` must be a positive number, got inf.",
        ),
        (
            lambda: LogUniform(2, 1),
            "`LogUniform.low` must be at most `high`=1, got 2.",
        ),
        (
            lambda: OneMinusLogUniform(0.9, 1.0),
            "`OneMinusLogUniform.high` must be a number smaller than 1, got 1.0.",
        ),
        (
            lambda: Uniform(float("nan"), 1),
            "`Uniform.low` must be a finite number, got nan.",
        ),
        (
            lambda: Uniform(False, 1),
            "`Uniform.low` must be a finite number, got False.",
        ),
        (lambda: IntUniform(1, 2.5), "`IntUniform.high` must be an integer, got 2.5."),
        (
            lambda: IntLogUniform(0, 4),
            "`IntLogUniform.low` must be an integer of at least 1, got 0.",
        ),
        (
            lambda: Uniform(0, 1, limits=3),
            "`Uniform.limits` must be None or a pair (low, high) of numbers or None, "
            "got 3.",
        ),
        (
            lambda: Uniform(0, 1, limits=(0.2, None)),
            "`Uniform.limits` must be outside the range [0, 1], got (0.2, None).",
        ),
        (lambda: Choice([]), "`Choice.options` must be at least one option, got []."),
        (
            lambda: Choice(np.ones((1, 2))),
            "`Choice.options` must be of one dimension, got array([[1., 1.]]).",
        ),
        (
            lambda: Choice("abc"),
            "`Choice.options` must be a list, tuple or array, got 'abc'.",
        ),
        (
            lambda: Choice([1, 2], weights=[1, 0]),
            "`Choice.weights` must be None or 2 positive finite numbers, got [1, 0].",
        ),
        (
            lambda: HiddenLayers((0, 2)),
            "`HiddenLayers.n_layers` must be a pair (low, high) of integers, "
            "1 <= low <= high, got (0, 2).",
        ),
        (
            lambda: HiddenLayers(units=(8, 16), units_limits=(9, 20)),
            "`HiddenLayers.units_limits` must be None or a pair of integers or None "
            "outside units=(8, 16), got (9, 20).",
        ),
        (
            lambda: Quantiles(stats.norm(), 0.5, 0.5),
            "`Quantiles.low` must be smaller than `high`=0.5, got 0.5.",
        ),
        (
            lambda: Uniform(0, 1).narrow(0.5, 0),
            "`factor` must be a number in (0, 1], got 0.",
        ),
        (
            lambda: Uniform(0, 1, limits=(0, 1)).narrow(3, 0.5),
            "`centre` must be a finite number in [0, 1], got 3.",
        ),
        (
            lambda: Choice([1, 2]).narrow(3, 0.5),
            "`centre` must be one of [1, 2], got 3.",
        ),
        (
            lambda: LogUniform(1, 2).to_scale(-1),
            "`value` must be a positive number, got -1.",
        ),
    ],
)
def test_errors_name_parameter_constraint_and_value(make, message):
    with pytest.raises((ValueError, TypeError)) as error:
        make()
    assert str(error.value) == message


@pytest.mark.parametrize(
    "distribution, inside, outside",
    [
        (Uniform(0, 1), [0, 1, 0.5, np.float32(0.5)], [-0.1, 1.1, "0.5", None, True]),
        (Uniform(0, 1), [], [float("nan"), [0.5]]),
        (LogUniform(1e-3, 1), [1e-3, 1], [0, -1, 2]),
        (IntUniform(1, 3), [1, 3, np.int64(2)], [0, 4, 2.0, True]),
        (Choice([1, None, "a"]), [1, None, "a", np.int64(1)], [True, 2, "b"]),
        (
            HiddenLayers((1, 2), (4, 8)),
            [(4,), [8, 4]],
            [(), (3,), (4, 4, 4), 4, (4.5,)],
        ),
        (as_distribution(stats.expon()), [0, 5.0], [-1, "1"]),
        (as_distribution(stats.poisson(3)), [0, 4], [1.5, -1]),
    ],
    ids=repr,
)
def test_contains_is_what_can_be_drawn(distribution, inside, outside):
    assert all(value in distribution for value in inside)
    assert not any(distribution.contains(value) for value in outside)
