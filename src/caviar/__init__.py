"""caviar: compiled, drop-in multi-layer perceptrons for scikit-learn."""

import importlib

from ._config import show_config
from .neural_network import MLPClassifier, MLPRegressor

__version__ = "0.1.0"
# Imported when they are first used: `ensemble` takes longer than all the rest.
_SUBMODULES = (
    "augmentation",
    "callbacks",
    "diagnostics",
    "distributions",
    "ensemble",
    "model_selection",
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
    if name == "TrainingSession":
        return importlib.import_module(f"{__name__}.session").TrainingSession
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
