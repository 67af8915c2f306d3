"""TrainingCurveDisplay: how one training went, epoch by epoch."""

import numpy as np
from sklearn.base import is_classifier

from . import _plot_style

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
        display = cls(**_described(trained), title=title)
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
        columns = _columns(self.history)
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
        self.lines_, self.best_, self.marks_ = {}, [], {}
        for ax, panel in zip(axes, self.panels_, strict=True):
            self._draw_panel(ax, panel, columns)
        self._mark_best(columns)
        self._mark_log()
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
            finite = np.where(np.isfinite(values), values, np.nan)
            (self.lines_[name],) = ax.plot(
                epochs,
                finite,
                color=color,
                linestyle=line_style,
                marker="o" if np.isfinite(values).sum() <= FEW else None,
                markersize=3,
                linewidth=1.4,
                label=label,
                rasterized=len(epochs) > _plot_style.MANY,
            )
            shown.append(finite)
        ax.set_ylabel(self._ylabel(panel))
        _plot_style.finish(ax)
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

    def _mark_log(self):
        """Small marks on the upper edge, with a thin line through all panels."""
        ax = self.axes_[0]
        for event, (marker, color, label) in MARKS.items():
            entries = [entry for entry in self.log if entry["event"] == event]
            epochs = [entry["epoch"] for entry in entries]
            if not epochs:
                continue
            self.marks_[event] = ax.scatter(
                epochs,
                np.ones(len(epochs)),
                s=30,
                marker=marker,
                color=color,
                label=label,
                transform=ax.get_xaxis_transform(),
                clip_on=False,
                zorder=6,
            )
            for panel_ax in self.axes_ if event in ("params", "revert") else ():
                for epoch in epochs:
                    panel_ax.axvline(epoch, color=color, linewidth=0.6, alpha=0.6)

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
            inside = next((vars(inside)[n] for n in inner if n in vars(inside)), None)
    raise TypeError(
        "`estimator` must be a fitted multi-layer perceptron, a pipeline or search with "
        f"one in it, or a TrainingSession, got {estimator!r}."
    )


def _described(trained):
    """The arguments of the display, but the title."""
    if hasattr(trained, "history"):  # a session
        return {
            "history": trained.history,
            "best_epoch": trained.best_epoch,
            "log": trained.log,
            "score_name": _score_name(trained.get_params(), trained.estimator),
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


def _score_name(params, estimator):
    scoring = params.get("scoring")
    if isinstance(scoring, str):
        return "-loss" if scoring == "loss" else scoring.replace("_", " ")
    if scoring is not None:
        return getattr(scoring, "__name__", None)
    return "accuracy" if is_classifier(estimator) else "R²"


def _columns(history):
    """The columns of a history as arrays of float64, of one length."""
    if "loss" not in history:
        raise ValueError(
            f"`history` must have the column 'loss', got {sorted(history)}."
        )
    names = {name for columns in PANELS.values() for name in columns} | {"epoch"}
    columns = {
        # None becomes NaN.
        name: np.array(history[name], dtype=np.float64)
        for name in history
        if name in names and history[name] is not None
    }
    n_epochs = len(columns["loss"])
    columns.setdefault("epoch", np.arange(1.0, n_epochs + 1))
    lengths = {name: len(values) for name, values in columns.items()}
    if set(lengths.values()) != {n_epochs}:
        raise ValueError(f"`history` must have columns of one length, got {lengths}.")
    return columns


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
    bottom = _plot_style.lower_limit(scores, times=20)
    if scores.min() < bottom:
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
        alpha=0.15,
        hatch="//",
        linewidth=0,
        label=f"loss not finite from epoch {first:.0f}",
    )
