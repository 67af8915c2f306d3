"""TrainingCurveDisplay: how one training went, epoch by epoch."""

from collections import Counter

import numpy as np

from . import _plot_style
from ._plot_history import (
    changes_in_words,
    describe,
    find_trained,
    marks_on_path,
    read_columns,
)

PANELS = {  # of which axes are made, with the columns of a history that each shows
    "loss": ("loss", "validation_loss"),
    "score": ("validation_score",),
    "learning_rate": ("learning_rate",),
    "gradient_norm": ("gradient_norm",),
}
HEIGHTS = {"loss": 3, "score": 2, "learning_rate": 1.2, "gradient_norm": 1.2}
LINES = {  # label, colour and style
    "loss": ("training", _plot_style.BLUE, "-"),
    "validation_loss": ("validation", _plot_style.VERMILION, "--"),
    "validation_score": ("validation", _plot_style.VERMILION, "--"),
    "learning_rate": ("_learning rate", _plot_style.BLACK, "-"),
    "gradient_norm": ("_gradient norm", _plot_style.BLUE, "-"),
}
MARKS = {  # events of a session: marker, colour, label
    "params": ("v", _plot_style.PURPLE, "parameters changed"),
    "snapshot": ("s", _plot_style.GREEN, "snapshot"),
    "revert": ("<", _plot_style.ORANGE, "reverted"),
    "interrupted": ("X", _plot_style.VERMILION, "interrupted"),
    "stopped": ("|", _plot_style.BLACK, "stopped"),
}
FEW = 30  # epochs up to which each is marked
MAX_WORDS = 8  # changes of parameters up to which they are written out


