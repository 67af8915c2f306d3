"""Schedules against their formulas, published numbers and PyTorch's schedulers."""

import builtins
import math
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from caviar import schedules
from caviar.schedules import (
    NAMES,
    CosineDecay,
    CosLog4,
    ExponentialDecay,
    FlatCosine,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstant,
    Schedule,
    SqrtDecay,
    StepDecay,
    Warmup,
    factors,
    resolve,
)

N_EPOCHS = 30
PROGRESS = np.arange(0, N_EPOCHS, 1 / 7)  # seven batches an epoch
PIECEWISE = PiecewiseConstant([10, 20], [1.0, 0.3, 0.1])
OTHERS = [
    PIECEWISE,
    SqrtDecay(k=2.0, per="step"),
    CosineDecay(n_cycles=3, final=0.1),
    Warmup(CosineDecay(n_cycles=2), n_epochs=0.5, start=0.1),
    Warmup("exponential", n_epochs=0),
    Warmup(Warmup(OneCycle(), 3), n_epochs=50),
]
ALL = [schedule() for schedule in NAMES.values()] + OTHERS


def half_cosine(x):
    return 0.5 * (1 + math.cos(math.pi * x))


FORMULAS = [  # schedule, the factor of a progress e out of E epochs
    (InverseTimeDecay(0.3), lambda e, E: 1 / (1 + 0.3 * e)),
    (ExponentialDecay(0.9), lambda e, E: 0.9**e),
    (SqrtDecay(k=0.5), lambda e, E: 0.5 if e < 1 else 0.5 / math.sqrt(e)),
    (StepDecay(0.5, 10), lambda e, E: [1, 0.5, 0.25][int(e // 10)]),
    (StepDecay(0.1, 2.5), lambda e, E: 0.1 ** int(e / 2.5)),
    (CosineDecay(), lambda e, E: half_cosine(e / E)),
    (CosineDecay(1, 0.2), lambda e, E: 0.2 + 0.8 * half_cosine(e / E)),
    (CosineDecay(3), lambda e, E: half_cosine(math.fmod(e, 10) / 10)),
    (Warmup(n_epochs=4), lambda e, E: min(e / 4, 1)),
    (
        Warmup(n_epochs=4, start=0.2),
        lambda e, E: 0.2 + 0.2 * e if e < 4 else 1,
    ),
    (
        Warmup(CosineDecay(), 6),
        lambda e, E: e / 6 if e < 6 else half_cosine((e - 6) / (E - 6)),
    ),
    (
        FlatCosine(0.5),
        lambda e, E: 1 if e < 15 else half_cosine((e - 15) / 15),
    ),
    (
        CosLog4(),
        lambda e, E: 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * e / E))),
    ),
    (PIECEWISE, lambda e, E: 1 if e < 10 else 0.3 if e < 20 else 0.1),
    (
        OneCycle(peak=0.4, start=0.1, final=0.01),
        lambda e, E: (
            0.1 + 0.9 * half_cosine(1 - e / 12)
            if e < 12
            else 0.01 + 0.99 * half_cosine((e - 12) / 18)
        ),
    ),
]


@pytest.mark.parametrize(
    "schedule, formula", [pytest.param(*pair, id=str(pair[0])) for pair in FORMULAS]
)
def test_factors_follow_the_formula(schedule, formula):
    wanted = [formula(e, N_EPOCHS) for e in PROGRESS]
    np.testing.assert_allclose(
        schedule(PROGRESS, N_EPOCHS), wanted, rtol=1e-12, atol=1e-15
    )


def test_inverse_time_gives_the_worked_table():
    rates = 0.2 * InverseTimeDecay(rate=1.0)(np.array([1, 2, 3, 4]), 4)
    assert rates.round(3).tolist() == [0.1, 0.067, 0.05, 0.04]


def test_sqrt_counts_steps_when_asked_to():
    steps = np.arange(1, 200)
    got = SqrtDecay(k=3.0, per="step")(steps / 20, 10, 20)
    np.testing.assert_allclose(got, 3 / np.sqrt(steps), rtol=1e-12)


