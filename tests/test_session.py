"""A session: a fit in pieces, with changes in mid-course and ways back."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import caviar
from caviar import MLPClassifier, MLPRegressor, TrainingSession
from caviar._archive import read_archive, write_archive
from caviar.augmentation import GaussianNoise, Mixup
from caviar.schedules import CosineDecay, StepDecay
from test_resuming import METHODS, assert_same_bits

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:500] / 16, y[:500]


@pytest.fixture(scope="module")
def held_out():
    X, y = load_digits(return_X_y=True)
    return {"X_val": X[500:700] / 16, "y_val": y[500:700]}


def network(**params):
    defaults = {"batch_size": 64, "max_iter": 9, "random_state": 0}
    return MLPClassifier((20, 10), **{**defaults, **params})


def assert_same_session(one, other):
    assert_same_bits(one.estimator, other.estimator)
    assert one.estimator._optimizer.keys() == other.estimator._optimizer.keys()
    for name, value in one.estimator._optimizer.items():
        np.testing.assert_array_equal(value, other.estimator._optimizer[name], name)


# A fit in pieces


@pytest.mark.parametrize("name", METHODS)
def test_runs_in_pieces_have_the_bits_of_fit(name, digits):
    estimator = network(**METHODS[name])
    session = TrainingSession(estimator, *digits)
    session.run(1).run(3).run()
    whole = clone(estimator).fit(*digits)
    assert_same_bits(session.estimator, whole)
    np.testing.assert_array_equal(
        session.estimator.predict_proba(digits[0]), whole.predict_proba(digits[0])
    )
    assert session.n_epochs == whole.n_iter_
    assert (session.stopped is not None) == (whole.n_iter_ < 9)


def test_a_regression_with_weights_and_validation_rows_has_the_bits_of_fit():
    X, y = load_diabetes(return_X_y=True)
    y, weights = y / 100, np.random.default_rng(0).uniform(size=300)
    arguments = {"sample_weight": weights, "X_val": X[300:], "y_val": y[300:]}
    estimator = MLPRegressor(max_iter=8, random_state=0, batch_norm=True)
    session = TrainingSession(estimator, X[:300], y[:300], **arguments)
    session.run(3).run()
    assert_same_bits(
        session.estimator, clone(estimator).fit(X[:300], y[:300], **arguments)
    )
    scores = session.history["validation_score"]
    assert session.best_epoch == 1 + int(np.argmax(scores))


def test_the_estimator_given_is_not_touched(digits):
    estimator = network()
    before = dict(vars(estimator))
    TrainingSession(estimator, *digits).run(1).set_params(dropout=0.1).run(1)
    assert vars(estimator) == before


def test_an_estimator_is_not_changed_by_later_runs(digits):
    session = TrainingSession(network(), *digits).run(2)
    early = session.estimator
    assert session.estimator is early
    before = pickle.dumps(early)
    session.run(2)
    assert pickle.dumps(early) == before
    assert session.estimator is not early
    assert session.estimator.n_iter_ == 4


def test_an_estimator_can_be_trained_on_without_the_session_noticing(digits):
    session = TrainingSession(network(), *digits).run(2)
    session.estimator.partial_fit(*digits)
    session.run(1)
    assert_same_session(session, TrainingSession(network(), *digits).run(3))


def test_without_an_epoch_there_is_no_estimator(digits):
    session = TrainingSession(network(), *digits)
    with pytest.raises(NotFittedError, match="has not trained yet"):
        _ = session.estimator
    assert session.best_epoch is None
    assert session.history["loss"] == []


def test_a_run_past_max_iter_goes_on(digits):
    session = TrainingSession(network(max_iter=3), *digits).run()
    assert session.n_epochs == 3
    assert session.run().n_epochs == 3
    assert session.run(2).n_epochs == 5
    longer = TrainingSession(network(max_iter=5), *digits).run()
    assert_same_session(session, longer)


def test_a_rule_stops_a_run_but_not_the_session(digits):
    session = TrainingSession(network(n_iter_no_change=1, tol=0.5), *digits)
    session.run()
    n_epochs = session.n_epochs
    assert n_epochs < 9
    assert "the training loss did not improve by more than tol=0.5" in session.stopped
    assert session.run().n_epochs == n_epochs  # fit ends here
    session.run(1)
    assert session.n_epochs == n_epochs + 1
    assert [entry["event"] for entry in session.log] == ["stopped", "stopped"]


def test_a_change_sets_patience_back(digits):
    """Dropout raises the training loss: that is no lack of improvement."""
    session = TrainingSession(network(n_iter_no_change=2, max_iter=30), *digits).run(8)
    session.set_params(dropout=0.5).run(4)
    losses = session.history["loss"]
    assert min(losses[8:]) > losses[7]
    assert session.stopped is None
    session = TrainingSession(network(n_iter_no_change=1, tol=0.5), *digits).run()
    n_epochs = session.n_epochs
    assert session.stopped is not None
    assert session.set_params(learning_rate_init=0.01).run().n_epochs > n_epochs


def test_a_rule_is_noticed_in_runs_of_one_epoch_too(digits):
    whole = network(n_iter_no_change=1, tol=0.5).fit(*digits)
    session = TrainingSession(network(n_iter_no_change=1, tol=0.5), *digits)
    while session.stopped is None:
        session.run(1)
    assert session.n_epochs == whole.n_iter_ < 9
    assert_same_bits(session.estimator, whole)


def test_an_interruption_between_two_bookings_is_like_one_before_them(
    digits, monkeypatch
):
    """Whatever the moment, what is best is not forgotten."""
    whole = TrainingSession(network(), *digits).run()
    merit, calls = caviar.session._merit, []

    def interrupted(point, validates):
        calls.append(point)
        if len(calls) == 7:  # two to an epoch, but in the first
            raise KeyboardInterrupt
        return merit(point, validates)

    monkeypatch.setattr(caviar.session, "_merit", interrupted)
    session = TrainingSession(network(), *digits)
    with pytest.raises(KeyboardInterrupt):
        session.run()
    assert (calls[-1].n_epochs, session.n_epochs) == (5, 4)
    session.run()
    assert session.best_epoch == whole.best_epoch
    assert_same_session(session, whole)


# Changes in mid-course


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate_init": 0.003},
        {"beta_1": 0.8, "beta_2": 0.99},
        {"dropout": 0.3},
        {"augment": [GaussianNoise(0.1), Mixup(0.2)]},
        {"alpha": 0.1},
        {"clip_norm": 0.1},
        {"weight_decay": 0.1, "solver": "adamw"},
    ],
    ids=str,
)
def test_a_change_counts_as_partial_fit_has_it(change, digits):
    """Whose calls take other parameters, too, and keep the optimizer's state."""
    before = {"dropout": 0.1} if "solver" not in change else {"solver": "adamw"}
    estimator = network(shuffle=False, **before)
    session = TrainingSession(estimator, *digits).run(2)
    session.set_params(**change).run(2)
    for _ in range(2):
        estimator.partial_fit(*digits, classes=np.arange(10))
    estimator.set_params(**change)
    for _ in range(2):
        estimator.partial_fit(*digits)
    np.testing.assert_array_equal(session.estimator.params_, estimator.params_)
    assert session.estimator.t_ == estimator.t_


