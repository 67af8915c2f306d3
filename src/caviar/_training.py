"""One call of fit or partial_fit: epochs, stopping, L-BFGS.

A `Training` works on arrays of its own: nothing an estimator holds is touched until the
estimator publishes its `outcome`. So a fit that fails leaves the estimator as it was,
and one that is interrupted leaves whole weights.
"""

import warnings
from contextlib import contextmanager
from dataclasses import dataclass

import joblib
import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.utils.optimize import _check_optimize_result

from . import _layout, _network
from ._blas_threads import single_blas_thread
from ._inference import forward
from ._team import Team
from ._validation import TrainingData, batch_bounds

# Row numbers drawn in advance at most: half a megabyte. To go on past the epoch where
# patience may be over, and rewind the random state, made a search in threads 1 % faster.
ROWS_AHEAD = 2**16

NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large "
    "values and need to be preprocessed."
)


@dataclass
class TrainingState:
    """The vectors of one training, and what an optimizer counts."""

    params: np.ndarray
    stats: np.ndarray
    slots: np.ndarray | None = None  # (n_slots, slot_stride)
    grads: np.ndarray | None = None
    work: np.ndarray | None = None
    n_steps: int = 0
    n_stats_steps: int = 0
    learning_rate: float = 0.0

    def allocate(self, plan):
        dtype = self.params.dtype
        self.grads = _layout.aligned_empty(plan.n_params, dtype)
        self.work = _layout.aligned_empty(int(plan.header["n_work"][0]), dtype)


@dataclass
class Hyperparameters:
    """What an epoch needs to know beside its data (`_network.train_epochs`)."""

    solver: str
    step: dict  # the fields of caviar_step
    alpha: float
    decay: float
    bn_momentum: float
    bn_epsilon: float
    gather: bool


@dataclass
class ValidationData:
    """What early stopping scores: the held-out rows of X with their targets."""

    X: object  # ndarray or CSR, all rows: a tenth of a large X is large, too
    rows: np.ndarray  # int64: those held out
    targets: np.ndarray
    weights: np.ndarray | None
    n_classes: int | None  # None for regression


@dataclass
class Record:
    """The fitted attributes that say how training went; see scikit-learn's for meanings."""

    n_iter: int = 0
    t: int = 0
    loss: float | None = None
    losses: list | None = None  # of this call alone
    scores: list | None = None
    best_loss: float | None = None
    best_score: float | None = None
    no_improvement_count: int = 0


