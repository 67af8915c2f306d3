"""Wrong parameters and senseless combinations of the training methods: one clear error
each, before anything is changed. Beside ``test_bad_input``, for what scikit-learn does
not have.
"""

import re
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import make_scorer

from caviar import MLPClassifier, MLPRegressor, schedules
from caviar.augmentation import CutMix, Cutout, GaussianNoise, Mixup
from refusals import NON_FINITE_WEIGHTS, assert_refused, small, snapshot

pytestmark = pytest.mark.filterwarnings(
    "default", "ignore::sklearn.exceptions.ConvergenceWarning"
)

CLASSES = [MLPClassifier, MLPRegressor]
X, Y = load_iris(return_X_y=True)
LABELS = np.column_stack([Y > 0, Y > 1]).astype(int)
NAN = np.where(X > 7, np.nan, X)


# -- one parameter ---------------------------------------------------------------------

BOTH = [
    ("activation", ["relu", "tanh"]),
    ("activation", ["swish"]),
    ("activation", [["relu"]]),
    ("activation", []),
    ("activation", 5),
    ("weight_init", "zeros"),
    ("weight_init", 1),
    ("init_scale", 0),
    ("init_scale", -1.0),
    ("init_scale", np.inf),
    ("dropout", 1.0),
    ("dropout", -0.1),
    ("dropout", np.nan),
    ("dropout", "half"),
    ("dropout", [0.1, 0.2]),
    ("dropout", [1.0]),
    ("dropout", [np.nan]),
    ("dropout", ["half"]),
    ("dropout", [[0.1]]),
    ("dropout", []),
    ("input_dropout", 1.0),
    ("input_dropout", -0.1),
    ("input_dropout", [0.1]),
    ("dropconnect", 1),
    ("dropconnect", -0.1),
    ("dropconnect", [0.1]),
    ("augment", "mixup"),
    ("augment", 5),
    ("augment", [1]),
    ("augment", Mixup),
    ("augment", [Mixup(), Mixup(0.1)]),
    ("average_weights", "mean"),
    ("average_weights", True),
    ("ema_decay", 0),
    ("ema_decay", 1.0),
    ("ema_decay", np.nan),
    ("swa_start", -1),
    ("swa_start", -0.1),
    ("swa_start", 1.0),
    ("swa_start", "half"),
    ("clip_norm", 0),
    ("clip_norm", -1.0),
    ("clip_norm", np.inf),
    ("clip_norm", "much"),
    ("scoring", "r3"),
    ("scoring", 5),
    ("learning_rate", 0.1),
    ("learning_rate", None),
]
CLASSIFIERS = [
    ("label_smoothing", 1.0),
    ("label_smoothing", -0.1),
    ("label_smoothing", "much"),
    ("class_weight", "auto"),
    ("class_weight", 5),
    ("class_weight", {0: -1.0, 1: 1.0, 2: 1.0}),
    ("class_weight", {0: np.nan, 1: 1.0, 2: 1.0}),
    ("class_weight", {0: np.inf, 1: 1.0, 2: 1.0}),
    ("class_weight", {0: 0.0, 1: 0.0, 2: 0.0}),
    ("class_weight", {0: "much"}),
    ("class_weight", [{0: 1.0}]),
    ("loss", "squared_error"),
    ("loss", None),
    ("focal_gamma", -1.0),
    ("focal_gamma", np.nan),
]
REGRESSORS = [
    ("loss", "hinge"),
    ("huber_delta", 0),
    ("huber_delta", -1.0),
    ("huber_delta", np.nan),
    ("quantile", 0.0),
    ("quantile", 1),
    ("quantile", 1.5),
]
BAD_PARAMETERS = [
    *((cls, *bad) for cls in CLASSES for bad in BOTH),
    *((MLPClassifier, *bad) for bad in CLASSIFIERS),
    *((MLPRegressor, *bad) for bad in REGRESSORS),
]


@pytest.mark.parametrize("cls, name, value", BAD_PARAMETERS)
def test_a_wrong_parameter_is_named_with_its_value_and_changes_nothing(
    cls, name, value
):
    message = rf"['`]{name}['`].*(?s:.*){re.escape(repr(value))}"
    assert_refused(small(cls, **{name: value}), X, Y, message)
    fitted = small(cls, batch_norm=True, dropout=0.1, average_weights="ema").fit(X, Y)
    assert_refused(fitted.set_params(**{name: value}), X, Y, message)
    if name != "activation":  # which prediction needs
        assert np.isfinite(fitted.predict(X)).all()


