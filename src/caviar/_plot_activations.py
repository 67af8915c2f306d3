"""ActivationDisplay: how the outputs of a network's hidden layers are distributed."""

import numpy as np

from . import _plot_style
from .diagnostics import activation_statistics

HALF_WIDTH = 0.42  # of the widest part of a layer's histogram
LABELS = 10  # layers up to which each has its activation's name beneath it
SHARES = {  # label, colour, marker and line style
    "zeros": ("exactly 0", _plot_style.BLUE, "o", "-"),
    "dead": ("units dead for all rows", _plot_style.VERMILION, "X", "--"),
    "saturated": ("saturated", _plot_style.BLACK, "s", ":"),
}


class ActivationDisplay:
    """Histograms of each hidden layer's outputs, side by side, and what is wrong in them.

    Above, a histogram for each layer, of the outputs that are not exactly zero, with
    mean and standard deviation of all; below, the shares of outputs that are zero or
    saturated and of units that are dead. In a network that can learn the standard deviation
    is about the same in all layers, and neither zeros nor ends of the range take all.

    `from_estimator` creates a display; all parameters are stored as attributes.

    Parameters
    ----------
    statistics : ActivationStatistics
        What `caviar.diagnostics.activation_statistics` returns.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (2,)
    histograms_ : list of PolyCollection
        One for each layer that has an output other than zero, else None.
    errorbars_ : ErrorbarContainer
        Mean and standard deviation.
    shares_ : dict of Line2D
        'zeros', 'dead', 'saturated': those that the activations can have.
    legend_ : Legend or None
    figure_ : Figure

    Examples
    --------
    >>> import numpy as np
    >>> from caviar import MLPRegressor
    >>> from caviar.plotting import ActivationDisplay
    >>> X = np.random.RandomState(0).standard_normal((100, 20))
    >>> network = MLPRegressor(hidden_layer_sizes=(50, 50), activation="tanh")
    >>> display = ActivationDisplay.from_estimator(network, X)
    >>> sorted(display.shares_)
    ['saturated']
    """

    def __init__(self, statistics):
        self.statistics = statistics

    @classmethod
    def from_estimator(cls, estimator, X, *, n_bins=50, ax=None):
        """Draw the hidden layers of a network, trained or freshly initialized.

        Parameters
        ----------
        estimator : MLPClassifier or MLPRegressor
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Some hundred rows are enough.
        n_bins : int, default=50
        ax
            As of `plot`.

        Returns
        -------
        ActivationDisplay

        Raises
        ------
        ImportError
            Without matplotlib.
        TypeError, ValueError
            As `activation_statistics`.
        """
        _plot_style.check_matplotlib(f"{cls.__name__}.from_estimator")
        return cls(activation_statistics(estimator, X, n_bins)).plot(ax=ax)

    @classmethod
    def from_statistics(cls, statistics, *, ax=None):
        """Draw what `activation_statistics` has returned."""
        _plot_style.check_matplotlib(f"{cls.__name__}.from_statistics")
        return cls(statistics).plot(ax=ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : Axes or array-like of two Axes, default=None
            For histograms and shares, or one whose place is divided. None: a new figure.

        Returns
        -------
        self : ActivationDisplay

        Raises
        ------
        ImportError
            Without matplotlib.
        """
        _plot_style.check_matplotlib(f"{type(self).__name__}.plot")
        n_layers = len(self.statistics.activations)
        axes, own_figure = _plot_style.grid_of_axes(
            ax,
            (2, 1),
            figsize=(max(5.5, 2.0 + 0.6 * n_layers), 5.2),
            share_x=True,
            heights=[3, 1.3],
        )
        self.axes_, self.figure_ = np.array(axes, dtype=object), axes[0].figure
        self._draw_histograms(axes[0])
        self._draw_shares(axes[1])
        self._label_layers(*axes)
        self.legend_ = _plot_style.add_legend(axes, own_figure, 3)
        return self

    def _draw_histograms(self, ax):
        found = self.statistics
        layers = np.arange(1, len(found.activations) + 1)
        self.histograms_ = [
            self._draw_histogram(ax, layer, counts, edges, zeros)
            for layer, counts, edges, zeros in zip(
                layers, found.counts, found.edges, found.zeros, strict=True
            )
        ]
        self.errorbars_ = ax.errorbar(
            layers,
            found.mean,
            found.std,
            fmt="o",
            color=_plot_style.BLACK,
            markersize=4,
            capsize=3,
            linewidth=1.2,
            label="mean ± standard deviation",
            zorder=3,
        )
        ax.set_ylabel("output of the layer")
        _plot_style.even_ticks(ax, 6)
        _plot_style.finish(ax)
        ax.grid(False, axis="x")

    def _draw_histogram(self, ax, layer, counts, edges, zeros):
        counts = counts.astype(np.float64)
        n_zeros = np.rint(zeros * counts.sum())
        if n_zeros:  # they would dwarf all others, and are a number below
            at = np.clip(
                np.searchsorted(edges, 0.0, side="right") - 1, 0, len(counts) - 1
            )
            counts[at] = max(counts[at] - n_zeros, 0.0)
        if not counts.any():
            return None
        width = HALF_WIDTH * counts / counts.max()
        return ax.fill_betweenx(
            np.repeat(edges, 2)[1:-1],
            layer - np.repeat(width, 2),
            layer + np.repeat(width, 2),
            color=_plot_style.SKY_BLUE,
            alpha=0.8,
            linewidth=0,
            label="outputs other than 0" if self.statistics.zeros.any() else "outputs",
        )

    def _draw_shares(self, ax):
        found, layers = self.statistics, np.arange(1, len(self.statistics.zeros) + 1)
        bounded = {"tanh", "logistic"} & set(found.activations)
        shown = ["saturated"] if bounded else []
        if found.zeros.any() or set(found.activations) - {
            "tanh",
            "logistic",
            "identity",
        }:
            shown = ["zeros", "dead", *shown]
        self.shares_ = {}
        for name in shown:
            label, color, marker, line_style = SHARES[name]
            (self.shares_[name],) = ax.plot(
                layers,
                100 * getattr(found, name),
                marker=marker,
                linestyle=line_style,
                color=color,
                markersize=5,
                linewidth=1.2,
                label=label,
                clip_on=False,
            )
        ax.set(ylim=(0, 100), yticks=[0, 50, 100], ylabel="share in %")
        _plot_style.finish(ax)
        ax.grid(False, axis="x")
        if not shown:
            _plot_style.write(ax, "no zeros, and no ends to saturate at")

    def _label_layers(self, upper, lower):
        activations = self.statistics.activations
        n_layers = len(activations)
        room = max(0.6, 1.6 - n_layers / 2)  # a layer alone is not as wide as the axes
        lower.set_xlim(1 - room, n_layers + room)
        lower.set_xticks(range(1, n_layers + 1))
        upper.tick_params(labelbottom=False)
        if len(set(activations)) == 1:
            lower.set_xlabel(f"hidden layer ({activations[0]})")
            return
        lower.set_xlabel("hidden layer")
        numbered = enumerate(activations, start=1)
        lower.set_xticklabels([f"{number}\n{name}" for number, name in numbered])
        if n_layers > LABELS:
            lower.tick_params(axis="x", labelrotation=90, labelsize="small")
