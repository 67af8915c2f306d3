"""One call of fit or partial_fit: epochs, stopping, L-BFGS.

A `Training` works on arrays of its own: nothing an estimator holds is touched until the
estimator publishes its `outcome`. So a fit that fails leaves the estimator as it was,
and one that is interrupted leaves whole weights.
"""

import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral

import joblib
import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.optimize import _check_optimize_result

from . import _layout, _network, schedules
from ._blas_threads import single_blas_thread
from ._epochs import batch_statistics, train_epochs
from ._evaluation import ValidationData
from ._state import (
    HISTORY,
    NEVER,
    Course,
    Hyperparameters,
    Objective,
    Record,
    TrainingState,
)
from ._team import Team
from ._validation import TrainingData, batch_bounds, draws_in_training

# Row numbers drawn in advance at most: half a megabyte. To go on past the epoch where
# patience may be over, and rewind the random state, made a search in threads 1 % faster.
ROWS_AHEAD = 2**16
# Rows that batch-norm statistics for prediction are taken from, at least: their means are
# then off by a hundredth of a standard deviation. With few rows, as partial_fit may be
# given, running averages over more calls are the better ones.
STATISTICS_ROWS = 10_000
FEWEST_STATISTICS_ROWS = 500

NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large "
    "values and need to be preprocessed."
)


