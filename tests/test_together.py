"""All parameters together: random combinations of them, and what holds for each.

Those that make no sense must be refused by name; all the others must train.
"""

import functools
import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

import reference
from caviar import MLPClassifier, MLPRegressor, _network
from caviar import augmentation as aug
from combinations import (
    CLASSIFIER_CHOICES,
    N_ROWS,
    REGRESSOR_CHOICES,
    Case,
    draw,
    senseless,
)

pytestmark = pytest.mark.filterwarnings("ignore")

N_CASES = 360


@functools.cache
def fitted(seed):
    """Not to be changed."""
    return draw(seed).fit()


ALL = range(N_CASES)
SENSIBLE = [seed for seed in ALL if not senseless(draw(seed))]
STOCHASTIC = [s for s in SENSIBLE if draw(s).estimator.solver != "lbfgs"]
every_case = pytest.mark.parametrize("seed", SENSIBLE)
every_stochastic_case = pytest.mark.parametrize("seed", STOCHASTIC)


def incremental(case, **changes):
    """The estimator as partial_fit takes it."""
    estimator = clone(case.estimator).set_params(early_stopping=False, **changes)
    if getattr(estimator, "class_weight", None) == "balanced":
        estimator.set_params(class_weight=None)
    return estimator


def state(estimator):
    """All that further training depends on, as bytes."""
    own = estimator._optimizer
    arrays = [estimator.params_, estimator.stats_]
    names = ("slots", "params", "stats")  # of which some may be None
    arrays += [own[name] for name in names if own[name] is not None]
    numbers = [own[name] for name in sorted(own) if name.startswith("n_")]
    return [a.tobytes() for a in arrays], numbers, own["momenta"], own["learning_rate"]


def history(estimator):
    timeless = {k: v for k, v in estimator.history_.items() if k != "seconds"}
    return repr(timeless)  # where NaN equals NaN


# -- what is drawn ---------------------------------------------------------------------


def test_every_constructor_parameter_is_drawn():
    for cls, choices in (
        (MLPClassifier, CLASSIFIER_CHOICES),
        (MLPRegressor, REGRESSOR_CHOICES),
    ):
        drawn = {*choices, "learning_rate_init", "random_state"}
        assert drawn == set(cls().get_params())


def test_every_value_of_every_parameter_is_in_a_case_that_trains():
    seen = {"X": set(), "weights": set(), "held_out": set(), "kind": set()}
    for case in map(draw, SENSIBLE):
        for name, value in case.estimator.get_params(deep=False).items():
            seen.setdefault(name, set()).add(repr(value))
        seen["kind"].add(case.kind)
        seen["X"].add((sparse.issparse(case.X), case.X.dtype))
        seen["weights"].add(
            None
            if case.sample_weight is None
            else bool(np.any(case.sample_weight == 0))
        )
        seen["held_out"].add((len(case.held_out), case.estimator.early_stopping))
    for name, values in (CLASSIFIER_CHOICES | REGRESSOR_CHOICES).items():
        for value in values:
            if value in ("one for each layer", "several", "by class", 40):
                continue
            assert repr(value) in seen[name], (name, value)
    assert len(seen["kind"]) == 5 and len(seen["X"]) == 4
    assert len(seen["weights"]) == 3 and len(seen["held_out"]) == 4
    for name, kind in (("activation", "["), ("dropout", "["), ("augment", "[")):
        assert any(value.startswith(kind) for value in seen[name])


@pytest.mark.parametrize("seed", sorted(set(ALL) - set(SENSIBLE)))
def test_a_senseless_combination_is_refused_by_name(seed):
    case = draw(seed)
    with pytest.raises(ValueError, match=f"`({'|'.join(senseless(case))})` must"):
        case.fit()


# -- gradients -------------------------------------------------------------------------