@pytest.mark.parametrize(
    "augmentation, message",
    [
        (Cutout(), "`image_shape` of Cutout must be .* got None"),
        (CutMix(), "`image_shape` of CutMix must be .* got None"),
        (Cutout((3, 3)), r"n_features=4, got \(3, 3\)"),
        (Mixup(alpha=-1), "`alpha` of Mixup must be .* got -1"),
        (GaussianNoise(std=np.nan), "`std` of GaussianNoise must be .* got nan"),
    ],
)
def test_an_augmentation_out_of_its_range_is_named(augmentation, message):
    for augment in (augmentation, [augmentation]):
        assert_refused(small(MLPClassifier, augment=augment), X, Y, message)


def factors(values):
    return lambda progress, n_epochs: values(progress)


@pytest.mark.parametrize(
    "schedule, message",
    [
        (schedules.CosineDecay, r"`learning_rate` must be an instance.*CosineDecay"),
        (schedules.ExponentialDecay(-1), r"`learning_rate.rate` must be .*got -1"),
        (factors(lambda p: np.full_like(p, np.nan)), "`learning_rate` .*got nan"),
        (factors(lambda p: np.full_like(p, np.inf)), "`learning_rate` .*got inf"),
        (factors(lambda p: 1 - p), r"`learning_rate` .*got -1.0 at progress=2.0"),
        (factors(lambda p: 1.0), r"`learning_rate` .*got float64 of shape \(\)"),
        (factors(lambda p: np.ones(7)), r"`learning_rate` .*shape \(7,\)"),
        (factors(lambda p: None), r"`learning_rate` must return a number"),
    ],
)
@pytest.mark.parametrize("cls", CLASSES)
def test_a_schedule_that_returns_no_rates_is_refused(cls, schedule, message):
    estimator = small(cls, learning_rate=schedule)
    assert_refused(estimator, X, Y, message)
    fitted = small(cls, warm_start=True).fit(X, Y).set_params(learning_rate=schedule)
    assert_refused(fitted, X, Y, message)


def test_an_error_in_a_schedule_is_not_hidden_and_changes_nothing():
    def fails_later(progress, n_epochs):
        if np.max(progress) >= 2:
            raise RuntimeError("no rate for this epoch")
        return np.ones_like(progress)

    # With validation rows each epoch asks for its own rates.
    fitted = small(MLPClassifier, warm_start=True).fit(X, Y)
    fitted.set_params(learning_rate=fails_later, max_iter=5)
    for held_out in ({}, dict(X_val=X, y_val=Y)):
        assert_refused(fitted, X, Y, "no rate for this epoch", RuntimeError, **held_out)


def test_errors_of_parameters_come_before_any_draw():
    generator = np.random.RandomState(0)
    before = generator.get_state()[1].tobytes()
    for name, value in (
        ("dropout", ["half"]),
        ("augment", Cutout()),
        ("learning_rate", schedules.CosineDecay),
        ("class_weight", {0: -1.0}),
    ):
        estimator = small(MLPClassifier, random_state=generator, **{name: value})
        with pytest.raises(ValueError):
            estimator.fit(X, Y)
    assert generator.get_state()[1].tobytes() == before


# -- class weights ---------------------------------------------------------------------


def test_class_weights_of_other_classes_are_refused_as_by_scikit_learn():
    message = r"The classes, \[.*0.*1.*2.*\], are not in class_weight"
    assert_refused(small(MLPClassifier, class_weight={9: 1.0}), X, Y, message)


@pytest.mark.parametrize("weights", [{0: 1.0, 1: 2.0}, [{0: 1.0}], [{0: 1.0}, "much"]])
def test_class_weights_of_labels_are_a_list_of_one_dict_for_each(weights):
    message = "`class_weight` must be 'balanced' or a list of 2 dicts"
    assert_refused(small(MLPClassifier, class_weight=weights), X, LABELS, message)
    small(MLPClassifier, class_weight=[{0: 1.0, 1: 2.0}, {1: 2.0}]).fit(X, LABELS)


def test_class_weights_and_sample_weights_that_leave_nothing_are_refused():
    weights = {0: 1.0, 1: 0.0, 2: 0.0}
    assert_refused(
        small(MLPClassifier, class_weight=weights),
        X,
        Y,
        "`class_weight` must leave some row",
        sample_weight=(Y > 0).astype(float),
    )