@dataclass
class Training:
    """Trains one network on one data set."""

    settings: object  # the estimator: read for its parameters only
    plan: _layout.Plan
    objective: Objective
    state: TrainingState
    record: Record
    data: TrainingData
    rows: np.ndarray  # (n_rows,) int64: which to train on
    gather: bool  # batch by batch; if not, `rows` are all rows in order
    validation: ValidationData | None
    random_state: np.random.RandomState
    as_fitted: object  # callable (training): an estimator fitted as far as it got
    split: tuple | None = None  # as a `Course` has them, these four
    order: np.ndarray | None = None
    best: tuple | None = None
    finished: bool = False
    team: Team | None = None  # of a fit in several threads

    def __post_init__(self):
        self._statistics = None  # for prediction, after how many batches
        self._order, self._bounds = self.order, None  # of the last epoch
        self.keeps_best = self.settings.early_stopping and self.validation is not None
        if self.keeps_best and self.best is None:
            self.best = self._snapshot()

    def outcome(self):
        """params, stats and n_stats_steps, as if training stopped now.

        With early stopping, those of the best score; else the average, if there is one.
        """
        return self.best or self.current()

    def current(self):
        """Likewise, of the network as it is."""
        state = self.state
        averaged = state.n_averaged > 0 and self.settings.average_weights is not None
        params = state.average if averaged else state.params
        stats = state.stats
        if self.plan.batch_norm and self._order is not None:
            changed = draws_in_training(self.settings)
            if averaged or (changed and len(self.rows) >= FEWEST_STATISTICS_ROWS):
                stats = self._statistics_for_prediction(params)
        return params, stats, state.n_stats_steps

    def check_finite(self):
        if not np.isfinite(self.outcome()[0]).all():
            raise ValueError(NON_FINITE)

    @contextmanager
    def helpers(self):
        """Threads for the fit, if it was given several and has work to share."""
        n_threads = 1
        if _network.has_tiles_to_share(self.plan):
            n_threads = joblib.effective_n_jobs(self.settings.n_jobs)
        n_others = single_blas_thread.n_inside - 1
        if n_threads > 1 and n_others > 0:
            # Eight fits at once, each in two threads on two cores, would take 1.6 times
            # as long as one after another: they take turns in each other's caches.
            n_threads = min(n_threads, max(1, joblib.cpu_count() - n_others))
        if n_threads == 1:
            yield
            return
        try:
            with Team(n_threads) as self.team:
                yield
        finally:
            self.team = None

    # Stochastic solvers

    def pause(self):
        """The course of this training as it stands, which may go on after that."""
        return Course(
            self.state.copy(),
            self.record.copy(),
            self.random_state.get_state(legacy=False),
            None if self._order is None else self._order.copy(),
            self.split,
            self.best,
            self.finished,
        )

    def run_epochs(self, n_epochs, batch_size, tasks, warns):
        """Train until `n_epochs` are done or a rule stops it.

        Follows scikit-learn's order of random draws and of stopping rules to the letter.
        With `warns`, it is worth a warning that no rule has.
        """
        self._bounds = batch_bounds(
            len(self.rows), batch_size, self.settings.batch_norm
        )
        hyper = self.hyperparameters()
        order = (self.rows if self._order is None else self._order).copy()
        while self.record.n_iter < n_epochs and not self.finished:
            tasks.begin()
            n_ahead = 1 if tasks.watched else self._n_epochs_without_stop()
            n_ahead = min(n_ahead, n_epochs - self.record.n_iter)
            for epoch in self._train(order, n_ahead, hyper):
                self._count_epoch(epoch)
                self.record.t += len(self.rows)
                self._validate()
                self._update_no_improvement()
                self._decay_learning_rate()
                stop = tasks.end() or self._diverged()
                self.finished = self._patience_is_over() or stop
            tasks.pass_boundary(self)
            if self.finished:
                break
        else:
            if warns:
                self._warn_not_converged(n_epochs)
        self._warn_if_never_scored()

    def _warn_not_converged(self, n_epochs):
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({n_epochs}) "
            "reached and the optimization hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=5,
        )

    def _warn_if_never_scored(self):
        """Early stopping is no use where the outputs for its rows overflow, or the like."""
        scores = self.record.history["validation_score"]
        diverged = not np.isfinite(self.state.params).all()  # which has its own warning
        if self.keeps_best and not diverged and not np.isfinite(scores).any():
            warnings.warn(
                "No epoch had a finite validation score: the weights that training began "
                f"with are kept. The last score was {scores[-1]}.",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _n_epochs_without_stop(self):
        """Epochs until something may have to be done after one: they are one call.

        Between calls a fit needs the interpreter, which other threads may hold: eight
        fits in threads were 1.65 times as fast as one by one with a call for each epoch,
        on two cores, and are 1.87 times so.
        """
        settings, record = self.settings, self.record
        changing = settings.solver == "sgd" and settings.learning_rate == "invscaling"
        if self.validation is not None or settings.verbose or changing:
            return 1
        patience = settings.n_iter_no_change - record.no_improvement_count + 1
        return max(1, int(min(patience, ROWS_AHEAD // len(self.rows))))

    def _train(self, order, n_epochs, hyper):
        """Train some epochs and return their records; ``order`` becomes the last one's.

        Epochs trained in one go share their time.
        """
        settings, state, bounds = self.settings, self.state, self._bounds
        orders = order[np.newaxis]
        if n_epochs > 1:
            orders = np.empty((n_epochs, len(order)), dtype=np.int64)
        for row in orders:
            if settings.shuffle and settings.batch_size != "full":
                self.random_state.shuffle(order)
            row[:] = order
        self._order = orders[-1]
        rates = self._learning_rates(n_epochs)
        losses, norms = np.full((2, n_epochs), np.nan)
        start = time.perf_counter()

        def epochs(n_done):
            state.n_epochs += n_done
            seconds = (time.perf_counter() - start) / max(n_done, 1)
            return [
                {
                    "loss": float(losses[e]),
                    "learning_rate": float(rates[e, -1]),
                    "gradient_norm": float(norms[e]),
                    "seconds": seconds,
                }
                for e in range(n_done)
            ]

        try:
            n_done = train_epochs(
                self.plan,
                state,
                self.data,
                orders,
                bounds,
                self._weight_sums(orders, bounds),
                rates,
                hyper,
                losses,
                norms,
                self.team,
            )
        except KeyboardInterrupt:
            for epoch in epochs(int(np.count_nonzero(~np.isnan(losses)))):
                self._count_epoch(epoch)
                self.record.t += len(self.rows)
            raise
        state.learning_rate = float(rates[n_done - 1, -1])
        return epochs(n_done)

    def _learning_rates(self, n_epochs):
        """Of every batch of the next epochs: (n_epochs, n_batches)."""
        shape = (n_epochs, len(self._bounds) - 1)
        schedule = schedules.resolve(self.settings.learning_rate)
        if schedule is None:
            return np.broadcast_to(self.state.learning_rate, shape)
        epochs = self.state.n_epochs + np.arange(n_epochs, dtype=np.float64)
        progress = epochs[:, np.newaxis] + np.arange(shape[1]) / shape[1]
        factors = schedules.factors(
            schedule, progress, self.settings.max_iter, shape[1]
        )
        return float(self.settings.learning_rate_init) * factors

    def hyperparameters(self):
        s, objective = self.settings, self.objective
        averages = s.average_weights
        return Hyperparameters(
            solver=s.solver,
            step={
                "learning_rate": self.state.learning_rate,
                "l2": 0.0,
                "keep": 1.0,
                "momentum": s.momentum,
                "nesterov": float(s.nesterovs_momentum),
                "rho": s.rho,
                "beta_1": s.beta_1,
                "beta_2": s.beta_2,
                "epsilon": s.epsilon,
                "ahead": 0.0,
                "scale": 1.0,
            },
            alpha=s.alpha,
            decay=s.weight_decay if s.solver == "adamw" else 0.0,
            bn_momentum=s.bn_momentum,
            bn_epsilon=s.bn_epsilon,
            gather=self.gather,
            seed=self.state.seed or 0,
            loss_parameter=objective.parameter,
            label_smoothing=objective.smoothing,
            augmentation=objective.augmentation,
            clip_norm=s.clip_norm or 0.0,
            ema_decay=s.ema_decay if averages == "ema" else 0.0,
            average_from=first_averaged_epoch(s) if averages == "swa" else NEVER,
        )

    def _snapshot(self):
        params, stats, n_stats_steps = self.current()
        return params.copy(), stats.copy(), n_stats_steps

    def _weight_sums(self, orders, bounds):
        """Of each batch of each epoch."""
        if self.data.weights is None:
            sizes = np.diff(bounds).astype(np.float64)
            return np.broadcast_to(sizes, (len(orders), len(sizes)))
        weights = self.data.weights[orders].astype(np.float64)
        return np.add.reduceat(weights, bounds[:-1], axis=1)

    def _statistics_for_prediction(self, params):
        """Batch-norm statistics of training rows as prediction sees them.

        Averaged weights never saw a batch; and dropout, noise or a warp of the rows change
        what the layers behind them see. Mixed rows stay mixed, as their targets are.
        """
        state = self.state
        if self._statistics is not None and self._statistics[0] == state.n_batches:
            return self._statistics[1]
        weight_sums = self._weight_sums(self._order[np.newaxis], self._bounds)[0]
        # Enough rows, of which some weigh something.
        enough = (self._bounds[1:] >= STATISTICS_ROWS) & (np.cumsum(weight_sums) > 0)
        n_batches = np.argmax(enough) + 1 if enough.any() else len(enough)
        stats = np.zeros_like(state.stats)  # times zero, they must be numbers
        hyper = self.hyperparameters()
        if hyper.augmentation is not None:
            hyper.augmentation = hyper.augmentation.mixing_alone()
        batch_statistics(
            self.plan,
            params,
            state.grads,
            stats,
            state.work,
            self.data,
            self._order,
            self._bounds[: n_batches + 1],
            weight_sums[:n_batches],
            hyper,
            state.n_batches,
            self.team,
        )
        self._statistics = state.n_batches, stats
        return stats

    def _count_epoch(self, epoch):
        record = self.record
        record.n_iter += 1
        record.loss = epoch["loss"]
        for name in HISTORY:
            record.history[name].append(epoch.get(name, np.nan))
        if self.settings.verbose:
            print(f"Iteration {record.n_iter}, loss = {record.loss:.8f}")

    def _validate(self):
        """Loss and score of the validation rows, if there are any."""
        if self.validation is None:
            return
        params, stats, _ = self.current()
        network = (
            *_layout.fold_batch_norm(
                self.plan, params, stats, self.settings.bn_epsilon
            ),
            self.settings.activation,
            self.objective.out_activation,
        )
        loss, score = self.validation.evaluate(
            network,
            self.objective.loss,
            self.objective.parameter,
            lambda: self.as_fitted(self),
        )
        history = self.record.history
        history["validation_loss"][-1] = loss
        history["validation_score"][-1] = score
        if self.settings.verbose:
            print(f"Validation score: {score:f}")

    def _update_no_improvement(self):
        """Count epochs without improvement, and keep the best of early stopping."""
        record, tol = self.record, self.settings.tol
        if not self.keeps_best:
            worse = record.loss > record.best_loss - tol
            record.no_improvement_count = (
                record.no_improvement_count + 1 if worse else 0
            )
            record.best_loss = min(record.best_loss, record.loss)
            return
        score = record.history["validation_score"][-1]
        worse = score < record.best_score + tol
        record.no_improvement_count = record.no_improvement_count + 1 if worse else 0
        if score > record.best_score:
            record.best_score, record.best_epoch = score, record.n_iter
            self.best = self._snapshot()

    def _decay_learning_rate(self):
        settings = self.settings
        if settings.solver == "sgd" and settings.learning_rate == "invscaling":
            self.state.learning_rate = (
                float(settings.learning_rate_init)
                / (self.record.t + 1) ** settings.power_t
            )

    def _diverged(self):
        """Whether the weights are NaN or inf, so that no later epoch can be better."""
        if np.isfinite(self.record.loss) or np.isfinite(self.state.params).all():
            return False
        if self.keeps_best:
            is_first = self.record.best_epoch is None
            kept = "Those it began with" if is_first else "The best ones seen"
            warnings.warn(
                f"Training diverged: the weights are no longer finite. {kept} are kept.",
                ConvergenceWarning,
                stacklevel=5,
            )
        return True

    def _patience_is_over(self):
        """Whether to stop; the adaptive learning rate is first divided by 5."""
        settings, state = self.settings, self.state
        if self.record.no_improvement_count <= settings.n_iter_no_change:
            return False
        watched = "Validation score" if self.keeps_best else "Training loss"
        message = (
            f"{watched} did not improve more than tol={settings.tol:f} for "
            f"{settings.n_iter_no_change} consecutive epochs."
        )
        stop = True
        if settings.solver != "sgd" or settings.learning_rate != "adaptive":
            message += " Stopping."
        elif state.learning_rate <= 1e-6:
            message += " Learning rate too small. Stopping."
        else:
            state.learning_rate /= 5.0
            message += f" Setting learning rate to {state.learning_rate:f}"
            self.record.no_improvement_count = 0
            stop = False
        if settings.verbose:
            print(message)
        return stop

    # L-BFGS

    def run_lbfgs(self, tasks):
        """Minimize the loss of all rows with scipy's L-BFGS-B.

        The running statistics of batch normalization become those of all rows at the
        weights found.
        """
        settings, plan, state = self.settings, self.plan, self.state
        weight_sum = self._weight_sum()
        l2, n_decay = settings.alpha / weight_sum, plan.n_decay
        trial = _layout.aligned_copy(state.params)

        def loss_gradient(x):
            tasks.begin()
            trial[:] = x
            loss = self._full_loss_gradient(trial, weight_sum)
            gradient = state.grads.astype(np.float64)
            decayed = x[:n_decay]
            gradient[:n_decay] += l2 * decayed
            return loss + 0.5 * l2 * np.dot(decayed, decayed), gradient

        def end_iteration(intermediate_result):
            state.params[:] = intermediate_result.x
            self._count_epoch({"loss": float(intermediate_result.fun)})
            if tasks.end():
                raise StopIteration

        self.record.n_iter = 0
        result = scipy.optimize.minimize(
            loss_gradient,
            state.params.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=end_iteration,
            options={
                "maxfun": settings.max_fun,
                "maxiter": settings.max_iter,
                "gtol": settings.tol,
            },
        )
        state.params[:] = result.x
        self.record.loss = float(result.fun)
        self.record.n_iter = _check_optimize_result("lbfgs", result, settings.max_iter)

    def _weight_sum(self):
        if self.data.weights is None:
            return float(self.data.n_samples)
        return float(np.sum(self.data.weights, dtype=np.float64))

    def _full_loss_gradient(self, params, weight_sum):
        state = self.state
        return _network.loss_gradient(
            self.plan,
            params,
            state.grads,
            state.stats,
            state.work,
            self.data,
            self.rows,
            weight_sum,
            self.hyperparameters(),
            0,
            self.team,
        )

    def refresh_statistics(self):
        """After L-BFGS: make the running statistics those of all rows at the weights."""
        if self.plan.batch_norm:
            self._full_loss_gradient(self.state.params, self._weight_sum())
            self.state.stats[:] = self.plan.batch_stats(self.state.work)


def first_averaged_epoch(settings):
    """The epoch, from 0, at whose end stochastic weight averaging begins."""
    start = settings.swa_start
    return int(start if isinstance(start, Integral) else start * settings.max_iter)