class Problem:
    """The loss of all rows of a case as a function of the weights, in float64.

    The random draws are those of one step, so that it is one function.
    """

    KINKED = {"relu", "leaky_relu", "elu", "selu"}  # in the value or in the slope
    STEPWISE = {"absolute_error", "quantile", "softmax_hinge", "logistic_hinge"}

    def __init__(self, case):
        estimator = clone(case.estimator).set_params(
            dtype="float64", early_stopping=False
        )
        if estimator.batch_size != "full":
            estimator.set_params(batch_size=N_ROWS)
        self.training = estimator._prepare(
            case.X, case.y, case.sample_weight, (None,) * 3, False, False
        )
        self.plan, self.first = self.training.plan, self.training.state.params
        self.hyper = self.training.hyperparameters()
        self.weights = self.training.data.weights
        self.weight_sum = N_ROWS if self.weights is None else self.weights.sum()
        names = estimator.activation
        n_hidden = len(self.plan.layers) - 1
        self.names = [names] * n_hidden if isinstance(names, str) else names

    def loss_gradient(self, params):
        state, grads = self.training.state, np.full_like(params, np.nan)
        loss = _network.loss_gradient(
            self.plan,
            params,
            grads,
            state.stats,
            state.work,
            self.training.data,
            self.training.rows,
            float(self.weight_sum),
            self.hyper,
            step=5,
        )
        return loss, grads

    def piece(self):
        """Between which kinks the weights of the last call lie.

        Units of piecewise activations are told by their signs; losses that are linear in
        pieces by their gradient, which is constant in each; Huber's by which residuals
        are large.
        """
        plan, work, parts = self.plan, self.training.state.work, []
        for layer, name in zip(plan.layers[:-1], self.names, strict=True):
            if name in self.KINKED:
                start = layer["z" if plan.batch_norm == "post" else "h"]
                parts.append(np.sign(work[start : start + N_ROWS * layer["fan_out"]]))
        last, loss = plan.layers[-1], self.training.objective.loss
        start, n_outputs = last["h"], last["fan_out"]
        slopes = work[start : start + N_ROWS * n_outputs].reshape(N_ROWS, -1)
        if loss in self.STEPWISE:
            parts.append(slopes)
        if loss == "huber":
            share = reference.shares(self.weights, N_ROWS)
            most = self.training.objective.parameter * share
            parts.append(np.abs(slopes) > 0.999999 * most)
        return [part.tobytes() for part in parts]

    def numeric_gradient(self, params, h=2e-6):
        """Central differences of 4th order; NaN where they reach across a kink."""
        self.loss_gradient(params)
        here, numeric = self.piece(), np.empty_like(params)
        for p in range(params.size):
            values, pieces = [], []
            for step in (-2, -1, 1, 2):
                moved = params.copy()
                moved[p] += step * h
                values.append(self.loss_gradient(moved)[0])
                pieces.append(self.piece())
            first, second, third, fourth = values
            numeric[p] = (first - 8 * second + 8 * third - fourth) / (12 * h)
            if any(piece != here for piece in pieces):
                numeric[p] = np.nan
        # scikit-learn's squared error: the value averages over outputs.
        is_mean = self.training.objective.loss == "squared_error"
        return numeric * (self.plan.layer_units[-1] if is_mean else 1)


@every_case
def test_gradient_with_frozen_draws_is_that_of_finite_differences(seed):
    """Relative error of the whole gradient at most 1e-7.

    Left out are the entries whose differences reach across a kink (`Problem.piece`):
    never more than a quarter of them.
    """
    problem = Problem(draw(seed))
    rng = np.random.RandomState(seed)
    params = problem.first + 0.1 * rng.standard_normal(problem.first.size)
    loss, gradient = problem.loss_gradient(params)
    assert np.isfinite(loss)
    numeric = problem.numeric_gradient(params)
    smooth = np.isfinite(numeric)
    assert smooth.mean() > 0.75
    error = np.linalg.norm((gradient - numeric)[smooth])
    assert error <= 1e-7 * np.linalg.norm(numeric[smooth])


# -- training --------------------------------------------------------------------------


@every_case
def test_every_number_of_a_fitted_estimator_is_finite(seed):
    case, estimator = draw(seed), fitted(seed)
    for vector in state(estimator)[0]:
        assert np.isfinite(np.frombuffer(vector, estimator.params_.dtype)).all()
    dtype = case.estimator.dtype or case.X.dtype
    assert estimator.params_.dtype == dtype
    watched = bool(case.held_out) or estimator.early_stopping
    if estimator.solver == "lbfgs":
        for name in ("validation_loss", "validation_score"):
            assert np.isnan(estimator.history_[name]).all()
        names = ["loss"]
    else:
        names = ["loss", "learning_rate", "gradient_norm", "seconds"]
        names += ["validation_loss", "validation_score"] * watched
    for name in names:
        values = estimator.history_[name]
        assert np.isfinite(values).all(), name
        assert len(values) == estimator.n_iter_
    assert np.isfinite(outputs(estimator, case.X)).all()


def outputs(estimator, X):
    """The network's: probabilities, margins or values."""
    for name in ("predict_proba", "decision_function", "predict"):
        if hasattr(estimator, name):
            return getattr(estimator, name)(X)