@pytest.mark.parametrize("y", [Y, Y > 0, LABELS])
def test_balanced_classes_of_which_one_weighs_nothing_are_no_nan(y):
    """Those rows count for nothing, and the others are balanced."""
    rows = Y > 0
    clf = small(MLPClassifier, class_weight="balanced", shuffle=False, batch_size=50)
    clf.fit(X, y, sample_weight=rows.astype(float))
    assert np.isfinite(clf.params_).all() and np.isfinite(clf.loss_curve_).all()


def test_balanced_class_weights_are_refused_by_partial_fit():
    estimator = small(MLPClassifier, class_weight="balanced")
    extra = dict(method="partial_fit", classes=[0, 1, 2])
    assert_refused(estimator, X, Y, "`class_weight` must .* got 'balanced'", **extra)


# -- combinations ----------------------------------------------------------------------

ONLY_STOCHASTIC = [
    ("dropout", 0.1),
    ("dropout", [0.1]),
    ("input_dropout", 0.1),
    ("dropconnect", 0.1),
    ("augment", Mixup()),
    ("average_weights", "ema"),
    ("average_weights", "swa"),
    ("clip_norm", 1.0),
    ("learning_rate", "cosine"),
    ("learning_rate", schedules.CosineDecay()),
    ("learning_rate", factors(lambda p: p)),
]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("name, value", ONLY_STOCHASTIC)
def test_lbfgs_refuses_what_changes_from_step_to_step(cls, name, value):
    estimator = small(cls, solver="lbfgs", **{name: value})
    shown = re.escape(repr(value))
    assert_refused(estimator, X, Y, f"`{name}` must be .*`solver='lbfgs'`.*got {shown}")
    estimator.set_params(solver="adam").fit(X, Y)


def test_lbfgs_takes_a_dropout_of_zero_in_each_layer():
    options = dict(solver="lbfgs", hidden_layer_sizes=(5, 4))
    listed = small(MLPClassifier, dropout=[0.0, 0.0], **options).fit(X, Y)
    plain = small(MLPClassifier, **options).fit(X, Y)
    np.testing.assert_array_equal(listed.params_, plain.params_)


@pytest.mark.parametrize("cls", CLASSES)
def test_lbfgs_refuses_validation_rows(cls):
    message = r"`X_val` must be None with `solver='lbfgs'`.*\(150, 4\)"
    estimator = small(cls, solver="lbfgs")
    assert_refused(estimator, X, Y, message, X_val=X, y_val=Y)


def test_label_smoothing_with_hinge_is_refused():
    message = "`label_smoothing` must be 0 with `loss='hinge'`.*got 0.1"
    estimator = small(MLPClassifier, loss="hinge", label_smoothing=0.1)
    assert_refused(estimator, X, Y, message)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("start", [3, 40])
def test_an_average_that_starts_after_the_last_epoch_is_refused(cls, start):
    estimator = small(cls, average_weights="swa", swa_start=start)
    message = rf"`swa_start` must be less than `max_iter`.*{start} and max_iter=3"
    assert_refused(estimator, X, Y, message)
    for harmless in (dict(swa_start=2), dict(average_weights=None)):
        small(cls, **dict(average_weights="swa", swa_start=start) | harmless).fit(X, Y)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    "name, value", [("input_dropout", 0.1), ("augment", GaussianNoise())]
)
def test_sparse_rows_are_not_changed(cls, name, value):
    shown = re.escape(repr(value))
    message = rf"`{name}` must be .* sparse X.*got {shown}.*toarray"
    estimator = small(cls, **{name: value})
    assert_refused(estimator, sparse.csr_array(X), Y, message)
    estimator.fit(X, Y)


@pytest.mark.parametrize("cls", CLASSES)
def test_early_stopping_with_validation_rows_is_refused_by_partial_fit(cls):
    extra = dict(classes=[0, 1, 2]) if cls is MLPClassifier else {}
    assert_refused(
        small(cls, early_stopping=True),
        X,
        Y,
        "partial_fit does not support early_stopping=True",
        method="partial_fit",
        X_val=X,
        y_val=Y,
        **extra,
    )


# -- validation rows -------------------------------------------------------------------

