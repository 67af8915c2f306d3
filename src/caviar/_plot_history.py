"""What is drawn of a training: its history, best epoch and log, wherever they are kept.

Knows nothing of matplotlib.
"""

import numpy as np
from sklearn.base import is_classifier

from ._plot_parameters import label

COLUMNS = (
    "epoch loss validation_loss validation_score learning_rate gradient_norm"
).split()


def find_trained(estimator):
    """What has the curves: a session, or the fitted network in an estimator."""
    inside = estimator
    while inside is not None:
        if hasattr(inside, "history") and hasattr(inside, "log"):
            return inside
        if hasattr(inside, "history_") or hasattr(inside, "loss_curve_"):
            return inside
        if hasattr(inside, "steps"):
            inside = inside.steps[-1][1]
        else:
            inner = ("best_estimator_", "regressor_", "estimator_")
            inside = next((v for n in inner if (v := getattr(inside, n, None))), None)
    raise TypeError(
        "`estimator` must be a fitted multi-layer perceptron, a pipeline or search with "
        f"one in it, or a TrainingSession, got {estimator!r}."
    )


def describe(trained):
    """The arguments of the display, but the title."""
    if hasattr(trained, "history"):  # a session
        return {
            "history": trained.history,
            "best_epoch": trained.best_epoch if trained.best_in_history else None,
            "log": trained.log,
            "score_name": _score_name_of_session(trained),
        }
    score_name = _score_name(trained.get_params(deep=False), trained)
    if hasattr(trained, "history_"):
        best_epoch = getattr(trained, "best_epoch_", None)
        return {
            "history": trained.history_,
            "best_epoch": best_epoch,
            "score_name": score_name,
        }
    history, best_epoch = {"loss": trained.loss_curve_}, None  # scikit-learn's
    if trained.early_stopping:
        history["validation_score"] = trained.validation_scores_
        best_epoch = int(np.argmax(trained.validation_scores_)) + 1
    return {"history": history, "best_epoch": best_epoch, "score_name": score_name}


def _score_name_of_session(session):
    if session.n_epochs == 0:
        return None
    return _score_name(session.get_params(deep=False), session.estimator)


def _score_name(params, estimator):
    scoring = params.get("scoring")
    if isinstance(scoring, str):
        return "-loss" if scoring == "loss" else scoring.replace("_", " ")
    if scoring is not None:
        return getattr(scoring, "__name__", None)
    return "accuracy" if is_classifier(estimator) else "R²"


def read_columns(history):
    """The columns of a history as arrays of float64, of one length."""
    if "loss" not in history:
        raise ValueError(
            f"`history` must have the column 'loss', got {sorted(history)}."
        )
    columns = {
        # None becomes NaN.
        name: np.array(history[name], dtype=np.float64)
        for name in history
        if name in COLUMNS and history[name] is not None
    }
    n_epochs = len(columns["loss"])
    columns.setdefault("epoch", np.arange(1.0, n_epochs + 1))
    lengths = {name: len(values) for name, values in columns.items()}
    if set(lengths.values()) != {n_epochs}:
        raise ValueError(f"`history` must have columns of one length, got {lengths}.")
    return columns


def marks_on_path(log):
    """The entries of a session's log that belong to the epochs it has now.

    What was done after a snapshot that the session went back to is not among them; the
    entry of the return itself stands at the epoch it went to.
    """
    kept, at_snapshot = [], {}
    for entry in log:
        if entry["event"] == "revert":
            to = entry.get("to", entry["epoch"])
            before = [one for one in kept if one["epoch"] <= to]
            kept = list(at_snapshot.get(entry.get("name"), before))
            entry = {**entry, "epoch": to, "from": entry["epoch"]}
        kept.append(entry)
        if entry["event"] == "snapshot":
            at_snapshot[entry.get("name")] = list(kept)
    return kept


def changes_in_words(entry):
    """What an entry of the log has changed, such as 'learning_rate_init 0.1 → 0.01'."""
    changed = entry.get("changed", {})
    return ", ".join(
        f"{name} {label(old)} → {label(new)}" for name, (old, new) in changed.items()
    )
