"""Averages, schedules, clipping, validation and history in whole trainings."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, make_regression
from sklearn.metrics import balanced_accuracy_score, log_loss, make_scorer
from sklearn.model_selection import train_test_split

import reference
from caviar import MLPClassifier, MLPRegressor, _layout, _training, schedules
from caviar.augmentation import GaussianNoise, Mixup, RandomAffine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_digits(return_X_y=True)
X = X / 16
X_TRAIN, X_TEST, Y_TRAIN, Y_TEST = train_test_split(X[:600], Y[:600], random_state=0)
SMALL = dict(hidden_layer_sizes=(16, 12), max_iter=6, tol=0, random_state=0)


def classifier(**params):
    return MLPClassifier(**(SMALL | params))


def partial_fits(n, **params):
    """The estimator after each of n calls of partial_fit, unshuffled."""
    clf = classifier(shuffle=False, **params)
    for _ in range(n):
        clf.partial_fit(X_TRAIN, Y_TRAIN, classes=np.unique(Y_TRAIN))
        yield clf


# -- averages of the weights -----------------------------------------------------------


def test_swa_is_the_mean_of_the_weights_at_the_ends_of_epochs():
    plain = [clf.params_.copy() for clf in partial_fits(6)]
    averaged = classifier(shuffle=False, average_weights="swa", swa_start=2)
    averaged.fit(X_TRAIN, Y_TRAIN)
    np.testing.assert_allclose(averaged.params_, np.mean(plain[2:], axis=0), rtol=1e-9)
    share = clone(averaged).set_params(swa_start=0.5).fit(X_TRAIN, Y_TRAIN)
    np.testing.assert_allclose(share.params_, np.mean(plain[3:], axis=0), rtol=1e-9)


def test_ema_is_the_bias_corrected_average_over_steps():
    options = dict(batch_size="full", ema_decay=0.8)  # one step per epoch
    plain = [clf.params_.copy() for clf in partial_fits(6, **options)]
    averaged = classifier(shuffle=False, average_weights="ema", **options)
    averaged.fit(X_TRAIN, Y_TRAIN)
    shares = 0.8 ** np.arange(6)[::-1]
    expected = np.tensordot(shares / shares.sum(), plain, axes=1)
    np.testing.assert_allclose(averaged.params_, expected, rtol=1e-9)


def statistics_of_batches(clf, X, y, batch_size):
    """The mean over unshuffled batches, each weighing its rows, for its weights."""
    mode = clf._network["batch_norm"]
    plan = _layout.make_plan(clf._network["layer_units"], mode)
    net = reference.Network(
        plan.coefs(clf.params_), plan.intercepts(clf.params_), "relu", "softmax", mode
    )
    net.gammas, net.betas = plan.gammas(clf.params_), plan.betas(clf.params_)
    stats, sizes = [], []
    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size)
        *_, means, variances = net.loss_and_gradients(X[rows], y[rows])
        stats.append(np.concatenate(means + variances))
        sizes.append(len(X[rows]))
    return np.average(stats, axis=0, weights=sizes)


CHANGES_OF_ROWS = {
    "ema": dict(average_weights="ema"),
    "swa": dict(average_weights="swa", swa_start=0),
    "dropout": dict(dropout=0.3),
    "input_dropout": dict(input_dropout=0.3),
    "dropconnect": dict(dropconnect=0.3),
    "noise": dict(augment=GaussianNoise(0.5)),
    "warp and ema": dict(
        augment=RandomAffine((8, 8), rotation=20), average_weights="ema"
    ),
}


@pytest.mark.parametrize("mode", ["pre", "post"])
@pytest.mark.parametrize("change", CHANGES_OF_ROWS)
def test_prediction_normalizes_by_rows_as_it_sees_them(change, mode):
    """Not by running averages over other weights, or over rows that were changed."""
    options = dict(shuffle=False, batch_norm=mode, batch_size=100)
    clf = classifier(**options, **CHANGES_OF_ROWS[change]).fit(X[:600], Y[:600])
    expected = statistics_of_batches(clf, X[:600], Y[:600], 100)
    np.testing.assert_allclose(clf.stats_, expected, rtol=1e-9, atol=1e-12)


def test_statistics_are_of_rows_that_weigh_something(monkeypatch):
    monkeypatch.setattr(_training, "STATISTICS_ROWS", 100)
    options = dict(shuffle=False, batch_norm=True, batch_size=100, dropout=0.2)
    weights = np.repeat([0.0, 1.0], 300)
    clf = classifier(**options).fit(X[:600], Y[:600], weights)
    expected = statistics_of_batches(clf, X[300:400], Y[300:400], 100)
    np.testing.assert_allclose(clf.stats_, expected, rtol=1e-9, atol=1e-12)


def test_few_rows_are_normalized_by_running_averages():
    clf = classifier(shuffle=False, batch_norm=True, dropout=0.3, max_iter=1)
    for start in range(0, 600, 100):
        rows = slice(start, start + 100)
        clf.partial_fit(X[rows], Y[rows], classes=np.arange(10))
    last = statistics_of_batches(clf, X[rows], Y[rows], 100)
    assert not np.allclose(clf.stats_, last)
    assert clf._optimizer["stats"] is None


def test_mixed_rows_are_normalized_by_mixed_rows():
    """Mixing shrinks variances and softens targets: both or neither."""
    options = dict(shuffle=False, batch_norm=True, batch_size=100)
    clf = classifier(**options, augment=[Mixup(2.0), GaussianNoise(0.5)])
    clf.fit(X[:600], Y[:600])
    plain = statistics_of_batches(clf, X[:600], Y[:600], 100)
    variances = slice(len(plain) // 2, len(plain) // 2 + 16)  # of the first layer
    assert np.all(clf.stats_[variances] < 0.9 * plain[variances])


@pytest.mark.parametrize("kind", [None, "ema", "swa"])
def test_partial_fit_goes_on_from_what_is_trained_not_from_what_predicts(kind):
    options = dict(average_weights=kind, swa_start=1, batch_norm=True, dropout=0.2)
    options |= dict(shuffle=False, augment=[Mixup(), GaussianNoise()])
    rows, steps = slice(600), classifier(**options)
    for _ in range(6):
        steps.partial_fit(X[rows], Y[rows], classes=np.arange(10))
        steps = pickle.loads(pickle.dumps(steps))
    whole = classifier(**options).fit(X[rows], Y[rows])
    np.testing.assert_array_equal(steps.params_, whole.params_)
    np.testing.assert_array_equal(steps.stats_, whole.stats_)


def test_another_average_begins_with_the_weights_that_are_trained():
    *_, clf = partial_fits(3, average_weights="ema", ema_decay=0.9)
    trained = clf._optimizer["params"].copy()
    clf.set_params(average_weights="swa", swa_start=0, learning_rate_init=1e-300)
    clf.partial_fit(X_TRAIN, Y_TRAIN)
    np.testing.assert_array_equal(clf.params_, trained)


# -- schedules -------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop", "adagrad", "nadam"])
def test_a_schedule_sets_the_rate_of_each_step(solver):
    """Two steps an epoch: a schedule of constants is a training with those rates."""
    rates = schedules.PiecewiseConstant((1, 2), (1.0, 0.5, 0.1))
    scheduled = classifier(
        solver=solver, learning_rate=rates, max_iter=3, shuffle=False
    ).fit(X_TRAIN, Y_TRAIN)
    by_hand = classifier(solver=solver, max_iter=3, shuffle=False)
    for factor in (1.0, 0.5, 0.1):
        by_hand.set_params(learning_rate_init=0.001 * factor)
        by_hand.partial_fit(X_TRAIN, Y_TRAIN, classes=np.unique(Y_TRAIN))
    np.testing.assert_array_equal(scheduled.params_, by_hand.params_)
    np.testing.assert_allclose(
        scheduled.history_["learning_rate"], [0.001, 0.0005, 0.0001]
    )


def test_a_function_is_a_schedule_and_sees_fractions_of_epochs():
    seen = []

    def halve(progress, n_epochs):
        seen.append((progress.copy(), n_epochs))
        return 0.5**progress

    clf = classifier(learning_rate=halve, batch_size=150).fit(X_TRAIN, Y_TRAIN)
    progress = np.concatenate([p.ravel() for p, _ in seen])
    np.testing.assert_allclose(progress, np.arange(18) / 3)
    assert {n for _, n in seen} == {6}
    np.testing.assert_allclose(clf.learning_rate_, 0.001 * 0.5 ** (17 / 3))


@pytest.mark.parametrize("name", schedules.NAMES)
def test_partial_fit_goes_on_along_a_schedule(name):
    *_, steps = partial_fits(6, learning_rate=name, batch_norm=True)
    whole = classifier(shuffle=False, learning_rate=name, batch_norm=True)
    whole.fit(X_TRAIN, Y_TRAIN)
    np.testing.assert_array_equal(steps.params_, whole.params_)
    rates = whole.history_["learning_rate"]
    assert rates == steps.history_["learning_rate"] and len(set(rates)) > 1 - (
        name == "step"
    )


# -- clipping --------------------------------------------------------------------------


def test_clipped_steps_of_sgd_are_no_longer_than_the_rate_times_the_norm():
    options = dict(solver="sgd", momentum=0, alpha=0, batch_size="full", max_iter=1)
    free = classifier(learning_rate_init=0.5, **options).fit(X_TRAIN, Y_TRAIN)
    norm = free.history_["gradient_norm"][0]
    clipped = classifier(learning_rate_init=0.5, clip_norm=norm / 4, **options)
    clipped.fit(X_TRAIN, Y_TRAIN)
    assert clipped.history_["gradient_norm"] == [norm]
    first = classifier(learning_rate_init=1e-300, **options).fit(X_TRAIN, Y_TRAIN)
    step = free.params_ - first.params_
    np.testing.assert_allclose(np.linalg.norm(step), 0.5 * norm, rtol=1e-9)
    np.testing.assert_allclose(clipped.params_ - first.params_, step / 4, atol=1e-12)


def test_a_norm_that_is_never_reached_changes_nothing():
    free, clipped = (
        classifier(clip_norm=norm).fit(X_TRAIN, Y_TRAIN) for norm in (None, 1e6)
    )
    np.testing.assert_array_equal(free.params_, clipped.params_)


# -- validation ------------------------------------------------------------------------


@pytest.mark.parametrize("is_sparse", [False, True])
def test_validation_loss_and_score_are_those_of_the_epochs_network(is_sparse):
    seen = []

    def scorer(estimator, X, y):
        p = estimator.predict_proba(X)
        seen.append((log_loss(y, p), estimator.score(X, y)))
        return seen[-1][1]

    X_val = sparse.csr_array(X_TEST) if is_sparse else X_TEST
    clf = classifier(scoring=scorer, label_smoothing=0.1, batch_norm=True)
    clf.fit(X_TRAIN, Y_TRAIN, X_val=X_val, y_val=Y_TEST)
    np.testing.assert_allclose(clf.history_["validation_loss"], [s[0] for s in seen])
    assert clf.history_["validation_score"] == [s[1] for s in seen]
    plain = clone(clf).set_params(scoring=None)
    plain.fit(X_TRAIN, Y_TRAIN, X_val=X_val, y_val=Y_TEST)
    np.testing.assert_allclose(plain.validation_scores_, clf.validation_scores_)
    assert len({len(values) for values in clf.history_.values()}) == 1
    assert clf.history_["epoch"] == [1, 2, 3, 4, 5, 6]
    assert clf.history_["loss"] == clf.loss_curve_


def test_validation_rows_change_nothing_of_a_training_without_early_stopping():
    plain = classifier(dropout=0.2).fit(X_TRAIN, Y_TRAIN)
    watched = classifier(dropout=0.2).fit(X_TRAIN, Y_TRAIN, X_val=X_TEST, y_val=Y_TEST)
    np.testing.assert_array_equal(plain.params_, watched.params_)
    assert plain.loss_curve_ == watched.loss_curve_


@pytest.mark.parametrize("average", [None, "ema", "swa"])
@pytest.mark.parametrize(
    "scoring", [None, "loss", "neg_log_loss", make_scorer(balanced_accuracy_score)]
)
def test_early_stopping_restores_weights_statistics_and_epoch_of_the_best(
    scoring, average
):
    clf = classifier(
        scoring=scoring,
        early_stopping=True,
        average_weights=average,
        swa_start=1,
        batch_norm=True,
        learning_rate_init=0.1,
        max_iter=15,
    ).fit(X_TRAIN, Y_TRAIN, X_val=X_TEST, y_val=Y_TEST)
    scores = clf.history_["validation_score"]
    best = int(np.argmax(scores))
    assert clf.best_validation_score_ == scores[best]
    assert clf.best_epoch_ == best + 1
    np.testing.assert_allclose(
        log_loss(Y_TEST, clf.predict_proba(X_TEST)),
        clf.history_["validation_loss"][best],
    )


def test_validation_weights_count():
    weights = np.random.RandomState(0).randint(0, 3, len(Y_TEST)).astype(float)
    repeated = np.repeat(np.arange(len(Y_TEST)), weights.astype(int))
    by_weight, by_copies = classifier(), classifier()
    by_weight.fit(
        X_TRAIN, Y_TRAIN, X_val=X_TEST, y_val=Y_TEST, sample_weight_val=weights
    )
    by_copies.fit(X_TRAIN, Y_TRAIN, X_val=X_TEST[repeated], y_val=Y_TEST[repeated])
    for name in ("validation_loss", "validation_score"):
        np.testing.assert_allclose(by_weight.history_[name], by_copies.history_[name])


@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "huber", "quantile", "poisson"]
)
def test_validation_loss_of_the_training_rows_is_the_training_loss(loss):
    X, y = make_regression(100, 5, random_state=0)
    y = np.abs(y / 50) if loss == "poisson" else y / 50
    reg = MLPRegressor(
        loss, (8,), alpha=0, batch_size="full", max_iter=4, tol=0, random_state=0
    )
    reg.fit(X, y, X_val=X, y_val=y)
    # Of the weights after an epoch, which are those that the next one begins with.
    np.testing.assert_allclose(
        reg.history_["validation_loss"][:-1], reg.history_["loss"][1:], rtol=1e-9
    )


@pytest.mark.parametrize("loss", ["log_loss", "focal", "hinge"])
@pytest.mark.parametrize("target", ["binary", "multiclass", "multilabel"])
def test_validation_loss_of_the_training_rows_is_that_of_each_classifier(loss, target):
    y = {
        "binary": Y_TRAIN > 4,
        "multiclass": Y_TRAIN,
        "multilabel": np.column_stack([Y_TRAIN > 4, Y_TRAIN % 2 == 0]).astype(int),
    }[target]
    clf = classifier(loss=loss, alpha=0, batch_size="full")
    clf.fit(X_TRAIN, y, X_val=X_TRAIN, y_val=y)
    np.testing.assert_allclose(
        clf.history_["validation_loss"][:-1], clf.history_["loss"][1:], rtol=1e-9
    )
    assert clf.history_["validation_score"][-1] == clf.score(X_TRAIN, y)


@pytest.mark.parametrize("target", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("balanced", [False, True])
def test_class_weights_count_in_the_validation_loss_as_in_training(target, balanced):
    y, weights = {
        "binary": (Y_TRAIN > 7, {False: 1.0, True: 3.0}),
        "multiclass": (Y_TRAIN, dict(enumerate(np.linspace(0.5, 2, 10)))),
        "multilabel": (
            np.column_stack([Y_TRAIN > 4, Y_TRAIN % 2 == 0]).astype(int),
            [{0: 1.0, 1: 2.0}, {0: 1.0, 1: 0.5}],
        ),
    }[target]
    sample_weight = np.random.RandomState(0).uniform(size=len(y))
    clf = classifier(
        class_weight="balanced" if balanced else weights, alpha=0, batch_size="full"
    )
    held_out = dict(X_val=X_TRAIN, y_val=y, sample_weight_val=sample_weight)
    clf.fit(X_TRAIN, y, sample_weight, **held_out)
    np.testing.assert_allclose(
        clf.history_["validation_loss"][:-1], clf.history_["loss"][1:], rtol=1e-9
    )
    score = clf.score(X_TRAIN, y, sample_weight)
    np.testing.assert_allclose(clf.history_["validation_score"][-1], score)


def test_history_goes_on_with_partial_fit_and_warm_start():
    *_, clf = partial_fits(3)
    assert clf.history_["epoch"] == [1, 2, 3]
    clf.set_params(warm_start=True, max_iter=2).fit(X_TRAIN, Y_TRAIN)
    assert clf.history_["epoch"] == [1, 2, 3, 4, 5]
    assert all(seconds > 0 for seconds in clf.history_["seconds"])
    clf.set_params(warm_start=False).fit(X_TRAIN, Y_TRAIN)
    assert clf.history_["epoch"] == [1, 2]


def test_lbfgs_has_a_history_of_its_iterations():
    clf = classifier(solver="lbfgs", batch_norm=True, dropout=0).fit(X_TRAIN, Y_TRAIN)
    assert clf.history_["epoch"] == list(range(1, clf.n_iter_ + 1))
    assert clf.history_["loss"][-1] == clf.loss_


def test_lbfgs_keeps_nothing_of_a_fit_by_another_solver():
    clf = classifier(early_stopping=True).fit(X_TRAIN, Y_TRAIN)
    clf.set_params(solver="lbfgs").fit(X_TRAIN, Y_TRAIN)
    fresh = classifier(early_stopping=True, solver="lbfgs").fit(X_TRAIN, Y_TRAIN)
    assert vars(clf).keys() == vars(fresh).keys()
    assert clf.history_["epoch"] == fresh.history_["epoch"]


# -- classes ---------------------------------------------------------------------------


def test_class_weights_are_sample_weights():
    weights = {c: 1.0 + c for c in range(10)}
    by_class = classifier(class_weight=weights, dropout=0.1).fit(X_TRAIN, Y_TRAIN)
    by_row = classifier(dropout=0.1).fit(X_TRAIN, Y_TRAIN, 1.0 + Y_TRAIN)
    np.testing.assert_array_equal(by_class.params_, by_row.params_)


def test_balanced_classes_have_the_same_weight_in_all():
    rows = (Y_TRAIN < 2) & (np.arange(len(Y_TRAIN)) % 3 > Y_TRAIN)
    X, y = X_TRAIN[rows], Y_TRAIN[rows]
    by_class = classifier(class_weight="balanced").fit(X, y)
    counts = np.bincount(y)
    by_row = classifier().fit(X, y, (len(y) / (2 * counts))[y])
    np.testing.assert_array_equal(by_class.params_, by_row.params_)


def test_balanced_counts_a_weight_of_two_as_two_rows():
    weights = 1.0 + (np.arange(len(Y_TRAIN)) % 2)
    rows = np.repeat(np.arange(len(Y_TRAIN)), weights.astype(int))
    options = dict(class_weight="balanced", solver="lbfgs", max_iter=3)
    weighted = classifier(**options).fit(X_TRAIN, Y_TRAIN, weights)
    repeated = classifier(**options).fit(X_TRAIN[rows], Y_TRAIN[rows])
    np.testing.assert_allclose(weighted.coefs_[0], repeated.coefs_[0], rtol=1e-6)
