"""The six parameters that are searched: as distributions, as a grid, and for Optuna."""

from caviar.distributions import HiddenLayers, IntLogUniform, LogUniform, Uniform

RATES, PENALTIES, DROPOUTS = (1e-4, 1e-1), (1e-6, 1e-1), (0.0, 0.5)
N_LAYERS, UNITS, BATCH_SIZES = (1, 3), (16, 128), (32, 256)

SPACE = {
    "learning_rate_init": LogUniform(*RATES),
    "hidden_layer_sizes": HiddenLayers(N_LAYERS, UNITS),
    "batch_size": IntLogUniform(*BATCH_SIZES),
    "alpha": LogUniform(*PENALTIES),
    "dropout": Uniform(*DROPOUTS),
    "batch_norm": [False, True],
}

# 27 candidates, as random search has: three values each of what is most often tried.
GRID = {
    "learning_rate_init": [3e-4, 3e-3, 3e-2],
    "hidden_layer_sizes": [(32,), (64, 64), (128, 128)],
    "dropout": [0.0, 0.2, 0.4],
    "batch_size": [64],
}


def suggest(trial):
    """The same distributions in Optuna's words."""
    n_layers = trial.suggest_int("n_layers", *N_LAYERS)
    return {
        "learning_rate_init": trial.suggest_float(
            "learning_rate_init", *RATES, log=True
        ),
        "hidden_layer_sizes": tuple(
            trial.suggest_int(f"units_{layer}", *UNITS, log=True)
            for layer in range(n_layers)
        ),
        "batch_size": trial.suggest_int("batch_size", *BATCH_SIZES, log=True),
        "alpha": trial.suggest_float("alpha", *PENALTIES, log=True),
        "dropout": trial.suggest_float("dropout", *DROPOUTS),
        "batch_norm": trial.suggest_categorical("batch_norm", [False, True]),
    }
