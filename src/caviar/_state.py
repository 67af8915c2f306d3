"""What a training carries along: its vectors and counters, what it minimizes and how, and
the record of how it went. Plain data, without the steps that change it."""

from dataclasses import dataclass, field, replace

import numpy as np

from . import _layout

NEVER = 2**62  # an epoch
HISTORY = (
    "epoch loss validation_loss validation_score learning_rate gradient_norm seconds"
).split()


@dataclass
class TrainingState:
    """The vectors of one training, and what an optimizer counts."""

    params: np.ndarray
    stats: np.ndarray
    slots: np.ndarray | None = None  # (n_slots, slot_stride)
    grads: np.ndarray | None = None
    work: np.ndarray | None = None
    average: np.ndarray | None = None  # of params, with average_weights
    n_steps: int = 0  # of the optimizer
    n_stats_steps: int = 0
    n_averaged: int = 0
    n_batches: int = 0  # ever: what random numbers of the batches depend on
    n_epochs: int = 0  # of the schedule
    momenta: float = 1.0  # NAdam's product of momenta
    learning_rate: float = 0.0
    seed: int | None = None  # of dropout and augmentation

    def allocate(self, plan, averages):
        dtype = self.params.dtype
        if averages and self.average is None:
            self.average = np.zeros(plan.n_params, dtype=dtype)
        self.grads = _layout.aligned_empty(plan.n_params, dtype)
        self.work = _layout.aligned_empty(int(plan.header["n_work"][0]), dtype)

    def copy(self):
        """Of what a later call goes on with: without grads and work."""
        return replace(
            self,
            params=_layout.aligned_copy(self.params),
            slots=_layout.aligned_copy(self.slots),
            stats=self.stats.copy(),
            average=None if self.average is None else self.average.copy(),
            grads=None,
            work=None,
        )


@dataclass
class Hyperparameters:
    """What an epoch needs to know beside its data (`_epochs.train_epochs`)."""

    solver: str = "sgd"
    step: dict | None = None  # the fields of caviar_step
    alpha: float = 0.0
    decay: float = 0.0
    bn_momentum: float = 0.9
    bn_epsilon: float = 1e-5
    gather: bool = False
    seed: int = 0
    loss_parameter: float = 0.0
    label_smoothing: float = 0.0
    augmentation: object = None  # `augmentation.CompiledAugmentation` or None
    clip_norm: float = 0.0  # 0 for none
    ema_decay: float = 0.0  # 0 for none
    average_from: int = NEVER  # the epoch from which SWA averages


@dataclass
class Objective:
    """What is minimized, and on what network; the same for every call of one course."""

    loss: str
    out_activation: str
    parameter: float = 0.0
    smoothing: float = 0.0
    augmentation: object = None

    @property
    def makes_targets(self):
        """Whether a batch's targets are more than copies of the data's."""
        return (
            self.smoothing > 0
            or (self.augmentation is not None and self.augmentation.mixes_targets)
            or self.loss in _layout.MULTICLASS_LOSSES - {"softmax"}
        )


@dataclass
class Record:
    """The fitted attributes that say how training went; see scikit-learn's for meanings."""

    n_iter: int = 0
    t: int = 0
    loss: float | None = None
    history: dict = field(default_factory=lambda: {name: [] for name in HISTORY})
    best_epoch: int | None = None
    best_loss: float | None = None
    best_score: float | None = None
    no_improvement_count: int = 0

    def copy(self):
        history = {name: list(values) for name, values in self.history.items()}
        return replace(self, history=history)


@dataclass
class Course:
    """A fit that stands between two epochs: all that going on takes, but the data.

    Nothing changes it, so that several fits can go on from one.
    """

    state: TrainingState  # without grads and work
    record: Record
    draws: dict  # state of the RandomState
    order: np.ndarray | None  # (n_rows,) int64: of the last epoch; the next shuffles it
    split: tuple | None  # of early stopping: rows to train on, and those held out
    best: tuple | None  # of early stopping: params, stats, n_stats_steps
    finished: bool  # whether a rule has stopped it

    @property
    def n_epochs(self):
        return self.record.n_iter

    def resume(self):
        """Copies of state, record, random state and order, to train on."""
        # With a seed, as the system's entropy, which is overwritten, takes its time.
        generator = getattr(np.random, self.draws["bit_generator"])(0)
        random_state = np.random.RandomState(generator)
        random_state.set_state(self.draws)
        order = None if self.order is None else self.order.copy()
        return self.state.copy(), self.record.copy(), random_state, order