class TrainingCurveDisplay:
    """Loss, validation score and learning rate against the epochs of a training.

    `from_estimator` creates one; all parameters are stored as attributes.

    Parameters
    ----------
    history : dict of array-like of shape (n_epochs,)
        As `history_` of a network: 'loss', and where there are 'epoch',
        'validation_loss', 'validation_score', 'learning_rate', 'gradient_norm'. NaN or
        None is no value.
    best_epoch : int, default=None
        The epoch whose weights were kept, marked.
    log : list of dict, default=()
        What happened between epochs, marked: dicts with 'epoch' and 'event', as `log` of
        a `TrainingSession`.
    title : str, default=None
    score_name : str, default=None
        Of the validation score.

    Attributes
    ----------
    axes_ : ndarray of Axes
        One for each panel, from the top.
    panels_ : list of str
        What each of them shows.
    lines_ : dict of Line2D
        Column of the history -> its line.
    best_ : list of Artist
        What marks the best epoch.
    marks_ : dict of PathCollection
        Event -> its marks.
    words_ : list of Text
        What was changed, where there is room for it.
    legend_ : Legend or None
    figure_ : Figure

    Raises
    ------
    ValueError
        For a history without 'loss', or whose columns differ in length.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from caviar import MLPClassifier
    >>> from caviar.plotting import TrainingCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier(early_stopping=True, random_state=0).fit(X, y)
    >>> display = TrainingCurveDisplay.from_estimator(network)
    >>> display.panels_
    ['loss', 'score']
    """

    def __init__(
        self, history, *, best_epoch=None, log=(), title=None, score_name=None
    ):
        self.history = history
        self.best_epoch = best_epoch
        self.log = log
        self.title = title
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, panels="auto", title=None):
        """Draw how a network was trained.

        Parameters
        ----------
        estimator : estimator or TrainingSession
            Fitted, caviar's or scikit-learn's; also a pipeline, a
            TransformedTargetRegressor or a search with such a network in it.
        ax, panels
            As of `plot`.
        title : str, default=None

        Returns
        -------
        TrainingCurveDisplay

        Raises
        ------
        TypeError
            For what has no training curves.
        ImportError
            Without matplotlib.
        """
        _plot_style.check_matplotlib(f"{cls.__name__}.from_estimator")
        trained = find_trained(estimator)
        display = cls(**describe(trained), title=title)
        return display.plot(ax=ax, panels=panels)

    def plot(self, ax=None, *, panels="auto"):
        """Draw.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            One for each panel, or one whose place is divided among them. None: a new
            figure.
        panels : list of str, default='auto'
            Of 'loss', 'score', 'learning_rate' and 'gradient_norm'. 'auto' is the loss,
            the score if there is one, and the learning rate unless it is constant.

        Returns
        -------
        self : TrainingCurveDisplay

        Raises
        ------
        ImportError
            Without matplotlib.
        ValueError
            For other panels, or another number of `ax`.
        """
        _plot_style.check_matplotlib(f"{type(self).__name__}.plot")
        columns = read_columns(self.history)
        self.panels_ = _chosen_panels(columns, panels)
        heights = [HEIGHTS[name] for name in self.panels_]
        axes, own_figure = _plot_style.grid_of_axes(
            ax,
            (len(self.panels_), 1),
            figsize=(7.0, 1.0 + sum(heights)),
            share_x=True,
            heights=heights,
        )
        self.axes_, self.figure_ = np.array(axes, dtype=object), axes[0].figure
        self.lines_, self.best_, self.marks_, self.words_ = {}, [], {}, []
        for ax, panel in zip(axes, self.panels_, strict=True):
            self._draw_panel(ax, panel, columns)
        self._mark_best(columns)
        self._mark_log(columns)
        self._label_epochs(columns)
        if self.title is not None:
            axes[0].set_title(self.title)
        self.legend_ = _plot_style.add_legend(axes, own_figure)
        return self

    def _draw_panel(self, ax, panel, columns):
        epochs, shown = columns["epoch"], []
        for name in PANELS[panel]:
            values = columns.get(name)
            if values is None or not np.isfinite(values).any():
                continue
            label, color, line_style = LINES[name]
            few, many = np.isfinite(values).sum() <= FEW, len(epochs) > _plot_style.MANY
            finite = np.where(np.isfinite(values), values, np.nan)
            (self.lines_[name],) = ax.plot(
                epochs,
                finite,
                color=color,
                linestyle=line_style,
                marker="o" if few else "s" if many and label == "validation" else None,
                markevery=None if few else max(1, len(epochs) // 12),
                markersize=3 if few else 5,
                markeredgecolor=color if few else "white",
                linewidth=1.4,
                label=label,
                rasterized=many,
            )
            shown.append(finite)
        ax.set_ylabel(self._ylabel(panel))
        _plot_style.finish(ax)
        _plot_style.even_ticks(ax, 6 if HEIGHTS[panel] > 2 else 4)
        if not shown:
            ax.set_yticks([])
            what = "no epoch yet" if len(epochs) == 0 else f"no finite {panel}"
            _plot_style.write(ax, what.replace("_", " "))
        elif panel == "score":
            _limit_scores(ax, shown[0])
        elif _plot_style.spans_decades(_decisive(panel, np.concatenate(shown))):
            _plot_style.use_log_scale(ax, "y")
        elif panel != "loss":
            ax.set_ylim(bottom=0)
        if panel == "loss":
            _shade_divergence(ax, epochs, columns["loss"])

    def _ylabel(self, panel):
        if panel == "score":
            return "score" if self.score_name is None else self.score_name
        return panel.replace("_", " ")

    def _mark_best(self, columns):
        if self.best_epoch is None:
            return
        by_score = "score" in self.panels_
        panel = "score" if by_score else "loss"
        if panel not in self.panels_:
            return
        names = PANELS[panel][::-1]  # what was watched: validation, if there is any
        at = np.flatnonzero(columns["epoch"] == self.best_epoch)
        values = [columns[n][at[0]] for n in names if n in columns and len(at)]
        values = [value for value in values if np.isfinite(value)]
        label = f"best: epoch {self.best_epoch}"
        for ax in self.axes_:
            line = ax.axvline(
                self.best_epoch,
                color=_plot_style.BLACK,
                linewidth=0.8,
                alpha=0.5,
                zorder=1,
            )
            self.best_.append(line)
        if not values:
            self.best_[0].set_label(label)
            return
        (star,) = self.axes_[self.panels_.index(panel)].plot(
            self.best_epoch,
            values[0],
            "*",
            color=_plot_style.BLACK,
            markersize=10,
            markeredgecolor="white",
            label=f"{label}, {panel} {values[0]:.4g}",
            zorder=5,
        )
        self.best_.append(star)

    def _mark_log(self, columns):
        """Small marks on the upper edge; what changed has a thin line and words."""
        ax, entries, used = self.axes_[0], marks_on_path(self.log), Counter()
        for event, (marker, color, label) in MARKS.items():
            epochs = [entry["epoch"] for entry in entries if entry["event"] == event]
            if not epochs:
                continue
            # Below one another, where several are at one epoch.
            heights = [1 - 0.06 * used[epoch] for epoch in epochs]
            used.update(set(epochs))
            self.marks_[event] = ax.scatter(
                epochs,
                heights,
                s=30,
                marker=marker,
                color=color,
                label=label,
                transform=ax.get_xaxis_transform(),
                clip_on=False,
                zorder=6,
            )
            if event in ("params", "revert"):
                for panel_ax in self.axes_:
                    lines = panel_ax.get_xaxis_transform()
                    panel_ax.vlines(
                        epochs, 0, 1, color=color, lw=0.6, alpha=0.6, transform=lines
                    )
        self._say_changes(ax, entries, used, len(columns["epoch"]))

    def _say_changes(self, ax, entries, used, n_epochs):
        """Beside their lines, where there is room."""
        words = {}
        for entry in entries:
            if entry["event"] == "params":
                words.setdefault(entry["epoch"], []).append(changes_in_words(entry))
        if len(words) > MAX_WORDS:
            return
        last = -np.inf
        for epoch, changes in sorted(words.items()):
            if epoch - last < 0.05 * n_epochs:
                continue
            last = epoch
            text = ax.annotate(
                ", ".join(changes),
                (epoch, 1.01 - 0.06 * used[epoch]),
                xytext=(2, 0),
                xycoords=ax.get_xaxis_transform(),
                textcoords="offset points",
                rotation=90,
                ha="left",
                va="top",
                fontsize="x-small",
                color="#444444",
                bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5},
                zorder=1.5,  # below the curves
            )
            self.words_.append(text)

    def _label_epochs(self, columns):
        from matplotlib.ticker import MaxNLocator

        rates = columns.get("learning_rate")
        iterations = rates is not None and len(rates) and np.isnan(rates).all()
        name = "iteration" if iterations else "epoch"
        if rates is not None and "learning_rate" not in self.panels_:
            finite = rates[np.isfinite(rates)]
            if len(finite) and np.all(finite == finite[0]):
                name += f" (learning rate {finite[0]:g})"
        for ax in self.axes_[:-1]:
            ax.tick_params(labelbottom=False)
        last = self.axes_[-1]
        last.set_xlabel(name)
        last.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(columns["epoch"]) <= 1:
            middle = columns["epoch"][0] if len(columns["epoch"]) else 1
            last.set_xlim(middle - 1, middle + 1)


