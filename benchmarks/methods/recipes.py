"""The methods: what each adds to the plain network, for the same number of epochs.

A recipe returns its candidates, keyword arguments of the network, for a task and a number
of epochs. The one that is best on validation rows is then trained
on all training rows. The plain network is (128, 128) relu units, Adam, batches of 128.
"""

import random
from dataclasses import dataclass

from caviar import MLPClassifier, MLPRegressor, schedules
from caviar.augmentation import Mixup
from caviar.ensemble import (
    SeedEnsembleClassifier,
    SeedEnsembleRegressor,
    SnapshotEnsembleClassifier,
    SnapshotEnsembleRegressor,
)

HIDDEN, BATCH_SIZE = (128, 128), 128
LEARNING_RATES = (0.001, 0.003, 0.01)  # tried by every recipe
N_SNAPSHOTS = 5
N_MIXTURES = 12  # candidates of the cocktail
SNAPSHOTS, MEMBERS = "n_snapshots", "n_estimators"  # of an ensemble, not of the network

PLAIN = {}
BATCH_NORM = {"batch_norm": True}
DROPOUT = {"dropout": 0.2}
WEIGHT_DECAY = {"solver": "adamw", "weight_decay": 0.1}
COSINE = {"learning_rate": "cosine"}
MIXUP = {"augment": Mixup(alpha=0.2)}
EMA = {"average_weights": "ema", "ema_decay": 0.99}
SWA = {"average_weights": "swa", "swa_start": 0.75}
LABEL_SMOOTHING = {"label_smoothing": 0.1}
SNAPSHOT = {SNAPSHOTS: N_SNAPSHOTS}

# What the cocktail draws from: one of each line. Snapshots have a schedule of their own.
INGREDIENTS = (
    (PLAIN, BATCH_NORM),
    (PLAIN, DROPOUT),
    (PLAIN, WEIGHT_DECAY),
    (PLAIN, COSINE, {"learning_rate": "one_cycle"}, SNAPSHOT),
    (PLAIN, MIXUP),
    (PLAIN, EMA, SWA),
    (PLAIN, LABEL_SMOOTHING),
)


@dataclass(frozen=True)
class Recipe:
    """`title` is its cell in the tables, `candidates(task, epochs)` a list of dicts."""

    title: str
    candidates: object


def adding(*ingredients):
    """The plain network with these, at each learning rate."""

    def candidates(task, epochs):
        added = merged(ingredients, task)
        return [{"learning_rate_init": rate, **added} for rate in LEARNING_RATES]

    return candidates


def cocktail(task, epochs):
    """Mixtures drawn at random, after Kadra et al. (2021), who search for longer."""
    draw = random.Random(0)
    mixtures = []
    for _ in range(N_MIXTURES):
        chosen = merged([draw.choice(line) for line in INGREDIENTS], task)
        mixtures.append({"learning_rate_init": draw.choice(LEARNING_RATES), **chosen})
    return mixtures


def merged(ingredients, task):
    params = {name: value for part in ingredients for name, value in part.items()}
    if task == "regression":
        params.pop("label_smoothing", None)
    return params


def piecewise(task, epochs):
    """A tenth of the learning rate after half of the epochs, a hundredth at the end."""
    half, last_quarter = epochs / 2, 3 * epochs / 4
    steps = schedules.PiecewiseConstant([half, last_quarter], [1.0, 0.1, 0.01])
    return adding({"learning_rate": steps})(task, epochs)


def schedule(name):
    return Recipe(f"+ {name.replace('_', ' ')}", adding({"learning_rate": name}))


RECIPES = {
    "plain": Recipe("plain", adding()),
    "batch_norm": Recipe("+ batch norm", adding(BATCH_NORM)),
    "dropout": Recipe("+ dropout 0.2", adding(DROPOUT)),
    "weight_decay": Recipe("+ weight decay 0.1 (AdamW)", adding(WEIGHT_DECAY)),
    **{name: schedule(name) for name in schedules.NAMES},
    "piecewise": Recipe("+ piecewise constant", piecewise),
    "mixup": Recipe("+ mixup 0.2", adding(MIXUP)),
    "ema": Recipe("+ EMA of the weights", adding(EMA)),
    "swa": Recipe("+ SWA over the last quarter", adding(SWA)),
    "snapshots": Recipe("+ five snapshots", adding(SNAPSHOT)),
    "seeds": Recipe("five networks (five times as long)", adding({MEMBERS: 5})),
    "label_smoothing": Recipe("+ label smoothing 0.1", adding(LABEL_SMOOTHING)),
    "all": Recipe(
        "all at once",
        adding(BATCH_NORM, DROPOUT, WEIGHT_DECAY, COSINE, MIXUP, EMA, LABEL_SMOOTHING),
    ),
    "cocktail": Recipe(f"cocktail, best of {N_MIXTURES}", cocktail),
}
FOR_CLASSES = {"label_smoothing"}  # what regressions do not have


def alone(params):
    """One network of an ensemble of seeds: what its learning rate is chosen for."""
    return {name: value for name, value in params.items() if name != MEMBERS}


def build(task, params, epochs, seed):
    """The network, or the ensemble of its snapshots or of several seeds."""
    params = dict(params)
    n_snapshots = params.pop(SNAPSHOTS, None)
    n_members = params.pop(MEMBERS, None)
    is_class = task == "classification"
    network = (MLPClassifier if is_class else MLPRegressor)(
        hidden_layer_sizes=HIDDEN,
        batch_size=BATCH_SIZE,
        max_iter=epochs,
        n_iter_no_change=epochs,  # nothing stops early
        dtype="float32",
        random_state=seed,
        **params,
    )
    if n_snapshots:
        kind = SnapshotEnsembleClassifier if is_class else SnapshotEnsembleRegressor
        return kind(network, n_snapshots, random_state=seed)
    if n_members:
        kind = SeedEnsembleClassifier if is_class else SeedEnsembleRegressor
        return kind(network, n_members, random_state=seed)
    return network
