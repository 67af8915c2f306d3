"""The experiment of the batch-norm paper: sigmoid layers, with and without it.

Ioffe & Szegedy (2015), section 4.1 and figure 1: three hidden layers of 100 sigmoid
units, small Gaussian first weights, batches of 60 rows. With batch normalization the
test accuracy rises faster and ends higher, and the input of a sigmoid of the last hidden
layer keeps its distribution: its 15th, 50th and 85th percentiles stay where they are.

    python examples/batch_norm_paper.py                    # bundled digits, seconds
    python examples/batch_norm_paper.py IMAGES.npz --steps 50000 --plot batch_norm.svg

IMAGES.npz is an archive of X (n_rows, n_pixels), y (classes) and is_test (bool), such as
MNIST or Fashion-MNIST. The plot needs matplotlib (``pip install "caviar[plots]"``).
"""

import argparse
import importlib.util

import numpy as np
from scipy.special import expit
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from caviar import MLPClassifier

BATCH_SIZE, PERCENTILES = 60, (15, 50, 85)
NAMES = {False: "without", True: "with batch norm"}


def load(path):
    """Rows to train on and to test on; the greatest pixel becomes 1."""
    if path is None:
        X, y = load_digits(return_X_y=True)
        return train_test_split(np.float32(X / X.max()), y, random_state=0, stratify=y)
    with np.load(path) as file:
        X, y, is_test = file["X"], file["y"], file["is_test"]
    X = np.float32(X / X.max())
    return X[~is_test], X[is_test], y[~is_test], y[is_test]


def batches(n_rows, n_steps, seed=0):
    """Row numbers of `n_steps` batches: one shuffle of all rows after another."""
    rng = np.random.default_rng(seed)
    n_shuffles = -(-n_steps * BATCH_SIZE // n_rows)
    rows = np.concatenate([rng.permutation(n_rows) for _ in range(n_shuffles)])
    return rows[: n_steps * BATCH_SIZE]


def sigmoid_inputs(network, X):
    """What goes into the sigmoids of the last hidden layer, (n_rows, n_units).

    ``coefs_`` and ``intercepts_`` have batch norm folded into them: this is its output.
    """
    a = X
    layers = list(zip(network.coefs_, network.intercepts_, strict=True))
    for W, b in layers[:-2]:
        a = expit(a @ W + b)
    W, b = layers[-2]
    return a @ W + b


def train(data, batch_norm, n_steps, n_looks, learning_rate):
    """Per look: steps so far, test accuracy, and the percentiles of one sigmoid's input."""
    X_train, X_test, y_train, y_test = data
    network = MLPClassifier(
        hidden_layer_sizes=(100, 100, 100),
        activation="logistic",
        solver="sgd",
        momentum=0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        weight_init="normal",
        init_scale=0.1,
        batch_norm=batch_norm,
        batch_size=BATCH_SIZE,
        learning_rate_init=learning_rate,
        shuffle=False,  # `batches` has shuffled
        random_state=0,
    )
    classes = np.unique(y_train)
    every = max(1, n_steps // n_looks)
    rows, curve = batches(len(X_train), n_steps), []
    for n_done in range(every, n_steps + 1, every):
        part = rows[(n_done - every) * BATCH_SIZE : n_done * BATCH_SIZE]
        network.partial_fit(X_train[part], y_train[part], classes=classes)
        inputs = sigmoid_inputs(network, X_test)[:, 0]
        quantiles = np.percentile(inputs, PERCENTILES)
        curve.append((n_done, network.score(X_test, y_test), *quantiles))
    return np.array(curve)


def show(curves):
    """The figures as text, ten looks of each training."""
    for batch_norm, curve in curves.items():
        print(f"\n{NAMES[batch_norm]}\n   steps  test accuracy  percentiles 15, 50, 85")
        chosen = np.linspace(0, len(curve) - 1, min(10, len(curve))).astype(int)
        for step, accuracy, *quantiles in curve[chosen]:
            text = "".join(f"{quantile:8.2f}" for quantile in quantiles)
            print(f"{step:8.0f}{accuracy:15.4f}{text}")


def draw(curves, path):
    """The paper's figure 1: accuracy, then the percentiles without and with."""
    import matplotlib
    from matplotlib.figure import Figure

    colors = {False: "#D55E00", True: "#0072B2"}
    settings = {"svg.fonttype": "path", "svg.hashsalt": "caviar", "font.size": 9}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(9, 2.8), layout="constrained")
        left, *others = figure.subplots(1, 3)
        for batch_norm, curve in curves.items():
            style = {"color": colors[batch_norm], "label": NAMES[batch_norm]}
            left.plot(curve[:, 0], curve[:, 1], "-" if batch_norm else "--", **style)
        left.set(xlabel="steps", ylabel="test accuracy")
        left.legend(frameon=False)
        for ax, (batch_norm, curve) in zip(others, curves.items(), strict=True):
            for column, percentile in enumerate(PERCENTILES, 2):
                ax.plot(
                    curve[:, 0],
                    curve[:, column],
                    "-" if percentile == 50 else ":",
                    color=colors[batch_norm],
                    label=f"{percentile}th percentile",
                )
            ax.set(xlabel="steps", title=NAMES[batch_norm])
        others[0].set_ylabel("input of a sigmoid")
        others[0].sharey(others[1])
        figure.savefig(path, metadata={"Date": None}, facecolor="white")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="?", metavar="IMAGES.npz")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--looks", type=int, default=100, help="points of each curve")
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--plot", metavar="FILE", help="such as curves.svg or .png")
    options = parser.parse_args()

    data = load(options.images)
    curves = {
        batch_norm: train(
            data, batch_norm, options.steps, options.looks, options.learning_rate
        )
        for batch_norm in (False, True)
    }
    show(curves)
    if options.plot and importlib.util.find_spec("matplotlib"):
        draw(curves, options.plot)
        print(f"\n{options.plot} is the figure.")
    elif options.plot:
        print('\nPlots need matplotlib: pip install "caviar[plots]"')
    else:
        print("\n--plot FILE draws these curves.")


if __name__ == "__main__":
    main()
