"""Estimators' parameters as plain data, through a file and back."""

import functools

import numpy as np
import pytest
from sklearn.metrics import get_scorer

from caviar import MLPClassifier, MLPRegressor, augmentation, schedules
from caviar._archive import read_archive, write_archive
from caviar._plain import pack, unpack
from combinations import AUGMENTATIONS, draw

BIT_GENERATORS = ["MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"]


@pytest.fixture
def there_and_back(tmp_path):
    def through_a_file(value):
        path = tmp_path / "params"
        write_archive(path, pack(value, "params"), "example")
        return unpack(read_archive(path, "example"))

    return through_a_file


def assert_same(one, other):
    assert type(one) is type(other)
    if hasattr(one, "get_params"):
        assert_same(one.get_params(deep=False), other.get_params(deep=False))
    elif isinstance(one, dict):
        assert list(map(type, one)) == list(map(type, other))
        assert list(one) == list(other)
        assert_same(list(one.values()), list(other.values()))
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for entry, other_entry in zip(one, other, strict=True):
            assert_same(entry, other_entry)
    else:
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_the_defaults_of_every_parameter_come_back(cls, there_and_back):
    params = cls().get_params(deep=False)
    assert_same(there_and_back(params), params)


def test_the_parameters_of_random_estimators_come_back(there_and_back):
    n_done = 0
    for seed in range(150):
        params = draw(seed).estimator.get_params(deep=False)
        for name in ("scoring", "learning_rate"):
            if callable(params[name]) and not isinstance(
                params[name], schedules.Schedule
            ):
                params[name] = None
        assert_same(there_and_back(params), params)
        n_done += any(hasattr(value, "get_params") for value in params.values())
    assert n_done > 50


@pytest.mark.parametrize(
    "value",
    [
        {0: 1.0, "a": 2},
        [{0: 1.0, 1: 2.0}, {0: 0.5, 1: 1.0}],
        {np.int64(3): 0.5, (1, 2): ()},
        {"dict": [1], "RandomState": {}, "schedules.Warmup": {}},
        float("inf"),
        np.float32(0.1),
        np.array([8, 6]),
        (np.int32(8), [6.5]),
        np.dtype("float32"),
        np.dtype(">i4"),
        schedules.Warmup(schedules.Warmup(schedules.StepDecay(3), 2)),
        schedules.PiecewiseConstant([50, 75], (1, 0.1, 0.01)),
        list(AUGMENTATIONS),
    ],
    ids=str,
)
def test_what_parameters_may_be_comes_back_with_its_types(value, there_and_back):
    assert_same(there_and_back(value), value)


def test_every_schedule_and_augmentation_there_is_comes_back(there_and_back):
    values = [cls() for cls in (*schedules.NAMES.values(),)] + [
        schedules.PiecewiseConstant([1], [1, 2])
    ]
    made = {type(value) for value in values + AUGMENTATIONS}
    for module in (schedules, augmentation):
        for name, value in vars(module).items():
            public = isinstance(value, type) and not name.startswith("_")
            if public and value.__module__ == module.__name__ and name != "Schedule":
                assert value in made, name
    assert_same(there_and_back(values + AUGMENTATIONS), values + AUGMENTATIONS)


@pytest.mark.parametrize("name", BIT_GENERATORS)
def test_random_states_go_on_with_the_same_draws(name, there_and_back):
    generator = getattr(np.random, name)(7)
    generator.random_raw(5)
    again = there_and_back(generator)
    assert type(again) is type(generator)
    np.testing.assert_array_equal(again.random_raw(700), generator.random_raw(700))
    random_state = np.random.RandomState(generator)
    random_state.standard_normal(3)  # they come in pairs: one is left over
    random_state.randint(2**16, dtype=np.uint16)
    again = there_and_back(random_state)
    for method in ("standard_normal", "randn", "random_sample", "permutation"):
        np.testing.assert_array_equal(
            getattr(again, method)(50), getattr(random_state, method)(50)
        )


def test_a_packed_random_state_is_that_of_the_moment(there_and_back):
    random_state = np.random.RandomState(0)
    plain = pack(random_state, "random_state")
    first = random_state.randint(1000, size=700)
    np.testing.assert_array_equal(unpack(plain).randint(1000, size=700), first)


class MySchedule(schedules.Schedule):
    def _factor(self, progress, n_epochs, n_batches):
        return progress


def falling(progress, n_epochs):
    return 1 / progress


@pytest.mark.parametrize(
    "name, value, wanted",
    [
        ("scoring", falling, "`scoring` must be a name to be saved, got <function"),
        ("scoring", get_scorer("accuracy"), "`scoring` must be a name to be saved"),
        ("learning_rate", falling, "`learning_rate` must be a name or one of caviar"),
        ("learning_rate", MySchedule(), "`learning_rate` must be a name or one of"),
        (
            "learning_rate",
            schedules.Warmup(then=falling),
            "`learning_rate__then` must be a name or one of caviar.schedules to be sa",
        ),
        ("augment", [MySchedule()], r"`augment\[0\]` must be of caviar.augmentation's"),
        (
            "random_state",
            np.random.default_rng(0),
            "`random_state` must be None, an int",
        ),
        ("class_weight", {0: len}, r"`class_weight\[0\]` must be a number, a string"),
        ("dropout", functools.partial(int), "`dropout` must be a number, a string, an"),
    ],
)
def test_what_cannot_be_packed_is_an_error_that_names_the_parameter(
    name, value, wanted
):
    with pytest.raises(TypeError, match=wanted) as caught:
        pack(value, name)
    assert repr(value)[:5] in str(caught.value) or "got" in str(caught.value)


@pytest.mark.parametrize(
    "plain",
    [
        {"os.system": "true"},
        {"schedules.Schedule": {}, "dict": []},
        {"schedules.Nothing": {}},
        {"schedules.Warmup": {"rate": 3}},
        {"schedules.np": {}},
        {"RandomState": {"bit_generator": "Generator"}},
        {"RandomState": {"bit_generator": "MT19937"}},
        {"BitGenerator": []},
        {"dtype": "nonsense"},
        {"dict": [[[], 1]]},
        {},
    ],
    ids=str,
)
def test_what_was_not_packed_here_is_an_error_and_makes_nothing(plain):
    with pytest.raises(ValueError, match=r"packed|bit generator must be"):
        unpack(plain)
