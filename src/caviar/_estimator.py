"""What the classifier and the regressor share: parameters, fitted attributes, pickling.

This file owns what an estimator promises; what happens between a call and its result is in
``_training`` and ``_inference``.
"""

import copy
import functools
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, RegressorMixin, _fit_context
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, validate_data

from . import _layout, _validation
from ._arguments import store
from ._augmentation import compile_augmentations
from ._blas_threads import single_blas_thread
from ._callbacks import CallbackSupportMixin, FitTasks, with_callbacks
from ._evaluation import ValidationData
from ._html import WithCard, training_html
from ._inference import forward
from ._initializers import initialize
from ._parameters import CONSTRAINTS
from ._state import Objective, Record, TrainingState
from ._training import Training

_STOCHASTIC = _validation.STOCHASTIC_SOLVERS
# Fitted attributes that not every fit sets.
OF_SOME_SOLVERS = (
    "loss_ loss_curve_ learning_rate_ history_ best_loss_ best_epoch_ "
    "best_validation_score_ validation_scores_"
).split()


def is_stochastic(estimator):
    if estimator.solver not in _STOCHASTIC:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


class BaseMLP(WithCard, CallbackSupportMixin, BaseEstimator, ABC):
    """What the classifier and the regressor share."""

    _parameter_constraints: dict = CONSTRAINTS

    @abstractmethod
    def __init__(self, arguments):
        """Store a constructor's ``locals()``: its parameters, under their names."""
        store(self, arguments)

    @classmethod
    @functools.cache  # to inspect the signature takes longer than 3 epochs of iris
    def _get_param_names(cls):
        return super()._get_param_names()

    # What differs between classifier and regressor

    @abstractmethod
    def _learn_targets(self, y, incremental):
        """What there is to know of y, classes above all."""

    @abstractmethod
    def _encode(self, y):
        """The y as the loss takes it, but for its dtype.

        That is (n_samples,) numbers of classes where they exclude one another, else
        (n_samples, n_outputs).
        """

    @abstractmethod
    def _begin_partial_fit(self, y, classes):
        """What the first call of partial_fit has to learn from its arguments."""

    @abstractmethod
    def _class_weights(self, y, targets, sample_weight):
        """Weights of the rows by class, or None."""

    @abstractmethod
    def _objective(self, augmentation):
        """The `_training.Objective` of the parameters."""

    # Fitting

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
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

        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Rows to validate with after each epoch: `history_` receives their loss and
            score, and early stopping watches them in place of a part of X.

        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their targets.

        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.

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
        held_out = (X_val, y_val, sample_weight_val)
        self._fit(X, y, sample_weight, held_out)
        return self

    @available_if(is_stochastic)
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def _fit_until(
        self,
        n_epochs,
        course,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        """Train as `fit` does, but pause after `n_epochs` epochs; a later call goes on.

        A fit cut in pieces has the bits of one that is not: draws, schedule (of length
        `max_iter`), optimizer and stopping rules go on. The data must be the same.

        Parameters
        ----------
        n_epochs : int
            How many epochs are to be done in all, those of `course` included.

        course : Course or None
            What an earlier call returned; None to begin. It is not changed.

        Returns
        -------
        course : Course
        """
        held_out = (X_val, y_val, sample_weight_val)
        return self._fit(
            X, y, sample_weight, held_out, until=n_epochs, course=course
        ).pause()

    def _fit(
        self,
        X,
        y,
        sample_weight,
        held_out,
        incremental=False,
        classes=None,
        until=None,
        course=None,
    ):
        """Fit and publish; returns the finished `Training`.

        With `until`, only that many epochs are trained, those of `course` included.
        """
        interruption = None
        n_epochs = until or (1 if incremental else self.max_iter)
        n_before = 0 if course is None else course.n_epochs
        with _unchanged_on_error(self), single_blas_thread:
            continuing = hasattr(self, "params_") and (self.warm_start or incremental)
            continuing = continuing and until is None
            _validation.check_combinations(self, held_out, incremental)
            if incremental:
                self._begin_partial_fit(y, classes)
            training = self._prepare(
                X, y, sample_weight, held_out, incremental, continuing, course
            )
            tasks = FitTasks(
                self,
                X,
                y,
                {
                    "sample_weight": sample_weight,
                    **dict(zip(_validation.HELD_OUT, held_out, strict=True)),
                },
                "epoch" if self.solver in _STOCHASTIC else "iteration",
                n_epochs - n_before + (self.solver == "lbfgs"),
                lambda: self._attributes(training, training.outcome(), copies=True),
                "partial_fit" if incremental else "fit",
            )
            try:
                with training.helpers():
                    warns = until is None and not incremental
                    self._run(training, tasks, n_epochs, warns)
                training.check_finite()
            except KeyboardInterrupt as exc:
                interruption = exc
            self._publish(training, continuing)
            if interruption is None:
                tasks.close()
        if interruption is not None:
            raise interruption
        return training

    def _run(self, training, tasks, n_epochs, warns):
        if self.solver == "lbfgs":
            training.run_lbfgs(tasks)
        else:
            batch_size = _validation.resolve_batch_size(
                self.batch_size, len(training.rows)
            )
            training.run_epochs(n_epochs, batch_size, tasks, warns)

    def _prepare(
        self, X, y, sample_weight, held_out, incremental, continuing, course=None
    ):
        """Check everything, draw the first weights, and set up the training."""
        problem = self._check(X, y, sample_weight, held_out, incremental, continuing)
        # The draws come in scikit-learn's order: weights, split, shuffles.
        random_state = check_random_state(self.random_state)
        plan = _layout.make_plan(*problem.layout)
        order, split, best, finished = None, None, None, False
        if course is not None:
            state, record, random_state, order = course.resume()
            split, best, finished = course.split, course.best, course.finished
        elif continuing:
            state, record = self._resume(plan, problem.data.dtype, incremental)
        else:
            state = self._first_state(plan, problem, random_state)
            record = self._new_record()
        stochastic = self.solver in _STOCHASTIC
        rows = np.arange(problem.data.n_samples, dtype=np.int64)
        validation, splits = problem.validation, False
        if self.early_stopping and stochastic and validation is None:
            split = split or self._split(problem, random_state)
            rows, validation = split[0], self._held_out(problem, split[1])
            splits = True
        if state.seed is None and _validation.draws_in_training(self):
            state.seed = int(random_state.randint(2**63 - 1, dtype=np.int64))

        batch = self._plan_batches(problem, len(rows), splits)
        plan = _layout.make_plan(*problem.layout, batch)
        state.allocate(plan, self.average_weights is not None)
        if stochastic and course is None:
            self._prepare_optimizer(plan, state, incremental)
        return Training(
            self,
            plan,
            problem.objective,
            state,
            record,
            problem.data,
            rows,
            batch.gather,
            validation,
            random_state,
            self._as_fitted,
            split,
            order,
            best,
            finished,
        )

    def _check(self, X, y, sample_weight, held_out, incremental, continuing):
        """The arguments of fit, validated and in the form that training wants."""
        hidden = _validation.check_hidden_layer_sizes(self.hidden_layer_sizes)
        activations = _validation.check_activations(self.activation, len(hidden))
        rates = _validation.check_dropout(self.dropout, len(hidden))
        dtype = self.dtype
        if dtype is None and continuing:
            dtype = self.params_.dtype
        X, y = self._validate_input(X, y, not continuing, dtype)
        self._learn_targets(y, incremental)
        targets = self._encode(y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
            _validation.check_weights(sample_weight, self.batch_norm)
        weights = self._loss_weights(y, targets, sample_weight)
        _validation.check_batch_norm(self, len(y))
        _validation.check_dense_input(self, X)
        objective = self._objective(
            compile_augmentations(self.augment, X.shape[1], issparse(X))
        )
        n_outputs = len(self.classes_) if targets.ndim == 1 else targets.shape[1]
        units = [X.shape[1], *hidden, n_outputs]
        dtype = np.dtype(dtype or X.dtype)
        data = _validation.make_training_data(X, targets, weights, dtype)
        return _Problem(
            X,
            y,
            targets,
            sample_weight,
            data,
            objective,
            self._given_validation(*held_out, targets, dtype),
            (units, self.batch_norm, activations, objective.loss),
            tuple(_layout.keep_of(p) for p in rates),
        )

    def _validate_input(self, X, y, reset, dtype):
        """Validated X, and y of one or two dimensions."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=isinstance(self, RegressorMixin),
            dtype=dtype or (np.float64, np.float32),
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _first_state(self, plan, problem, random_state):
        """The first weights and statistics."""
        # One name says something of an output layer without hidden ones, too.
        one_name = isinstance(self.activation, str)
        activations = self.activation if one_name else problem.layout[2]
        dtype = problem.data.dtype
        return TrainingState(
            *initialize(
                plan,
                activations,
                random_state,
                dtype,
                self.weight_init,
                self.init_scale,
            )
        )

    def _plan_batches(self, problem, n_rows, splits):
        """What the plan has to know of a batch."""
        full = self.batch_size == "full" or self.solver == "lbfgs"
        augments = problem.objective.augmentation is not None
        batch_size = _validation.resolve_batch_size(
            "full" if full else self.batch_size, n_rows, warn=False
        )
        shuffles = self.shuffle and not full
        return _layout.BatchPlan(
            # One more row than a batch has: see _validation.batch_bounds.
            max_rows=min(batch_size + 1, n_rows),
            sparse=issparse(problem.X),
            gather=shuffles or splits or augments or self.input_dropout > 0,
            soft_targets=problem.objective.makes_targets,
            spares=augments,
            keeps=problem.keeps,
            input_keep=_layout.keep_of(self.input_dropout),
            connect_keep=_layout.keep_of(self.dropconnect),
        )

    def _given_validation(self, X, y, sample_weight, like, dtype):
        """The caller's own validation rows, checked; None if there are none."""
        if X is None:
            return None
        with _validation.about_held_out_rows():
            X, y = self._validate_input(X, y, False, dtype)
            if sample_weight is not None:
                sample_weight = _check_sample_weight(sample_weight, X)
                _validation.check_weights(sample_weight, self.batch_norm)
        _validation.check_held_out_targets(y, like, getattr(self, "classes_", None))
        with _validation.about_held_out_rows():
            targets = self._encode(y)
            weights = self._loss_weights(y, targets, sample_weight)
            data = _validation.make_training_data(X, targets, weights, dtype)
        if sample_weight is not None:
            sample_weight = sample_weight.astype(dtype)
        return self._validation_data(
            X, None, y, data.targets, sample_weight, data.weights
        )

    def _loss_weights(self, y, targets, sample_weight):
        """Each row's weight in the loss: its own times that of its class, or None."""
        by_class = self._class_weights(y, targets, sample_weight)
        if by_class is None:
            return sample_weight
        weights = by_class if sample_weight is None else sample_weight * by_class
        _validation.check_class_weights(self.class_weight, by_class, weights)
        return weights

    def _validation_data(self, X, rows, y, targets, weights, loss_weights):
        classes = getattr(self, "classes_", None)
        scorer = self.scoring
        if scorer not in (None, "loss"):
            scorer = get_scorer(scorer)
        n_classes = None if classes is None else len(classes)
        return ValidationData(
            X, rows, y, targets, weights, loss_weights, n_classes, scorer
        )

    def _new_record(self):
        if self.solver not in _STOCHASTIC:
            return Record()
        if self.early_stopping:
            return Record(best_score=-np.inf)
        return Record(best_loss=np.inf)

    def _resume(self, plan, dtype, incremental):
        """State and record of the fit that warm_start or partial_fit goes on from.

        Where weights are averaged, partial_fit goes on from those that are trained, and
        warm_start from their average.
        """
        _validation.check_same_network(plan, self._network)
        before = self._optimizer
        params = _layout.aligned_empty(plan.n_params, dtype)
        averaged = incremental and before["params"] is not None
        params[:] = before["params"] if averaged else self.params_
        if not plan.batch_norm and not averaged:
            # A user may have put other arrays into coefs_ and intercepts_.
            views = plan.coefs(params) + plan.intercepts(params)
            for view, array in zip(views, self.coefs_ + self.intercepts_, strict=True):
                view[...] = array
        stats = self.stats_
        if incremental and before["stats"] is not None:
            stats = before["stats"]
        state = TrainingState(
            params,
            stats.astype(dtype),
            n_stats_steps=before["n_stats_steps"],
            n_batches=before["n_batches"],
            seed=before["seed"],
        )
        same_average = before["average_weights"] == self.average_weights
        if averaged and same_average:
            state.average = self.params_.astype(dtype)
            state.n_averaged = before["n_averaged"]
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
        if incremental and before is not None:
            state.n_epochs = before["n_epochs"]
        if incremental and before is not None and before["solver"] == self.solver:
            state.slots[:] = before["slots"]
            state.n_steps, state.momenta = before["n_steps"], before["momenta"]
            if before["learning_rate_init"] == self.learning_rate_init:
                state.learning_rate = before["learning_rate"]
                return
        else:
            state.slots[:] = 0
        state.learning_rate = float(self.learning_rate_init)

    def _split(self, problem, random_state):
        """Early stopping's rows to train on, and those held out."""
        targets, data = problem.targets, problem.data
        train, held_out = train_test_split(
            np.arange(data.n_samples, dtype=np.int64),
            random_state=random_state,
            test_size=self.validation_fraction,
            # As scikit-learn: by the class, where there are two.
            stratify=targets
            if targets.dtype == bool and targets.shape[1] == 1
            else None,
        )
        if len(held_out) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        _validation.check_split_weights(data.weights, train, held_out)
        _validation.check_batch_norm(self, len(train))
        return train, held_out

    def _held_out(self, problem, held_out):
        """Rows of the problem to validate with."""
        data, weights = problem.data, problem.sample_weight
        return self._validation_data(
            problem.X,
            held_out,
            problem.y[held_out],
            data.targets[held_out],
            None if weights is None else weights[held_out].astype(data.dtype),
            None if data.weights is None else data.weights[held_out],
        )

    def _attributes(self, training, outcome, copies=False):
        """The fitted attributes of a training, as it stands, with these weights."""
        state, record, plan = training.state, training.record, training.plan
        if self.solver == "lbfgs":
            training.refresh_statistics()
        params, stats, n_stats_steps = outcome
        averaged = params is state.average
        estimated = stats is not state.stats and not training.keeps_best
        if copies:
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
            "out_activation_": training.objective.out_activation,
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
                "n_batches": state.n_batches,
                "n_epochs": state.n_epochs,
                "average_weights": self.average_weights,
                "n_averaged": state.n_averaged,
                "momenta": state.momenta,
                "seed": state.seed,
                "learning_rate": state.learning_rate,
                "learning_rate_init": self.learning_rate_init,
                # What is trained, where that is not what predicts.
                "params": state.params if averaged else None,
                "stats": state.stats if estimated else None,
            },
        }
        if record.loss is not None:
            attributes["loss_"] = record.loss
        if self.solver in _STOCHASTIC:
            watched = training.keeps_best
            attributes["learning_rate_"] = state.learning_rate
            attributes["best_loss_"] = None if watched else record.best_loss
            attributes["best_validation_score_"] = (
                record.best_score if watched else None
            )
        return attributes

    def _as_fitted(self, training):
        """An estimator with the weights as they are now, for scorers."""
        estimator = copy.copy(self)
        estimator.__dict__.pop("feature_names_in_", None)
        for name, value in self._attributes(training, training.current()).items():
            setattr(estimator, name, value)
        return estimator

    def _publish(self, training, continuing):
        """Store a finished or interrupted training on the estimator."""
        if not continuing:
            for name in OF_SOME_SOLVERS:
                self.__dict__.pop(name, None)
        for name, value in self._attributes(training, training.outcome()).items():
            setattr(self, name, value)
        self._publish_history(training, continuing)

    def _publish_history(self, training, continuing):
        """What is kept of every epoch, after that of the fit it goes on from.

        In new lists: should a callback fail after this, the old ones are taken back.
        """
        new = training.record.history
        history = self.__dict__.get("history_", {name: [] for name in new})
        n_before = len(history["epoch"])
        new["epoch"] = list(range(n_before + 1, n_before + len(new["loss"]) + 1))
        self.history_ = {name: history[name] + values for name, values in new.items()}
        if self.solver not in _STOCHASTIC:
            return
        self.loss_curve_ = self.__dict__.get("loss_curve_", []) + new["loss"]
        best = training.record.best_epoch
        self.best_epoch_ = None if best is None else n_before + best
        if training.validation is None:
            self.validation_scores_ = None
        else:
            before = getattr(self, "validation_scores_", None) if continuing else None
            self.validation_scores_ = (before or []) + new["validation_score"]

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

    def _card_html(self):
        return training_html(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Sparse rows are read in place, and so cannot be changed.
        tags.input_tags.sparse = not self.augment and self.input_dropout == 0
        return tags


@dataclass
class _Problem:
    """What fit was asked to do, checked."""

    X: object  # ndarray or CSR
    y: np.ndarray
    targets: np.ndarray  # y as the loss takes it
    sample_weight: np.ndarray | None  # without those of classes
    data: _validation.TrainingData
    objective: Objective
    validation: ValidationData | None  # of the caller
    layout: tuple  # arguments of `_layout.make_plan`
    keeps: tuple[int, ...]  # of dropout, per hidden layer


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
