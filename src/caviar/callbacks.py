"""Callbacks of `fit`, for scikit-learn 1.9 and later: `Checkpoint`.

scikit-learn calls callbacks at the begin and the end of each epoch; what can be gone on
with exists between two of them, where `_callbacks.FitTasks.pass_boundary` calls these.
"""

import os
import threading
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from numbers import Integral

import numpy as np
import sklearn

from ._atomic import check_writable, checked_path
from ._plain import pack
from ._session_file import DATA, data_fingerprints, write_fit
from ._validation import STOCHASTIC_SOLVERS
from .neural_network import MLPClassifier, MLPRegressor
from .session import write_course

__all__ = ["Checkpoint", "CheckpointWarning"]

_SEVERAL_FITS = "candidate-split-evaluation"  # the task of a search, ours or another
_in_use: set[str] = set()  # real paths that fits of this process write now
_lock = threading.Lock()


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written. The fit goes on."""


class Checkpoint:
    """Write a fit down every few epochs, so that it can be gone on with if it is killed.

    The file is that of a `TrainingSession`: `TrainingSession.load` reads it, and what it
    trains from there has the bits of the fit that was never stopped.

    Parameters
    ----------
    path : str or path-like
        Of a new file, or of one that is replaced. Its folder must exist.

    every : int, default=1
        Epochs between two writings. Besides, the last epoch of the fit is written, also
        where `fit` ends with an error or with Ctrl-C.

    Raises
    ------
    ValueError
        For another `path` or `every`.
    ImportError
        With scikit-learn before 1.9, which has no callbacks.

    Warns
    -----
    CheckpointWarning
        If the file cannot be written in mid-course, as on a full disk: the file is as it
        was, the fit goes on, and the next time is another try.

    Notes
    -----
    `fit` raises an error before its first epoch

    - if the file cannot be written: `OSError`;
    - with `solver="lbfgs"`, which has no epochs to go on from, in `partial_fit`, whose
      calls are its pieces already, in a search, whose fits would replace each other's
      file, and where another fit of the process writes the file just now: `ValueError`;
    - for what cannot be written down, as a function of yours as `scoring` or
      `learning_rate`, or a class derived from caviar's: `TypeError`.

    Fits one after another, as those of `cross_val_score`, replace each other's file. In a
    pipeline, set it on the network; the rows to load it with are those that the network
    was given.

    The file has weights, the optimizer's state, random numbers and counters, but not the
    rows: of those only a fingerprint, by which they are known again. It is written beside
    its place, fsynced and renamed, so that a process that is killed leaves the last whole
    one. A writing takes some 10 ms and another 10 ms for each megabyte, of which there are
    three times those of the weights with 'adam': choose `every` such that this is little
    beside the epochs.

    What diverged is not written: the file stays at the last epoch with finite weights.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.datasets import load_digits
    >>> from caviar import MLPClassifier, TrainingSession
    >>> from caviar.callbacks import Checkpoint
    >>> X, y = load_digits(return_X_y=True)
    >>> path = os.path.join(tempfile.mkdtemp(), "digits.caviar")
    >>> network = MLPClassifier((32,), max_iter=20, tol=0, random_state=0)
    >>> network = network.set_callbacks(Checkpoint(path, every=5)).fit(X / 16, y)

    Had it been killed, the last file would go on from the epoch it was written after:

    >>> session = TrainingSession.load(path, X / 16, y)
    >>> session.n_epochs
    20
    >>> session.run(5).estimator.n_iter_
    25
    """

    def __init__(self, path, every=1):
        if find_spec("sklearn.callback") is None:
            raise ImportError(
                "`Checkpoint` needs scikit-learn 1.9 or later, which has callbacks, got "
                f"{sklearn.__version__}. `TrainingSession.save` works with any."
            )
        if not isinstance(every, Integral) or isinstance(every, bool) or every < 1:
            raise ValueError(f"`every` must be an integer in [1, inf), got {every!r}.")
        self.path = checked_path(path)  # absolute: the fit may change the folder
        self.every = int(every)
        self._fits = {}  # id of an estimator in fit -> _Fit

    def __repr__(self):
        return f"Checkpoint({self.path!r}, every={self.every})"

    def __getstate__(self):
        return {"path": self.path, "every": self.every, "_fits": {}}

    # What scikit-learn calls

    def setup(self, estimator, context):
        """Refuse what could not be gone on with, before anything is trained."""
        _check_estimator(estimator)
        _check_task(context)
        for name, value in estimator.get_params(deep=False).items():
            pack(value, name)
        check_writable(self.path)
        place = os.path.realpath(self.path)
        with _lock:
            if place in _in_use:
                raise ValueError(
                    "`path` must be that of one fit at a time, got "
                    f"{self.path!r}, which another one is writing."
                )
            _in_use.add(place)
        self._fits[id(estimator)] = _Fit(place)

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        """Before the first epoch: remember the data, and what they are known by."""
        fit = self._fits[id(estimator)]
        if fit.data is None:
            given = {"X": X, "y": y, **(metadata or {})}
            fit.data = [given.get(name) for name in DATA]
            fit.fingerprints = data_fingerprints(*fit.data)

    def on_fit_task_end(self, estimator, context):
        """Nothing: the end of an epoch is not yet the boundary of two."""

    def on_epoch_end(self, estimator, training):
        """Between two epochs: write the fit down, or keep what could be written."""
        if not np.isfinite(training.state.params).all():
            return
        fit = self._fits[id(estimator)]
        fit.unwritten = course = training.pause()
        due = training.finished or course.n_epochs % self.every == 0
        arguments = (estimator, training, course, fit.fingerprints)
        if due and self._write(fit, write_fit, *arguments):
            fit.unwritten = None

    def teardown(self, estimator, context):
        """The fit ends, if need be by an error or Ctrl-C: write its last whole epoch."""
        fit = self._fits.pop(id(estimator), None)
        if fit is None:  # refused by `setup`
            return
        try:
            if fit.unwritten is not None:
                self._write(fit, write_course, estimator, fit.unwritten, *fit.data)
        finally:
            with _lock:
                _in_use.discard(fit.place)

    def _write(self, fit, write, *arguments):
        """Whether it could be written; the first failure of several is a warning."""
        try:
            write(self.path, *arguments)
        except OSError as error:
            if not fit.failing:
                reason = os.strerror(error.errno)
                warnings.warn(
                    f"The checkpoint {self.path!r} could not be written "
                    f"({reason}): it stays as it was, and the fit goes on.",
                    CheckpointWarning,
                    stacklevel=3,
                )
            fit.failing = True
            return False
        fit.failing = False
        return True


@dataclass
class _Fit:
    """What a checkpoint knows of a fit under way."""

    place: str  # the file, links followed
    data: list | None = None
    fingerprints: dict | None = None
    unwritten: object = None  # the `_state.Course` after the last whole epoch
    failing: bool = False


def _check_estimator(estimator):
    if type(estimator) not in (MLPClassifier, MLPRegressor):
        raise TypeError(
            "`Checkpoint` must be set on a caviar MLPClassifier or MLPRegressor, got "
            f"{type(estimator).__name__}. In a pipeline, set it on the network: "
            "`pipeline[-1].set_callbacks(...)`."
        )
    if estimator.solver not in STOCHASTIC_SOLVERS:
        raise ValueError(
            f"`solver` must be one of {sorted(STOCHASTIC_SOLVERS)} with a `Checkpoint`, "
            f"which is written between epochs, got {estimator.solver!r}."
        )


def _check_task(context):
    if context.task_name == "partial_fit":
        raise ValueError(
            "`Checkpoint` must be on an estimator that is trained by fit, got partial_fit: "
            "between its calls the estimator itself can be saved."
        )
    task = context
    while task is not None:
        if _SEVERAL_FITS in (task.task_name, task.source_task_name):
            raise ValueError(
                "`Checkpoint` must be on an estimator that is fitted once, got one in a "
                "search, whose fits would replace each other's file. The parameter "
                "`journal` of caviar's searches is made for that."
            )
        task = task.parent
