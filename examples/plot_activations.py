"""Ten hidden layers before training: first weights that are too small, too large, right.

With a standard deviation of 0.01 the signal dies out from layer to layer, with one of 1
every unit sits at an end of tanh, and neither learns; after Glorot and Bengio (2010) all
layers are alike. With a path the picture is saved there, else it is shown.
"""

import sys

import numpy as np
from matplotlib import pyplot

from caviar import MLPRegressor
from caviar.plotting import ActivationDisplay

X = np.random.RandomState(0).standard_normal((300, 200))
INITS = {
    "too small": {"weight_init": "normal", "init_scale": 0.01},
    "too large": {"weight_init": "normal", "init_scale": 1.0},
    "right": {"weight_init": "glorot_normal"},
}

figure, axes = pyplot.subplots(
    2,
    3,
    figsize=(11, 5),
    sharex=True,
    sharey="row",
    height_ratios=[3, 1.3],
    layout="constrained",
)
for (name, init), column in zip(INITS.items(), axes.T, strict=True):
    network = MLPRegressor(
        hidden_layer_sizes=(200,) * 10, activation="tanh", random_state=0, **init
    )
    display = ActivationDisplay.from_estimator(network, X, ax=column)
    display.legend_.remove()  # one for all will do
    column[0].set_title(name)
for ax in axes.flat:
    ax.label_outer()
entries = [ax.get_legend_handles_labels() for ax in display.axes_]
handles, labels = (upper + lower for upper, lower in zip(*entries, strict=True))
entries = dict(zip(labels, handles, strict=True))
figure.legend(entries.values(), entries, loc="outside upper center", ncols=3)

if len(sys.argv) > 1:
    display.figure_.savefig(sys.argv[1], dpi=100)
else:
    pyplot.show()
