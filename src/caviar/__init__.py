"""caviar: compiled, drop-in multi-layer perceptrons for scikit-learn."""

from ._config import show_config
from .neural_network import MLPClassifier, MLPRegressor

__version__ = "0.1.0"
__all__ = ["MLPClassifier", "MLPRegressor", "__version__", "show_config"]
