"""Preprocessing before a network: scikit-learn's transformers do what the names say."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier
from caviar.distributions import LogUniform
from caviar.model_selection import CoarseToFineSearchCV

EXAMPLE = Path(__file__).parents[1] / "examples" / "preprocessing.py"
pytestmark = [
    pytest.mark.skipif(not EXAMPLE.exists(), reason="needs the source tree"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
X, y = load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def example():
    return runpy.run_path(str(EXAMPLE))


@pytest.fixture(scope="module")
def preprocess(example):
    def preprocess(name, rows=X):
        return clone(example["PREPROCESSING"][name]).fit_transform(rows)

    return preprocess


def test_zero_centring_takes_the_means_away_and_nothing_else(preprocess):
    np.testing.assert_allclose(preprocess("zero-centred"), X - X.mean(axis=0))


def test_normalizing_divides_by_the_standard_deviation_too(preprocess):
    expected = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(preprocess("normalized"), expected, atol=1e-10)


def test_pca_rotates_so_that_nothing_is_correlated(preprocess):
    normalized, rotated = preprocess("normalized"), preprocess("decorrelated")
    covariance = np.cov(rotated, rowvar=False)
    variances = np.linalg.eigvalsh(np.cov(normalized, rowvar=False))[::-1]
    np.testing.assert_allclose(covariance, np.diag(variances), atol=1e-10)
    # A rotation: distances between rows stay.
    np.testing.assert_allclose(
        np.linalg.norm(rotated[:50, None] - rotated[:50], axis=-1),
        np.linalg.norm(normalized[:50, None] - normalized[:50], axis=-1),
        atol=1e-9,
    )


def test_whitening_makes_the_covariance_the_identity(preprocess):
    whitened = preprocess("whitened")
    np.testing.assert_allclose(np.cov(whitened, rowvar=False), np.eye(30), atol=1e-9)
    # By the formula: along the eigenvectors, divided by the roots of the eigenvalues.
    normalized = preprocess("normalized")
    values, vectors = np.linalg.eigh(np.cov(normalized, rowvar=False))
    expected = (normalized @ vectors / np.sqrt(values))[:, ::-1]
    signs = np.sign(np.sum(expected * whitened, axis=0))  # an eigenvector has none
    np.testing.assert_allclose(whitened, signs * expected, atol=1e-6)


def test_fewer_components_keep_the_share_of_the_variance_asked_for(preprocess):
    values = np.linalg.eigvalsh(np.cov(preprocess("normalized"), rowvar=False))[::-1]
    n_components = preprocess("PCA, 99 %, whitened").shape[1]
    shares = np.cumsum(values) / np.sum(values)
    assert shares[n_components - 2] < 0.99 <= shares[n_components - 1]


def test_it_is_what_gradient_descent_needs(example):
    found = {
        name: example["worth"](p, X, y) for name, p in example["PREPROCESSING"].items()
    }
    accuracy = {name: values[1] for name, values in found.items()}
    majority = np.mean(y)
    assert accuracy["nothing"] < majority + 0.02
    assert min(accuracy["normalized"], accuracy["decorrelated"]) > 0.94
    # Directions of hardly any variance are noise, made as large as all others.
    assert accuracy["whitened"] < accuracy["PCA, 99 %, whitened"]


def test_means_and_components_come_of_training_rows_only():
    X_train, X_test, y_train, _ = train_test_split(X, y, random_state=0)
    network = MLPClassifier((8,), max_iter=5, random_state=0)
    model = make_pipeline(StandardScaler(), PCA(whiten=True), network)
    model.fit(X_train, y_train)
    mean, deviation = X_train.mean(axis=0), X_train.std(axis=0)
    values, vectors = np.linalg.eigh(np.corrcoef(X_train, rowvar=False))
    n = len(X_train)
    values = values * n / (n - 1)  # PCA divides by n - 1, StandardScaler by n
    by_hand = ((X_test - mean) / deviation @ vectors / np.sqrt(values))[:, ::-1]
    seen = model[:-1].transform(X_test)
    signs = np.sign(np.sum(by_hand * seen, axis=0))
    np.testing.assert_allclose(seen, signs * by_hand, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(
        model.predict_proba(X_test), network.predict_proba(seen)
    )


def test_a_search_chooses_among_preprocessings():
    network = MLPClassifier((8,), max_iter=15, random_state=0)
    space = {
        "pca": ["passthrough", PCA(), PCA(whiten=True)],
        "mlpclassifier__learning_rate_init": LogUniform(1e-3, 1e-1),
    }
    search = CoarseToFineSearchCV(
        make_pipeline(StandardScaler(), PCA(), network),
        space, n_iter=6, n_rounds=1, cv=3, random_state=0,
    ).fit(X, y)  # fmt: skip
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_score_ > 0.94


def test_the_example_runs(example, capsys):
    example["main"]()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(example["PREPROCESSING"])
