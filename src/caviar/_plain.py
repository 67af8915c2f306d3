"""Parameters of estimators as plain data, and back: what `_archive` writes of them.

Only what is known here is taken apart, and only that is made again: a file can name classes
of caviar's own and numpy's random states, and nothing else.
"""

import re

import numpy as np

from . import augmentation, schedules

_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
_CLASSES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module, base in (
        (schedules, schedules.Schedule),
        (augmentation, augmentation.Augmentation),
    )
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, base) and value is not base
    if value.__module__ == module.__name__
}
_WANTED = {
    "scoring": "a name",
    "learning_rate": "a name or one of caviar.schedules",
    "augment": "of caviar.augmentation's classes",
    "random_state": "None, an integer or a RandomState of one of numpy's bit generators",
}
_NAMES = {value: name for name, value in _CLASSES.items()}


def pack(value, what):
    """A parameter's value as plain data, of which `unpack` makes it again.

    Parameters
    ----------
    value : object
        Plain data as `_archive.write_archive` takes it, one of caviar's schedules or
        augmentations, a random state or bit generator of numpy's, a dtype; and lists,
        tuples and dicts of these.
    what : str
        What the value is called, for the error.

    Returns
    -------
    plain : object
        What is not plain data itself, and every dict, is a dict with one key: its type.

    Raises
    ------
    TypeError
        For anything else, as a function of the user's.

    Examples
    --------
    >>> from caviar.schedules import Warmup
    >>> plain = pack(Warmup("cosine"), "learning_rate")
    >>> plain["schedules.Warmup"]["then"]
    'cosine'
    >>> unpack(plain)
    Warmup(then='cosine')
    """
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind in (list, tuple):
        return kind(pack(v, f"{what}[{i}]") for i, v in enumerate(value))
    if kind is dict:
        return {"dict": [_pack_item(k, v, what) for k, v in value.items()]}
    if isinstance(value, np.ndarray | np.generic):
        return value  # of whatever dtype: `_archive` refuses those it cannot write
    if isinstance(value, np.dtype):
        return {"dtype": value.str}
    if kind in _NAMES:
        params = value.get_params(deep=False)
        return {_NAMES[kind]: {n: pack(v, f"{what}__{n}") for n, v in params.items()}}
    if kind is np.random.RandomState:
        return {"RandomState": value.get_state(legacy=False)}
    if kind.__name__ in _BIT_GENERATORS and kind.__module__.startswith("numpy.random"):
        return {"BitGenerator": value.state}
    raise TypeError(_refusal(value, what))


def unpack(plain):
    """The value of which `pack` made this plain data.

    Raises
    ------
    ValueError
        If it did not.
    """
    if isinstance(plain, list | tuple):
        return type(plain)(unpack(entry) for entry in plain)
    if not isinstance(plain, dict):
        return plain
    if len(plain) != 1:
        raise ValueError(f"A packed value must have one type, got {list(plain)}.")
    ((kind, content),) = plain.items()
    try:
        return _unpack_as(kind, content)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"A packed {kind} cannot be made again: {error}.") from error


def _pack_item(key, value, what):
    return pack(key, f"a key of {what}"), pack(value, f"{what}[{key!r}]")


def _unpack_as(kind, content):
    if kind == "dict":
        return {unpack(key): unpack(value) for key, value in content}
    if kind == "dtype":
        return np.dtype(content)
    if kind == "BitGenerator":
        return _bit_generator(content)
    if kind == "RandomState":
        random_state = np.random.RandomState(_bit_generator(content))
        random_state.set_state(content)  # which has a normal number that was left over
        return random_state
    if kind in _CLASSES:
        return _CLASSES[kind](**{name: unpack(v) for name, v in content.items()})
    raise ValueError(f"A packed value must be of a known type, got {kind!r}.")


def _bit_generator(state):
    name = state["bit_generator"]
    if name not in _BIT_GENERATORS:
        raise ValueError(f"A bit generator must be one of numpy's, got {name!r}.")
    # With a seed, as the system's entropy, which is overwritten, takes its time.
    generator = getattr(np.random, name)(0)
    generator.state = {
        n: v for n, v in state.items() if n not in ("has_gauss", "gauss")
    }
    return generator


def _refusal(value, what):
    """Why a value cannot be saved, and what could be in its place."""
    parameter = re.split(r"__|\[", what)[0]
    wanted = _WANTED.get(
        parameter, "a number, a string, an array, or a list, tuple or dict of these"
    )
    return f"`{what}` must be {wanted} to be saved, got {value!r}."