WHERE = "`X_val`, `y_val` or `sample_weight_val`: "
BAD_ROWS = [
    (dict(X_val=X), "`X_val` without `y_val`"),
    (dict(y_val=Y), "`y_val` without `X_val`"),
    (dict(sample_weight_val=np.ones(150)), "`sample_weight_val` weighs"),
    (dict(X_val=X[:, :3], y_val=Y), WHERE + "X has 3 features"),
    (dict(X_val=X[:, 0], y_val=Y), WHERE + "Expected 2D array"),
    (dict(X_val=X[:0], y_val=Y[:0]), WHERE + "Found array with 0 sample"),
    (dict(X_val=X, y_val=Y[:-1]), WHERE + r".*\[150, 149\]"),
    (dict(X_val=NAN, y_val=Y), WHERE + "Input X contains NaN"),
    (dict(X_val=sparse.csr_array(NAN), y_val=Y), WHERE + "Input X contains NaN"),
    (dict(X_val=X, y_val=LABELS), "`y_val` must have as many outputs as `y`, 1, got 2"),
    *(
        (dict(X_val=X, y_val=Y, sample_weight_val=weights), WHERE + message)
        for weights, message in (
            (np.ones(149), r"sample_weight.shape == \(149,\)"),
            (np.zeros(150), ".*non-zero"),
            (np.full(150, np.nan), "Input sample_weight contains NaN"),
        )
    ),
]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("held_out, message", BAD_ROWS)
def test_wrong_validation_rows_are_refused_and_said_to_be_those(cls, held_out, message):
    assert_refused(small(cls), X, Y, message, **held_out)
    fitted = small(cls, early_stopping=True, warm_start=True).fit(X, Y)
    assert_refused(fitted, X, Y, message, **held_out)
    fitted.set_params(early_stopping=False)
    assert_refused(fitted, X, Y, message, method="partial_fit", **held_out)


def test_columns_of_another_name_in_validation_rows_are_refused():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd"))
    other = frame.rename(columns={"a": "z"})
    message = WHERE + "The feature names should match"
    assert_refused(small(MLPRegressor), frame, Y, message, X_val=other, y_val=Y)


@pytest.mark.parametrize(
    "y, y_val, unknown",
    [
        (Y, Y + 1, "3"),
        (Y > 0, Y, "2"),
        (Y, np.array(["a", "b", "c"])[Y], "'a' 'b' 'c'"),
        (np.array(["a", "b", "c"])[Y], np.array(["a", "b", "z"])[Y], "'z'"),
        (LABELS, 2 * LABELS, "2"),
    ],
)
def test_classes_that_only_validation_rows_have_are_refused(y, y_val, unknown):
    message = rf"`y_val` must have no other classes than `y`, .*, got \[{unknown}\]"
    assert_refused(small(MLPClassifier), X, y, message, X_val=X, y_val=y_val)


@pytest.mark.parametrize("y_val", [Y, np.column_stack([LABELS, Y > 1])])
@pytest.mark.parametrize("cls", CLASSES)
def test_another_number_of_outputs_in_validation_rows_is_refused(cls, y_val):
    message = "`y_val` must have as many outputs as `y`, 2, got [13]"
    assert_refused(small(cls), X, LABELS, message, X_val=X, y_val=y_val)


def test_labels_of_validation_rows_may_be_sparse():
    held_out = dict(X_val=X, y_val=sparse.csr_array(LABELS))
    lists = small(MLPClassifier).fit(X, LABELS, X_val=X, y_val=LABELS)
    csr = small(MLPClassifier).fit(X, LABELS, **held_out)
    assert csr.validation_scores_ == lists.validation_scores_


def test_validation_targets_are_checked_as_targets_are():
    y = Y.astype(float)
    held_out = dict(X_val=X, y_val=np.where(Y == 1, np.nan, y))
    match = WHERE + "Input y contains NaN"
    assert_refused(small(MLPRegressor), X, y, match, **held_out)
    held_out = dict(X_val=X, y_val=y - 1)
    match = WHERE + "`y` must be non-negative with `loss='poisson'`.*-1.0"
    assert_refused(small(MLPRegressor, loss="poisson"), X, y, match, **held_out)
    held_out = dict(X_val=X, y_val=np.array(["a", "b", "c"])[Y])
    assert_refused(small(MLPRegressor), X, y, WHERE + "could not", **held_out)
    held_out = dict(X_val=X, y_val=Y, sample_weight_val=-np.ones(150))
    match = WHERE + "`sample_weight` must be non-negative with `batch_norm=True`"
    assert_refused(small(MLPClassifier, batch_norm=True), X, Y, match, **held_out)


