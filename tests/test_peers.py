"""Losses, batch norm and optimizers against PyTorch (the extra ``peers``)."""

import numpy as np
import pytest

import reference
from caviar import MLPClassifier, MLPRegressor, _kernels, _layout

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install caviar[peers]")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
DTYPES = [np.float32, np.float64]


F = torch.nn.functional
ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
}


def tolerance(dtype):
    return {"rtol": 3e-5, "atol": 3e-6} if dtype == np.float32 else {"rtol": 1e-10}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_batch_norm_forward_and_backward_are_torchs(activation, dtype):
    rng = np.random.RandomState(0)
    z, d = rng.standard_normal((2, 70, 33)).astype(dtype)
    gamma, beta = rng.uniform(0.5, 2, (2, 33)).astype(dtype)
    tz, tg, tb = (torch.tensor(a, requires_grad=True) for a in (z, gamma, beta))
    out = ACTIVATIONS[activation](
        torch.nn.functional.batch_norm(tz, None, None, tg, tb, True, eps=1e-5)
    )
    out.backward(torch.tensor(d))

    h, mean, var = np.empty_like(z), np.empty(33, dtype), np.empty(33, dtype)
    args = (70.0, 1e-5, activation)
    _kernels.batch_norm_forward(h, mean, var, z, None, gamma, beta, *args)
    dgamma, dbeta = np.empty(33, dtype), np.empty(33, dtype)
    _kernels.batch_norm_backward(
        d, dgamma, dbeta, z, h, None, mean, var, gamma, beta, *args
    )
    tol = tolerance(dtype)
    np.testing.assert_allclose(h, out.detach(), **tol)
    for got, wanted in ((d, tz), (dgamma, tg), (dbeta, tb)):
        np.testing.assert_allclose(
            got, wanted.grad, rtol=tol["rtol"], atol=1e-13 + tol.get("atol", 0)
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_and_their_gradients_are_torchs(activation, dtype):
    z = np.concatenate([np.linspace(-9, 9, 1001), [-100, -1e4, 100, 1e4, 0]])
    z = z.astype(dtype)[:, None]
    tz = torch.tensor(z, requires_grad=True)
    out = ACTIVATIONS[activation](tz)
    out.sum().backward()
    h, d, db = np.empty_like(z), np.ones_like(z), np.empty(1, dtype)
    _kernels.activation_forward(h, z, None, activation)
    _kernels.activation_backward(d, db, h, z, activation)
    atol = 1e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(h, out.detach(), rtol=2e-6, atol=atol)
    np.testing.assert_allclose(d, tz.grad, rtol=2e-6, atol=atol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ["softmax", "logistic", "squared_error", "poisson"])
def test_losses_and_gradients_are_torchs(loss, dtype):
    rng = np.random.RandomState(0)
    z = (3 * rng.standard_normal((40, 11))).astype(dtype)
    targets, compute = {
        "softmax": (rng.randint(0, 11, 40).astype(np.int32), F.cross_entropy),
        "logistic": (
            rng.randint(0, 2, (40, 11)).astype(dtype),
            lambda o, y: F.binary_cross_entropy_with_logits(o, y, reduction="sum") / 40,
        ),
        "squared_error": (
            rng.standard_normal((40, 11)).astype(dtype),
            lambda o, y: 0.5 * F.mse_loss(o, y, reduction="sum") / 40,
        ),
        "poisson": (
            rng.poisson(2.0, (40, 11)).astype(dtype),
            lambda o, y: F.poisson_nll_loss(o, y, reduction="sum") / 40,
        ),
    }[loss]
    tz = torch.tensor(z, requires_grad=True)
    ty = torch.tensor(targets, dtype=torch.long if loss == "softmax" else tz.dtype)
    expected = compute(tz, ty)
    expected.backward()
    expected = expected.item()
    if loss == "squared_error":
        expected /= 11  # scikit-learn's averages over outputs
    if loss == "poisson":  # torch leaves out the part that has no gradient
        y = targets.astype(float)
        expected += (np.where(y > 0, y * np.log(np.maximum(y, 1)), 0) - y).sum() / 40
    value = _kernels.loss_and_gradient(z, targets, None, 40.0, loss)
    np.testing.assert_allclose(value, expected, rtol=tolerance(dtype)["rtol"])
    np.testing.assert_allclose(
        z, tz.grad, rtol=tolerance(dtype)["rtol"], atol=1e-6 * (dtype == np.float32)
    )


def focal_of_softmax(z, y, gamma):
    log_p = F.log_softmax(z, dim=1)
    return -(y * (1 - log_p.exp()) ** gamma * log_p).sum()


def focal_of_logistic(z, y, gamma):
    """As in torchvision's sigmoid_focal_loss, without its alpha."""
    p = torch.sigmoid(z)
    entropy = F.binary_cross_entropy_with_logits(z, y, reduction="none")
    ones, zeros = F.logsigmoid(z), F.logsigmoid(-z)
    value = -y * (1 - p) ** gamma * ones - (1 - y) * p**gamma * zeros
    if gamma == 0:
        torch.testing.assert_close(value, entropy)
    return value.sum()


def hinge_of_softmax(z, y):
    """Soft targets weigh the hinges of all classes; torch divides by their number."""
    each = [
        F.multi_margin_loss(z, torch.full((len(z),), c), reduction="none")
        for c in range(z.shape[1])
    ]
    return (y * torch.stack(each, dim=1) * z.shape[1]).sum()


def hinge_of_logistic(z, y):
    """Each output against its sign: two hinges of margin 1, mixed by the target."""
    above, below = (
        F.hinge_embedding_loss(sign * z, -torch.ones_like(z), reduction="none")
        for sign in (1, -1)
    )
    return (y * above + (1 - y) * below).sum()


SUMMED_LOSSES = {
    "cross_entropy": (0.0, lambda z, y: F.cross_entropy(z, y, reduction="sum")),
    "absolute_error": (0.0, lambda z, y: F.l1_loss(z, y, reduction="sum")),
    "huber": (0.4, lambda z, y: F.huber_loss(z, y, reduction="sum", delta=0.4)),
    "quantile": (0.3, lambda z, y: torch.maximum(0.3 * (y - z), 0.7 * (z - y)).sum()),
    "softmax_focal": (2.0, lambda z, y: focal_of_softmax(z, y, 2.0)),
    "logistic_focal": (1.5, lambda z, y: focal_of_logistic(z, y, 1.5)),
    "softmax_hinge": (0.0, hinge_of_softmax),
    "logistic_hinge": (0.0, hinge_of_logistic),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["hard", "soft"])
@pytest.mark.parametrize("loss", SUMMED_LOSSES)
def test_losses_that_are_summed_over_outputs_are_torchs(loss, kind, dtype):
    rng = np.random.RandomState(0)
    z = (3 * rng.standard_normal((40, 11))).astype(dtype)
    if loss.startswith("logistic"):
        y = (
            rng.uniform(size=(40, 11))
            if kind == "soft"
            else rng.randint(0, 2, (40, 11))
        )
    elif loss in ("absolute_error", "huber", "quantile"):
        y = z + (rng.standard_normal((40, 11)) if kind == "soft" else 0.1)
    else:
        y = np.eye(11)[rng.randint(0, 11, 40)]
        y = rng.dirichlet(np.ones(11), 40) if kind == "soft" else y
    y = y.astype(dtype)
    parameter, compute = SUMMED_LOSSES[loss]
    tz = torch.tensor(z, requires_grad=True)
    expected = compute(tz, torch.tensor(y)) / 40
    expected.backward()
    value = _kernels.loss_and_gradient(z, y, None, 40.0, loss, parameter=parameter)
    tol = tolerance(dtype)["rtol"]
    np.testing.assert_allclose(value, expected.item(), rtol=tol)
    np.testing.assert_allclose(z, tz.grad, rtol=tol, atol=tol / 10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_smoothed_classes_are_torchs_label_smoothing(smoothing, dtype):
    rng = np.random.RandomState(0)
    z, classes = rng.standard_normal((40, 11)).astype(dtype), rng.randint(0, 11, 40)
    tz = torch.tensor(z, requires_grad=True)
    expected = F.cross_entropy(tz, torch.tensor(classes), label_smoothing=smoothing)
    expected.backward()
    Y = np.empty_like(z)
    _kernels.one_hot(Y, classes.astype(np.int32), smoothing)
    value = _kernels.loss_and_gradient(z, Y, None, 40.0, "cross_entropy")
    tol = tolerance(dtype)["rtol"]
    np.testing.assert_allclose(value, expected.item(), rtol=tol)
    np.testing.assert_allclose(z, tz.grad, rtol=tol, atol=tol / 10)


def test_twenty_steps_of_nadam_are_torchs():
    rng = np.random.RandomState(0)
    w, slots = rng.standard_normal(101), np.zeros((2, 101))
    tw = torch.tensor(w.copy(), requires_grad=True)
    # The clipped gradient, L2 of 0.02 on the first 77: as torch's weight_decay.
    decayed, others = tw[:77].detach().clone(), tw[77:].detach().clone()
    groups = [{"params": [decayed], "weight_decay": 0.02}, {"params": [others]}]
    steps = torch.optim.NAdam(groups, lr=0.01, eps=1e-30)
    for step in range(1, 21):
        g = rng.standard_normal(101)
        decayed.grad = torch.tensor(0.5 * g[:77])
        others.grad = torch.tensor(0.5 * g[77:])
        steps.step()
        rate, ahead = reference.nadam_rates(0.01, step)
        scalars = {"learning_rate": rate, "ahead": ahead, "l2": 0.02, "scale": 0.5}
        _kernels.update(w, slots, g, 77, "nadam", epsilon=1e-30, **scalars)
        expected = torch.cat([decayed, others])
        # torch keeps the product of its momenta in float32.
        np.testing.assert_allclose(w, expected, rtol=1e-7, atol=1e-8)


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.01, alpha=0.8, eps=1e-8),
    "adagrad": lambda p: torch.optim.Adagrad(p, 0.05, eps=1e-8),
    # Adam adds epsilon elsewhere in torch: one too small to matter.
    "adam": lambda p: torch.optim.Adam(p, 0.01, eps=1e-20),
    "adamw": lambda p: torch.optim.AdamW(p, 0.01, eps=1e-20),
}
LEARNING_RATES = {"sgd": 0.05, "nesterov": 0.05, "adagrad": 0.05}


