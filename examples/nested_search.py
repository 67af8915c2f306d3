"""Nested cross-validation of four searches: what each promises, and what it is worth.

Random search, coarse to fine, successive halving and Hyperband tune a pipeline on the
bundled breast cancer data. The best score inside of a search is the luckiest of many; the
outer folds score the model that the whole search chose on rows that it has never seen.
"""

import time
import warnings

from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier
from caviar.distributions import Choice, IntLogUniform, LogUniform, Uniform
from caviar.model_selection import (
    CoarseToFineSearchCV,
    HyperbandSearchCV,
    SearchBoundaryWarning,
    SuccessiveHalvingSearchCV,
)

warnings.simplefilter("ignore", ConvergenceWarning)  # all stop after MAX_ITER epochs
warnings.simplefilter("ignore", SearchBoundaryWarning)

MAX_ITER = 27
X, y = load_breast_cancer(return_X_y=True)

network = MLPClassifier(max_iter=MAX_ITER, dtype="float32", random_state=0)
model = make_pipeline(StandardScaler(), network)
space = {
    "mlpclassifier__learning_rate_init": LogUniform(1e-4, 1e-1),
    "mlpclassifier__alpha": LogUniform(1e-5, 10),
    "mlpclassifier__hidden_layer_sizes": Choice([(16,), (64,), (32, 32)]),
    "mlpclassifier__batch_size": IntLogUniform(16, 128),
    "mlpclassifier__dropout": Uniform(0, 0.5),
}
settings = dict(
    scoring="neg_log_loss",
    cv=StratifiedKFold(3, shuffle=True, random_state=0),
    random_state=0,
)
searches = {
    "random": RandomizedSearchCV(model, space, n_iter=13, **settings),
    "coarse to fine": CoarseToFineSearchCV(
        model, space, n_iter=4, n_rounds=3, **settings
    ),
    "halving": SuccessiveHalvingSearchCV(
        model,
        space,
        n_initial_parameters=27,
        n_initial_iter=3,  # one epoch of 250 rows tells little
        max_iter=MAX_ITER,
        **settings,
    ),
    "Hyperband": HyperbandSearchCV(model, space, max_iter=MAX_ITER, **settings),
}


def n_epochs(search):
    """Epochs of the inner fits, at most: those that converged stopped before."""
    epochs = MAX_ITER * len(search.cv_results_["params"]) * search.n_splits_
    return getattr(search, "n_epochs_", epochs)


outer = StratifiedKFold(3, shuffle=True, random_state=1)
print("log loss           candidates  epochs  promised  nested            seconds")
for name, search in searches.items():
    start = time.perf_counter()
    results = cross_validate(
        search, X, y, cv=outer, scoring="neg_log_loss", return_estimator=True
    )
    seconds = time.perf_counter() - start
    fitted = results["estimator"]
    promised = -sum(one.best_score_ for one in fitted) / len(fitted)
    nested = -results["test_score"]
    one = fitted[0]
    candidates = len({str(params) for params in one.cv_results_["params"]})
    print(
        f"{name:17}  {candidates:10}  {n_epochs(one):6.0f}  {promised:8.4f}"
        f"  {nested.mean():.4f} +- {nested.std():.4f}  {seconds:7.1f}"
    )
print("\nMeans over three outer folds; candidates and epochs are those of the first.")