# -- scoring ---------------------------------------------------------------------------

HELD_OUT = dict(X_val=X, y_val=Y)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("returned", [np.nan, None, "good", np.ones(3), 1j], ids=repr)
def test_a_scorer_that_returns_no_number_is_refused(returned, early_stopping):
    """NaN is no better and no worse: early stopping would end with the first weights."""
    estimator = small(
        MLPClassifier,
        scoring=lambda estimator, X, y: returned,
        early_stopping=early_stopping,
    )
    message = rf"`scoring` must return a number.*got {re.escape(repr(returned))}"
    assert_refused(estimator, X, Y, message, **HELD_OUT)


@pytest.mark.parametrize("returned", [1, True, np.float32(0.5), np.array([0.5])])
def test_whatever_is_a_number_is_a_score(returned):
    estimator = small(MLPClassifier, scoring=lambda estimator, X, y: returned)
    estimator.fit(X, Y, **HELD_OUT)
    assert estimator.validation_scores_ == [float(np.squeeze(returned))] * 3


@pytest.mark.parametrize(
    "scoring, error, message",
    [
        ("f1", ValueError, "Target is multiclass but average='binary'"),
        (lambda e, X, y: e.no_such_method(X), AttributeError, "no_such_method"),
        (lambda e, X, y: 1 / 0, ZeroDivisionError, "division by zero"),
        (lambda e: 1.0, TypeError, "positional argument"),
    ],
)
def test_an_error_of_a_scorer_says_where_it_comes_from(scoring, error, message):
    fitted = small(MLPClassifier, warm_start=True).fit(X, Y)
    fitted.set_params(scoring=scoring)
    assert_refused(fitted, X, Y, message, error, **HELD_OUT)
    with pytest.raises(error) as caught:
        fitted.fit(X, Y, **HELD_OUT)
    assert "`scoring` is called" in caught.value.__notes__[0]


def test_a_scorer_without_weights_is_told_of_them():
    estimator = small(MLPClassifier, scoring=lambda estimator, X, y: 1.0)
    weights = dict(HELD_OUT, sample_weight_val=np.ones(150))
    assert_refused(estimator, X, Y, "sample_weight", TypeError, **weights)
    estimator.fit(X, Y, **HELD_OUT)


def test_hinge_has_margins_and_no_probabilities():
    hinge, log_loss = (
        small(MLPClassifier, loss=loss).fit(X, Y) for loss in ("hinge", "log_loss")
    )
    for estimator, name, advice in (
        (hinge, "predict_proba", "`decision_function`"),
        (hinge, "predict_log_proba", "`decision_function`"),
        (log_loss, "decision_function", "`predict_proba`"),
    ):
        assert not hasattr(estimator, name)
        with pytest.raises(AttributeError, match=name) as error:
            getattr(estimator, name)(X)
        assert advice in str(error.value.__cause__)
    scored = small(MLPClassifier, loss="hinge", scoring="neg_log_loss")
    assert_refused(scored, X, Y, "predict_proba", AttributeError, **HELD_OUT)


# -- divergence ------------------------------------------------------------------------

X_FAR, Y_FAR = load_diabetes(return_X_y=True)
X_FAR, Y_FAR = X_FAR * 100, Y_FAR / 100
METHODS = [
    dict(dropout=0.3),
    dict(input_dropout=0.1, dropconnect=0.2),
    dict(average_weights="ema"),
    dict(average_weights="ema", batch_norm=True, learning_rate_init=1e200),
    dict(average_weights="swa", swa_start=0),
    dict(augment=[Mixup(), GaussianNoise()]),
    dict(clip_norm=1.0),
    dict(loss="huber", clip_norm=1e300, learning_rate_init=1e300),
    dict(loss="absolute_error", learning_rate_init=1e200),
    dict(loss="quantile", activation="gelu", learning_rate_init=1e200),
    dict(learning_rate="cosine", dtype="float32"),
    dict(solver="nadam", learning_rate_init=1e300),
]
SCORINGS = [
    None,
    "loss",
    "neg_mean_squared_error",
    make_scorer(lambda y, p: -np.mean(np.abs(y - p))),
]


