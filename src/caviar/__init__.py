"""caviar: compiled, drop-in multi-layer perceptrons for scikit-learn."""

import importlib
from typing import TYPE_CHECKING

from . import _kernels  # noqa: F401 - refuses a wrong CAVIAR_ISA at once

if TYPE_CHECKING:
    from ._config import show_config
    from .neural_network import MLPClassifier, MLPRegressor
    from .session import TrainingSession

__version__ = "0.1.0"
# The rest is imported when it is first used: `ensemble` takes longer than all the rest, and
# ``python -m caviar`` can answer Ctrl-C before the second that scikit-learn takes.
_HOMES = {
    "MLPClassifier": "neural_network",
    "MLPRegressor": "neural_network",
    "TrainingSession": "session",
    "show_config": "_config",
}
_SUBMODULES = (
    "augmentation",
    "callbacks",
    "diagnostics",
    "distributions",
    "ensemble",
    "model_selection",
    "neural_network",
    "plotting",
    "schedules",
    "session",
)
__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "TrainingSession",
    "__version__",
    "show_config",
    *_SUBMODULES,
]


def __getattr__(name):
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _HOMES:
        module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
        globals()[name] = value = getattr(module, name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