def test_cos_log4_has_four_waves_each_twice_as_long_as_the_one_before():
    curve = CosLog4()(np.linspace(0, 1, 15 * 64 + 1), 1)
    valleys = np.array([0, 1, 3, 7, 15])
    np.testing.assert_allclose(curve[valleys * 64], 0, atol=1e-12)
    peaks = 1 + np.flatnonzero((curve[1:-1] > curve[:-2]) & (curve[1:-1] >= curve[2:]))
    np.testing.assert_allclose(
        peaks / (15 * 64), (2 ** (np.arange(4) + 0.5) - 1) / 15, atol=1e-3
    )
    np.testing.assert_allclose(curve[peaks], 1, atol=1e-3)


def test_one_cycle_is_torchs():
    lr_scheduler = pytest.importorskip("torch.optim.lr_scheduler")
    n, share = 50, 0.3
    wanted = torch_factors(
        lambda steps: lr_scheduler.OneCycleLR(
            steps, 1.0, total_steps=n, pct_start=share
        ),
        n,
    )
    # PyTorch's last step, n - 1, ends the fall; its peak is at the step share * n - 1.
    schedule = OneCycle(peak=(share * n - 1) / (n - 1))
    np.testing.assert_allclose(
        schedule(np.arange(n), n - 1), wanted, rtol=1e-9, atol=1e-15
    )


@pytest.mark.parametrize(
    "schedule, name, options",
    [
        (CosineDecay(), "CosineAnnealingLR", dict(T_max=N_EPOCHS)),
        (
            CosineDecay(final=0.1),
            "CosineAnnealingLR",
            dict(T_max=N_EPOCHS, eta_min=0.1),
        ),
        (CosineDecay(3), "CosineAnnealingWarmRestarts", dict(T_0=10)),
        (ExponentialDecay(0.9), "ExponentialLR", dict(gamma=0.9)),
        (StepDecay(0.3, 8), "StepLR", dict(gamma=0.3, step_size=8)),
        (
            PiecewiseConstant([10, 20], [1, 0.1, 0.01]),
            "MultiStepLR",
            dict(milestones=[10, 20]),
        ),
        (
            Warmup(n_epochs=6, start=0.25),
            "LinearLR",
            dict(start_factor=0.25, total_iters=6),
        ),
    ],
)
def test_schedules_are_torchs_at_whole_epochs(schedule, name, options):
    lr_scheduler = pytest.importorskip("torch.optim.lr_scheduler")
    wanted = torch_factors(
        lambda s: getattr(lr_scheduler, name)(s, **options), N_EPOCHS
    )
    got = schedule(np.arange(N_EPOCHS), N_EPOCHS)
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)


