"""The methods: what each adds to the plain network, for the same number of epochs.

A recipe is a function of the task and the number of epochs that returns its candidates:
keyword arguments of the network. The one that is best on validation rows is then trained
on all training rows. The plain network is (128, 128) relu units, Adam, batches of 128.
"""

import random
from dataclasses import dataclass

from caviar import MLPClassifier, MLPRegressor

HIDDEN, BATCH_SIZE = (128, 128), 128
LEARNING_RATES = (0.001, 0.003, 0.01)  # tried by every recipe
N_MIXTURES = 24  # candidates of the cocktail

PLAIN = {}
BATCH_NORM = {"batch_norm": True}
WEIGHT_DECAY = {"solver": "adamw", "weight_decay": 0.1}

# What the cocktail draws from: one of each line. Snapshots have a schedule of their own.
INGREDIENTS = ((PLAIN, BATCH_NORM), (PLAIN, WEIGHT_DECAY))


@dataclass(frozen=True)
class Recipe:
    """`title` is its cell in the tables, `candidates(task)` a list of dicts."""

    title: str
    candidates: object


def adding(*ingredients):
    """The plain network with these, at each learning rate."""

    def candidates(task):
        added = merged(ingredients, task)
        return [{"learning_rate_init": rate, **added} for rate in LEARNING_RATES]

    return candidates


def cocktail(task):
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


RECIPES = {
    "plain": Recipe("plain", adding()),
    "batch_norm": Recipe("+ batch norm", adding(BATCH_NORM)),
    "weight_decay": Recipe("+ weight decay 0.1 (AdamW)", adding(WEIGHT_DECAY)),
    "cocktail": Recipe(f"cocktail: best of {N_MIXTURES} mixtures", cocktail),
}
FOR_CLASSES = set()  # what regressions do not have


def build(task, params, epochs, seed):
    """The network, or the ensemble of its snapshots."""
    is_class = task == "classification"
    return (MLPClassifier if is_class else MLPRegressor)(
        hidden_layer_sizes=HIDDEN,
        batch_size=BATCH_SIZE,
        max_iter=epochs,
        n_iter_no_change=epochs,  # nothing stops early
        dtype="float32",
        random_state=seed,
        **params,
    )
