"""scikit-learn's fit callbacks, where the installed version has them (1.9 and later)."""

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's: no callbacks can be set."""

    def with_callbacks(method):
        return method


class FitTasks:
    """The task tree of one fit: a root, and one task per epoch or lbfgs iteration.

    Does nothing for an estimator without callbacks.

    Parameters
    ----------
    estimator : estimator
    X, y : as passed to fit
    metadata : dict
        Further arguments of fit; None where they are not given.
    task_name : str
        Of the subtasks.
    max_subtasks : int
    attributes : callable
        Returns the fitted attributes as they are at the moment of the call, for hooks
        that ask for a fitted estimator.
    """

    def __init__(self, estimator, X, y, metadata, task_name, max_subtasks, attributes):
        self._root = self._task = None
        if not getattr(estimator, "_skl_callbacks", None):
            return
        metadata = {name: v for name, v in metadata.items() if v is not None}
        self._hook = {
            "estimator": estimator,
            "X": X,
            "y": y,
            "metadata": metadata or None,
        }
        self._task_name, self._attributes = task_name, attributes
        self._root = estimator._init_callback_context(max_subtasks=max_subtasks)
        self._root.call_on_fit_task_begin(**self._hook)

    @property
    def watched(self):
        """Whether there are callbacks, which want to see each subtask."""
        return self._root is not None

    def begin(self):
        """A subtask begins, unless one is open."""
        if self._root is not None and self._task is None:
            self._task = self._root.subcontext(task_name=self._task_name)
            self._task.call_on_fit_task_begin(
                reconstruction_attributes=self._attributes, **self._hook
            )

    def end(self):
        """The open subtask ends. Returns whether a hook asks to stop."""
        if self._task is None:
            return False
        task, self._task = self._task, None
        return task.call_on_fit_task_end(
            reconstruction_attributes=self._attributes, **self._hook
        )

    def close(self):
        """The fit ends, and with it a subtask that did not come to its own end."""
        if self._root is not None:
            self.end()
            self._root.call_on_fit_task_end(
                reconstruction_attributes=self._attributes, **self._hook
            )