@every_case
def test_the_loss_of_the_training_rows_falls(seed):
    """Weighted as in training, but without smoothing, draws and penalties, and from the
    first weights to the last."""
    case = draw(seed)
    if case.estimator.solver == "lbfgs":
        problem = Problem(case)
        first = problem.loss_gradient(problem.first)[0]
        assert case.fit(max_iter=30, max_fun=1000).loss_ < first
        return
    watched = Case(
        case.kind,
        clone(case.estimator).set_params(early_stopping=False, verbose=False),
        case.X,
        case.y,
        case.sample_weight,
        dict(X_val=case.X, y_val=case.y, sample_weight_val=case.sample_weight),
    )
    unmoved = watched.fit(learning_rate_init=1e-300, max_iter=4, swa_start=0)
    trained = watched.fit(max_iter=150, n_iter_no_change=np.inf)
    losses = trained.history_["validation_loss"]
    assert losses[-1] < unmoved.history_["validation_loss"][-1]


@every_case
def test_a_clone_trains_to_the_same_bits(seed):
    again, estimator = draw(seed).fit(), fitted(seed)
    assert state(again) == state(estimator)
    assert history(again) == history(estimator)


@every_case
def test_a_pickle_predicts_the_same_bits_and_trains_on_alike(seed):
    case, estimator = draw(seed), fitted(seed)
    copies = [pickle.loads(pickle.dumps(estimator)) for _ in range(2)]
    for name in ("predict", "predict_proba", "decision_function"):
        if hasattr(estimator, name):
            expected = getattr(estimator, name)(case.X)
            np.testing.assert_array_equal(getattr(copies[0], name)(case.X), expected)
    assert history(copies[0]) == history(estimator)
    copies.append(pickle.loads(pickle.dumps(copies[0])))
    for copied in copies[1:]:
        copied.fit(case.X, case.y, case.sample_weight, **case.held_out)
    assert state(copies[1]) == state(copies[2])
    n_epochs = len(copies[1].history_["epoch"])
    assert (n_epochs > estimator.n_iter_) == estimator.warm_start or (
        n_epochs == estimator.n_iter_
    )
    if estimator.warm_start:
        assert n_epochs == estimator.n_iter_ + copies[1].n_iter_


@every_stochastic_case
def test_partial_fit_goes_on_from_a_pickle_with_the_same_bits(seed):
    case = draw(seed)
    whole, cut = incremental(case), incremental(case)
    for epoch in range(4):
        case.partial_fit(whole)
        if epoch == 2:
            cut = pickle.loads(pickle.dumps(cut))
        case.partial_fit(cut)
    assert state(cut) == state(whole)
    assert history(cut) == history(whole)


@every_stochastic_case
def test_fit_is_as_many_calls_of_partial_fit(seed):
    case = draw(seed)
    options = dict(shuffle=False, max_iter=4, n_iter_no_change=np.inf)
    whole, steps = incremental(case, **options), incremental(case, **options)
    whole.fit(case.X, case.y, case.sample_weight, **case.held_out)
    for _ in range(4):
        case.partial_fit(steps)
    assert state(steps) == state(whole)
    assert history(steps) == history(whole)


KEPT = "hidden_layer_sizes activation dropout batch_norm loss random_state".split()


@pytest.mark.parametrize("seed", STOCHASTIC[:-1])
def test_partial_fit_goes_on_with_other_parameters(seed):
    """Those of the next case, with another solver, schedule, average and augmentation."""
    case, kinds = draw(seed), type(draw(seed).estimator)
    following = (draw(s) for s in STOCHASTIC[STOCHASTIC.index(seed) + 1 :])
    other = next((c for c in following if isinstance(c.estimator, kinds)), None)
    changed = {} if other is None else incremental(other).get_params(deep=False)
    changed |= {name: getattr(case.estimator, name) for name in KEPT}
    changed.pop("class_weight", None)  # of other classes
    if senseless(Case(**vars(case) | {"estimator": kinds(**changed)})):
        changed |= dict(augment=None, input_dropout=0.0, batch_size=20)
        changed |= {"label_smoothing": 0.0} if "label_smoothing" in changed else {}
    estimator = incremental(case)
    for _ in range(2):
        case.partial_fit(estimator)
    again = pickle.loads(pickle.dumps(estimator.set_params(**changed)))
    for _ in range(2):
        case.partial_fit(estimator), case.partial_fit(again)
    assert state(again) == state(estimator)
    assert history(again) == history(estimator)
    assert np.isfinite(outputs(estimator, case.X)).all()