def torch_network(plan, params, batch_norm):
    """The same network as modules, with the weights of ``params``."""
    modules, layers = [], zip(plan.coefs(params), plan.intercepts(params), strict=True)
    n_hidden = len(plan.layers) - 1
    for i, (w, b) in enumerate(layers):
        before = batch_norm == "pre" and i < n_hidden
        linear = torch.nn.Linear(*w.shape, bias=not before, dtype=torch.float64)
        linear.weight.data = torch.tensor(w.T.copy())
        if not before:
            linear.bias.data = torch.tensor(b.copy())
        norm = torch.nn.BatchNorm1d(w.shape[1], dtype=torch.float64)
        modules.append(linear)
        if i == n_hidden:
            break
        modules += {
            False: [torch.nn.Tanh()],
            "pre": [norm, torch.nn.Tanh()],
            "post": [torch.nn.Tanh(), norm],
        }[batch_norm]
    return torch.nn.Sequential(*modules)


@pytest.mark.parametrize("batch_norm", [False, "pre", "post"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_training_gives_the_weights_of_torchs(optimizer, batch_norm):
    """12 epochs of minibatches without shuffling: weights, gammas, losses, predictions."""
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((96, 6)), rng.randint(0, 3, 96)
    solver = "sgd" if optimizer == "nesterov" else optimizer
    clf = MLPClassifier(
        (9, 8),
        "tanh",
        solver=solver,
        batch_norm=batch_norm,
        nesterovs_momentum=optimizer == "nesterov",
        alpha=0.0,
        weight_decay=0.02,
        rho=0.8,
        epsilon=1e-20 if "adam" in optimizer else 1e-8,
        batch_size=32,
        shuffle=False,
        learning_rate_init=1e-300,
        random_state=0,
    )
    clf.partial_fit(X, y, classes=[0, 1, 2])  # the first weights, unmoved
    plan = _layout.make_plan((6, 9, 8, 3), batch_norm)
    network = torch_network(plan, clf.params_, batch_norm)
    weights = [m.weight for m in network if isinstance(m, torch.nn.Linear)]
    others = [p for p in network.parameters() if all(p is not w for w in weights)]
    rate = LEARNING_RATES.get(optimizer, 0.01)
    clf = MLPClassifier(**{**clf.get_params(), "learning_rate_init": rate})
    clf.set_params(max_iter=12, tol=0).fit(X, y)

    groups = [{"params": weights}, {"params": others}]
    if optimizer == "adamw":
        groups[0]["weight_decay"], groups[1]["weight_decay"] = 0.02, 0.0
    steps = OPTIMIZERS[optimizer](groups)
    tX, ty = torch.tensor(X), torch.tensor(y)
    curve = []
    for _ in range(12):
        losses = []
        for start in range(0, 96, 32):
            rows = slice(start, start + 32)
            loss = torch.nn.functional.cross_entropy(network(tX[rows]), ty[rows])
            steps.zero_grad()
            loss.backward()
            steps.step()
            losses.append(loss.item())
        curve.append(np.mean(losses))
    np.testing.assert_allclose(clf.loss_curve_, curve, rtol=1e-9)
    for got, wanted in zip(plan.coefs(clf.params_), weights, strict=True):
        np.testing.assert_allclose(got.T, wanted.detach(), rtol=1e-7, atol=1e-9)

    norms = [m for m in network if isinstance(m, torch.nn.BatchNorm1d)]
    if norms:
        gammas = plan.gammas(clf.params_)
        for gamma, norm in zip(gammas, norms, strict=True):
            np.testing.assert_allclose(gamma, norm.weight.detach(), rtol=1e-7)
        means, variances = plan.moments(clf.stats_)
        for norm, mean, variance in zip(norms, means, variances, strict=True):
            norm.running_mean = torch.tensor(mean.copy())
            norm.running_var = torch.tensor(variance.copy())
    network.eval()
    with torch.no_grad():
        probabilities = torch.softmax(network(tX), dim=1).numpy()
    np.testing.assert_allclose(clf.predict_proba(X), probabilities, rtol=1e-6)


def test_l2_is_torchs_weight_decay_on_the_weights():
    """Of SGD, where the two are the same, with alpha = decay * rows of a batch."""
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((64, 5)), rng.standard_normal(64)
    options = dict(
        hidden_layer_sizes=(7,),
        activation="tanh",
        solver="sgd",
        momentum=0.0,
        batch_size=32,
        shuffle=False,
        alpha=32 * 0.01,
        random_state=0,
    )
    first = MLPRegressor(learning_rate_init=1e-300, **options).partial_fit(X, y)
    plan = _layout.make_plan((5, 7, 1), False)
    network = torch_network(plan, first.params_, False)
    reg = MLPRegressor(learning_rate_init=0.05, max_iter=5, **options).fit(X, y)
    weights = [m.weight for m in network if isinstance(m, torch.nn.Linear)]
    biases = [m.bias for m in network if isinstance(m, torch.nn.Linear)]
    steps = torch.optim.SGD(
        [{"params": weights, "weight_decay": 0.01}, {"params": biases}], 0.05
    )
    for _ in range(5):
        for start in (0, 32):
            rows = slice(start, start + 32)
            error = network(torch.tensor(X[rows]))[:, 0] - torch.tensor(y[rows])
            steps.zero_grad()
            (0.5 * (error**2).mean()).backward()
            steps.step()
    for got, wanted in zip(reg.coefs_, weights, strict=True):
        np.testing.assert_allclose(got.T, wanted.detach(), rtol=1e-9)
    for got, wanted in zip(reg.intercepts_, biases, strict=True):
        np.testing.assert_allclose(got, wanted.detach(), rtol=1e-9)


# Without momentum, whose velocity has the learning rate in it here, as in scikit-learn, and
# not in PyTorch.
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_smoothing_clipping_cosine_and_swa_together_are_torchs(optimizer):
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((96, 6)), rng.randint(0, 3, 96)
    n_epochs, n_batches, rate = 8, 3, LEARNING_RATES.get(optimizer, 0.02)
    options = dict(
        hidden_layer_sizes=(9, 8),
        activation="tanh",
        solver=optimizer,
        momentum=0.0,
        alpha=0.0,
        epsilon=1e-20,
        batch_size=32,
        shuffle=False,
        random_state=0,
    )
    first = MLPClassifier(learning_rate_init=1e-300, **options)
    first.partial_fit(X, y, classes=[0, 1, 2])
    plan = _layout.make_plan((6, 9, 8, 3), False)
    network = torch_network(plan, first.params_, False)
    clf = MLPClassifier(
        learning_rate_init=rate,
        learning_rate="cosine",
        label_smoothing=0.1,
        clip_norm=0.2,
        average_weights="swa",
        swa_start=5,
        max_iter=n_epochs,
        tol=0,
        **options,
    ).fit(X, y)

    steps = OPTIMIZERS[optimizer](network.parameters())
    for group in steps.param_groups:
        group["lr"], group["momentum"] = rate, 0.0
    schedule = torch.optim.lr_scheduler.LambdaLR(
        steps, lambda step: 0.5 * (1 + np.cos(np.pi * step / (n_epochs * n_batches)))
    )
    average = torch.optim.swa_utils.AveragedModel(network)
    tX, ty = torch.tensor(X), torch.tensor(y)
    norms, curve = [], []
    for epoch in range(n_epochs):
        losses = []
        for start in range(0, 96, 32):
            rows = slice(start, start + 32)
            loss = torch.nn.functional.cross_entropy(
                network(tX[rows]), ty[rows], label_smoothing=0.1
            )
            steps.zero_grad()
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 0.2)
            steps.step()
            schedule.step()
            losses.append(loss.item())
        curve.append(np.mean(losses))
        norms.append(norm.item())
        if epoch >= 5:
            average.update_parameters(network)
    assert max(norms) > 0.2  # some were clipped
    # torch divides by the norm plus 1e-6.
    np.testing.assert_allclose(clf.loss_curve_, curve, rtol=1e-5)
    np.testing.assert_allclose(clf.history_["gradient_norm"], norms, rtol=1e-4)
    with torch.no_grad():
        probabilities = torch.softmax(average(tX), dim=1).numpy()
    np.testing.assert_allclose(clf.predict_proba(X), probabilities, rtol=1e-4)
