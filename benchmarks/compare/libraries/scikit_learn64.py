"""scikit-learn's MLPClassifier on float64 data, as users of the default have it."""

from . import scikit_learn


def prepare(problem, X, y, batch_norm):
    return scikit_learn.prepare(problem, X.astype(float), y, batch_norm)