@every_case
def test_predictions_are_a_plain_forward_pass_over_coefs_and_intercepts(seed):
    case, estimator = draw(seed), fitted(seed)
    X = np.float64(case.X.toarray() if sparse.issparse(case.X) else case.X)
    coefs = [np.float64(w) for w in estimator.coefs_]
    intercepts = [np.float64(b) for b in estimator.intercepts_]
    names = estimator.activation
    names = [names] * (len(coefs) - 1) if isinstance(names, str) else names
    a = X
    for w, b, name in zip(coefs[:-1], intercepts[:-1], names, strict=True):
        a = reference.ACTIVATIONS[name](a @ w + b)
    z = a @ coefs[-1] + intercepts[-1]
    hinges = getattr(estimator, "loss", None) == "hinge"
    if case.kind == "multiclass":
        expected = z if hinges else reference.softmax(z)
        labels = estimator.classes_[z.argmax(axis=1)]
    elif case.kind in ("binary", "multilabel"):
        expected = z if hinges else reference.ACTIVATIONS["logistic"](z)
        labels = (z > 0).astype(int)
        if case.kind == "binary":
            labels = np.array(["no", "yes"])[labels.ravel()]
            expected = np.c_[1 - expected, expected] if not hinges else z.ravel()
    else:
        expected = np.exp(z) if estimator.loss == "poisson" else z
        expected = labels = expected.ravel() if case.kind == "regression" else expected
    tolerance = 1e-12 if estimator.params_.dtype == np.float64 else 2e-5
    got = outputs(estimator, case.X)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
    if isinstance(estimator, MLPClassifier):
        sure = np.sort(z, axis=1)
        gaps = sure[:, -1] - sure[:, -2] if case.kind == "multiclass" else np.abs(z)
        sure = (gaps.reshape(N_ROWS, -1) > 1e-4).all(axis=1)
        assert sure.mean() > 0.9
        np.testing.assert_array_equal(estimator.predict(case.X)[sure], labels[sure])


@pytest.mark.parametrize(
    "seed", [s for s in STOCHASTIC if draw(s).estimator.early_stopping]
)
def test_early_stopping_keeps_the_best_epoch(seed):
    case, estimator = draw(seed), fitted(seed)
    scores = estimator.history_["validation_score"]
    assert scores == estimator.validation_scores_
    assert estimator.best_validation_score_ == max(scores)
    assert estimator.best_epoch_ == scores.index(max(scores)) + 1
    if case.held_out and case.estimator.scoring is None:
        score = estimator.score(*(case.held_out[n] for n in case.held_out))
        assert score == pytest.approx(max(scores), rel=1e-5, abs=1e-5)


# -- threads ---------------------------------------------------------------------------

EVERYTHING = dict(
    hidden_layer_sizes=(1024, 520),  # the products of 512 rows are cut into tiles
    batch_size=512,
    max_iter=2,
    random_state=0,
    dropout=[0.2, 0.5],
    input_dropout=0.1,
    dropconnect=0.1,
    clip_norm=1.0,
    learning_rate="one_cycle",
)


@pytest.mark.parametrize(
    "cls, params",
    [
        (
            MLPClassifier,
            dict(
                activation=["gelu", "selu"],
                solver="nadam",
                batch_norm="pre",
                label_smoothing=0.1,
                class_weight="balanced",
                augment=[aug.CutMix((20, 40)), aug.RandomAffine((20, 40))],
                average_weights="ema",
            ),
        ),
        (
            MLPClassifier,
            dict(
                activation=["mish", "elu"],
                solver="sgd",
                batch_norm="post",
                loss="hinge",
                augment=[aug.Mixup(), aug.GaussianNoise()],
                average_weights="swa",
                early_stopping=True,
                scoring="loss",
                dtype="float32",
            ),
        ),
        (
            MLPRegressor,
            dict(
                activation=["silu", "leaky_relu"],
                solver="rmsprop",
                loss="huber",
                huber_delta=0.5,
                weight_init="he_normal",
                dtype="float32",
            ),
        ),
    ],
)
def test_two_threads_give_the_bits_of_one(cls, params):
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((1100, 800)), rng.randint(0, 3, 1100)
    weights = rng.randint(0, 3, 1100).astype(float)
    one, two = (cls(**EVERYTHING | params, n_jobs=n).fit(X, y, weights) for n in (1, 2))
    assert state(one) == state(two)
    assert history(one) == history(two)