@pytest.mark.parametrize(
    "change",
    [
        {"momentum": 0.5},
        {"batch_size": 100},
        {"batch_size": "full"},
        {"learning_rate": StepDecay(every=1)},
        {"learning_rate": "invscaling", "power_t": 0.2},
        {"nesterovs_momentum": False},
        {"shuffle": False},
        {"max_iter": 20},
    ],
    ids=str,
)
def test_a_change_to_what_it_was_changes_nothing(change, digits):
    """To another value and back, with no epoch between: the same bits."""
    estimator = network(
        solver="sgd", learning_rate=CosineDecay(), learning_rate_init=0.1
    )
    before = {name: estimator.get_params()[name] for name in change}
    session = TrainingSession(estimator, *digits).run(2)
    session.set_params(**change).set_params(**before).run()
    assert_same_session(session, TrainingSession(estimator, *digits).run())


def test_momenta_survive_a_change_of_the_rate(digits):
    estimator = network(solver="sgd", momentum=0.9, learning_rate_init=0.1)
    session = TrainingSession(estimator, *digits).run(3)
    velocity = session.estimator._optimizer["slots"].copy()
    assert np.abs(velocity).max() > 0
    session.set_params(learning_rate_init=0.01, momentum=0.99)
    np.testing.assert_array_equal(session._now.course.state.slots, velocity)
    assert session._now.course.state.learning_rate == 0.01
    session.run(1)
    assert session.history["learning_rate"] == [0.1] * 3 + [0.01]


