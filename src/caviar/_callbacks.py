"""scikit-learn's fit callbacks, where the installed version has them (1.9 and later)."""

from contextlib import contextmanager

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
    root_name : str
        Of the task itself: the method that was called.
    """

    def __init__(
        self,
        estimator,
        X,
        y,
        metadata,
        task_name,
        max_subtasks,
        attributes,
        root_name="fit",
    ):
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
        self._root = estimator._init_callback_context(
            task_name=root_name, max_subtasks=max_subtasks
        )
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

    def pass_boundary(self, training):
        """Between two epochs, when all that the first one entails is done.

        Callbacks of caviar's own that have ``on_epoch_end(estimator, training)`` can
        write the training down here, such that it can be gone on with.
        """
        if self._root is None:
            return
        estimator = self._hook["estimator"]
        for callback in estimator._skl_callbacks:
            if hasattr(callback, "on_epoch_end"):
                callback.on_epoch_end(estimator, training)

    def close(self):
        """The fit ends, and with it a subtask that did not come to its own end."""
        if self._root is not None:
            self.end()
            self._root.call_on_fit_task_end(
                reconstruction_attributes=self._attributes, **self._hook
            )


@contextmanager
def subtask(context, name, n_subtasks, estimator, sequential=True):
    """A task of `n_subtasks` within a meta-estimator's; yields its context.

    ``context`` is None, and so is what is yielded, where scikit-learn has no callbacks.
    """
    if context is None:
        yield None
        return
    task = context.subcontext(
        task_name=name, max_subtasks=n_subtasks, sequential_subtasks=sequential
    )
    task.call_on_fit_task_begin(estimator=estimator)
    try:
        yield task
    finally:
        task.call_on_fit_task_end(estimator=estimator)


@contextmanager
def subtask_of(context, name, part, hook):
    """A task that is the fit of a part, to which callbacks are propagated.

    hook has the arguments of the hooks; context may be None, as in `subtask`.
    """
    if context is None:
        yield
        return
    task = context.subcontext(task_name=name)
    with task.propagate_callback_context(part):
        task.call_on_fit_task_begin(**hook)
        yield
    task.call_on_fit_task_end(**hook)


@contextmanager
def propagated(estimator, part, task_name):
    """Callbacks that reached an estimator reach the part of it that is trained within."""
    if not hasattr(estimator, "_parent_callback_ctx"):
        yield
        return
    task = estimator._init_callback_context(max_subtasks=1)
    task.call_on_fit_task_begin(estimator=estimator)
    try:
        with task.subcontext(task_name=task_name).propagate_callback_context(part):
            yield
    finally:
        task.call_on_fit_task_end(estimator=estimator)
