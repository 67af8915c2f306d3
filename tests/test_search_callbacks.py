"""scikit-learn's fit callbacks in the three searches, and what they print."""

import re

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from searches import (
    BY_EPOCHS,
    X,
    Y,
    assert_same_results,
    epochs_of,
    every_search,
    mlp,
    short_trainings,
    small,
)

callback = pytest.importorskip(
    "sklearn.callback", reason="callbacks came with scikit-learn 1.9"
)

pytestmark = short_trainings


class Recorder:
    """Keeps the tasks that begin and end, with what their hooks are given."""

    def __init__(self):
        self.begun, self.ended, self.estimators, self.metadata = [], [], [], []
        self.setups = self.teardowns = 0

    def setup(self, estimator, context):
        self.setups += 1

    def teardown(self, estimator, context):
        self.teardowns += 1

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.begun.append(context)
        self.estimators.append(estimator)
        self.metadata.append(metadata)

    def on_fit_task_end(self, estimator, context):
        self.ended.append(context)


class Propagated(Recorder):
    max_propagation_depth = None


def path(context):
    above = () if context.parent is None else path(context.parent)
    return (*above, context.task_id)


def scored(recorder):
    """Return the tasks in which a candidate was scored on a split."""
    name = "candidate-split-evaluation"
    return [task for task in recorder.ended if task.task_name == name]


@pytest.mark.parametrize("refit", [True, False])
@every_search
def test_each_score_is_a_task_and_every_task_knows_how_many_it_has(cls, refit):
    recorder = Recorder()
    search = small(cls, refit=refit).set_callbacks(recorder).fit(X, Y)
    assert recorder.setups == recorder.teardowns == 1
    assert all(estimator is search for estimator in recorder.estimators)

    begun, ended = ([path(c) for c in t] for t in (recorder.begun, recorder.ended))
    assert len(set(begun)) == len(begun)
    assert sorted(begun) == sorted(ended)
    n_scored = len(search.cv_results_["params"]) * search.n_splits_
    assert len(scored(recorder)) == n_scored
    refits = [c for c in recorder.begun if c.task_name == "refit-with-best-params"]
    assert len(refits) == refit
    for task in recorder.begun:
        n_children = sum(child[:-1] == path(task) for child in begun)
        assert task.max_subtasks == n_children, task


@every_search
def test_the_tasks_of_the_mlp_hang_below_the_scores(cls):
    recorder = Propagated()
    search = small(cls).set_callbacks(recorder).fit(X, Y)
    assert_same_results(search, small(cls).fit(X, Y))
    epochs = [c for c in recorder.ended if c.estimator_name == "MLPClassifier"]
    epochs = [c for c in epochs if c.source_task_name is None]
    if cls in BY_EPOCHS:
        n_epochs = search.n_epochs_
        assert n_epochs == search.cv_results_["epochs_trained"].sum()
    else:
        n_epochs = epochs_of(search).sum() * search.n_splits_
    assert len(epochs) == n_epochs + search.best_estimator_.n_iter_
    begun, ended = ([path(c) for c in t] for t in (recorder.begun, recorder.ended))
    assert len(set(begun)) == len(begun)
    assert sorted(begun) == sorted(ended)


@every_search
def test_hooks_are_told_the_sample_weights(cls):
    recorder, weight = Recorder(), np.linspace(1, 2, 150)
    small(cls).set_callbacks(recorder).fit(X, Y, sample_weight=weight)
    pairs = list(zip(recorder.begun, recorder.metadata, strict=True))
    for name in ("candidate-split-evaluation", "refit-with-best-params"):
        given = [metadata for task, metadata in pairs if task.task_name == name]
        assert given
        assert all("sample_weight" in metadata for metadata in given)


@pytest.mark.parametrize("n_jobs", [None, 2])
@every_search
def test_the_progress_bar_comes_to_its_end(cls, n_jobs, capsys, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "200")
    small(cls, n_jobs=n_jobs).set_callbacks(callback.ProgressBar()).fit(X, Y)
    printed = capsys.readouterr().out
    assert f"{cls.__name__} - fit" in printed
    assert "100%" in printed
    assert not re.search(r"\b[0-9]{1,2}%", printed)


@pytest.mark.parametrize("pipeline", [False, True])
@every_search
def test_the_progress_bar_grows_with_every_score(cls, pipeline, monkeypatch):
    pytest.importorskip("rich")
    from sklearn.callback._progressbar import RichProgressMonitor

    progress, original = [], RichProgressMonitor._on_task_end

    def record(self, task_info):
        original(self, task_info)
        progress.append(self.root_rich_task.progress)

    monkeypatch.setattr(RichProgressMonitor, "_on_task_end", record)
    estimator = make_pipeline(StandardScaler(), mlp()) if pipeline else mlp()
    bar = callback.ProgressBar(max_propagation_depth=0)
    small(cls, estimator).set_callbacks(bar).fit(X, Y)
    assert np.all(np.diff(progress) >= -1e-12)
    assert progress[-1] == 1.0
    assert len(set(np.round(progress, 9))) > 6


@pytest.mark.parametrize("n_jobs", [None, 2])
@every_search
def test_a_scoring_monitor_of_the_mlp_logs_every_epoch_of_the_search(cls, n_jobs):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    estimator = mlp().set_callbacks(monitor)
    search = small(cls, estimator, n_jobs=n_jobs).fit(X, Y)
    logs = monitor.get_logs()
    rows = [row for log in np.atleast_1d(logs) for row in log.data]
    epochs = [row for row in rows if row["task_name"] != "fit"]
    if cls in BY_EPOCHS:
        n_epochs = search.n_epochs_
    else:
        n_epochs = epochs_of(search).sum() * search.n_splits_
    assert len(epochs) == n_epochs + search.best_estimator_.n_iter_
    assert all(0 <= row["accuracy"] <= 1 for row in epochs)


@every_search
def test_callbacks_are_torn_down_after_an_error(cls):
    recorder = Recorder()
    space = {"alpha": [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0]}
    search = small(cls, space=space).set_callbacks(recorder)
    with pytest.raises(ValueError, match="fits failed"):
        search.fit(X, Y)
    assert recorder.setups == recorder.teardowns == 1
    assert len(recorder.begun) >= len(recorder.ended) > 0


@every_search
def test_callbacks_change_no_number(cls):
    plain = small(cls).fit(X, Y)
    watched = small(cls).set_callbacks(Recorder(), Propagated()).fit(X, Y)
    assert_same_results(watched, plain)
