"""The seven steps of a careful training, on the breast cancer table.

Steps 1, 2, 3 and 6 are `caviar.diagnostics`; 4 and 5 are `CoarseToFineSearchCV`; 7 is to go
back to 5. The first network has a fault: see who finds it.

Run with ``python examples/seven_steps.py``; it takes some seconds.
"""

import warnings

from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier
from caviar.diagnostics import (
    check_initial_loss,
    diagnose,
    learning_rate_range_test,
    overfit_small_sample,
    retest,
)
from caviar.distributions import Choice, LogUniform
from caviar.model_selection import CoarseToFineSearchCV, SearchBoundaryWarning


def main():
    for boring in (ConvergenceWarning, SearchBoundaryWarning):
        warnings.simplefilter("ignore", boring)
    X, y = load_breast_cancer(return_X_y=True)
    X, X_later, y, y_later = train_test_split(X, y, test_size=0.4, random_state=0)
    X_train, X_val, y_train, y_val = train_test_split(X, y, random_state=0)
    network = MLPClassifier((30,), random_state=0)

    print("1. The first loss, of a network that is given the table as it is:\n")
    print(check_initial_loss(network, X_train, y_train))
    model = make_pipeline(StandardScaler(), network)
    print("\n   and with scaled columns:\n")
    print(check_initial_loss(model, X_train, y_train))

    print("\n2. Fifty rows by heart:\n")
    print(overfit_small_sample(model, X_train, y_train))

    print("\n3. Learning rates:\n")
    rates = learning_rate_range_test(model, X_train, y_train)
    print(rates)

    print("\n4. A coarse search, 5 epochs each:\n")
    rate = rates.suggestion
    model.set_params(mlpclassifier__max_iter=5)
    space = {
        "mlpclassifier__learning_rate_init": LogUniform(rate / 100, rate * 3),
        "mlpclassifier__alpha": Choice([1e-4, 1e-5, 0.0]),
    }
    coarse = CoarseToFineSearchCV(
        model,
        space,
        n_iter=15,
        n_rounds=1,
        cv=3,
        scoring="neg_log_loss",
        random_state=0,
    ).fit(X, y)
    print(coarse.best_params_, round(coarse.best_score_, 4))

    print("\n5. A finer one round the best, 20 epochs each:\n")
    model.set_params(**coarse.best_params_).set_params(mlpclassifier__max_iter=20)
    best = coarse.best_params_["mlpclassifier__learning_rate_init"]
    space = {"mlpclassifier__learning_rate_init": LogUniform(best / 5, best * 5)}
    fine = CoarseToFineSearchCV(
        model, space, n_iter=8, n_rounds=2, cv=3, scoring="neg_log_loss", random_state=0
    ).fit(X, y)
    print(fine.best_params_, round(fine.best_score_, 4))

    print("\n6. The curves of the winner, trained for longer:\n")
    scaler = StandardScaler().fit(X_train)
    winner = fine.best_estimator_[-1].set_params(max_iter=60)
    winner.fit(
        scaler.transform(X_train), y_train, X_val=scaler.transform(X_val), y_val=y_val
    )
    print(diagnose(winner))

    print("\n7. Back to 5, with what was learnt. And when new rows have come, again:\n")
    print(retest(fine, X_later, y_later, k=4))


if __name__ == "__main__":
    main()
