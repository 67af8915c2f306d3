"""What notebooks show of networks, sessions, searches, ensembles and schedules.

Cards, beside scikit-learn's diagrams or, where these have nothing to say, in their place.
Knows the objects by their attributes only, so that any module may use it.
"""

import inspect
import math

import numpy as np

from ._html_curves import BLUE, curves_svg, lines_svg
from ._html_pieces import (
    card,
    details,
    escape,
    number,
    pairs,
    shown,
    status,
    table,
)

N_BEST = 5  # candidates of a search
SCHEDULE_EPOCHS = 100


class WithCard:
    """Mixin for estimators: below scikit-learn's diagram what `_card_html` returns.

    In front of BaseEstimator among the bases. scikit-learn 1.6 to 1.9 show an object by
    both methods here, and leave them out with ``display="text"``.
    """

    def _card_html(self):
        """HTML; empty where there is nothing to add."""
        return ""

    def _repr_html_inner(self):
        return super()._repr_html_inner() + self._card_html()

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] = self._repr_html_inner()
        return bundle


class AsCard(WithCard):
    """Mixin for what has parameters but no fit: a card in place of the diagram.

    scikit-learn's would say that it is not fitted.
    """

    def _card_html(self):
        return parameters_html(self)

    def _repr_html_inner(self):
        return self._card_html()


# Parameters


def changed_params(owner):
    """Parameters that have not their default, by name."""
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(type(owner)).parameters.items()
    }
    return {
        name: value
        for name, value in owner.get_params(deep=False).items()
        if repr(value) != repr(defaults.get(name))
    }


def _own_params(owner):
    """Names and values of its parameters, in the order of its constructor."""
    params = owner.get_params(deep=False)
    names = [n for n in inspect.signature(type(owner)).parameters if n in params]
    return [(name, shown(params[name])) for name in names]


def params_table(params):
    """Parameters and their values."""
    return table(
        ["parameter", "value"], [(name, shown(params[name])) for name in sorted(params)]
    )


def parameters_html(owner):
    """The card of an object that is its parameters: an augmentation, a distribution."""
    return card(type(owner).__name__, [pairs(_own_params(owner))])


def schedule_html(schedule):
    """The card of a schedule: its parameters, and its course over 100 epochs."""
    epochs = np.arange(SCHEDULE_EPOCHS + 1)
    try:
        factors = schedule(epochs.astype(np.float64), SCHEDULE_EPOCHS)
        note = f"over {SCHEDULE_EPOCHS} epochs"
    except ValueError as error:  # a parameter out of its range
        factors, note = np.array([]), str(error)
    drawing = lines_svg([("factor of learning_rate_init", BLUE, factors)], "epoch", 0)
    columns = f'<div class="caviar-cols">{drawing}{pairs(_own_params(schedule))}</div>'
    return card(type(schedule).__name__, [columns], note)


# Training


def last(history, name):
    """The newest finite value of a column of `history_`, or None."""
    finite = [v for v in history.get(name, ()) if v is not None and math.isfinite(v)]
    return finite[-1] if finite else None


def training_pairs(history, best_epoch, n_parameters=None):
    """The numbers that say how a training went."""
    at_best = (best_epoch or 0) - 1
    scores = history.get("validation_score", ())
    score = scores[at_best] if 0 <= at_best < len(scores) else None
    seconds = [s for s in history.get("seconds", ()) if s is not None]
    return [
        ("epochs", len(history.get("loss", ()))),
        ("training loss", last(history, "loss")),
        ("validation loss", last(history, "validation_loss")),
        ("validation score", last(history, "validation_score")),
        ("best epoch", best_epoch),
        ("score there", score if score is not None and math.isfinite(score) else None),
        ("learning rate", last(history, "learning_rate")),
        ("weights and biases", n_parameters),
        ("seconds", sum(seconds) if seconds and np.isfinite(seconds).all() else None),
    ]


def training_html(network):
    """How a fitted network was trained; nothing for one that was not.

    Parameters
    ----------
    network : MLPClassifier or MLPRegressor
    """
    history = getattr(network, "history_", None)
    if not history or not history["loss"]:
        return ""
    best_epoch = getattr(network, "best_epoch_", None)
    units = network._network["layer_units"]
    numbers = pairs(training_pairs(history, best_epoch, network.params_.size))
    columns = curves_svg(history, best_epoch) + numbers
    layers = " \u2192 ".join(map(str, units))
    return card("Training", [f'<div class="caviar-cols">{columns}</div>'], layers)


