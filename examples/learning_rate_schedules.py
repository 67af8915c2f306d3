"""All schedules of the learning rate side by side, over 100 epochs.

Prints the factor of `learning_rate_init` at some epochs. With a path it draws the curves
too, which needs matplotlib:

    python examples/learning_rate_schedules.py docs/schedules.svg
"""

import sys

import numpy as np

from caviar.schedules import (
    CosineDecay,
    CosLog4,
    ExponentialDecay,
    FlatCosine,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstant,
    SqrtDecay,
    StepDecay,
    Warmup,
)

N_EPOCHS = 100
SCHEDULES = {
    "InverseTimeDecay()": InverseTimeDecay(),
    "InverseTimeDecay(rate=0.05)": InverseTimeDecay(rate=0.05),
    "ExponentialDecay(rate=0.95)": ExponentialDecay(rate=0.95),
    "SqrtDecay()": SqrtDecay(),
    "StepDecay(every=20)": StepDecay(every=20),
    "PiecewiseConstant([50, 75], ...)": PiecewiseConstant([50, 75], [1, 0.1, 0.01]),
    "CosineDecay()": CosineDecay(),
    "CosineDecay(n_cycles=4)": CosineDecay(n_cycles=4),
    "FlatCosine()": FlatCosine(),
    "Warmup(CosineDecay(), 10)": Warmup(CosineDecay(), n_epochs=10),
    "OneCycle()": OneCycle(),
    "CosLog4()": CosLog4(),
}


def draw(path):
    """A small chart of each schedule, in three columns."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    # Text as paths and ids from a fixed salt: the same file each time, on any machine.
    settings = {"svg.fonttype": "path", "svg.hashsalt": "caviar", "font.size": 8}
    with matplotlib.rc_context(settings):
        figure, axes = pyplot.subplots(
            4, 3, figsize=(8, 7), sharex=True, sharey=True, layout="constrained"
        )
        for ax, (title, schedule) in zip(axes.flat, SCHEDULES.items(), strict=True):
            schedule.plot(N_EPOCHS, ax=ax)
            ax.set_title(title, fontsize=9)
            ax.grid(color="#dddddd", linewidth=0.6)
            ax.label_outer()
            if ax.get_ylabel():
                ax.set_ylabel("factor")
        figure.savefig(path, metadata={"Date": None})


epochs = np.array([0, 1, 5, 10, 25, 50, 75, 99])
print(f"{'epoch':34}" + "".join(f"{epoch:7}" for epoch in epochs))
for name, schedule in SCHEDULES.items():
    factors = schedule(epochs, N_EPOCHS)
    print(f"{name:34}" + "".join(f"{factor:7.3f}" for factor in factors))
if len(sys.argv) > 1:
    draw(sys.argv[1])