def torch_factors(make_scheduler, n):
    """The learning rates of n steps, the first one being 1."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler, rates = make_scheduler(optimizer), []
    for _ in range(n):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_factors_are_finite_and_non_negative_also_past_the_end(schedule):
    for n_epochs in (1, 3, 30, 1000):
        progress = np.concatenate([np.linspace(0, 5 * n_epochs, 1001), [1e6, 1e15]])
        got = schedule(progress, n_epochs, 7)
        assert got.dtype == np.float64 and got.shape == progress.shape
        assert np.isfinite(got).all() and (got >= 0).all()


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_factors_of_an_array_are_those_of_its_elements(schedule):
    progress = np.linspace(0, 40, 24).reshape(2, 3, 4)
    got = schedule(progress, 30, 7)
    assert got.shape == progress.shape
    for index in np.ndindex(progress.shape):
        one = schedule(float(progress[index]), 30, 7)
        assert isinstance(one, np.float64) and one == got[index]
    assert schedule(np.empty(0), 30).shape == (0,)
    assert schedule(3, 30).dtype == np.float64


@pytest.mark.parametrize(
    "schedule, end",
    [(CosineDecay(2, 0.1), 0.1), (FlatCosine(), 0), (OneCycle(), 4e-6), (CosLog4(), 0)],
    ids=repr,
)
def test_schedules_made_for_a_length_stay_where_they_end(schedule, end):
    got = schedule(np.array([30.0, 30.1, 47.0, 3000.0]), 30)
    np.testing.assert_allclose(got, end, atol=1e-15)


def test_what_follows_a_warmup_sees_the_rest_of_the_training():
    calls = []

    def then(progress, n_epochs):
        calls.append((progress, n_epochs))
        return np.full_like(progress, 0.5)

    got = Warmup(then, n_epochs=5)(np.array([0.0, 4.0, 5.0, 20.0]), 20)
    assert got.tolist() == [0, 0.8, 0.5, 0.5]
    [(progress, n_epochs)] = calls
    assert progress.tolist() == [0, 15] and n_epochs == 15


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_schedules_are_cloned_pickled_and_printed(schedule):
    for copy in (clone(schedule), pickle.loads(pickle.dumps(schedule))):
        assert copy is not schedule and repr(copy) == repr(schedule)
        np.testing.assert_array_equal(copy(PROGRESS, 30), schedule(PROGRESS, 30))
    assert repr(schedule).startswith(type(schedule).__name__)


def test_constructors_only_store():
    values = object(), object(), object()
    schedule = Warmup(*values)
    assert (schedule.then, schedule.n_epochs, schedule.start) == values


def test_nested_parameters_are_reached_by_name():
    schedule = Warmup(ExponentialDecay(), n_epochs=2)
    schedule.set_params(then__rate=0.5, start=1.0)
    assert schedule(3, 10) == 0.5
    assert "then__rate" in schedule.get_params()


def test_names_resolve_to_defaults_and_scikit_learns_to_nothing():
    names = "inverse_time exponential sqrt step cosine one_cycle warmup flat_cosine"
    assert list(NAMES) == [*names.split(), "cos_log4"]
    for name, schedule in NAMES.items():
        assert repr(resolve(name)) == repr(schedule())
    assert [resolve(n) for n in ("constant", "invscaling", "adaptive")] == [None] * 3
    mine = CosineDecay(2)
    assert resolve(mine) is mine and resolve(max) is max


@pytest.mark.parametrize(
    "schedule, message",
    [
        (InverseTimeDecay(-1), r"`learning_rate\.rate` must be .*\[0.*, got -1\."),
        (InverseTimeDecay(np.nan), r"`learning_rate\.rate` .* got nan\."),
        (InverseTimeDecay(np.inf), r"`learning_rate\.rate` .* got inf\."),
        (ExponentialDecay(0), r"`learning_rate\.rate` must be .*\(0.*1.*\], got 0\."),
        (ExponentialDecay(1.1), r"`learning_rate\.rate` .* got 1\.1\."),
        (ExponentialDecay("a"), r"`learning_rate\.rate` .* got 'a'\."),
        (SqrtDecay(0), r"`learning_rate\.k` .* got 0\."),
        (SqrtDecay(per="row"), r"`learning_rate\.per` .* got 'row'\."),
        (StepDecay(2.0), r"`learning_rate\.factor` .* got 2\.0\."),
        (StepDecay(every=0), r"`learning_rate\.every` .* got 0\."),
        (CosineDecay(0), r"`learning_rate\.n_cycles` must be an int .* got 0\."),
        (CosineDecay(1.5), r"`learning_rate\.n_cycles` .* got 1\.5\."),
        (CosineDecay(final=-0.1), r"`learning_rate\.final` .* got -0\.1\."),
        (OneCycle(peak=1.0), r"`learning_rate\.peak` .* got 1\.0\."),
        (OneCycle(start=2), r"`learning_rate\.start` .* got 2\."),
        (Warmup(n_epochs=-1), r"`learning_rate\.n_epochs` .* got -1\."),
        (Warmup(SqrtDecay(-1)), r"`learning_rate\.then\.k` .* got -1\."),
        (Warmup(3), r"`learning_rate\.then` must be a schedule, .* got 3\."),
        (Warmup("adaptive"), r"`learning_rate\.then` .* got 'adaptive'\."),
        (FlatCosine(1.0), r"`learning_rate\.flat` .* got 1\.0\."),
        (
            PiecewiseConstant([3, 3], [1, 1, 1]),
            r"`learning_rate\.boundaries` .*\[3, 3\]",
        ),
        (PiecewiseConstant([0], [1, 1]), r"`learning_rate\.boundaries` .*got \[0\]"),
        (PiecewiseConstant(3, [1, 1]), r"`learning_rate\.boundaries` .*got 3\."),
        (PiecewiseConstant([3], [1]), r"`learning_rate\.values` .* 2 numbers .*\[1\]"),
        (PiecewiseConstant([3], [1, -1]), r"`learning_rate\.values` .*\[1, -1\]"),
        (PiecewiseConstant([3], "ab"), r"`learning_rate\.values` .*'ab'"),
        (CosineDecay, r"`learning_rate` must be an instance, such as CosineDecay\(\)"),
        ("cosin", r"`learning_rate` must be .*'constant'.*'cosine'.* got 'cosin'\."),
        (3.0, r"`learning_rate` must be a schedule, .* got 3\.0\."),
    ],
)
def test_wrong_parameters_are_refused_by_name_and_value(schedule, message):
    with pytest.raises(ValueError, match=message):
        resolve(schedule)


def test_direct_calls_refuse_wrong_arguments_too():
    with pytest.raises(ValueError, match=r"`StepDecay\.every` must .* got -1\."):
        StepDecay(every=-1)(3, 10)
    with pytest.raises(ValueError, match="`n_epochs` must be positive, got 0"):
        StepDecay()(3, 0)


def test_factors_passes_the_batches_to_schedules_and_two_arguments_to_functions():
    progress = np.array([1.0, 4.0])
    assert factors(SqrtDecay(per="step"), progress, 9, 25).tolist() == [0.2, 0.1]
    got = factors(lambda progress, n_epochs: progress * n_epochs, progress, 9, 25)
    assert got.tolist() == [9, 36] and got.dtype == np.float64
    assert factors(lambda p, n: [1, 0], progress, 9, 25).tolist() == [1, 0]


class Nonsense(Schedule):
    def _factor(self, progress, n_epochs, n_batches):
        return -progress


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda p, n: 0.5, r"number for each .*\(3,\).*of shape \(\)"),
        (lambda p, n: p[:2], r"each element of .*\(3,\).*of shape \(2,\)"),
        (lambda p, n: None, r"got object of shape \(\)"),
        (lambda p, n: ["a", "b", "c"], "number for each"),
        (lambda p, n: p * 1j, "got complex128"),
        (lambda p, n: p - 1, r"got -1\.0 at progress=0\.0"),
        (lambda p, n: p + np.nan, "got nan at progress=0.0"),
        (lambda p, n: np.where(p == 2, np.inf, 1), "got inf at progress=2.0"),
        (Nonsense(), r"got -1\.0 at progress=1\.0 from Nonsense\(\)"),
    ],
)
def test_what_a_function_returns_is_checked(function, message):
    with pytest.raises(ValueError, match=f"`learning_rate` must return .*{message}"):
        factors(function, np.arange(3.0), 10, 1)


def test_plot_draws_the_factors_over_the_epochs():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    ax = CosineDecay().plot(n_epochs=40)
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_ydata(), CosineDecay()(line.get_xdata(), 40))
    assert line.get_xdata()[[0, -1]].tolist() == [0, 40]
    assert StepDecay().plot(n_epochs=40, ax=ax) is ax and len(ax.lines) == 2
    assert [line.get_label() for line in ax.lines] == ["CosineDecay", "StepDecay"]
    pyplot.close(ax.figure)


def test_plot_without_matplotlib_says_what_to_install(monkeypatch):
    def refuse(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return load(name, *args, **kwargs)

    load = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"pip install \"caviar\[plots\]\""):
        CosineDecay().plot()


def test_examples_of_the_documentation_run():
    import doctest

    result = doctest.testmod(schedules)
    assert result.attempted > 20 and result.failed == 0