def session_html(session):
    """The card of a `TrainingSession`.

    Returns
    -------
    str
        HTML: state, curves with marks where parameters were changed, the numbers, the
        log, the snapshots and the parameters.
    """
    history, log = session.history, session.log
    params = session.get_params(deep=False)
    n_epochs = session.n_epochs
    state = f"{n_epochs} of {params['max_iter']} epochs" if n_epochs else "not begun"
    if session.stopped:
        state += f", stopped: {session.stopped}"
    best_epoch = session.best_epoch if session.best_in_history else None
    columns = curves_svg(history, best_epoch, _changes_on_the_way(log))
    columns += pairs(training_pairs(history, best_epoch))
    rows = [(entry["epoch"], entry["event"], entry_text(entry)) for entry in log]
    kept = list(session.snapshots.items())
    changed = changed_params(session._now.estimator)
    body = [
        f'<div class="caviar-cols">{columns}</div>',
        details(f"Log ({len(rows)})", table(["epoch", "event", "what"], rows)),
        details(f"Snapshots ({len(kept)})", table(["name", "epoch"], kept)),
        details("Parameters that are not the default", params_table(changed)),
    ]
    return card(
        f"TrainingSession of {type(session._now.estimator).__name__}", body, state
    )


def _changes_on_the_way(log):
    """Changes of parameters that led here: without those that were gone back on."""
    kept, snapshots = [], {}
    for entry in log:
        if entry["event"] == "params":
            kept.append((entry["epoch"], entry_text(entry)))
        elif entry["event"] == "snapshot":
            snapshots[entry["name"]] = list(kept)
        elif entry["event"] == "revert":
            before = [mark for mark in kept if mark[0] < entry["to"]]
            kept = list(snapshots.get(entry["name"], before))
    return kept


def entry_text(entry):
    """What an entry of a session's log says beside its epoch and its event."""
    if entry["event"] == "params":
        return ", ".join(
            f"{name}: {_value(old)} \u2192 {_value(new)}"
            for name, (old, new) in entry["changed"].items()
        )
    if entry["event"] == "revert":
        return f"{entry['name']}, to epoch {entry['to']}"
    return str(entry.get("name") or entry.get("reason") or "")


def _value(value):
    return number(value) if isinstance(value, float) else shown(value)


# Searches and ensembles


def search_html(search):
    """What a fitted search found; nothing for one that was not fitted."""
    results = getattr(search, "cv_results_", None)
    if not results:
        return ""
    metric = search._metric_to_go_by(results)
    scores, spreads = (results[f"{kind}_test_{metric}"] for kind in ("mean", "std"))
    index = getattr(search, "best_index_", None)
    found = []
    if index is not None:
        best = f"{number(scores[index])} \u00b1 {number(spreads[index])}"
        found += [(f"best mean test {metric}", best)]
        found += [(name, _value(v)) for name, v in results["params"][index].items()]
    n_failed = int(np.sum(~np.isfinite(scores)))
    found += [
        ("candidates", len(scores)),
        ("of them failed", n_failed or None),
        ("splits", search.n_splits_),
        ("rounds", len(getattr(search, "rounds_", ())) or None),
        ("seconds of the last fit", getattr(search, "refit_time_", None)),
    ]
    ranks = results[f"rank_test_{metric}"]
    first = [i for i in np.argsort(ranks, kind="stable") if np.isfinite(scores[i])]
    rows = [
        (int(ranks[i]), number(scores[i]), number(spreads[i]), _setting(results, i))
        for i in first[:N_BEST]
    ]
    body = [
        pairs(found),
        *(f"<p>{sentence}</p>" for sentence in _edges(search)),
        details("The best candidates", table(["rank", "score", "std", "set"], rows)),
    ]
    state = "" if getattr(search, "completed_", True) else "stopped: time was over"
    return card("Search", body, state)


def _setting(results, index):
    params = results["params"][index].items()
    return ", ".join(f"{name}={_value(value)}" for name, value in params)


def _edges(search):
    """A sentence for each best value at an edge of its range, as HTML."""
    rounds = getattr(search, "rounds_", ())
    found = rounds[-1]["boundaries"] if rounds else {}
    for name, side in found.items():
        edge = "lower" if side == "low" else "upper"
        yield (
            f"{status('warning')}The best <code>{escape(name)}</code> lies at the {edge} "
            "edge of the range given."
        )


def ensemble_html(ensemble):
    """The members of a fitted ensemble; nothing for one that was not fitted."""
    members = getattr(ensemble, "estimators_", None)
    if not members:
        return ""
    rows = [
        (
            i,
            type(member).__name__,
            f"{100 * weight:.1f} %",
            getattr(member, "n_iter_", ""),
        )
        for i, (member, weight) in enumerate(
            zip(members, ensemble.weights_, strict=True), start=1
        )
    ]
    header = ["member", "model", "weight", "epochs"]
    title = f"{len(members)} member{'s' if len(members) > 1 else ''}"
    return card(title, [table(header, rows)])