def _chosen_panels(columns, panels):
    if isinstance(panels, str) and panels == "auto":
        finite = {name: v[np.isfinite(v)] for name, v in columns.items()}
        chosen = ["loss"]
        if len(finite.get("validation_score", ())):
            chosen.append("score")
        if len(np.unique(finite.get("learning_rate", ()))) > 1:
            chosen.append("learning_rate")
        return chosen
    panels = [panels] if isinstance(panels, str) else list(panels)
    if not panels or any(panel not in PANELS for panel in panels):
        raise ValueError(
            f"`panels` must be 'auto' or a list of {list(PANELS)}, got {panels!r}."
        )
    return panels


def _decisive(panel, values):
    """What the scale is chosen by: of rates their bulk, as many schedules end at 0."""
    values = values[np.isfinite(values)]
    return np.quantile(values, [0.2, 0.8]) if panel == "learning_rate" else values


def _limit_scores(ax, scores):
    """Keep a few very bad scores from pressing the others together."""
    scores = scores[np.isfinite(scores)]
    bottom = _plot_style.lower_limit(scores, times=40)
    if np.isfinite(bottom):
        ax.set_ylim(bottom=bottom)
    ax.ticklabel_format(axis="y", useOffset=False)


def _shade_divergence(ax, epochs, losses):
    """Where the loss is no number any more."""
    broken = np.flatnonzero(~np.isfinite(losses))
    if not len(broken):
        return
    first = epochs[broken[0]]
    ax.axvspan(
        first - 0.5,
        epochs[-1] + 0.5,
        facecolor=_plot_style.VERMILION,
        edgecolor=_plot_style.VERMILION,
        alpha=0.2,
        hatch="//",
        linewidth=0,
        label=f"loss not finite from epoch {first:.0f}",
    )
