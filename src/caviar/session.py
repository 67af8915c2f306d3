"""Babysitting one model: look, change, go on, go back (the "panda strategy").

A session stands between two epochs. Everything it can go back to is a `Point`: an
estimator that holds parameters, and the `_state.Course` it has run. Both never change, so
that a snapshot is a reference, and a run that is interrupted leaves the last one whole.
"""

import math
from dataclasses import replace
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from . import _validation
from ._blas_threads import single_blas_thread
from ._estimator import BaseMLP
from ._fingerprint import describe
from ._html import session_html
from ._session_file import Contents, Point, check_data, data_fingerprints, read, write
from ._training import NON_FINITE

# What the vectors' shape, the rows or the first draws hang on, and why it cannot change.
_FIXED = {
    **dict.fromkeys(["hidden_layer_sizes", "batch_norm"], "it shapes the network"),
    "dtype": "the weights have it",
    **dict.fromkeys(
        ["early_stopping", "validation_fraction"], "the rows were split by it"
    ),
    **dict.fromkeys(
        ["random_state", "weight_init", "init_scale"], "the first weights came of it"
    ),
    "warm_start": "a session goes on in any case",
}
# What two epochs must share for their validation losses to be compared, ...
_OF_LOSS = "loss huber_delta quantile focal_gamma class_weight label_smoothing".split()
# ... and their training losses, which are those of the batches as they are trained on.
_OF_TRAINING_LOSS = [
    *_OF_LOSS,
    *("alpha", "dropout", "input_dropout", "dropconnect", "augment"),
]


