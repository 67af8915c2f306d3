"""What the classifier and the regressor share: parameters, fitted attributes, pickling.

This file owns what an estimator promises; what happens between a call and its result is in
``_training`` and ``_inference``.
"""

import functools
from abc import ABC, abstractmethod
from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, _fit_context
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, RealNotInt, StrOptions
from sklearn.utils.validation import _check_sample_weight, validate_data

from . import _layout, _validation, schedules
from ._blas_threads import single_blas_thread
from ._callbacks import CallbackSupportMixin, FitTasks, with_callbacks
from ._inference import forward
from ._initializers import WEIGHT_INITS, initialize
from ._layout import ACTIVATION_NAMES
from ._training import Record, Training, TrainingState, ValidationData
from .augmentation import Augmentation

_STOCHASTIC = _validation.STOCHASTIC_SOLVERS


def is_stochastic(estimator):
    if estimator.solver not in _STOCHASTIC:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


class BaseMLP(CallbackSupportMixin, BaseEstimator, ABC):
    """What the classifier and the regressor share."""

    _parameter_constraints: dict = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATION_NAMES)), "array-like"],
        "solver": [StrOptions({"lbfgs", *_STOCHASTIC})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto", "full"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate": [
            StrOptions({"constant", "invscaling", "adaptive", *schedules.NAMES}),
            callable,
        ],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "batch_norm": ["boolean", StrOptions({"pre", "post"})],
        "bn_momentum": [Interval(Real, 0, 1, closed="left")],
        "bn_epsilon": [Interval(Real, 0, None, closed="neither")],
        "rho": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "weight_init": [StrOptions(set(WEIGHT_INITS))],
        "init_scale": [Interval(Real, 0, None, closed="neither")],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "dropconnect": [Interval(Real, 0, 1, closed="left")],
        "augment": [Augmentation, list, tuple, None],
        "average_weights": [StrOptions({"ema", "swa"}), None],
        "ema_decay": [Interval(Real, 0, 1, closed="neither")],
        "swa_start": [
            Interval(RealNotInt, 0, 1, closed="left"),
            Interval(Integral, 0, None, closed="left"),
        ],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "scoring": [StrOptions(set(get_scorer_names()) | {"loss"}), callable, None],
        "dtype": [StrOptions({"float32", "float64"}), None],
        "n_jobs": [
            Interval(Integral, None, -1, closed="right"),
            Interval(Integral, 1, None, closed="left"),
            None,
        ],
    }

    @abstractmethod
    def __init__(self, arguments):
        """Store a constructor's ``locals()``: its parameters, under their names."""
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    @classmethod
    @functools.cache  # to inspect the signature takes longer than 3 epochs of iris
    def _get_param_names(cls):
        return super()._get_param_names()

    # What differs between classifier and regressor

    @abstractmethod
    def _validate_input(self, X, y, incremental, reset, dtype):
        """Validated X, and y as the loss takes it, but for its dtype.

        That is (n_samples,) numbers of classes for softmax, else
        (n_samples, n_outputs).
        """

    @abstractmethod
    def _begin_partial_fit(self, y, classes):
        """What the first call of partial_fit has to learn from its arguments."""

    @abstractmethod
    def _loss_and_output(self):
        """Names of the loss kernel and of the output activation."""

    # Fitting

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model to data matrix X and target(s) y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values (class labels in classification, real numbers in
            regression).

        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights. With batch normalization they weigh the batch statistics
            as well.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            For data or parameters that do not fit together, and when training
            diverges. The estimator is then as it was before the call.
        KeyboardInterrupt
            Re-raised after the weights trained so far have been stored.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def _fit(self, X, y, sample_weight, incremental, classes=None):
        interruption = None
        with _unchanged_on_error(self), single_blas_thread:
            continuing = hasattr(self, "params_") and (self.warm_start or incremental)
            if incremental:
                if self.early_stopping:
                    raise ValueError("partial_fit does not support early_stopping=True")
                self._begin_partial_fit(y, classes)
            training = self._prepare(X, y, sample_weight, incremental, continuing)
            tasks = FitTasks(
                self,
                X,
                y,
                sample_weight,
                "epoch" if self.solver in _STOCHASTIC else "iteration",
                1 if incremental else self.max_iter + (self.solver == "lbfgs"),
                lambda: self._attributes(training, copy=True),
            )
            try:
                with training.helpers():
                    self._run(training, tasks, incremental)
                training.check_finite()
            except KeyboardInterrupt as exc:
                interruption = exc
            self._publish(training, continuing)
            if interruption is None:
                tasks.close()
        if interruption is not None:
            raise interruption
        return self

    def _run(self, training, tasks, incremental):
        if self.solver == "lbfgs":
            training.run_lbfgs(tasks)
        else:
            batch_size = _validation.resolve_batch_size(
                self.batch_size, len(training.rows)
            )
            n_epochs = 1 if incremental else self.max_iter
            training.run_epochs(n_epochs, batch_size, tasks, incremental)

    def _prepare(self, X, y, sample_weight, incremental, continuing):
        """Check everything, draw the first weights, and set up the training."""
        hidden = _validation.check_hidden_layer_sizes(self.hidden_layer_sizes)
        dtype = self.dtype
        if dtype is None and continuing:
            dtype = self.params_.dtype
        X, y = self._validate_input(X, y, incremental, not continuing, dtype)
        dtype = np.dtype(dtype or X.dtype)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
            _validation.check_weights(sample_weight, self.batch_norm)
        n_samples, n_features = X.shape
        _validation.check_batch_norm(self, n_samples)
        loss, out_activation = self._loss_and_output()
        data = _validation.make_training_data(X, y, sample_weight, loss, dtype)

        # The draws come in scikit-learn's order: weights, split, shuffles.
        random_state = check_random_state(self.random_state)
        n_outputs = len(self.classes_) if loss == "softmax" else y.shape[1]
        units = [n_features, *hidden, n_outputs]
        layout = (units, self.batch_norm, self.activation, loss)
        plan = _layout.make_plan(*layout)
        if continuing:
            state, record = self._resume(plan, dtype)
        else:
            state = TrainingState(
                *initialize(plan, self.activation, random_state, dtype)
            )
            record = self._new_record()
        rows, validation = np.arange(n_samples, dtype=np.int64), None
        stochastic = self.solver in _STOCHASTIC
        if self.early_stopping and stochastic:
            rows, validation = self._split(X, y, data, random_state)
            _validation.check_batch_norm(self, len(rows))

        plan, gather = self._plan_batches(layout, len(rows), validation, issparse(X))
        state.allocate(plan)
        if stochastic:
            self._prepare_optimizer(plan, state, incremental)
        return Training(
            self,
            plan,
            state,
            record,
            data,
            rows,
            gather,
            validation,
            random_state,
            out_activation,
        )

    def _plan_batches(self, layout, n_rows, validation, sparse):
        """The plan with room for a batch, and whether its rows are gathered."""
        full = self.batch_size == "full" or self.solver == "lbfgs"
        gather = (self.shuffle and not full) or validation is not None
        batch_size = _validation.resolve_batch_size(
            "full" if full else self.batch_size, n_rows, warn=False
        )
        # One more row than a batch has: see _validation.batch_bounds.
        max_rows = min(batch_size + 1, n_rows)
        plan = _layout.make_plan(
            *layout, max_rows=max_rows, sparse=sparse, gather=gather
        )
        return plan, gather

    def _new_record(self):
        if self.solver not in _STOCHASTIC:
            return Record()
        if self.early_stopping:
            return Record(best_score=-np.inf)
        return Record(best_loss=np.inf)

    def _resume(self, plan, dtype):
        """State and record of the fit that warm_start or partial_fit goes on from."""
        _validation.check_same_network(plan, self._network)
        params = _layout.aligned_empty(plan.n_params, dtype)
        params[:] = self.params_
        if not plan.batch_norm:
            # A user may have put other arrays into coefs_ and intercepts_.
            views = plan.coefs(params) + plan.intercepts(params)
            for view, array in zip(views, self.coefs_ + self.intercepts_, strict=True):
                view[...] = array
        state = TrainingState(
            params,
            self.stats_.astype(dtype),
            n_stats_steps=self._optimizer["n_stats_steps"],
        )
        fresh = self._new_record()
        best_loss = getattr(self, "best_loss_", None)
        best_score = getattr(self, "best_validation_score_", None)
        record = Record(
            t=self.t_,
            best_loss=fresh.best_loss if best_loss is None else best_loss,
            best_score=fresh.best_score if best_score is None else best_score,
            no_improvement_count=getattr(self, "_no_improvement_count", 0),
        )
        return state, record

    def _prepare_optimizer(self, plan, state, incremental):
        """Zero slots, or with partial_fit those of the call before."""
        n_slots = _layout.N_SLOTS[self.solver]
        state.slots = _layout.aligned_empty(
            n_slots * plan.slot_stride, state.params.dtype
        )
        before = getattr(self, "_optimizer", None)
        if incremental and before is not None and before["solver"] == self.solver:
            state.slots[:] = before["slots"]
            state.n_steps = before["n_steps"]
            if before["learning_rate_init"] == self.learning_rate_init:
                state.learning_rate = before["learning_rate"]
                return
        else:
            state.slots[:] = 0
        state.learning_rate = float(self.learning_rate_init)

    def _split(self, X, y, data, random_state):
        """Early stopping's rows to train on, and those held out."""
        train, held_out = train_test_split(
            np.arange(X.shape[0], dtype=np.int64),
            random_state=random_state,
            test_size=self.validation_fraction,
            # As scikit-learn: by the class, where there are two.
            stratify=y if y.dtype == bool and y.shape[1] == 1 else None,
        )
        if len(held_out) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        weights = None if data.weights is None else data.weights[held_out]
        _validation.check_split_weights(data.weights, train, held_out)
        classes = getattr(self, "classes_", None)
        return train, ValidationData(
            X,
            held_out,
            data.targets[held_out],
            weights,
            None if classes is None else len(classes),
        )

    def _attributes(self, training, copy=False):
        """The fitted attributes of a training, as it stands."""
        state, record, plan = training.state, training.record, training.plan
        if self.solver == "lbfgs":
            training.refresh_statistics()
        params, stats, n_stats_steps = training.outcome()
        if copy:
            params, stats = params.copy(), stats.copy()
        coefs, intercepts = _layout.fold_batch_norm(
            plan, params, stats, self.bn_epsilon
        )
        attributes = {
            "params_": params,
            "stats_": stats,
            "coefs_": coefs,
            "intercepts_": intercepts,
            "n_iter_": record.n_iter,
            "t_": record.t,
            "n_layers_": len(plan.layer_units),
            "n_outputs_": plan.layer_units[-1],
            "out_activation_": training.out_activation,
            "_network": {
                "layer_units": list(plan.layer_units),
                "batch_norm": plan.batch_norm,
                "bn_epsilon": self.bn_epsilon,
            },
            "_no_improvement_count": record.no_improvement_count,
            "_optimizer": {
                "solver": self.solver,
                "slots": state.slots,
                "n_steps": state.n_steps,
                "n_stats_steps": n_stats_steps,
                "learning_rate": state.learning_rate,
                "learning_rate_init": self.learning_rate_init,
            },
        }
        if record.loss is not None:
            attributes["loss_"] = record.loss
        if self.solver in _STOCHASTIC:
            watched = training.validation is not None
            attributes["learning_rate_"] = state.learning_rate
            attributes["best_loss_"] = None if watched else record.best_loss
            attributes["best_validation_score_"] = (
                record.best_score if watched else None
            )
        return attributes

    def _publish(self, training, continuing):
        """Store a finished or interrupted training on the estimator."""
        if not continuing:
            for name in ("loss_", "loss_curve_", "learning_rate_"):
                self.__dict__.pop(name, None)
        for name, value in self._attributes(training).items():
            setattr(self, name, value)
        if self.solver not in _STOCHASTIC:
            return
        losses = self.__dict__.setdefault("loss_curve_", [])
        losses.extend(training.record.losses)
        if training.validation is None:
            self.validation_scores_ = None
        else:
            before = getattr(self, "validation_scores_", None) if continuing else None
            self.validation_scores_ = (before or []) + training.record.scores

    # Prediction

    def _forward(self, X):
        """The network's output for unchecked X."""
        if not _validation.needs_no_check(self, X):
            X = validate_data(self, X, accept_sparse="csr", reset=False)
        return forward(
            X, self.coefs_, self.intercepts_, self.activation, self.out_activation_
        )

    # Pickling: each number once

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "params_" in state:
            coefs, intercepts = self._folded(state)
            ours = zip(coefs + intercepts, self.coefs_ + self.intercepts_, strict=False)
            if all(np.array_equal(a, b, equal_nan=True) for a, b in ours):
                del state["coefs_"], state["intercepts_"]
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "params_" in state and "coefs_" not in state:
            self.coefs_, self.intercepts_ = self._folded(state)

    def _folded(self, state):
        network = state["_network"]
        plan = _layout.make_plan(network["layer_units"], network["batch_norm"])
        return _layout.fold_batch_norm(
            plan, state["params_"], state["stats_"], network["bn_epsilon"]
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextmanager
def _unchanged_on_error(estimator):
    """Take back whatever a failed fit has set, validation's attributes included.

    scikit-learn's callback bookkeeping is left to its own clean-up.
    """
    before = dict(estimator.__dict__)
    try:
        yield
    except BaseException:
        now = estimator.__dict__
        bookkeeping = {k: now[k] for k in now.keys() - before if "callback" in k}
        now.clear()
        now.update(before, **bookkeeping)
        raise
