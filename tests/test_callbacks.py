"""scikit-learn's fit callbacks: one task per epoch, and hooks that see the truth."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from caviar import MLPClassifier, MLPRegressor

callback = pytest.importorskip(
    "sklearn.callback", reason="callbacks came with scikit-learn 1.9"
)

pytestmark = pytest.mark.filterwarnings(
    "default", "ignore::sklearn.exceptions.ConvergenceWarning"
)

CLASSES = [MLPClassifier, MLPRegressor]
STOCHASTIC = ["sgd", "adam", "rmsprop", "adagrad", "adamw", "nadam"]
SOLVERS = ["lbfgs", *STOCHASTIC]


class Recorder:
    """Keeps what every hook is given; asks to stop after a number of subtasks."""

    def __init__(self, stop_after=None, fail_after=None):
        self.stop_after, self.fail_after = stop_after, fail_after
        self.setups = self.teardowns = 0
        self.begun, self.ended = [], []

    def setup(self, estimator, context):
        self.setups += 1

    def teardown(self, estimator, context):
        self.teardowns += 1

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.begun.append(dict(context=context, X=X, y=y, metadata=metadata))

    def on_fit_task_end(
        self,
        estimator,
        context,
        *,
        X=None,
        y=None,
        metadata=None,
        fitted_estimator=None,
    ):
        self.ended.append(
            dict(context=context, X=X, y=y, metadata=metadata, fitted=fitted_estimator)
        )
        n_subtasks = len(self.subtasks())
        if self.fail_after == n_subtasks:
            raise RuntimeError("the hook failed")
        return n_subtasks == self.stop_after

    def subtasks(self):
        return [task for task in self.ended if task["context"].parent is not None]

    def roots(self):
        return [task for task in self.ended if task["context"].parent is None]


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), np.array(["se", "ve", "vi"])[y]


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), scale(y)


@pytest.fixture
def data(request, iris, diabetes):
    return lambda cls: iris if cls is MLPClassifier else diabetes


def small(cls, **params):
    defaults = dict(
        hidden_layer_sizes=(10,),
        batch_norm=True,
        batch_size=32,
        learning_rate_init=0.01,
        max_iter=8,
        random_state=0,
    )
    return cls(**defaults | params)


def output(estimator, X):
    """Return what the network says, bit for bit comparable."""
    method = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
    return getattr(estimator, method)(X)


# -- tasks -----------------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("cls", CLASSES)
def test_there_is_one_task_per_epoch_or_lbfgs_iteration(
    cls, solver, early_stopping, data
):
    recorder = Recorder()
    model = small(cls, solver=solver, early_stopping=early_stopping)
    model.set_callbacks(recorder).fit(*data(cls))
    assert len(recorder.subtasks()) == model.n_iter_
    ids = [task["context"].task_id for task in recorder.subtasks()]
    assert ids == list(range(model.n_iter_))
    assert len(recorder.roots()) == 1
    assert recorder.ended[-1] is recorder.roots()[0]
    assert len(recorder.begun) == len(recorder.ended)
    assert (recorder.setups, recorder.teardowns) == (1, 1)


def test_the_root_task_announces_max_iter_and_epochs_are_leaves(iris):
    recorder = Recorder()
    small(MLPClassifier, max_iter=5).set_callbacks(recorder).fit(*iris)
    root = recorder.roots()[0]["context"]
    assert root.estimator_name == "MLPClassifier"
    assert (root.task_name, root.max_subtasks) == ("fit", 5)
    assert {task["context"].max_subtasks for task in recorder.subtasks()} == {0}


def test_a_training_that_stops_by_itself_has_fewer_tasks_than_max_iter(iris):
    recorder = Recorder()
    model = small(MLPClassifier, max_iter=500, tol=0.1, n_iter_no_change=3)
    model.set_callbacks(recorder).fit(*iris)
    assert model.n_iter_ < 500
    assert len(recorder.subtasks()) == model.n_iter_


def test_every_warm_start_has_its_own_tasks(iris):
    recorder = Recorder()
    model = small(MLPClassifier, warm_start=True, max_iter=3).set_callbacks(recorder)
    model.fit(*iris).fit(*iris)
    assert (recorder.setups, recorder.teardowns, len(recorder.roots())) == (2, 2, 2)
    assert len(recorder.subtasks()) == 6


def test_partial_fit_works_with_callbacks_set(iris):
    X, y = iris
    recorder = Recorder()
    model = small(MLPClassifier).set_callbacks(recorder)
    plain = small(MLPClassifier)
    for estimator in (model, plain):
        estimator.partial_fit(X, y, classes=np.unique(y))
        estimator.partial_fit(X, y)
    assert recorder.setups == recorder.teardowns
    np.testing.assert_array_equal(model.params_, plain.params_)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("cls", CLASSES)
def test_watching_does_not_change_the_result(cls, solver, data):
    X, y = data(cls)
    plain = small(cls, solver=solver).fit(X, y)
    watched = small(cls, solver=solver).set_callbacks(Recorder()).fit(X, y)
    assert watched.params_.tobytes() == plain.params_.tobytes()
    assert watched.stats_.tobytes() == plain.stats_.tobytes()
    assert watched.n_iter_ == plain.n_iter_


def test_nothing_of_the_callbacks_but_their_list_stays_on_the_estimator(iris):
    plain = small(MLPClassifier).fit(*iris)
    watched = small(MLPClassifier).set_callbacks(Recorder()).fit(*iris)
    assert set(vars(watched)) - set(vars(plain)) == {"_skl_callbacks"}


# -- stopping --------------------------------------------------------------------------


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("cls", CLASSES)
def test_a_hook_that_returns_true_stops_training_there(cls, solver, batch_norm, data):
    X, y = data(cls)
    model = small(cls, solver=solver, batch_norm=batch_norm, max_iter=50)
    model.set_callbacks(Recorder(stop_after=3)).fit(X, y)
    assert model.n_iter_ == 3
    expected = small(cls, solver=solver, batch_norm=batch_norm, max_iter=3).fit(X, y)
    np.testing.assert_allclose(
        output(model, X), output(expected, X), rtol=1e-12, atol=1e-14
    )
    if solver != "lbfgs":
        assert model.loss_curve_ == expected.loss_curve_


def test_a_stopped_training_with_early_stopping_keeps_the_best_weights(iris):
    X, y = iris
    params = dict(early_stopping=True, learning_rate_init=0.3, random_state=3)
    stopped = small(MLPClassifier, **params, max_iter=50)
    stopped.set_callbacks(Recorder(stop_after=6)).fit(X, y)
    expected = small(MLPClassifier, **params, max_iter=6).fit(X, y)
    assert stopped.validation_scores_ == expected.validation_scores_
    assert stopped.params_.tobytes() == expected.params_.tobytes()


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_an_error_in_a_hook_is_raised_and_leaves_the_estimator_as_it_was(solver, iris):
    X, y = iris
    recorder = Recorder()
    model = small(MLPClassifier, solver=solver).set_callbacks(recorder).fit(X, y)
    before = {name: id(value) for name, value in vars(model).items()}
    params = model.params_.copy()
    recorder.fail_after = len(recorder.subtasks()) + 2
    with pytest.raises(RuntimeError, match="the hook failed"):
        model.fit(X, y)
    assert recorder.teardowns == 2
    assert {name: id(value) for name, value in vars(model).items()} == before
    np.testing.assert_array_equal(model.params_, params)


def test_a_keyboard_interrupt_in_a_hook_keeps_the_epochs_done(iris):
    X, y = iris

    class Interrupt(Recorder):
        def on_fit_task_end(self, estimator, context):
            if context.task_id == 2 and context.parent is not None:
                raise KeyboardInterrupt

    model = small(MLPClassifier, max_iter=50).set_callbacks(Interrupt())
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 3
    expected = small(MLPClassifier, max_iter=3).fit(X, y)
    assert model.params_.tobytes() == expected.params_.tobytes()
    assert model._skl_callbacks[0].teardowns == 1


# -- what hooks are given --------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("batch_norm", [False, True, "post"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("cls", CLASSES)
def test_the_fitted_estimator_predicts_as_if_fit_had_stopped_there(
    cls, solver, batch_norm, early_stopping, data
):
    X, y = data(cls)
    params = dict(solver=solver, batch_norm=batch_norm, early_stopping=early_stopping)
    recorder = Recorder()
    model = small(cls, **params).set_callbacks(recorder).fit(X, y)
    tasks = recorder.subtasks()
    for k in {0, 3, len(tasks) - 1}:
        expected = small(cls, **params, max_iter=k + 1).fit(X, y)
        fitted = tasks[k]["fitted"]
        assert type(fitted) is cls
        assert fitted is not model
        np.testing.assert_allclose(
            output(fitted, X), output(expected, X), rtol=1e-12, atol=1e-14
        )
        assert fitted.n_iter_ == k + 1
    end = recorder.roots()[0]["fitted"]
    np.testing.assert_array_equal(output(end, X), output(model, X))


def test_the_fitted_estimator_is_not_changed_by_the_epochs_after_it(iris):
    X, y = iris

    class Outputs(Recorder):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            self.ended.append((fitted_estimator, output(fitted_estimator, X)))

    recorder = Outputs()
    small(MLPClassifier).set_callbacks(recorder).fit(X, y)
    assert len(recorder.ended) == 9
    for fitted, at_that_time in recorder.ended:
        np.testing.assert_array_equal(output(fitted, X), at_that_time)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("cls", CLASSES)
def test_hooks_get_the_data_as_passed_and_the_weights_as_metadata(cls, solver, data):
    X, y = data(cls)
    weight = np.random.RandomState(0).rand(len(y))
    recorder = Recorder()
    model = small(cls, solver=solver).set_callbacks(recorder)
    model.fit(X, y, sample_weight=weight)
    for task in recorder.begun + recorder.ended:
        np.testing.assert_array_equal(task["X"], X)
        np.testing.assert_array_equal(task["y"], y)
        assert list(task["metadata"]) == ["sample_weight"]
        np.testing.assert_array_equal(task["metadata"]["sample_weight"], weight)


def test_hooks_get_no_metadata_without_sample_weight(iris):
    recorder = Recorder()
    small(MLPClassifier).set_callbacks(recorder).fit(*iris)
    assert not any(task["metadata"] for task in recorder.begun + recorder.ended)


# -- scikit-learn's own callbacks ------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scoring_monitor_logs_the_score_of_every_epoch(solver, iris):
    X, y = iris
    monitor = callback.ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    model = small(MLPClassifier, solver=solver).set_callbacks(monitor).fit(X, y)
    rows = [row for row in monitor.get_logs().data if len(row["task_id_path"]) == 2]
    assert len(rows) == model.n_iter_
    for k in (0, model.n_iter_ - 1):
        stopped = small(MLPClassifier, solver=solver, max_iter=k + 1).fit(X, y)
        assert rows[k]["accuracy"] == accuracy_score(y, stopped.predict(X))
        loss = log_loss(y, stopped.predict_proba(X))
        assert rows[k]["neg_log_loss"] == pytest.approx(-loss)
    assert rows[-1]["accuracy"] > 0.8


def test_scoring_monitor_weighs_rows_by_sample_weight(iris):
    X, y = iris
    weight = np.random.RandomState(0).rand(len(y))
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    model = small(MLPClassifier).set_callbacks(monitor)
    model.fit(X, y, sample_weight=weight)
    expected = -log_loss(y, model.predict_proba(X), sample_weight=weight)
    rows = [row for row in monitor.get_logs().data if len(row["task_id_path"]) == 2]
    assert rows[-1]["neg_log_loss"] == pytest.approx(expected)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_scoring_monitor_works_inside_a_search(n_jobs):
    X, y = load_breast_cancer(return_X_y=True)
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = small(MLPClassifier, max_iter=4).set_callbacks(monitor)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model),
        {"mlpclassifier__batch_norm": [False, True]},
        cv=3,
        n_jobs=n_jobs,
    )
    search.fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] != "fit"]
    epochs = [row for row in rows if row["estimator_name"] == "MLPClassifier"]
    assert len(epochs) == (2 * 3 + 1) * 4
    assert all(0 <= row["accuracy"] <= 1 for row in epochs)
    assert max(row["accuracy"] for row in epochs) > 0.9


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_progress_bar_works_on_the_estimator(solver, iris, capsys):
    pytest.importorskip("rich")
    model = small(MLPClassifier, solver=solver)
    expected = clone(model).fit(*iris).params_.tobytes()
    model.set_callbacks(callback.ProgressBar()).fit(*iris)
    assert "MLPClassifier - fit" in capsys.readouterr().out
    assert model.params_.tobytes() == expected


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_bar_works_on_a_search_and_goes_down_to_epochs(n_jobs, iris, capsys):
    pytest.importorskip("rich")
    search = GridSearchCV(
        small(MLPClassifier, max_iter=4), {"alpha": [1e-4, 1e-2]}, cv=3, n_jobs=n_jobs
    )
    bar = callback.ProgressBar(max_propagation_depth=None)
    search.set_callbacks(bar).fit(*iris)
    out = capsys.readouterr().out
    assert "GridSearchCV - fit" in out
    assert out.count("MLPClassifier - fit") >= 2 * 3
    assert search.best_score_ > 0.7


def test_a_clone_keeps_the_callbacks(iris):
    recorder = Recorder()
    model = clone(small(MLPClassifier).set_callbacks(recorder))
    model.fit(*iris)
    assert len(recorder.subtasks()) == model.n_iter_


def test_set_callbacks_without_arguments_takes_them_off(iris):
    recorder = Recorder()
    small(MLPClassifier).set_callbacks(recorder).set_callbacks().fit(*iris)
    assert recorder.ended == []
