"""What ``tune`` searches and computes: models, spaces, plans, scores, what is learned."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_iris,
    load_wine,
    make_classification,
)
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import cross_val_score

from caviar import _cli_run, _cli_search, _cli_table
from caviar._cli_progress import Work
from caviar._cli_report import ranking, report_lines
from caviar._cli_search import Settings
from caviar._cli_study import begin_study, finish_study
from caviar.distributions import as_distribution
from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    SuccessiveHalvingSearchCV,
)
from command_line import no_checkup

# Models of a few epochs do for what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

KINDS = ["coarse-to-fine", "hyperband", "halving", "random", "grid"]


@pytest.fixture(autouse=True)
def be_quick(monkeypatch):
    monkeypatch.setattr(_cli_run, "check_up", no_checkup)


class Watch:
    """Stands in for the progress bar."""

    def begin(self, stage):
        self.stage = stage

    def end(self, stage):
        assert stage == self.stage

    def say(self, text):
        self.text = text


def problem_of(load, task="classification", **options):
    X, y = load(return_X_y=True, **options)
    return _cli_table.Problem(X, y, task, "", "")


def small(kind="coarse-to-fine", **settings):
    return Settings(
        **{"kind": kind, "n_splits": 2, "n_jobs": 1, "epochs": 9, **settings}
        | ({"n_iter": 4} if kind not in ("grid", "hyperband") else {})
    )


def run(problem, settings, tmp_path):
    """The outcome, and how many fits were planned and done."""
    parts = [part.stage for part in _cli_run.stages(problem, settings)]
    rounds = _cli_search.plan(problem, settings)

    def journal(stage):
        return str(tmp_path / stage)

    work = Work(rounds, settings.n_splits, parts, journal)
    outcome = _cli_run.run(problem, settings, journal, Watch())
    work.look()
    return outcome, work


@pytest.mark.parametrize(
    ("kind", "search_class"),
    [
        ("coarse-to-fine", CoarseToFineSearchCV),
        ("hyperband", HyperbandSearchCV),
        ("halving", SuccessiveHalvingSearchCV),
        ("random", CoarseToFineSearchCV),
        ("grid", _cli_search.GridSearch),
    ],
)
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_each_search_sets_parameters_that_the_pipeline_has(kind, search_class, task):
    problem = problem_of(load_wine, task)
    search = _cli_search.build_search(problem, Settings(kind=kind))
    assert type(search) is search_class
    space = search.param_distributions
    parameters = search.estimator.get_params()
    assert {name.rpartition("__")[2] for name in space} >= {
        "learning_rate_init",
        "alpha",
        "hidden_layer_sizes",
        "batch_norm",
    }
    assert set(space) <= set(parameters)


@pytest.mark.parametrize(
    ("kind", "nested"),
    [*((kind, False) for kind in KINDS), ("coarse-to-fine", True), ("hyperband", True)],
)
def test_the_plan_counts_exactly_the_fits_and_epochs_that_are_done(
    kind, nested, tmp_path
):
    problem = problem_of(load_iris)
    outcome, work = run(problem, small(kind, nested=nested), tmp_path)
    assert work.done == work.total
    assert work.n_fits == outcome.n_fits
    assert work.unit == ("epochs" if kind in ("halving", "hyperband") else "fits")
    n_searches = 3 if nested else 1
    n_rows = sum(r.n_candidates for r in _cli_search.plan(problem, small(kind)))
    assert outcome.n_fits == n_searches * 2 * n_rows
    if kind in ("halving", "hyperband"):
        assert work.total == outcome.n_epochs
    assert outcome.completed


@pytest.mark.parametrize("kind", ["random", "hyperband"])
def test_the_model_is_the_best_candidate_fitted_on_all_rows(kind, tmp_path):
    problem = problem_of(load_iris)
    outcome, _ = run(problem, small(kind), tmp_path)
    best = clone(outcome.search.estimator).set_params(**outcome.search.best_params_)
    if kind == "hyperband":
        best.set_params(mlp__max_iter=outcome.search.n_iter_)
    best.fit(problem.X, problem.y)
    np.testing.assert_array_equal(
        best.predict_proba(problem.X), outcome.model.predict_proba(problem.X)
    )
    assert outcome.search.best_index_ == ranking(outcome.search.cv_results_)[0]


@pytest.mark.parametrize(
    ("load", "task", "metric"),
    [
        (load_breast_cancer, "classification", accuracy_score),
        (load_diabetes, "regression", r2_score),
    ],
)
def test_held_out_rows_are_scored_by_the_search_that_has_not_seen_them(
    load, task, metric, tmp_path
):
    problem, settings = problem_of(load, task), small("random")
    outcome, _ = run(problem, settings, tmp_path)
    (part,) = _cli_run.stages(problem, settings)
    assert len(part.test) == -(-len(problem.y) // 4)
    assert not set(part.train) & set(part.test)
    alone = _cli_search.build_search(problem, settings)
    alone.fit(problem.X[part.train], problem.y[part.train])
    predicted = alone.predict(problem.X[part.test])
    assert outcome.score == metric(problem.y[part.test], predicted)
    np.testing.assert_array_equal(outcome.predicted, predicted)
    assert 0 < outcome.spread < 0.2


def test_nested_scores_are_those_of_cross_val_score(tmp_path):
    problem, settings = problem_of(load_iris), small("halving", nested=True)
    outcome, _ = run(problem, settings, tmp_path)
    scores = cross_val_score(
        _cli_search.build_search(problem, settings),
        problem.X,
        problem.y,
        cv=_cli_search.build_folds(problem, settings),
    )
    np.testing.assert_array_equal(outcome.folds, scores)
    assert outcome.score == scores.mean()
    assert outcome.spread == scores.std()
    assert sorted(outcome.truth) == sorted(problem.y)


def test_held_out_rows_that_are_all_right_still_have_a_spread():
    assert 0.01 < _cli_run._accuracy_error(1.0, 40) < 0.05
    # Far from 0 and 1 it is the usual standard error.
    assert _cli_run._accuracy_error(0.5, 10_000) == pytest.approx(0.005, rel=1e-3)


def test_the_error_of_a_part_of_the_rows_is_scaled_to_all():
    random = np.random.RandomState(0)
    y = random.normal(size=50_000)
    predicted = y + random.normal(size=50_000)
    error = _cli_run._bootstrap_error(r2_score, y, predicted, 0)
    # Of each thousand rows R2 has a standard deviation; of fifty times as many it is less
    # by the root of fifty.
    scores = [r2_score(y[k::50], predicted[k::50]) for k in range(50)]
    assert error == pytest.approx(np.std(scores) / np.sqrt(50), rel=0.3)


def test_importances_are_those_of_scikit_learn_on_the_rows_held_out(tmp_path):
    problem, settings = problem_of(load_wine), small("random")
    outcome, _ = run(problem, settings, tmp_path)
    (part,) = _cli_run.stages(problem, settings)
    expected = permutation_importance(
        outcome.search.best_estimator_,
        problem.X[part.test],
        problem.y[part.test],
        scoring="accuracy",
        n_repeats=5,
        random_state=0,
    )
    means = [entry["mean"] for entry in outcome.importances]
    assert means == sorted(means, reverse=True)
    np.testing.assert_allclose(sorted(means), np.sort(expected.importances_mean))


def test_the_watched_history_is_of_the_winner_and_of_rows_it_did_not_learn_from(
    tmp_path,
):
    for load, task in (
        (load_wine, "classification"),
        (load_diabetes, "regression"),
    ):
        problem, settings = problem_of(load, task), small("random")
        (tmp_path / task).mkdir()
        outcome, _ = run(problem, settings, tmp_path / task)
        assert len(outcome.watched.history_["loss"]) == 9
        assert np.all(np.isfinite(outcome.watched.history_["validation_loss"]))
        # It is the held-out score of the same network: of as many epochs, the same.
        assert outcome.watched.history_["validation_score"][-1] == pytest.approx(
            outcome.score, abs=1e-6
        )


def test_many_rows_are_searched_in_part_and_learned_in_whole(tmp_path):
    X, y = make_classification(1000, random_state=0)
    problem = _cli_table.Problem(X, y, "classification", "", "")
    settings = small("random", search_rows=200)
    outcome, _ = run(problem, settings, tmp_path)
    assert outcome.search.n_splits_ == 2
    header = (tmp_path / "search").read_text().partition("\n")[0]
    assert '"X": "(200, 20) float64' in header
    seen = outcome.model.named_steps["columns"].n_samples_seen_
    assert seen == 1000
    # The honest score is of a network that has learned from all but the rows held out.
    assert outcome.model.named_steps["mlp"].batch_size <= 200


def test_a_value_at_an_edge_is_named_unless_nothing_can_lie_beyond(tmp_path):
    problem = problem_of(load_wine)
    outcome, _ = run(problem, small("random"), tmp_path)
    search = outcome.search
    space = _cli_search.build_space(problem, small("random"))
    highest = as_distribution(space["mlp__learning_rate_init"]).high
    search.best_params_ = {
        **search.best_params_,
        "mlp__learning_rate_init": highest,
        "mlp__alpha": 1e-6,  # as good as 0: its distribution has a limit there
    }
    study = begin_study(problem, small("random"), "tune", tmp_path)
    finish_study(study, problem, outcome, 1.0)
    assert study.search["boundaries"] == [
        {
            "parameter": "mlp__learning_rate_init",
            "value": highest,
            "edge": "high",
        }
    ]
    (note,) = [line for line in report_lines(study) if line.startswith("Note")]
    assert note == (
        "Note    The best learning rate, 0.1, is at the upper edge of what was searched; "
        "a larger one may be better. --search coarse-to-fine goes on past an edge."
    )


def test_a_candidate_that_diverges_is_left_out_of_the_ranking():
    results = {"mean_test_score": np.array([0.5, np.nan, 0.75])}
    assert ranking(results) == [2, 0]


def test_a_ranking_by_epochs_has_each_candidate_once_and_the_furthest_first():
    results = {
        "bracket": [0, 0, 0, 1],
        "candidate": [0, 1, 0, 0],
        "epochs": [30, 30, 90, 90],
        "mean_test_score": np.array([0.8, 0.9, 0.7, 0.6]),
    }
    assert ranking(results) == [2, 3, 1]


def test_a_search_without_a_candidate_that_can_be_fitted_says_why(tmp_path):
    problem = problem_of(load_iris)
    problem.X = np.full_like(problem.X, 1e300)
    problem.X[::2] = -1e300
    with pytest.raises(_cli_run.NothingToKeep, match="The search failed: "):
        run(problem, small("random"), tmp_path)
