"""Displays, in scikit-learn's convention: what is drawn is what the data say."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as SklearnMLP
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier, MLPRegressor, TrainingSession, plotting
from caviar.diagnostics import LearningRateRange, activation_statistics
from caviar.plotting import (
    ActivationDisplay,
    LearningRateRangeDisplay,
    ScheduleDisplay,
    SearchDisplay,
    TrainingCurveDisplay,
)
from caviar.schedules import CosineDecay, ExponentialDecay, OneCycle, StepDecay
from displays import crowded_texts, left_end, no_leaks, svg_bytes

plt = pytest.importorskip("matplotlib.pyplot")
X, y = load_iris(return_X_y=True)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
_keep_clean = pytest.fixture(autouse=True)(no_leaks)


@pytest.fixture(scope="module")
def network():
    network = MLPClassifier((8,), early_stopping=True, max_iter=15, random_state=0)
    return network.set_params(learning_rate="cosine", n_iter_no_change=15).fit(X, y)


def every_display(network, ax=None):
    """One of each kind, drawn."""
    results = {"params": [{"alpha": 0.1}, {"alpha": 1.0}], "mean_test_score": [0.1, 1]}
    return [
        TrainingCurveDisplay.from_estimator(network, ax=ax),
        SearchDisplay.from_results(results, ax=ax),
        ActivationDisplay.from_estimator(network, X, ax=ax),
        ScheduleDisplay.from_schedule("cosine", ax=ax),
    ]


# The convention


def test_importing_the_module_does_not_import_matplotlib():
    code = "import caviar.plotting, sys; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_displays_are_public():
    assert plotting.__all__ == sorted(plotting.__all__)
    assert all(hasattr(getattr(plotting, name), "plot") for name in plotting.__all__)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch, network):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    statistics = activation_statistics(network, X)
    message = r'needs matplotlib: pip install "caviar\[plots\]"'
    for draw in (
        lambda: TrainingCurveDisplay.from_estimator(network),
        lambda: TrainingCurveDisplay({"loss": [1.0]}).plot(),
        lambda: SearchDisplay({}).plot(),
        lambda: ActivationDisplay(statistics).plot(),
        lambda: LearningRateRangeDisplay(None).plot(),
        lambda: LearningRateRangeDisplay.from_estimator(network, X, y),
        lambda: ScheduleDisplay.from_schedule("cosine"),
        lambda: CosineDecay().plot(),
    ):
        with pytest.raises(ImportError, match=message):
            draw()


def test_plot_returns_the_display_and_draws_again_elsewhere(network):
    for display in every_display(network):
        before = display.figure_
        assert display.plot() is display
        assert display.figure_ is not before


def test_given_axes_are_drawn_on_and_no_figure_is_opened(network):
    figure, axes = plt.subplots(1, 4, figsize=(20, 5))
    n_figures = len(plt.get_fignums())
    for draw, ax in zip(range(4), axes, strict=True):
        display = every_display_at(draw, network, ax)
        assert display.figure_ is figure
        panels = getattr(display, "axes_", None)
        assert display.ax_ is ax if panels is None else len(panels) >= 1
    assert len(plt.get_fignums()) == n_figures
    figure.canvas.draw()


def every_display_at(number, network, ax):
    kinds = [
        lambda: TrainingCurveDisplay.from_estimator(network, ax=ax),
        lambda: SearchDisplay.from_results(
            {"params": [{"alpha": 0.1}, {"alpha": 1.0}], "mean_test_score": [0.1, 1]},
            ax=ax,
        ),
        lambda: ActivationDisplay.from_estimator(network, X, ax=ax),
        lambda: ScheduleDisplay.from_schedule("cosine", ax=ax),
    ]
    return kinds[number]()


def test_one_axes_is_divided_within_its_place(network):
    figure = plt.figure(figsize=(8, 6))
    for ax in (figure.add_subplot(1, 2, 1), figure.add_axes([0.6, 0.1, 0.35, 0.8])):
        place = ax.get_position()
        display = TrainingCurveDisplay.from_estimator(network, ax=ax)
        assert not ax.axison
        for panel in display.axes_:
            inside = panel.get_position()
            assert place.x0 - 1e-9 <= inside.x0 < inside.x1 <= place.x1 + 1e-9
            assert place.y0 - 1e-9 <= inside.y0 < inside.y1 <= place.y1 + 1e-9


def test_several_axes_are_used_in_their_order_and_must_be_enough(network):
    _, axes = plt.subplots(3)
    display = TrainingCurveDisplay.from_estimator(network, ax=axes)
    assert list(display.axes_) == list(axes)
    with pytest.raises(ValueError, match=r"`ax` must have 3 axes, got 2\."):
        display.plot(ax=axes[:2])


def test_nothing_overlaps(network):
    for display in every_display(network):
        assert crowded_texts(display.figure_) == []


# Training curves


def test_curves_are_those_of_the_history(network):
    display = TrainingCurveDisplay.from_estimator(network)
    history = network.history_
    assert display.panels_ == ["loss", "score", "learning_rate"]
    for name, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_xdata(), history["epoch"])
        np.testing.assert_array_equal(line.get_ydata(), history[name])
    star = display.best_[-1]
    assert star.get_xdata() == [network.best_epoch_]
    assert star.get_ydata() == [network.best_validation_score_]
    assert f"epoch {network.best_epoch_}" in star.get_label()
    assert display.axes_[1].get_ylabel() == "accuracy"


def test_a_network_is_found_in_pipelines_searches_and_sessions(network):
    model = make_pipeline(StandardScaler(), network).fit(X, y)
    search = GridSearchCV(model, {"mlpclassifier__alpha": [0.1]}, cv=2).fit(X, y)
    session = TrainingSession(network, X, y).run(3)
    for estimator, trained in (
        (model, model[-1]),
        (search, search.best_estimator_[-1]),
        (session, session.estimator),
    ):
        display = TrainingCurveDisplay.from_estimator(estimator)
        np.testing.assert_array_equal(
            display.lines_["loss"].get_ydata(), trained.history_["loss"]
        )
        plt.close(display.figure_)


def test_scikit_learns_networks_have_curves_too():
    network = SklearnMLP((8,), early_stopping=True, max_iter=12, tol=0, random_state=0)
    display = TrainingCurveDisplay.from_estimator(network.fit(X, y))
    np.testing.assert_array_equal(
        display.lines_["loss"].get_ydata(), network.loss_curve_
    )
    best = int(np.argmax(network.validation_scores_)) + 1
    assert display.best_[-1].get_xdata() == [best]


def test_what_has_no_curves_is_refused():
    for wrong in (MLPClassifier(), StandardScaler(), 3):
        with pytest.raises(TypeError, match="`estimator` must be a fitted multi-layer"):
            TrainingCurveDisplay.from_estimator(wrong)


@pytest.mark.parametrize(
    "losses, scale",
    [
        ([1.0, 0.5, 0.2], "linear"),
        ([10.0, 1.0, 0.01], "log"),
        ([1.0, -0.5, -3.0], "linear"),
        ([3.0, 3.0, 3.0], "linear"),
    ],
)
def test_losses_over_decades_have_a_logarithmic_scale(losses, scale):
    display = TrainingCurveDisplay({"loss": losses}).plot()
    assert display.axes_[0].get_yscale() == scale


def test_epochs_that_were_not_validated_are_gaps():
    history = {"loss": [1, 0.5, 0.4], "validation_loss": [None, 0.6, np.nan]}
    display = TrainingCurveDisplay(history).plot()
    values = display.lines_["validation_loss"].get_ydata()
    np.testing.assert_array_equal(values, [np.nan, 0.6, np.nan])
    assert display.lines_["validation_loss"].get_marker() == "o"  # seen without a line


def test_a_training_that_diverged_is_shaded_from_there_on():
    history = {"loss": [2.0, 9.0, np.inf, np.nan], "validation_score": [0.5, 0.1, 0, 0]}
    display = TrainingCurveDisplay(history).plot()
    (shade,) = display.axes_[0].patches
    assert shade.get_label() == "loss not finite from epoch 3"
    assert left_end(shade) == 2.5
    assert np.isnan(display.lines_["loss"].get_ydata()[2])


@pytest.mark.parametrize("n_epochs", [0, 1, 2])
def test_hardly_any_epochs_can_be_drawn(n_epochs):
    history = {"loss": [1.0] * n_epochs, "validation_score": [0.5] * n_epochs}
    history["learning_rate"] = [0.1] * n_epochs
    display = TrainingCurveDisplay(history).plot()
    texts = [text.get_text() for text in display.axes_[0].texts]
    assert texts == (["no epoch yet"] if n_epochs == 0 else [])
    assert svg_bytes(display.figure_) > 0


def test_a_history_of_nothing_finite_says_so():
    display = TrainingCurveDisplay({"loss": [np.nan, np.nan]}).plot()
    assert [text.get_text() for text in display.axes_[0].texts] == ["no finite loss"]


def test_ten_thousand_epochs_make_a_small_file():
    n = 10_000
    noise = np.random.RandomState(0).rand(4, n)
    names = ["loss", "validation_loss", "validation_score", "learning_rate"]
    display = TrainingCurveDisplay(dict(zip(names, noise + 0.1, strict=True))).plot()
    assert svg_bytes(display.figure_) < 300_000


def test_a_constant_learning_rate_is_named_and_not_drawn():
    history = {"loss": [2.0, 1.0], "learning_rate": [0.003, 0.003]}
    display = TrainingCurveDisplay(history).plot()
    assert display.panels_ == ["loss"]
    assert display.axes_[-1].get_xlabel() == "epoch (learning rate 0.003)"
    assert TrainingCurveDisplay(history).plot(panels=["learning_rate"]).panels_ == [
        "learning_rate"
    ]


def test_wrong_histories_and_panels_are_refused():
    with pytest.raises(ValueError, match=r"`history` must have the column 'loss', got"):
        TrainingCurveDisplay({"epoch": [1]}).plot()
    with pytest.raises(ValueError, match=r"one length, got {'loss': 1, 'epoch': 2}"):
        TrainingCurveDisplay({"loss": [1], "epoch": [1, 2]}).plot()
    for panels in (["losses"], []):
        with pytest.raises(ValueError, match="`panels` must be 'auto' or a list of"):
            TrainingCurveDisplay({"loss": [1]}).plot(panels=panels)


def test_what_a_session_changed_is_marked_where_it_counts():
    session = TrainingSession(MLPClassifier((8,), random_state=0), X, y)
    session.run(10).snapshot("before")
    session.set_params(learning_rate_init=0.5).run(3)  # given up again
    session.revert("before").set_params(alpha=0.1).run(10)
    display = session.plot()
    marked = {
        event: points.get_offsets()[:, 0].tolist()
        for event, points in display.marks_.items()
    }
    assert marked == {"params": [10], "snapshot": [10], "revert": [10]}
    assert [text.get_text() for text in display.words_] == ["alpha 0.0001 → 0.1"]
    heights = [points.get_offsets()[0, 1] for points in display.marks_.values()]
    assert len(set(heights)) == 3  # none covers another


def test_a_session_that_has_not_begun_can_be_drawn():
    session = TrainingSession(MLPClassifier((8,), random_state=0), X, y)
    assert session.plot().panels_ == ["loss"]


def test_iterations_of_lbfgs_are_no_epochs():
    network = MLPClassifier((8,), solver="lbfgs", max_iter=5, random_state=0)
    network.fit(X, y)
    display = TrainingCurveDisplay.from_estimator(network)
    assert display.axes_[-1].get_xlabel() == "iteration"


# Schedules


def test_schedules_are_drawn_as_they_are_called():
    display = ScheduleDisplay.from_schedule([OneCycle(), "exponential"], 40)
    assert [line.get_label() for line in display.lines_] == [
        "OneCycle()",
        "exponential",
    ]
    for line, schedule in zip(
        display.lines_, (OneCycle(), ExponentialDecay()), strict=True
    ):
        np.testing.assert_array_equal(line.get_ydata(), schedule(line.get_xdata(), 40))
    assert display.ax_.get_ylabel() == "factor of learning_rate_init"


def test_rates_are_factors_times_the_first_one():
    schedules = {"mine": lambda progress, n_epochs: 1 - progress / n_epochs}
    display = ScheduleDisplay.from_schedule(schedules, 10, learning_rate_init=0.2)
    assert display.lines_[0].get_ydata()[[0, -1]].tolist() == [0.2, 0.0]
    assert display.lines_[0].get_label() == "mine"
    assert display.ax_.get_ylabel() == "learning rate"


def test_a_trained_network_shows_plan_and_course():
    network = MLPClassifier((8,), learning_rate=StepDecay(every=5), max_iter=12, tol=0)
    planned = ScheduleDisplay.from_estimator(network)
    assert len(planned.lines_) == 1
    network.set_params(n_iter_no_change=12).fit(X, y)
    display = ScheduleDisplay.from_estimator(network)
    np.testing.assert_array_equal(
        display.lines_[1].get_ydata(), network.history_["learning_rate"]
    )
    # One batch an epoch: steps at whole epochs, half an epoch away from what is asked.
    plan = np.interp(np.arange(12) + 0.5, display.epochs, display.lines_[0].get_ydata())
    np.testing.assert_allclose(network.history_["learning_rate"], plan, rtol=1e-6)


def test_rates_that_depend_on_the_training_need_one():
    for schedule in ("adaptive", "invscaling"):
        network = MLPClassifier((8,), solver="sgd", learning_rate=schedule, max_iter=3)
        with pytest.raises(ValueError, match=f"got '{schedule}', which depends on"):
            ScheduleDisplay.from_estimator(network)
        with pytest.raises(ValueError, match=f"got '{schedule}', which depends on"):
            ScheduleDisplay.from_schedule(schedule)
        network.fit(X, y)
        assert len(ScheduleDisplay.from_estimator(network).lines_) == 1
    with pytest.raises(ValueError, match="`solver` must be a stochastic one"):
        ScheduleDisplay.from_estimator(MLPClassifier(solver="lbfgs"))
    with pytest.raises(ValueError, match=r"`n_epochs` must be positive, got 0\."):
        ScheduleDisplay.from_schedule("cosine", 0)


# Activations


def activations(n_layers, activation="relu", **params):
    rows = np.random.RandomState(0).standard_normal((100, 10))
    sizes = (30,) * n_layers
    network = MLPRegressor(hidden_layer_sizes=sizes, activation=activation, **params)
    return activation_statistics(network.set_params(random_state=0), rows)


@pytest.mark.parametrize("n_layers", [1, 5, 20])
@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
def test_layers_have_their_histograms_and_moments(n_layers, activation):
    statistics = activations(n_layers, activation)
    display = ActivationDisplay.from_statistics(statistics)
    assert len(display.histograms_) == n_layers
    dots, _, (bars,) = display.errorbars_
    np.testing.assert_array_equal(dots.get_ydata(), statistics.mean)
    lengths = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
    np.testing.assert_allclose(lengths, 2 * statistics.std)
    assert crowded_texts(display.figure_) == []


def test_a_histogram_is_as_wide_as_its_counts_without_the_zeros():
    statistics = activations(1)
    display = ActivationDisplay.from_statistics(statistics)
    corners = display.histograms_[0].get_paths()[0].vertices
    counts = statistics.counts[0].astype(float)
    counts[0] -= np.rint(statistics.zeros[0] * counts.sum())
    at = (statistics.edges[0][:-1] + statistics.edges[0][1:]) / 2
    for value, count in zip(at, counts, strict=True):
        if count == 0:
            continue
        bin_ = corners[np.abs(corners[:, 1] - value) < np.diff(statistics.edges[0])[0]]
        reached = bin_[:, 0].max() - 1
        assert reached >= 0.42 * count / counts.max() - 1e-12


def test_shares_are_those_that_the_activations_can_have():
    relu = ActivationDisplay.from_statistics(activations(3))
    assert set(relu.shares_) == {"zeros", "dead"}
    np.testing.assert_allclose(
        relu.shares_["zeros"].get_ydata(), 100 * relu.statistics.zeros
    )
    mixed = ActivationDisplay.from_statistics(
        activations(3, ["tanh", "relu", "logistic"])
    )
    assert set(mixed.shares_) == {"zeros", "dead", "saturated"}
    assert ActivationDisplay.from_statistics(activations(2, "identity")).shares_ == {}


def test_a_layer_that_is_all_zero_has_no_histogram(network):
    dead = MLPClassifier((8, 8), max_iter=5, random_state=0)
    dead.fit(X, y)
    dead.intercepts_[1][:] = -1e6
    display = ActivationDisplay.from_estimator(dead, X)
    assert display.histograms_[0] is not None and display.histograms_[1] is None
    assert display.shares_["dead"].get_ydata()[1] == 100


# Learning rates


def sweep(**changes):
    """What a range test has found, made up."""
    rates = np.geomspace(1e-6, 10, 50)
    found = {
        "step": "learning rate",
        "status": "ok",
        "title": "",
        "explanation": "",
        "advice": [],
        "numbers": {},
        "rates": rates,
        "losses": 2 - np.exp(-((np.log10(rates) + 1) ** 2)),
        "smoothed": 2 - np.exp(-((np.log10(rates) + 1) ** 2)),
        "low": 1e-3,
        "high": 0.1,
        "diverged_at": 5.0,
        "trials": {1e-4: 1.99, 1e-3: 1.5, 1e-2: 0.7, 1e-1: 0.9, 1.0: np.inf},
        "start": 2.0,
        "falls": {0.1: True, 0.01: True, 0.001: True, 0.0001: False},
        "suggestion": 0.01,
        "n_steps": 100,
    }
    return LearningRateRange(**{**found, **changes})


def test_a_range_test_is_drawn_as_it_was_found():
    found = sweep()
    display = LearningRateRangeDisplay.from_result(found)
    np.testing.assert_array_equal(display.raw_.get_ydata(), found.losses)
    np.testing.assert_array_equal(display.smoothed_.get_xdata(), found.rates)
    falls, others = (points.get_offsets() for points in display.trials_)
    np.testing.assert_allclose(falls, [[1e-3, 1.5], [1e-2, 0.7], [1e-1, 0.9]])
    # What has diverged stands at the upper edge.
    top = display.ax_.get_ylim()[1]
    np.testing.assert_allclose(others, [[1e-4, 1.99], [1.0, top]])
    assert display.suggestion_.get_xdata() == [0.01, 0.01]
    assert left_end(display.divergence_) == 5.0
    assert display.ax_.get_xscale() == "log"
    assert crowded_texts(display.figure_) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"suggestion": None, "diverged_at": None},
        {"losses": np.full(50, np.nan), "smoothed": np.full(50, np.inf)},
        {"trials": {0.1: np.nan, 0.01: np.inf}, "suggestion": None},
        {"smoothed": np.geomspace(2, 1e-4, 50)},
        {"smoothed": np.r_[np.full(25, 2.0), np.geomspace(2, 1e30, 25)]},
        {"start": 2.0, "smoothed": np.full(50, 2.0), "trials": {}},
    ],
)
def test_a_range_test_of_any_kind_can_be_drawn(changes):
    display = LearningRateRangeDisplay.from_result(sweep(**changes))
    assert crowded_texts(display.figure_) == []
    low, high = display.ax_.get_ylim()
    assert np.isfinite([low, high]).all() and high < 100
    assert (display.suggestion_ is None) == (display.result.suggestion is None)


def test_a_range_test_is_run_on_an_estimator():
    display = LearningRateRangeDisplay.from_estimator(
        MLPClassifier((8,), random_state=0), X, y, n_points=20, n_steps=20
    )
    assert len(display.result.rates) <= 20
    assert f"{display.result.suggestion:.2g}" in display.suggestion_.get_label()


# The gallery

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not (ROOT / "docs").exists(), reason="needs the source tree")
def test_every_example_of_a_picture_is_in_the_gallery():
    page = (ROOT / "docs" / "gallery.md").read_text()
    examples = sorted((ROOT / "examples").glob("plot_*.py"))
    assert len(examples) >= 7
    for example in examples:
        picture = f"gallery/{example.stem.removeprefix('plot_')}.png"
        assert f"]({picture})" in page
        assert f"{{literalinclude}} ../examples/{example.name}" in page
        assert (ROOT / "docs" / picture).stat().st_size < 60_000
    assert len(list((ROOT / "docs" / "gallery").iterdir())) == len(examples)


def test_examples_of_the_documentation_run():
    import doctest
    import importlib

    for name in plotting.__all__:
        module = importlib.import_module(getattr(plotting, name).__module__)
        result = doctest.testmod(module)
        assert result.attempted > 3 and result.failed == 0
