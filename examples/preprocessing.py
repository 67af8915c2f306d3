"""Zero-centring, normalization, PCA and whitening: scikit-learn's, before a network.

Prints what each makes of the columns of a table (their means, standard deviations,
correlations, and the condition number of their covariance) and what it is worth: the
training loss after some epochs, and accuracy in cross-validation, in which every fold's
means and components come of its own training rows.

The table is scikit-learn's breast cancer data: 30 columns that are strongly correlated,
with standard deviations from 0.003 to 570.
"""

import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from caviar import MLPClassifier

PREPROCESSING = {
    "nothing": FunctionTransformer(),
    "zero-centred": StandardScaler(with_std=False),
    "normalized": StandardScaler(),
    "decorrelated": make_pipeline(StandardScaler(), PCA()),
    "whitened": make_pipeline(StandardScaler(), PCA(whiten=True)),
    "PCA, 99 %, whitened": make_pipeline(
        StandardScaler(), PCA(n_components=0.99, whiten=True)
    ),
}


def network(**params):
    """Plain gradient descent, which feels the scale of its inputs most."""
    settings = dict(solver="sgd", learning_rate_init=0.01, max_iter=20, tol=0)
    return MLPClassifier((32,), random_state=0, **{**settings, **params})


def columns(X):
    """Largest mean, least and largest deviation, largest correlation, condition number."""
    deviations, covariance = X.std(axis=0), np.cov(X, rowvar=False)
    correlations = np.corrcoef(X, rowvar=False) - np.eye(X.shape[1])
    return (
        np.abs(X.mean(axis=0)).max(),
        deviations.min(),
        deviations.max(),
        np.abs(correlations).max(),
        np.linalg.cond(covariance),
    )


def worth(preprocessing, X, y):
    """Training loss at the end, and accuracy in cross-validation: mean and deviation."""
    model = make_pipeline(preprocessing, network())
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = cross_validate(model, X, y, cv=folds, return_estimator=True)
    losses = [fitted[-1].loss_ for fitted in found["estimator"]]
    return np.mean(losses), found["test_score"].mean(), found["test_score"].std()


def main():
    X, y = load_breast_cancer(return_X_y=True)
    print(
        "                     columns  |mean|     std min ..     max  corr.  condition"
        "      loss  accuracy"
    )
    for name, preprocessing in PREPROCESSING.items():
        made = preprocessing.fit_transform(X)
        mean, least, largest, correlation, condition = columns(made)
        loss, accuracy, spread = worth(preprocessing, X, y)
        print(
            f"{name:20} {made.shape[1]:7}  {mean:6.1f}  {least:8.2g} .. {largest:8.2g}  "
            f"{correlation:5.2f}  {condition:9.1e}  {loss:8.2g}  "
            f"{accuracy:.3f} ± {spread:.3f}"
        )


if __name__ == "__main__":
    main()
