"""scikit-learn's searches, unchanged: a random search over a pipeline, nested.

Draws learning rate and L2 penalty on a logarithmic scale, and batch norm on or off,
for a pipeline on the bundled breast cancer data. Nested cross-validation then says what
such a search is worth on rows that it has not seen.
"""

import time

from scipy.stats import loguniform
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier

X, y = load_breast_cancer(return_X_y=True)

network = MLPClassifier(
    early_stopping=True, max_iter=60, dtype="float32", random_state=0
)
search = RandomizedSearchCV(
    make_pipeline(StandardScaler(), network),
    {
        "mlpclassifier__learning_rate_init": loguniform(1e-3, 1e-1),
        "mlpclassifier__alpha": loguniform(1e-5, 1e1),
        "mlpclassifier__hidden_layer_sizes": [(32,), (64,), (32, 32)],
        "mlpclassifier__batch_size": [32, 64],
        "mlpclassifier__batch_norm": [False, True],
    },
    n_iter=15,
    scoring="neg_log_loss",
    cv=StratifiedKFold(5, shuffle=True, random_state=0),
    random_state=0,
)

start = time.perf_counter()
search.fit(X, y)
seconds = time.perf_counter() - start
results = search.cv_results_
n_fits = search.n_splits_ * search.n_iter + 1
print(f"{n_fits} fits in {seconds:.1f} s. The best five:\n")
print("log loss  learning rate     alpha  batch  units     batch norm")
for index in results["rank_test_score"].argsort()[:5]:
    params = {k.split("__")[1]: v for k, v in results["params"][index].items()}
    print(
        f"{-results['mean_test_score'][index]:8.4f}"
        f"  {params['learning_rate_init']:13.4f}  {params['alpha']:8.5f}"
        f"  {params['batch_size']:5}  {params['hidden_layer_sizes']!s:8}"
        f"  {params['batch_norm']}"
    )

outer = StratifiedKFold(5, shuffle=True, random_state=1)
scores = -cross_val_score(search, X, y, cv=outer)
print(f"\nlog loss of the candidate that was chosen by it: {-search.best_score_:.4f}")
print(f"nested cross-validation: {scores.mean():.4f} +- {scores.std():.4f}")