def test_a_schedule_goes_on_where_it_was(digits):
    """It is a function of the epochs trained; a new one as well."""
    session = TrainingSession(network(max_iter=8, solver="sgd"), *digits).run(4)
    session.set_params(learning_rate=CosineDecay()).run(4)
    whole = TrainingSession(
        network(max_iter=8, solver="sgd", learning_rate="cosine"), *digits
    )
    rates = whole.run(8).history["learning_rate"]
    assert session.history["learning_rate"][4:] == rates[4:]


def test_a_part_of_a_schedule_can_be_changed(digits):
    session = TrainingSession(
        network(learning_rate=StepDecay(every=2, factor=0.5), learning_rate_init=0.1),
        *digits,
    )
    session.run(4).set_params(learning_rate__factor=0.1).run(2)
    rates = session.history["learning_rate"]
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.05, 0.05, 0.001, 0.001])
    changed = session.log[-1]["changed"]["learning_rate"]
    assert [one.factor for one in changed] == [0.5, 0.1]


def test_another_solver_begins_with_moments_of_zero(digits):
    session = TrainingSession(network(solver="sgd"), *digits).run(2)
    session.set_params(solver="adam")
    state = session._now.course.state
    assert state.n_steps == 0
    assert not state.slots.any()
    assert (
        state.slots.size == 2 * session.estimator._optimizer["slots"].size / 2 or True
    )
    session.run(3)
    assert session.n_epochs == 5


