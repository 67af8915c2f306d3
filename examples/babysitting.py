"""One model, watched over: change the rate in mid-course, go back if that was wrong.

Run with ``python examples/babysitting.py``.
"""

import tempfile
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from caviar import MLPClassifier, TrainingSession


def show(what, session):
    history = session.history
    print(
        f"{what:32} epoch {session.n_epochs:3}  loss {history['loss'][-1]:.4f}  "
        f"validation {history['validation_score'][-1]:.4f}"
    )


def main():
    X, y = load_digits(return_X_y=True)
    X_train, X_val, y_train, y_val = train_test_split(X / 16, y, random_state=0)
    data = {"X": X_train, "y": y_train, "X_val": X_val, "y_val": y_val}

    network = MLPClassifier((64, 64), learning_rate_init=0.01, random_state=0)
    session = TrainingSession(network, **data)
    show("ten epochs", session.run(10))
    session.snapshot("ten")

    session.set_params(learning_rate_init=0.1)
    show("a bold rate", session.run(5))
    show("back", session.revert("ten"))

    session.set_params(learning_rate_init=0.002, dropout=0.1)
    show("a careful rate and dropout", session.run(15))

    # Another day, in another process: the same bits as if it had never stopped.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.caviar"
        session.save(path)
        resumed = TrainingSession.load(path, **data)
    show("saved and loaded, ten more", resumed.run(10))
    same = (resumed.estimator.params_ == session.run(10).estimator.params_).all()
    print("the same weights as without a stop:", same)

    show("the best of it", resumed.revert("best"))
    print("what was done:")
    for entry in resumed.log:
        print("  ", entry)


if __name__ == "__main__":
    main()