@dataclass
class Training:
    """Trains one network on one data set."""

    settings: object  # the estimator: read for its parameters only
    plan: _layout.Plan
    state: TrainingState
    record: Record
    data: TrainingData
    rows: np.ndarray  # (n_rows,) int64: which to train on
    gather: bool  # batch by batch; if not, `rows` are all rows in order
    validation: ValidationData | None
    random_state: np.random.RandomState
    out_activation: str
    team: Team | None = None  # of a fit in several threads

    def __post_init__(self):
        self._best = None if self.validation is None else self._snapshot()
        self.record.losses, self.record.scores = [], []

    def outcome(self):
        """params, stats and n_stats_steps, as if training stopped now.

        With early stopping, those of the best score.
        """
        state = self.state
        return self._best or (state.params, state.stats, state.n_stats_steps)

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

    def run_epochs(self, n_epochs, batch_size, tasks, incremental):
        """Train until `n_epochs` are done or a rule stops it.

        Follows scikit-learn's order of random draws and of stopping rules to the letter.
        """
        bounds = batch_bounds(len(self.rows), batch_size, self.settings.batch_norm)
        hyper = self._hyperparameters()
        order = self.rows.copy()
        self.record.n_iter = 0
        while self.record.n_iter < n_epochs:
            tasks.begin()
            n_ahead = 1 if tasks.watched else self._n_epochs_without_stop()
            n_ahead = min(n_ahead, n_epochs - self.record.n_iter)
            for loss in self._train(order, n_ahead, bounds, hyper):
                self._count_epoch(loss)
                self._update_no_improvement()
                self._decay_learning_rate()
                stop = tasks.end() or self._diverged()
                stop = self._patience_is_over() or stop or incremental
            if stop:
                break
        else:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({n_epochs}) "
                "reached and the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=4,
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

    def _train(self, order, n_epochs, bounds, hyper):
        """Train some epochs and return their losses; ``order`` becomes the last one's."""
        settings = self.settings
        orders = order[np.newaxis]
        if n_epochs > 1:
            orders = np.empty((n_epochs, len(order)), dtype=np.int64)
        for row in orders:
            if settings.shuffle and settings.batch_size != "full":
                self.random_state.shuffle(order)
            row[:] = order
        hyper.step["learning_rate"] = self.state.learning_rate
        losses = np.full(n_epochs, np.nan)
        try:
            n_done = _network.train_epochs(
                self.plan,
                self.state,
                self.data,
                orders,
                bounds,
                self._weight_sums(orders, bounds),
                hyper,
                losses,
                self.team,
            )
        except KeyboardInterrupt:
            for loss in losses[~np.isnan(losses)].tolist():  # the finished ones
                self._count_epoch(loss)
            raise
        return losses[:n_done].tolist()

    def _hyperparameters(self):
        s = self.settings
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
            },
            alpha=s.alpha,
            decay=s.weight_decay if s.solver == "adamw" else 0.0,
            bn_momentum=s.bn_momentum,
            bn_epsilon=s.bn_epsilon,
            gather=self.gather,
        )

    def _snapshot(self):
        state = self.state
        return state.params.copy(), state.stats.copy(), state.n_stats_steps

    def _weight_sums(self, orders, bounds):
        """Of each batch of each epoch."""
        if self.data.weights is None:
            sizes = np.diff(bounds).astype(np.float64)
            return np.broadcast_to(sizes, (len(orders), len(sizes)))
        weights = self.data.weights[orders].astype(np.float64)
        return np.add.reduceat(weights, bounds[:-1], axis=1)

    def _count_epoch(self, loss):
        record = self.record
        record.n_iter += 1
        record.t += len(self.rows)
        record.loss = loss
        record.losses.append(loss)
        if self.settings.verbose:
            print(f"Iteration {record.n_iter}, loss = {loss:.8f}")

    def _update_no_improvement(self):
        """Count epochs without improvement, and keep the best of early stopping."""
        record, tol = self.record, self.settings.tol
        if self.validation is None:
            worse = record.loss > record.best_loss - tol
            record.no_improvement_count = (
                record.no_improvement_count + 1 if worse else 0
            )
            record.best_loss = min(record.best_loss, record.loss)
            return
        score = self._validation_score()
        record.scores.append(score)
        if self.settings.verbose:
            print(f"Validation score: {score:f}")
        worse = score < record.best_score + tol
        record.no_improvement_count = record.no_improvement_count + 1 if worse else 0
        if score > record.best_score:
            record.best_score = score
            self._best = self._snapshot()

    def _validation_score(self):
        """Accuracy, or R2; NaN for predictions that are not finite."""
        validation, settings, state = self.validation, self.settings, self.state
        coefs, intercepts = _layout.fold_batch_norm(
            self.plan, state.params, state.stats, settings.bn_epsilon
        )
        raw = forward(
            validation.X,
            coefs,
            intercepts,
            settings.activation,
            self.out_activation,
            validation.rows,
        )
        if validation.n_classes is None:
            if not np.isfinite(raw).all():
                return float("nan")
            return r2_score(validation.targets, raw, sample_weight=validation.weights)
        if self.out_activation == "softmax":
            correct = raw.argmax(axis=1) == validation.targets
        elif validation.n_classes == 1:  # of which predictions are always right
            correct = np.ones(len(raw), dtype=bool)
        else:
            correct = np.all((raw > 0.5) == (validation.targets > 0.5), axis=1)
        return float(np.average(correct, weights=validation.weights))

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
        if self.validation is not None:
            warnings.warn(
                "Training diverged: the weights are no longer finite. The best ones "
                "seen are kept.",
                ConvergenceWarning,
                stacklevel=5,
            )
        return True

    def _patience_is_over(self):
        """Whether to stop; the adaptive learning rate is first divided by 5."""
        settings, state = self.settings, self.state
        if self.record.no_improvement_count <= settings.n_iter_no_change:
            return False
        watched = "Training loss" if self.validation is None else "Validation score"
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
            self.record.n_iter += 1
            self.record.loss = float(intermediate_result.fun)
            if settings.verbose:
                print(f"Iteration {self.record.n_iter}, loss = {self.record.loss:.8f}")
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
            self.settings.bn_epsilon,
            self.team,
        )

    def refresh_statistics(self):
        """After L-BFGS: make the running statistics those of all rows at the weights."""
        if self.plan.batch_norm:
            self._full_loss_gradient(self.state.params, self._weight_sum())
            self.state.stats[:] = self.plan.batch_stats(self.state.work)
