"""Six ways to average networks, on the bundled digits.

Members with other initial weights, other objectives, other data, the top models of a
search, the snapshots of one training, and a running average of the weights. Prints
accuracy and log loss on held-out rows, and the seconds of training, for each.
"""

import time
import warnings

from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split

from caviar import MLPClassifier
from caviar.ensemble import (
    SeedEnsembleClassifier,
    SnapshotEnsembleClassifier,
    ensemble_from_search,
)

warnings.simplefilter("ignore", ConvergenceWarning)  # all stop after 50 epochs

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, train_size=600, stratify=y, random_state=0
)


def network(**params):
    """Return a network with parameters that are good for a single one."""
    defaults = dict(
        hidden_layer_sizes=(64,),
        learning_rate_init=0.003,
        batch_size=32,
        max_iter=50,
        random_state=0,
    )
    return MLPClassifier(**defaults | params)


def search_and_average(X, y):
    """Search over 12 candidates, and average the best five."""
    space = {
        "learning_rate_init": [0.001, 0.003, 0.01],
        "alpha": [1e-4, 1.0],
        "batch_norm": [False, True],
    }
    search = GridSearchCV(network(), space, scoring="neg_log_loss", cv=3)
    return ensemble_from_search(search.fit(X, y), 5, X, y)


ensembles = {
    "one network": network().fit,
    "5 seeds": SeedEnsembleClassifier(network(), random_state=0).fit,
    "3 objectives (Voting)": VotingClassifier(
        [
            ("log loss", network()),
            ("focal", network(loss="focal")),
            ("smoothed", network(label_smoothing=0.1)),
        ],
        voting="soft",
    ).fit,
    "5 resamples (Bagging)": BaggingClassifier(network(), 5, random_state=0).fit,
    "top 5 of a search": search_and_average,
    "5 snapshots": SnapshotEnsembleClassifier(
        network(learning_rate_init=0.03), random_state=0
    ).fit,
    "running average": network(average_weights="ema").fit,
}

print("                        accuracy  log loss  seconds")
for name, fit in ensembles.items():
    start = time.perf_counter()
    model = fit(X_train, y_train)
    seconds = time.perf_counter() - start
    accuracy = model.score(X_test, y_test)
    loss = log_loss(y_test, model.predict_proba(X_test))
    print(f"{name:22}  {accuracy:8.4f}  {loss:8.4f}  {seconds:7.2f}")
