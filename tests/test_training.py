"""Whole trainings, step by step against tests/reference.py, and what batch norm adds."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning

import reference
from caviar import MLPClassifier, MLPRegressor, _layout, _training

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SOLVERS = ["sgd", "rmsprop", "adagrad", "adam", "adamw", "nadam"]
RNG = np.random.RandomState(0)
X_SMALL = RNG.standard_normal((23, 4))
Y_SMALL = RNG.randint(0, 3, 23)
WEIGHTS = RNG.randint(0, 3, 23).astype(float)


def flat_gradient(net, X, y, weights, alpha):
    """Gradient in the order of params, L2 term of the loss, means and variances."""
    loss, parts, means, variances = net.loss_and_gradients(X, y, weights)
    dcoefs, dgammas, dintercepts, dbetas = parts
    total = len(X) if weights is None else weights.sum()
    dcoefs = [d + alpha / total * w for d, w in zip(dcoefs, net.coefs, strict=True)]
    loss += 0.5 * alpha / total * sum((w**2).sum() for w in net.coefs)
    if net.batch_norm == "pre":
        dintercepts, dbetas = [*dbetas, dintercepts[-1]], []
    flat = [d.ravel() for d in dcoefs + dgammas + dintercepts + dbetas]
    return loss, np.concatenate(flat), np.concatenate(means + variances or [[]])


def train_by_reference(clf, X, y, weights, n_epochs, batches):
    """params, stats and loss curve of ``clf``'s training without shuffling."""
    first = MLPClassifier(**{**clf.get_params(), "learning_rate_init": 1e-300})
    first.partial_fit(X[:2], y[:2], classes=np.unique(y))  # the first weights
    mode = clf._network["batch_norm"]
    plan = _layout.make_plan(clf._network["layer_units"], mode)
    params, slots = first.params_.copy(), [np.zeros(plan.n_params)] * 2
    history, curve, t = [], [], 0
    lr = clf.learning_rate_init
    for epoch in range(n_epochs):
        total = 0.0
        for rows in batches:
            w = None if weights is None else weights[rows]
            if w is not None and not w.any():
                continue
            net = reference.Network(
                plan.coefs(params),
                plan.intercepts(params),
                clf.activation,
                "softmax",
                mode,
                clf.bn_epsilon,
            )
            if mode:
                net.gammas, net.betas = plan.gammas(params), plan.betas(params)
            loss, gradient, stats = flat_gradient(net, X[rows], y[rows], w, clf.alpha)
            t += 1
            decay = np.where(np.arange(plan.n_params) < plan.n_decay, 0.1, 0.0)
            params, slots = reference.optimizer_step(
                clf.solver,
                params,
                slots,
                gradient,
                t,
                lr,
                momentum=clf.momentum,
                nesterov=clf.nesterovs_momentum,
                rho=clf.rho,
                decay=decay if clf.solver == "adamw" else 0.0,
            )
            history.append(stats)
            total += loss * len(rows)
        curve.append(total / len(X))
        if clf.learning_rate == "invscaling" and clf.solver == "sgd":
            lr = clf.learning_rate_init / ((epoch + 1) * len(X) + 1) ** clf.power_t
    decay = clf.bn_momentum ** np.arange(t)[::-1]
    stats = (decay[:, None] * np.array(history)).sum(axis=0) / decay.sum()
    return params, stats, curve


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_norm", [False, True, "post"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_training_takes_the_steps_of_the_formulas(solver, batch_norm, weighted):
    """Batches of 11: the last one has a single row, which joins it under batch norm."""
    clf = MLPClassifier(
        (6, 5),
        "tanh",
        solver=solver,
        batch_norm=batch_norm,
        batch_size=11,
        shuffle=False,
        random_state=3,
        alpha=0.1,
        learning_rate_init=0.05,
        learning_rate="invscaling",
        weight_decay=0.1,
        bn_momentum=0.7,
        max_iter=4,
        tol=0,
    )
    weights = WEIGHTS if weighted else None
    clf.fit(X_SMALL, Y_SMALL, weights)
    rows = np.arange(23)
    ends = [11, 23] if batch_norm else [11, 22, 23]
    batches = np.split(rows, ends[:-1])
    params, stats, curve = train_by_reference(
        clf, X_SMALL, Y_SMALL, weights, 4, batches
    )
    np.testing.assert_allclose(clf.loss_curve_, curve, rtol=1e-10)
    np.testing.assert_allclose(clf.params_, params, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(clf.stats_, stats, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_momentum_and_nesterov(momentum, nesterov):
    clf = MLPClassifier(
        (5,),
        solver="sgd",
        activation="logistic",
        momentum=momentum,
        nesterovs_momentum=nesterov,
        batch_size="full",
        random_state=0,
        learning_rate_init=0.3,
        max_iter=7,
        tol=0,
    ).fit(X_SMALL, Y_SMALL)
    params, _, curve = train_by_reference(
        clf, X_SMALL, Y_SMALL, None, 7, [np.arange(23)]
    )
    np.testing.assert_allclose(clf.loss_curve_, curve, rtol=1e-10)
    np.testing.assert_allclose(clf.params_, params, rtol=1e-8, atol=1e-10)


# The inference network


@pytest.mark.parametrize("dtype, tol", [("float32", 1e-6), ("float64", 1e-12)])
@pytest.mark.parametrize("batch_norm", [False, True, "post"])
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu"])
def test_plain_numpy_over_coefs_and_intercepts_predicts_the_same(
    activation, batch_norm, dtype, tol
):
    X, y = load_digits(return_X_y=True)
    X /= 16
    clf = MLPClassifier(
        (30, 20), activation, batch_norm=batch_norm, dtype=dtype, max_iter=5
    ).fit(X, y)
    X = X.astype(dtype)
    plain = reference.plain_forward(
        X, clf.coefs_, clf.intercepts_, activation, clf.out_activation_
    )
    np.testing.assert_allclose(clf.predict_proba(X), plain, rtol=0, atol=tol)
    labels = (X, y[:, None] % [2, 3] > 0)
    clf.fit(*labels)
    plain = reference.plain_forward(
        X, clf.coefs_, clf.intercepts_, activation, "logistic"
    )
    np.testing.assert_allclose(clf.predict_proba(X), plain, rtol=0, atol=tol)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("batch_norm", [False, True, "post"])
def test_plain_numpy_predicts_the_same_regression(batch_norm, loss):
    X, y = load_iris(return_X_y=True)
    reg = MLPRegressor(loss, (20,), batch_norm=batch_norm, max_iter=30).fit(X, y)
    plain = reference.plain_forward(
        X, reg.coefs_, reg.intercepts_, "relu", reg.out_activation_
    )
    np.testing.assert_allclose(reg.predict(X), plain[:, 0], rtol=1e-12, atol=1e-12)


def test_the_inference_network_is_batch_norm_with_the_running_statistics():
    clf = MLPClassifier((6, 5), batch_norm=True, max_iter=8, bn_epsilon=1e-2)
    clf.fit(X_SMALL, Y_SMALL)
    plan = _layout.make_plan((4, 6, 5, 3), True)
    a = X_SMALL
    means, variances = plan.moments(clf.stats_)
    for i in range(2):
        z = a @ plan.coefs(clf.params_)[i]
        xhat = (z - means[i]) / np.sqrt(variances[i] + 1e-2)
        y = plan.gammas(clf.params_)[i] * xhat + plan.betas(clf.params_)[i]
        a = np.maximum(y, 0)
    z = a @ plan.coefs(clf.params_)[2] + plan.intercepts(clf.params_)[2]
    np.testing.assert_allclose(
        clf.predict_proba(X_SMALL), reference.softmax(z), rtol=1e-10
    )


# Batch normalization with everything else


@pytest.mark.parametrize("batch_norm", [True, "post"])
@pytest.mark.parametrize("solver", [*SOLVERS, "lbfgs"])
def test_batch_norm_learns_with_every_solver(solver, batch_norm):
    X, y = load_digits(return_X_y=True)
    clf = MLPClassifier(
        (32,),
        solver=solver,
        batch_norm=batch_norm,
        learning_rate_init=0.005 if solver == "nadam" else 0.01,
        batch_size=32,
        max_iter=15,
        random_state=0,
    ).fit(X[:1200], y[:1200])
    assert clf.score(X[1200:], y[1200:]) > 0.9


@pytest.mark.parametrize("batch_norm", [True, "post"])
def test_running_statistics_of_lbfgs_are_those_of_all_rows(batch_norm):
    clf = MLPClassifier((6, 5), batch_norm=batch_norm, solver="lbfgs", max_iter=9)
    clf.fit(X_SMALL, Y_SMALL, WEIGHTS)
    plan = _layout.make_plan((4, 6, 5, 3), batch_norm)
    net = reference.Network(
        plan.coefs(clf.params_),
        plan.intercepts(clf.params_),
        "relu",
        "softmax",
        clf._network["batch_norm"],
    )
    net.gammas, net.betas = plan.gammas(clf.params_), plan.betas(clf.params_)
    _, _, means, variances = net.loss_and_gradients(X_SMALL, Y_SMALL, WEIGHTS)
    np.testing.assert_allclose(
        clf.stats_, np.concatenate(means + variances), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_weight_k_equals_k_copies_of_a_row_with_batch_norm(solver):
    options = dict(
        hidden_layer_sizes=(6, 5),
        activation="tanh",
        batch_norm=True,
        solver=solver,
        batch_size="full",
        max_iter=15,
        random_state=0,
        tol=0,
    )
    copies = np.repeat(np.arange(23), WEIGHTS.astype(int))
    weighted = MLPClassifier(**options).fit(X_SMALL, Y_SMALL, WEIGHTS)
    repeated = MLPClassifier(**options).fit(X_SMALL[copies], Y_SMALL[copies])
    np.testing.assert_allclose(weighted.stats_, repeated.stats_, rtol=1e-7)
    np.testing.assert_allclose(
        weighted.predict_proba(X_SMALL), repeated.predict_proba(X_SMALL), rtol=1e-6
    )


@pytest.mark.parametrize("batch_norm", [False, True, "post"])
@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
def test_sparse_rows_train_as_dense_ones(container, batch_norm):
    X, y = load_digits(return_X_y=True)
    clf = MLPClassifier(
        (20,), batch_norm=batch_norm, max_iter=5, random_state=0, early_stopping=True
    )
    dense = clf.fit(X, y).predict_proba(X)
    curve = clf.loss_curve_
    for form in (container(X), container(X).tocsc()):
        clf.fit(form, y)
        np.testing.assert_allclose(clf.loss_curve_, curve, rtol=1e-9)
        np.testing.assert_allclose(clf.predict_proba(form), dense, atol=1e-9)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_early_stopping_scores_its_rows_without_a_copy_of_them(container):
    X = container(RNG.standard_normal((4000, 500)).astype(np.float32))
    y = RNG.randint(0, 3, 4000)
    clf = MLPClassifier(
        (8,), batch_size=32, max_iter=1, early_stopping=True, validation_fraction=0.5
    )
    tracemalloc.start()
    clf.fit(X, y)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    n_bytes = X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes
    assert most < 0.3 * n_bytes  # half of X is held out


@pytest.mark.parametrize("n_rows", [2, 3, 33, 64, 65, 97])
def test_a_last_batch_of_any_size_trains_with_batch_norm(n_rows):
    X, y = load_digits(n_class=2, return_X_y=True)
    clf = MLPClassifier((8,), batch_norm=True, batch_size=32, max_iter=3)
    clf.set_params(batch_size=min(32, n_rows)).fit(X[:n_rows], y[:n_rows])
    assert np.isfinite(clf.params_).all()
    assert np.isfinite(clf.stats_).all()


@pytest.mark.parametrize("batch_norm", [False, True, "post"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_partial_fit_epochs_are_the_epochs_of_fit(dtype, solver, batch_norm):
    X, y = load_iris(return_X_y=True)
    clf = MLPClassifier(
        (8,),
        solver=solver,
        batch_norm=batch_norm,
        dtype=dtype,
        batch_size=32,
        shuffle=False,
        random_state=0,
        max_iter=5,
        tol=0,
    )
    fitted = clf.fit(X, y)
    params, stats, curve = fitted.params_, fitted.stats_, fitted.loss_curve_
    other = MLPClassifier(**clf.get_params())
    for _ in range(5):
        other.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_array_equal(other.params_, params)
    np.testing.assert_array_equal(other.stats_, stats)
    assert other.loss_curve_ == curve


def test_early_stopping_restores_best_weights_and_their_statistics_together():
    X, y = load_digits(return_X_y=True)
    options = dict(
        hidden_layer_sizes=(16,),
        batch_norm=True,
        early_stopping=True,
        n_iter_no_change=4,
        learning_rate_init=0.05,
        random_state=0,
        tol=0,
    )
    clf = MLPClassifier(max_iter=60, **options).fit(X, y)
    best = int(np.argmax(clf.validation_scores_))
    assert best + 1 < clf.n_iter_, "the best epoch must not be the last for this test"
    until_best = MLPClassifier(max_iter=best + 1, **options).fit(X, y)
    np.testing.assert_array_equal(clf.params_, until_best.params_)
    np.testing.assert_array_equal(clf.stats_, until_best.stats_)


@pytest.mark.parametrize("batch_norm", [False, True, "post"])
def test_warm_start_goes_on_from_the_statistics(batch_norm):
    X, y = load_digits(return_X_y=True)
    clf = MLPClassifier(
        (16,), batch_norm=batch_norm, warm_start=True, max_iter=10, random_state=0
    )
    losses = [clf.fit(X, y).loss_ for _ in range(3)]
    assert losses == sorted(losses, reverse=True)
    assert len(clf.loss_curve_) == 30
    assert clf.score(X, y) > 0.88


def test_the_first_batch_alone_sets_the_running_statistics():
    """Bias correction: after one batch they are that batch's, not 10 % of them."""
    clf = MLPClassifier(
        (6,),
        batch_norm=True,
        batch_size="full",
        learning_rate_init=1e-9,
        random_state=0,
    )
    clf.partial_fit(X_SMALL, Y_SMALL, classes=[0, 1, 2])
    z = X_SMALL @ _layout.make_plan((4, 6, 3), True).coefs(clf.params_)[0]
    np.testing.assert_allclose(clf.stats_, [*z.mean(axis=0), *z.var(axis=0)], rtol=1e-6)


def test_a_batch_that_weighs_nothing_is_passed_over():
    weights = np.ones(23)
    weights[10:20] = 0
    options = dict(batch_size=10, shuffle=False, random_state=0, max_iter=2, alpha=0)
    kept = np.r_[0:10, 20:23]
    a = MLPClassifier((5,), **options).fit(X_SMALL, Y_SMALL, weights)
    b = MLPClassifier((5,), **options).fit(X_SMALL[kept], Y_SMALL[kept])
    np.testing.assert_array_equal(a.params_, b.params_)


def test_learning_rate_of_a_later_partial_fit_takes_effect_and_keeps_the_moments():
    clf = MLPClassifier((5,), batch_size="full", random_state=0)
    clf.partial_fit(X_SMALL, Y_SMALL, classes=[0, 1, 2])
    before = clf.params_.copy()
    clf.set_params(learning_rate_init=1e-12).partial_fit(X_SMALL, Y_SMALL)
    assert clf.learning_rate_ == 1e-12
    assert clf._optimizer["n_steps"] == 2
    np.testing.assert_allclose(clf.params_, before, atol=1e-10)


def test_weights_put_into_coefs_are_trained_and_predicted_with():
    """As scikit-learn's users do to average models or to start from other weights."""
    clf = MLPRegressor(hidden_layer_sizes=(5,), random_state=0, max_iter=2)
    clf.fit(X_SMALL, Y_SMALL)
    clf.coefs_ = [np.asfortranarray(w * 0.5) for w in clf.coefs_]
    plain = reference.plain_forward(
        X_SMALL, clf.coefs_, clf.intercepts_, "relu", "identity"
    )
    np.testing.assert_allclose(clf.predict(X_SMALL), plain[:, 0])
    halved = clf.coefs_[0].copy()
    clf.set_params(learning_rate_init=1e-12).partial_fit(X_SMALL, Y_SMALL)
    np.testing.assert_allclose(clf.coefs_[0], halved, atol=1e-9)


def test_no_hidden_layer_is_logistic_regression():
    X, y = load_iris(return_X_y=True)
    clf = MLPClassifier((), solver="lbfgs", batch_norm=True, max_iter=500).fit(X, y)
    assert clf.score(X, y) > 0.97
    assert clf.stats_.size == 0


def test_divergence_stops_in_its_epoch_and_keeps_the_best_of_early_stopping(capsys):
    X, y = load_iris(return_X_y=True)
    options = dict(
        hidden_layer_sizes=(30,),
        activation="identity",
        solver="sgd",
        learning_rate_init=10.0,
        max_iter=300,
        verbose=True,
    )
    with pytest.raises(ValueError, match="Solver produced non-finite"):
        MLPRegressor(**options).fit(X, y)
    epochs = capsys.readouterr().out.count("Iteration")
    assert epochs < 100
    with pytest.warns(ConvergenceWarning, match="Training diverged"):
        reg = MLPRegressor(early_stopping=True, **options).fit(X, y)
    assert np.isfinite(reg.params_).all()
    assert np.isnan(reg.validation_scores_[-1])


def test_divergence_stops_in_its_epoch_also_where_nobody_looks_at_epochs(monkeypatch):
    X, y = load_iris(return_X_y=True)
    options = dict(activation="identity", solver="sgd", learning_rate_init=10.0)
    options |= dict(hidden_layer_sizes=(30,), random_state=0)
    losses = []
    count_epoch = _training.Training._count_epoch

    def spy(self, epoch):
        losses.append(epoch["loss"])
        count_epoch(self, epoch)

    monkeypatch.setattr(_training.Training, "_count_epoch", spy)
    curves = []
    for verbose in (False, True):  # several epochs at a time, and one by one
        losses.clear()
        with pytest.raises(ValueError, match="Solver produced non-finite"):
            MLPRegressor(verbose=verbose, **options).fit(X, y)
        curves.append(list(losses))
    assert 0 < len(curves[0]) < 100
    np.testing.assert_array_equal(*curves)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("n_iter_no_change", [2, 10, np.inf])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_epochs_in_one_go_are_those_one_by_one(
    solver, n_iter_no_change, weights, monkeypatch
):
    def train(rows_ahead):
        monkeypatch.setattr(_training, "ROWS_AHEAD", rows_ahead)
        random_state = np.random.RandomState(0)
        clf = MLPClassifier(
            (5,),
            solver=solver,
            learning_rate_init=0.05,
            batch_size=4,
            tol=1e-3,
            n_iter_no_change=n_iter_no_change,
            max_iter=150,
            random_state=random_state,
        ).fit(X_SMALL, Y_SMALL, weights)
        curve = clf.loss_curve_
        return clf.params_.tobytes(), curve, clf.n_iter_, random_state.rand()

    assert train(0) == train(2**16)


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
def test_epochs_in_one_go_follow_the_learning_rate(learning_rate, monkeypatch):
    def train(rows_ahead):
        monkeypatch.setattr(_training, "ROWS_AHEAD", rows_ahead)
        clf = MLPClassifier(
            (5,),
            solver="sgd",
            learning_rate=learning_rate,
            learning_rate_init=0.5,
            tol=1e-2,
            n_iter_no_change=3,
            random_state=0,
        ).fit(X_SMALL, Y_SMALL)
        return clf.params_.tobytes(), clf.loss_curve_, clf.learning_rate_

    assert train(0) == train(2**16)