class TrainingSession:
    """One training in your hands: run some epochs, look, change something, go back.

    What `fit` does in one go a session does in pieces, with the same bits: `run` trains
    some epochs more, `set_params` changes the learning rate, dropout or whatever else in
    mid-course without losing the optimizer's state, `snapshot` and `revert` keep a state
    and come back to it, `save` and `load` go on another day.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        What to train, with a stochastic solver. It is cloned.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Training rows. They are not copied, and must not be changed.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.

    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    X_val, y_val, sample_weight_val : array-like, default=None
        Rows to validate with after each epoch, as in `fit`.

    Attributes
    ----------
    n_epochs : int
        Epochs trained.

    estimator : MLPClassifier or MLPRegressor
        As `fit` would have left it after these epochs (with `early_stopping`, with the
        best weights); an object of its own, that later runs do not change.

    history : dict of lists
        As `history_`: epoch, loss, validation_loss, validation_score, learning_rate,
        gradient_norm, seconds.

    best_epoch : int or None
        After which the validation score was best, or without validation rows the training
        loss. A change of what these mean (`scoring`; of the training loss also the
        penalty, dropout and augmentation) starts the count anew; going back does not.

    best_in_history : bool
        Whether `best_epoch` is one of `history`. It is not where `revert` has left it
        behind; ``revert("best")`` finds it all the same.

    snapshots : dict of str to int
        The epoch of each snapshot, the oldest first.

    log : list of dict
        What has been done, in order: ``epoch``, ``event`` ("params", "snapshot", "revert",
        "stopped", "interrupted") and what belongs to it.

    stopped : str or None
        Which rule ended the last `run`, if one did: before its time, or with its last
        epoch.

    Raises
    ------
    TypeError
        For another estimator, a pipeline included: transform X first.
    ValueError
        For data or parameters that `fit` would refuse, `solver="lbfgs"`, and callbacks.

    Notes
    -----
    A session follows the estimator's rules: `early_stopping`, `n_iter_no_change` with
    `tol`, and the schedule, whose length is `max_iter`. A rule that stops a run does not
    end the session: `run` with a number of epochs goes on. A change of parameters sets the
    patience of these rules back.

    References
    ----------
    The name "panda", for one model that is watched over, and "caviar", for many, are
    Andrew Ng's, "Improving deep neural networks", DeepLearning.AI, 2017, week 3.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from caviar import MLPClassifier, TrainingSession
    >>> X, y = load_digits(return_X_y=True)
    >>> network = MLPClassifier((32,), learning_rate_init=0.01, random_state=0)
    >>> session = TrainingSession(
    ...     network, X[:1200] / 16, y[:1200], X_val=X[1200:] / 16, y_val=y[1200:]
    ... )
    >>> name = session.run(10).snapshot("before")
    >>> session = session.set_params(learning_rate_init=0.5).run(3)
    >>> session.history["validation_score"][-1] < 0.5  # that was too much
    True
    >>> session = session.revert("before").set_params(learning_rate_init=0.001).run(5)
    >>> session.n_epochs
    15
    >>> session.estimator.score(X[1200:] / 16, y[1200:]) > 0.9
    True
    """

    def __init__(
        self,
        estimator,
        X,
        y,
        *,
        sample_weight=None,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        _check_estimator(estimator)
        self._data = (X, y, sample_weight, X_val, y_val, sample_weight_val)
        self._begin()
        estimator = clone(estimator)
        self._training = self._prepare(estimator, None)
        self._now = Point(estimator, self._training.pause())

    def _begin(self):
        """An empty session; where it stands is `_now`, which the caller sets."""
        self._best = None  # a point
        self._snapshots = {}  # name -> point
        self._log = []
        self._training = None  # one that stands at `_now`, if there is one
        self._fitted = None  # a point, and the estimator that was made of it
        self._data_parts = None
        self.stopped = None

    def _prepare(self, estimator, course):
        """A `_training.Training` at a course; the estimator learns what the data are."""
        self._check_data_are_there()
        X, y, sample_weight, *held_out = self._data
        estimator._validate_params()
        if estimator.solver not in _validation.STOCHASTIC_SOLVERS:
            raise ValueError(
                "`solver` must be one of "
                f"{sorted(_validation.STOCHASTIC_SOLVERS)} in a session, which goes by "
                f"epochs, got {estimator.solver!r}."
            )
        _validation.check_combinations(estimator, held_out, False)
        return estimator._prepare(X, y, sample_weight, held_out, False, False, course)

    def _check_data_are_there(self):
        if self._data is None:
            raise ValueError(
                "The session was loaded without its data, and can only be looked at: load "
                "it by `TrainingSession.load(path, X, y)`, with all it was made with."
            )

    # Training

    def run(self, n_epochs=None):
        """Train on.

        Parameters
        ----------
        n_epochs : int, default=None
            How many epochs more; also past `max_iter`, and after a rule has stopped the
            training. None goes to the end that `fit` has: `max_iter` epochs in all, or
            where a rule stops it.

        Returns
        -------
        self : TrainingSession
            `stopped` says whether a rule has ended the run.

        Raises
        ------
        ValueError
            For another `n_epochs`, and when training diverges: the session then stands
            after the last epoch with finite weights.
        KeyboardInterrupt
            After Ctrl-C, at once: the session stands after the last whole epoch.
        """
        until = self._until(n_epochs)
        self.stopped = None
        if n_epochs is not None and self._now.course.finished:
            self._set_aside_the_rule()
        if self._training is None:
            self._training = self._prepare(self._now.estimator, self._now.course)
        training, watch = self._training, _Watch(self)
        self._training = None  # unless it ends well, it may be between two batches
        try:
            with single_blas_thread, training.helpers():
                self._now.estimator._run(training, watch, until, False)
        except KeyboardInterrupt:
            self._note("interrupted")
            raise
        if watch.diverged:
            self._note("stopped", reason="diverged")
            raise ValueError(
                f"{NON_FINITE} Training diverged in epoch {self.n_epochs + 1}; the session "
                f"stands after epoch {self.n_epochs}: lower `learning_rate_init`, now "
                f"{self._now.estimator.learning_rate_init}, or set `clip_norm`."
            )
        self._training = training
        if training.finished:
            self.stopped = self._reason()
            self._note("stopped", reason=self.stopped)
        return self

    def _until(self, n_epochs):
        if n_epochs is None:
            return max(self._now.estimator.max_iter, self.n_epochs)
        if not isinstance(n_epochs, Integral) or n_epochs < 1:
            raise ValueError(
                f"`n_epochs` must be an integer in [1, inf) or None, got {n_epochs!r}."
            )
        return self.n_epochs + int(n_epochs)

    def _set_aside_the_rule(self):
        course = self._now.course
        record = replace(course.record, no_improvement_count=0)
        self._training = None
        self._now = replace(
            self._now, course=replace(course, finished=False, record=record)
        )

    def _reason(self):
        """In words, what has stopped the training."""
        settings, record = self._now.estimator, self._now.course.record
        if record.no_improvement_count <= settings.n_iter_no_change:
            return "a callback of fit asked to stop"
        watched = "validation score" if settings.early_stopping else "training loss"
        return (
            f"the {watched} did not improve by more than tol={settings.tol:g} for "
            f"{settings.n_iter_no_change} epochs"
        )

    def _pass(self, training):
        """Stand where a training stands between two epochs."""
        now = replace(self._now, course=training.pause())
        validates = training.validation is not None
        best = self._best
        # First: an interruption before the second leaves an epoch that comes again.
        if best is None or _merit(now, validates) > _merit(best, validates):
            self._best = now
        self._now = now

    # Changing

    def get_params(self, deep=True):
        """The estimator's parameters, as they are now."""
        return self._now.estimator.get_params(deep)

    def set_params(self, **params):
        """Change parameters of the estimator in mid-course.

        The optimizer's moments, shuffling, dropout's random numbers, averages and all
        counters go on. Another `solver` begins with moments of zero, and
        `average_weights` with an average of nothing.

        Parameters
        ----------
        **params : dict
            Any parameters of the estimator but those that shape the network, split the
            rows or drew the first weights. Parameters of parameters, such as
            ``learning_rate__rate``, too.

        Returns
        -------
        self : TrainingSession

        Raises
        ------
        ValueError
            For parameters that `fit` would refuse, or that cannot change any more. Nothing
            has changed then.
        """
        before = self._now.estimator
        after = clone(before).set_params(**params)
        changed = _changed(before, after)
        for name in _FIXED.keys() & changed.keys():
            old, new = changed[name]
            raise ValueError(
                f"`{name}` must stay {old!r} in a session, {_FIXED[name]}: got {new!r}. "
                "Begin another session to change it."
            )
        if not changed:
            return self
        training = self._prepare(after, self._now.course)
        _adapt(training, changed)
        if changed.keys() & _of_merit(training):
            self._best = None
        self._now = Point(after, training.pause())
        self._training = None
        self._note("params", changed=changed)
        return self

    # Going back

    def snapshot(self, name=None):
        """Keep the present state, parameters included, under a name.

        Parameters
        ----------
        name : str, default=None
            None is "epoch 12", after 12 epochs. A snapshot of this name is replaced.

        Returns
        -------
        name : str
        """
        name = f"epoch {self.n_epochs}" if name is None else name
        if not isinstance(name, str) or name == "best":
            raise ValueError(
                f"`name` must be a str other than 'best', which is kept by itself, got "
                f"{name!r}."
            )
        self._snapshots.pop(name, None)
        self._snapshots[name] = self._now
        self._note("snapshot", name=name)
        return name

    def revert(self, to=-1):
        """Go back to a snapshot: weights, optimizer, counters, random numbers, parameters.

        What follows has the bits of what would have followed then.

        Parameters
        ----------
        to : str or int, default=-1
            The name of a snapshot; "best", the state after `best_epoch`; or a number among
            the snapshots, -1 for the latest.

        Returns
        -------
        self : TrainingSession

        Raises
        ------
        ValueError
            If there is no such snapshot.
        """
        point, name = self._find(to)
        left = self.n_epochs
        self._now, self._training, self.stopped = point, None, None
        self._log.append(
            {"epoch": left, "event": "revert", "name": name, "to": point.n_epochs}
        )
        return self

    def _find(self, to):
        names = list(self._snapshots)
        if to == "best" and self._best is not None:
            return self._best, "best"
        if isinstance(to, str) and to in self._snapshots:
            return self._snapshots[to], to
        is_number = isinstance(to, Integral) and not isinstance(to, bool)
        if is_number and -len(names) <= to < len(names):
            return self._snapshots[names[to]], names[to]
        known = ["best"] * (self._best is not None) + names
        raise ValueError(
            f"`to` must be one of the snapshots {known} or the number of one, got {to!r}."
        )

    # Looking

    @property
    def n_epochs(self):
        return self._now.n_epochs

    @property
    def best_epoch(self):
        return None if self._best is None else self._best.n_epochs

    @property
    def best_in_history(self):
        if self._best is None:
            return False
        best, now = (point.course.record.history for point in (self._best, self._now))
        # Two branches have trained apart, so they have taken other times.
        return best["seconds"] == now["seconds"][: self._best.n_epochs]

    @property
    def snapshots(self):
        return {name: point.n_epochs for name, point in self._snapshots.items()}

    @property
    def log(self):
        return [dict(entry) for entry in self._log]

    @property
    def history(self):
        history = self._now.course.record.copy().history
        history["epoch"] = list(range(1, self.n_epochs + 1))
        return history

    @property
    def estimator(self):
        if self.n_epochs == 0:
            raise NotFittedError("The session has not trained yet: run it first.")
        if self._fitted is None or self._fitted[0] is not self._now:
            now = self._now
            estimator = clone(now.estimator)
            training = self._prepare(estimator, now.course)
            with single_blas_thread:
                # No epoch is left to train, so there are no tasks.
                estimator._run(training, None, now.n_epochs, False)
                estimator._publish(training, False)
            self._fitted = (now, estimator)
        return self._fitted[1]

    def plot(self, ax=None):
        """Draw losses, scores and the learning rate, with what was changed when.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a figure.

        Returns
        -------
        TrainingCurveDisplay
        """
        from .plotting import TrainingCurveDisplay

        return TrainingCurveDisplay.from_estimator(self, ax=ax)

    def __repr__(self):
        text = f"TrainingSession({self._now.estimator!r}): {self.n_epochs} epochs"
        if self.n_epochs == 0:
            return text
        record = self._now.course.record
        text += f", loss {record.loss:.4g}"
        score = record.history["validation_score"][-1]
        if math.isfinite(score):
            text += f", validation score {score:.4g}"
        if self._best is not None:
            text += f", best after {self.best_epoch}"
        return text

    def _repr_html_(self):
        return session_html(self)

    def _note(self, event, **more):
        self._log.append({"epoch": self.n_epochs, "event": event, **more})

    # On disk

    def save(self, path):
        """Write the session to a file: data only, whole or not at all.

        Parameters
        ----------
        path : path-like
            A file there is replaced at once, after the new one is on the disk.

        Raises
        ------
        TypeError
            For a parameter that is no plain data, such as a function as `scoring`.
        ValueError
            If the session was loaded without its data.
        OSError
            If the file cannot be written; an old one is as it was.

        Notes
        -----
        The training rows are not in the file, only a fingerprint by which `load` knows
        them again.
        """
        self._check_data_are_there()
        contents = Contents(
            self._now,
            self._fingerprints(),
            None if self.n_epochs == 0 else self.estimator,
            self._best,
            self._snapshots,
            self._log,
            self.stopped,
        )
        write(path, contents)

    def _fingerprints(self):
        if self._data_parts is None:
            self._data_parts = data_fingerprints(*self._data)
        return self._data_parts

    @classmethod
    def load(
        cls,
        path,
        X=None,
        y=None,
        *,
        sample_weight=None,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        """The session of a file that `save`, or `caviar.callbacks.Checkpoint`, has written.

        Parameters
        ----------
        path : path-like
        X, y, sample_weight, X_val, y_val, sample_weight_val
            The data of the session. Without X and y the session can be looked at, and its
            `estimator` used, but it cannot go on.

        Returns
        -------
        TrainingSession
            It goes on with the bits of one that has never stopped.

        Raises
        ------
        ValueError
            For a file that is no session, is damaged or of a later version, and for data
            other than the session's. Nothing in the file is run.
        OSError
            If the file cannot be read.
        """
        contents = read(path)
        session = cls.__new__(cls)
        session._begin()
        session._now, session._best = contents.now, contents.best
        session._snapshots, session._log = contents.snapshots, contents.log
        session.stopped = contents.stopped
        if contents.now.course.finished and session.stopped is None:
            session.stopped = session._reason()  # of a fit, which has no words for it
        data = (X, y, sample_weight, X_val, y_val, sample_weight_val)
        if all(part is None for part in data):
            session._data = None
            if contents.fitted is not None:
                session._fitted = (contents.now, contents.fitted)
            return session
        session._data, session._data_parts = data, data_fingerprints(*data)
        check_data(session._data_parts, contents.data)
        session._training = session._prepare(
            contents.now.estimator, contents.now.course
        )
        return session


def write_course(path, estimator, course, *data):
    """Write what `TrainingSession.load` reads, of a fit that is over, at a course of it.

    Takes longer than `_session_file.write_fit`, as it sets the training up again.
    """
    session = TrainingSession.__new__(TrainingSession)
    session._begin()
    session._now, session._data = Point(clone(estimator), course), data
    session.save(path)


def _check_estimator(estimator):
    if not isinstance(estimator, BaseMLP):
        raise TypeError(
            "`estimator` must be a caviar MLPClassifier or MLPRegressor, got "
            f"{type(estimator).__name__}. Of a pipeline, transform X first and give the "
            "network."
        )
    if getattr(estimator, "_skl_callbacks", None):
        raise ValueError(
            "`estimator` must have no callbacks, which are called by fit: between two "
            f"runs of a session you look yourself. Got {estimator._skl_callbacks}."
        )


class _Watch:
    """Stands in for `_callbacks.FitTasks` in a run: keeps each boundary of epochs."""

    watched = True

    def __init__(self, session):
        self.session = session
        self.diverged = False
        self._training = session._training

    def begin(self):
        """An epoch begins."""

    def end(self):
        """An epoch ends: stop if no later one can be better."""
        training = self._training
        self.diverged = not np.isfinite(training.state.params).all()
        return self.diverged

    def pass_boundary(self, training):
        if not self.diverged:
            self.session._pass(training)


def _merit(point, validates):
    """By which points are compared: the last validation score, or minus the loss."""
    history = point.course.record.history
    merit = history["validation_score"][-1] if validates else -history["loss"][-1]
    return merit if math.isfinite(merit) else -math.inf


def _of_merit(training):
    """The parameters that say what `_merit` means."""
    if training.validation is None:
        return set(_OF_TRAINING_LOSS)
    watches_loss = training.settings.scoring == "loss"
    return {"scoring", *(_OF_LOSS if watches_loss else ())}


def _changed(before, after):
    """Parameters that differ: name -> (old, new), those of parameters as one."""
    old, new = before.get_params(deep=False), after.get_params(deep=False)
    return {
        name: (old[name], new[name])
        for name in old
        if describe(old[name]) != describe(new[name])
    }


def _adapt(training, changed):
    """What a course carries along that other parameters make void."""
    settings, state, record = training.settings, training.state, training.record
    # Whoever changes something wants to see what comes of it.
    training.finished, record.no_improvement_count = False, 0
    if training.keeps_best and changed.keys() & _of_merit(training):
        record.best_score = -np.inf
    elif not training.keeps_best and changed.keys() & set(_OF_TRAINING_LOSS):
        record.best_loss = np.inf
    if "solver" in changed:
        settings._prepare_optimizer(training.plan, state, False)
        state.n_steps, state.momenta = 0, 1.0
    if changed.keys() & {"solver", "learning_rate", "learning_rate_init", "power_t"}:
        state.learning_rate = float(settings.learning_rate_init)
        if settings.solver == "sgd" and settings.learning_rate == "invscaling":
            state.learning_rate /= (record.t + 1) ** settings.power_t
    if "average_weights" in changed:
        state.n_averaged = 0
        if state.average is not None:
            state.average[:] = 0
