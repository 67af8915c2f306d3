"""caviar's MLPClassifier, used as scikit-learn's."""

from caviar import MLPClassifier

from . import _estimator


def prepare(problem, X, y, batch_norm):
    return _estimator.prepare(MLPClassifier, problem, X, y, batch_norm=batch_norm)
