"""scikit-learn's MLPClassifier, the class whose place caviar's takes."""

from sklearn.neural_network import MLPClassifier

from . import NotOffered, _estimator


def prepare(problem, X, y, batch_norm):
    if batch_norm:
        raise NotOffered("no batch norm")
    return _estimator.prepare(MLPClassifier, problem, X, y)
