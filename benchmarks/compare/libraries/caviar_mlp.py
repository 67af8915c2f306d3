"""caviar's MLPClassifier, used as scikit-learn's."""

from caviar import MLPClassifier, __version__

from . import _estimator

version = f"caviar {__version__}"


def prepare(problem, X, y, batch_norm):
    return _estimator.prepare(MLPClassifier, problem, X, y, batch_norm=batch_norm)