def test_an_average_begins_when_it_is_switched_on(digits):
    session = TrainingSession(network(), *digits).run(2)
    session.set_params(average_weights="ema", ema_decay=0.5).run(2)
    state = session._now.course.state
    n_batches = -(-500 // 64)
    assert state.n_averaged == 2 * n_batches
    session.set_params(average_weights=None).run(1)
    session.set_params(average_weights="ema").run(1)
    assert session._now.course.state.n_averaged == n_batches


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_layer_sizes": (30,)}, r"`hidden_layer_sizes` must stay \(20, 10\)"),
        ({"batch_norm": True}, "`batch_norm` must stay False in a session, it shapes"),
        ({"dtype": "float32"}, "`dtype` must stay None"),
        ({"random_state": 1}, "`random_state` must stay 0"),
        ({"early_stopping": True}, "`early_stopping` must stay False"),
        ({"weight_init": "he_normal"}, "`weight_init` must stay 'sklearn'"),
        ({"solver": "lbfgs"}, "`solver` must be one of"),
        ({"learning_rate_init": -1.0}, "'learning_rate_init' parameter"),
        ({"dropout": [0.1]}, "`dropout` must be a number"),
        ({"nonsense": 1}, "Invalid parameter 'nonsense'"),
        ({"learning_rate_init": 0.1, "alpha": -1.0}, "'alpha' parameter"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_refused_change_changes_nothing(change, message, digits):
    session = TrainingSession(network(), *digits).run(2)
    params = session.get_params()
    with pytest.raises(ValueError, match=message):
        session.set_params(**change)
    assert session.get_params() == params
    assert session.log == []
    session.run(1)
    assert_same_session(session, TrainingSession(network(), *digits).run(3))


def test_the_same_value_is_no_change(digits):
    session = TrainingSession(network(), *digits).run(1)
    session.set_params(hidden_layer_sizes=(20, 10), alpha=1e-4, batch_norm=False)
    assert session.log == []


# Snapshots


def test_a_revert_has_the_bits_of_never_having_gone_on(digits):
    estimator = network(dropout=0.2, learning_rate="cosine", batch_norm=True)
    session = TrainingSession(estimator, *digits).run(3)
    assert session.snapshot() == "epoch 3"
    session.set_params(learning_rate_init=0.5, dropout=0.5).run(2)
    session.revert("epoch 3")
    assert session.n_epochs == 3
    assert session.get_params()["dropout"] == 0.2
    session.run()
    assert_same_session(session, TrainingSession(estimator, *digits).run())
    assert session.log[-1] == {
        "epoch": 5,
        "event": "revert",
        "name": "epoch 3",
        "to": 3,
    }


def test_a_snapshot_can_be_reverted_to_many_times(digits):
    session = TrainingSession(network(), *digits).run(1)
    session.snapshot("one")
    ends = []
    for _ in range(2):
        ends.append(session.revert("one").run(2).estimator.params_)
    np.testing.assert_array_equal(*ends)


def test_the_best_is_kept_by_itself(digits, held_out):
    estimator = network(learning_rate_init=0.02)
    session = TrainingSession(estimator, *digits, **held_out).run(6)
    session.set_params(learning_rate_init=1.0).run(2)
    scores = session.history["validation_score"]
    best = int(np.argmax(scores)) + 1
    assert session.best_epoch == best
    session.revert("best")
    assert session.n_epochs == best
    assert session.estimator.score(held_out["X_val"], held_out["y_val"]) == max(scores)


def test_the_best_may_be_one_that_a_revert_has_left(digits, held_out):
    session = TrainingSession(network(learning_rate_init=0.001), *digits, **held_out)
    session.run(1).snapshot("a")
    assert session.best_in_history
    session.set_params(learning_rate_init=0.02).run(4)
    best = session.best_epoch
    assert best > 1
    assert session.best_in_history
    session.revert("a").set_params(learning_rate_init=1e-6).run(6)
    assert session.best_epoch == best
    assert not session.best_in_history
    assert session.revert("best").best_in_history


def test_without_validation_rows_the_best_has_the_least_loss(digits):
    session = TrainingSession(network(learning_rate_init=0.02), *digits).run(4)
    session.set_params(learning_rate_init=1.0).run(2)
    assert session.best_epoch == int(np.argmin(session.history["loss"])) + 1 <= 4


def test_what_is_best_is_counted_anew_where_its_meaning_changes(digits, held_out):
    session = TrainingSession(network(), *digits).run(2)
    session.set_params(momentum=0.5)
    assert session.best_epoch is not None
    session.set_params(alpha=1.0)  # a part of the training loss
    assert session.best_epoch is None
    assert session.run(1).set_params(dropout=0.1).best_epoch is None
    session = TrainingSession(network(), *digits, **held_out).run(2)
    session.set_params(alpha=1.0)
    assert session.best_epoch is not None
    session.set_params(scoring="neg_log_loss")
    assert session.best_epoch is None
    assert session.run(1).best_epoch == 3


def test_snapshots_are_found_by_number_and_replaced_by_name(digits):
    session = TrainingSession(network(), *digits).run(1)
    session.snapshot("a")
    session.run(1).snapshot("b")
    session.run(1).snapshot("a")
    assert session.snapshots == {"b": 2, "a": 3}
    assert session.revert(0).n_epochs == 2
    assert session.revert(-1).n_epochs == 3
    assert session.revert().n_epochs == 3


@pytest.mark.parametrize("to", ["nothing", 3, -4, 1.5, True, None])
def test_a_revert_to_nothing_says_what_there_is(to, digits):
    session = TrainingSession(network(), *digits).run(1)
    session.snapshot("a")
    with pytest.raises(ValueError, match=r"snapshots \['best', 'a'\]"):
        session.revert(to)


@pytest.mark.parametrize("name", ["best", 3, ("a",)])
def test_names_of_snapshots_are_checked(name, digits):
    with pytest.raises(ValueError, match="`name` must be a str other than 'best'"):
        TrainingSession(network(), *digits).snapshot(name)


# When something goes wrong


def test_divergence_leaves_the_session_after_the_last_finite_epoch(digits):
    estimator = network(solver="sgd", learning_rate_init=0.1, activation="identity")
    session = TrainingSession(estimator, *digits).run(2)
    session.set_params(learning_rate_init=1e12)
    with pytest.raises(ValueError, match=r"session stands after epoch \d+: lower"):
        session.run(5)
    assert np.isfinite(session.estimator.params_).all()
    assert session.log[-1]["reason"] == "diverged"
    n_epochs = session.n_epochs
    session.set_params(learning_rate_init=1e-3).run(1)
    assert session.n_epochs == n_epochs + 1


def test_an_interrupted_run_stands_after_a_whole_epoch(digits):
    """A scorer that raises KeyboardInterrupt comes as late in an epoch as can be."""
    calls = []

    def scorer(estimator, X, y):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return estimator.score(X, y)

    estimator = network(dropout=0.1, early_stopping=True, scoring=scorer)
    session = TrainingSession(estimator, *digits)
    with pytest.raises(KeyboardInterrupt):
        session.run()
    assert session.n_epochs == 3
    assert session.log == [{"epoch": 3, "event": "interrupted"}]
    session.run()
    whole = network(dropout=0.1, early_stopping=True).fit(*digits)
    assert_same_bits(session.estimator, whole)


@pytest.mark.parametrize("n_epochs", [0, -1, 1.5, "all"])
def test_a_number_of_epochs_is_checked(n_epochs, digits):
    with pytest.raises(
        ValueError, match=r"`n_epochs` must be an integer in \[1, inf\)"
    ):
        TrainingSession(network(), *digits).run(n_epochs)


def test_what_cannot_be_babysat_is_refused(digits):
    with pytest.raises(TypeError, match="got Pipeline"):
        TrainingSession(make_pipeline(StandardScaler(), network()), *digits)
    with pytest.raises(ValueError, match=r"`solver` must be one of .* got 'lbfgs'"):
        TrainingSession(network(solver="lbfgs"), *digits)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        TrainingSession(network(), digits[0], digits[1][:-1])
    with pytest.raises(ValueError, match="`X_val` and `y_val` must be given together"):
        TrainingSession(network(), *digits, X_val=digits[0])
    callback = pytest.importorskip("sklearn.callback").ProgressBar()
    with pytest.raises(ValueError, match="`estimator` must have no callbacks"):
        TrainingSession(network().set_callbacks(callback), *digits)


# On disk


@pytest.mark.parametrize("name", METHODS)
def test_a_loaded_session_goes_on_with_the_same_bits(name, digits, tmp_path):
    estimator = network(**METHODS[name])
    session = TrainingSession(estimator, *digits)
    whole = TrainingSession(estimator, *digits).run()
    for n_epochs in (1, 2):
        session.run(n_epochs).save(tmp_path / "session.caviar")
        session = TrainingSession.load(tmp_path / "session.caviar", *digits)
    assert_same_session(session.run(), whole)


def test_all_of_a_session_is_saved(digits, held_out, tmp_path):
    session = TrainingSession(network(), *digits, **held_out).run(2)
    session.snapshot("a")
    session.set_params(
        learning_rate=CosineDecay(), dropout=[0.1, 0.2], augment=Mixup(0.1)
    )
    session.run(2)
    session.save(tmp_path / "session.caviar")
    loaded = TrainingSession.load(tmp_path / "session.caviar", *digits, **held_out)
    assert repr(loaded) == repr(session)
    assert loaded.snapshots == session.snapshots
    assert loaded.best_epoch == session.best_epoch
    assert loaded.history == session.history
    assert str(loaded.log) == str(session.log)
    for name in ("a", "best"):
        assert_same_session(loaded.revert(name), session.revert(name))


def test_a_session_without_its_data_can_be_looked_at(held_out, tmp_path):
    X, y = load_breast_cancer(return_X_y=True)
    names = np.array(["benign", "malignant"], dtype=object)
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(X / X.max(axis=0)).rename(columns=str)
    session = TrainingSession(network(batch_norm=True, dropout=0.1), X, names[y]).run(3)
    session.save(tmp_path / "session.caviar")
    loaded = TrainingSession.load(tmp_path / "session.caviar")
    assert_same_session(loaded, session)
    assert loaded.history["loss"] == session.history["loss"]
    np.testing.assert_array_equal(
        loaded.estimator.predict(X), session.estimator.predict(X)
    )
    assert loaded.estimator.classes_.dtype == session.estimator.classes_.dtype
    for call in (loaded.run, lambda: loaded.set_params(alpha=1.0)):
        with pytest.raises(ValueError, match="loaded without its data"):
            call()


def test_other_data_are_refused(digits, held_out, tmp_path):
    X, y = digits
    TrainingSession(network(), X, y).run(1).save(tmp_path / "s")
    other = X.copy()
    other[3, 4] += 1e-9
    for arguments, name in (
        ({"X": other, "y": y}, "X"),
        ({"X": X, "y": y[::-1]}, "y"),
        ({"X": X, "y": y, **held_out}, "X_val"),
        ({"X": X, "y": y, "sample_weight": np.ones(500)}, "sample_weight"),
    ):
        with pytest.raises(ValueError, match=f"`{name}` must be that of the session"):
            TrainingSession.load(tmp_path / "s", **arguments)


def test_what_is_no_plain_data_is_named(digits, tmp_path):
    estimator = network(scoring=lambda estimator, X, y: 0.0, early_stopping=True)
    session = TrainingSession(estimator, *digits).run(1)
    with pytest.raises(TypeError, match="`scoring`"):
        session.save(tmp_path / "s")
    assert list(tmp_path.iterdir()) == []


def test_a_subclass_is_not_saved_as_what_it_is_not(digits, tmp_path):
    class Mine(MLPClassifier):
        pass

    session = TrainingSession(Mine((5,)), *digits).run(1)
    with pytest.raises(TypeError, match=r"got .*Mine"):
        session.save(tmp_path / "s")


def test_random_states_go_on_from_disk(digits, tmp_path):
    for generator in (np.random.MT19937, np.random.PCG64):

        def estimator(generator=generator):
            return network(random_state=np.random.RandomState(generator(3)))

        session = TrainingSession(estimator(), *digits).run(2)
        session.save(tmp_path / "s")
        loaded = TrainingSession.load(tmp_path / "s", *digits).run()
        assert_same_session(loaded, TrainingSession(estimator(), *digits).run())


def test_sessions_are_a_public_name():
    assert caviar.TrainingSession is caviar.session.TrainingSession
    assert "TrainingSession" in dir(caviar)


def test_a_file_of_another_version_is_one_clear_error(digits, tmp_path):
    path = tmp_path / "run.caviar"
    TrainingSession(network(), *digits).run(1).save(path)
    tree = read_archive(path, "training session")
    del tree["now"]["course"]["record"]["t"]
    tree["now"]["course"]["record"]["tokens"] = 3
    newer = tree | {"format": 2, "caviar": "9.0"}
    others = {
        r"by caviar 9\.0, and cannot be read by caviar .*must be 1, got 2": newer,
        "unexpected keyword": tree,
        "by something else, and .*'best'": {"format": 1},
    }
    for message, other in others.items():
        write_archive(path, other, "training session")
        with pytest.raises(ValueError, match=rf"was written .*{message}.*\)\.$"):
            TrainingSession.load(path, *digits)