def diverging(**params):
    options = dict(solver="sgd", learning_rate_init=1e6, batch_size=32, max_iter=50)
    return small(MLPRegressor, **options | params)


@pytest.mark.parametrize("params", METHODS, ids=repr)
def test_divergence_is_the_same_error_with_every_method(params):
    """With validation rows, too: a scorer is not asked about NaN."""
    fitted = diverging(warm_start=True, learning_rate_init=1e-5, solver="sgd")
    fitted.set_params(**{k: params[k] for k in ("batch_norm", "dtype") if k in params})
    fitted.fit(X_FAR / 100, Y_FAR)
    fitted.set_params(**{"learning_rate_init": 1e6} | params)
    for scoring in SCORINGS:
        held_out = dict(X_val=X_FAR[:50], y_val=Y_FAR[:50]) if scoring else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for estimator in (diverging(**params, scoring=scoring), fitted):
                with pytest.raises(ValueError, match=NON_FINITE_WEIGHTS):
                    before = snapshot(estimator)
                    estimator.fit(X_FAR, Y_FAR, **held_out)
                assert snapshot(estimator) == before
    assert np.isfinite(fitted.predict(X_FAR)).all()


@pytest.mark.parametrize("scoring", SCORINGS)
@pytest.mark.parametrize("params", METHODS, ids=repr)
def test_divergence_with_early_stopping_keeps_finite_weights_and_says_so(
    params, scoring
):
    estimator = diverging(**params, early_stopping=True, scoring=scoring)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X_FAR, Y_FAR)
    messages = [str(w.message) for w in caught if w.category is ConvergenceWarning]
    kept = "Those it began with" if estimator.best_epoch_ is None else "The best ones"
    (message,) = messages
    assert re.match(f"Training diverged: .*no longer finite. {kept}", message)
    assert np.isfinite(estimator.params_).all()
    assert np.isfinite(estimator.stats_).all()
    assert np.isfinite(estimator.predict(X_FAR)).all()
    assert estimator.n_iter_ == len(estimator.history_["epoch"]) < 50


@pytest.mark.parametrize("params", METHODS, ids=repr)
def test_divergence_in_partial_fit_leaves_the_last_good_weights(params):
    good = dict(learning_rate_init=1e-5, solver="sgd")
    estimator = diverging(**params | good).partial_fit(X_FAR / 100, Y_FAR)
    estimator.set_params(**{"learning_rate_init": 1e200} | params)
    estimator.set_params(learning_rate_init=1e300)
    before = snapshot(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=NON_FINITE_WEIGHTS):
            for _ in range(50):
                before = snapshot(estimator)
                estimator.partial_fit(X_FAR, Y_FAR)
    assert snapshot(estimator) == before
    assert np.isfinite(estimator.predict(X_FAR / 100)).all()


@pytest.mark.parametrize("scoring", [None, "neg_mean_squared_error", "loss"])
def test_early_stopping_says_when_no_epoch_could_be_scored(scoring):
    """One validation row whose prediction overflows: every score is NaN, or -inf."""
    estimator = small(
        MLPRegressor, loss="poisson", early_stopping=True, scoring=scoring
    )
    X_val = X.copy()
    X_val[:2] = 1e5 * np.array([[1], [-1]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.warns(ConvergenceWarning, match="No epoch had a finite validation"):
            estimator.fit(X, Y, X_val=X_val, y_val=Y)
    assert estimator.best_epoch_ is None
    assert not np.isfinite(estimator.history_["validation_score"]).any()


# -- a failed fit leaves no trace ------------------------------------------------------


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "params", [{}, dict(average_weights="ema"), dict(early_stopping=True)], ids=repr
)
def test_a_callback_that_fails_at_the_very_end_leaves_the_history_alone(params, method):
    pytest.importorskip("sklearn.callback", reason="callbacks are scikit-learn 1.9's")

    class FailsAtTheEnd:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, **kwargs):
            pass

        def on_fit_task_end(self, estimator, context, **kwargs):
            if context.parent is None:
                raise RuntimeError("the hook failed")

    estimator = small(MLPClassifier, warm_start=True, **params).fit(X, Y)
    if method == "partial_fit":
        estimator.set_params(early_stopping=False)
    estimator.set_callbacks(FailsAtTheEnd())
    assert_refused(estimator, X, Y, "the hook failed", RuntimeError, method=method)
