"""Epochs without the GIL: batch after batch, each one forward, backward and one update.

Knows the steps of a batch (``_network``) and the optimizers; knows nothing of schedules,
stopping or estimators.
"""

import numpy as np

from libc.math cimport isfinite, pow, sqrt
from libc.stdint cimport int64_t, uint32_t

from ._kernels cimport (
    CAVIAR_ADAM,
    address,
    caviar_flush_denormals,
    caviar_set_float_mode,
    caviar_step,
)
from ._network cimport (
    Header,
    Network,
    Rows,
    backward,
    ceil_div,
    forward,
    loss_and_gradient,
    n_tiles_of,
    open_network,
    open_rows,
    poll,
    run_tiles,
    take_batch,
)

from ._kernels import OPTIMIZERS

# Parameters in a tile of the update.
cdef double PARAMETER_TILE = 2.5e5
cdef enum:
    MOST_UPDATE_TILES = 64


cdef struct Optimizer:
    int kernel
    caviar_step step        # but for what depends on the batch
    char *slots
    double alpha, decay
    double clip             # greatest norm of the gradient, 0: any
    bint nesterov_adam
    int64_t t               # steps taken
    double momenta          # NAdam: the product of all its momenta
    double norm             # of the last gradient, where it was asked for
    char *average           # of the parameters, or NULL
    double average_decay    # per step; 0: not averaged by steps
    int64_t n_averaged


cdef int open_optimizer(Optimizer *optimizer, object state, object hyper) except -1:
    dtype = state.params.dtype
    optimizer.kernel = OPTIMIZERS[hyper.solver]
    optimizer.step = hyper.step
    optimizer.slots = <char *>address(state.slots, dtype, True)
    optimizer.alpha, optimizer.decay = hyper.alpha, hyper.decay
    optimizer.clip = hyper.clip_norm
    optimizer.nesterov_adam = hyper.solver == "nadam"
    optimizer.t, optimizer.momenta = state.n_steps, state.momenta
    optimizer.norm = float("nan")
    optimizer.average = <char *>address(state.average, dtype, True)
    optimizer.average_decay = hyper.ema_decay
    optimizer.n_averaged = state.n_averaged
    return 0


cdef struct UpdateTiles:
    Network *net
    Optimizer *optimizer
    caviar_step step
    double average_momentum  # 1: no average
    int64_t width           # parameters of a tile
    double squares[MOST_UPDATE_TILES]


cdef void update_tile(void *context, int64_t tile) noexcept nogil:
    cdef UpdateTiles *tiles = <UpdateTiles *>context
    cdef Network *net = tiles.net
    cdef Optimizer *optimizer = tiles.optimizer
    cdef Header *plan = net.plan
    cdef int64_t first = tile * tiles.width, at = first * net.size
    cdef int64_t n = min(tiles.width, plan.n_params - first)
    tiles.squares[tile] = net.kernels.update[optimizer.kernel](
        net.params + at, optimizer.slots + at, net.grads + at, plan.slot_stride, n,
        min(max(plan.n_decay - first, 0), n), &tiles.step)
    if tiles.average_momentum < 1:
        net.kernels.running_average(optimizer.average + at, net.params + at,
                                    tiles.average_momentum, n)


cdef double nadam_momentum(double beta_1, int64_t t) noexcept nogil:
    return beta_1 * (1 - 0.5 * pow(0.96, 0.004 * t))


cdef void correct_rates(Optimizer *optimizer, caviar_step *step) noexcept nogil:
    """The bias corrections of Adam, and the look ahead of NAdam (Dozat 2016, with the
    momenta of its algorithm 2 and of PyTorch)."""
    cdef double squares = sqrt(1 - pow(step.beta_2, optimizer.t))
    cdef double now, ahead
    if not optimizer.nesterov_adam:
        step.learning_rate *= squares / (1 - pow(step.beta_1, optimizer.t))
        return
    now = nadam_momentum(step.beta_1, optimizer.t)
    ahead = nadam_momentum(step.beta_1, optimizer.t + 1)
    optimizer.momenta *= now
    step.ahead = step.learning_rate * squares * (1 - now) / (1 - optimizer.momenta)
    step.learning_rate *= squares * ahead / (1 - optimizer.momenta * ahead)


cdef double update(Network *net, Optimizer *optimizer, double rate, double weight_sum,
                   bint wants_norm, double stats_momentum) except? -1 nogil:
    """One step of parameters, their average and statistics; the L2 term of the loss.

    Begun, it is finished: no signal is looked for in between.
    """
    cdef Header *plan = net.plan
    cdef UpdateTiles tiles
    cdef double squares = 0
    cdef int64_t tile, n
    tiles.net, tiles.optimizer, tiles.step = net, optimizer, optimizer.step
    optimizer.t += 1
    tiles.step.learning_rate = rate
    tiles.step.l2 = optimizer.alpha / weight_sum
    tiles.step.keep = 1 - rate * optimizer.decay
    if optimizer.kernel == CAVIAR_ADAM:
        correct_rates(optimizer, &tiles.step)
    if wants_norm or optimizer.clip > 0:
        optimizer.norm = sqrt(net.kernels.sum_of_squares(net.grads, plan.n_params))
        if 0 < optimizer.clip < optimizer.norm:
            tiles.step.scale = optimizer.clip / optimizer.norm
    tiles.average_momentum = 1
    if optimizer.average_decay > 0:
        optimizer.n_averaged += 1
        tiles.average_momentum = corrected_momentum(optimizer.average_decay,
                                                    optimizer.n_averaged)
    n = n_tiles_of(plan.n_params, PARAMETER_TILE, MOST_UPDATE_TILES)
    tiles.width = ceil_div(plan.n_params, 1024 * n) * 1024
    n = ceil_div(plan.n_params, tiles.width)
    run_tiles(net, update_tile, &tiles, n, 0)
    for tile in range(n):
        squares += tiles.squares[tile]
    if plan.batch_norm:
        net.kernels.running_average(net.stats, net.work + plan.batch_stats * net.size,
                                    stats_momentum, plan.n_stats)
    return 0.5 * tiles.step.l2 * squares


cdef double corrected_momentum(double momentum, int64_t t) noexcept nogil:
    """Of the t-th batch, so that the running average weighs the batches seen as an
    exponentially weighted average does and its starting value not at all."""
    if t == 1:
        return 0
    return momentum * (1 - pow(momentum, t - 1)) / (1 - pow(momentum, t))


cdef int64_t last_batch(const double[:, :] weight_sums, int64_t epoch) noexcept nogil:
    """The last one of an epoch that weighs anything."""
    cdef int64_t b = weight_sums.shape[1] - 1
    while b > 0 and weight_sums[epoch, b] == 0:
        b -= 1
    return b


def train_epochs(plan, state, data, orders, const int64_t[::1] bounds,
                 const double[:, :] weight_sums, const double[:, :] rates, hyper,
                 double[::1] losses, double[::1] norms, team=None):
    """Train on every batch of one epoch, or of several in a row, without the GIL.

    Parameters
    ----------
    plan : Plan
    state : TrainingState
        Its params, slots, stats and average are updated in place, its counters after
        every batch.
    data : TrainingData
    orders : ndarray of shape (n_epochs, n_rows), int64
        Row numbers in the order of training. With ``hyper.gather`` false: 0, 1, 2, ...
    bounds : ndarray of shape (n_batches + 1,)
        Where each batch of an epoch starts and ends in its order.
    weight_sums : ndarray of shape (n_epochs, n_batches)
        Sum of the weights of each batch, or its number of rows. A batch that weighs
        nothing is passed over.
    rates : ndarray of shape (n_epochs, n_batches)
        The learning rate of each batch.
    hyper : Hyperparameters
    losses : ndarray of shape (n_epochs,)
        Receives, as soon as an epoch is over, its mean over rows of the loss of their
        batch, L2 term included.
    norms : ndarray of shape (n_epochs,)
        Receives the Euclidean norm of the gradient of each epoch's last batch, before
        clipping and without the L2 term.
    team : Team or None
        Threads to share the work with, entered.

    Returns
    -------
    n_done : int
        Epochs trained: fewer than asked for if the weights are no longer finite.

    Raises
    ------
    KeyboardInterrupt
        Between two updates, never inside one.
    """
    cdef Network net
    cdef Rows rows, batch
    cdef Optimizer optimizer
    cdef double momentum = hyper.bn_momentum, total = 0, loss, cost
    cdef int64_t epoch, b, last, n_batches = bounds.shape[0] - 1
    cdef int64_t n_epochs = losses.shape[0], n_rows = orders.shape[1], n_average
    cdef int64_t n_drawn = state.n_batches, t_stats = state.n_stats_steps
    cdef int64_t average_from = hyper.average_from - state.n_epochs
    cdef bint gathers = hyper.gather, diverged
    cdef int64_t *ids = <int64_t *>address(orders, np.int64)
    open_network(&net, plan, state.params, state.grads, state.stats, state.work, hyper,
                 team)
    open_optimizer(&optimizer, state, hyper)
    open_rows(&rows, data, plan, state.params.dtype)
    cost = 16.0 * net.plan.n_params  # an update's share of POLL_AFTER
    net.float_mode = caviar_flush_denormals()
    try:
        with nogil:
            for epoch in range(n_epochs):
                total = 0
                last = last_batch(weight_sums, epoch)
                for b in range(n_batches):
                    if weight_sums[epoch, b] == 0:
                        continue
                    net.draw.step = <uint32_t>n_drawn
                    take_batch(&net, &batch, &rows, ids, bounds[b], bounds[b + 1],
                               weight_sums[epoch, b], gathers)
                    forward(&net, &batch)
                    loss = loss_and_gradient(&net, &batch)
                    backward(&net, &batch)
                    n_drawn += 1
                    t_stats += 1
                    loss += update(&net, &optimizer, rates[epoch, b], batch.weight_sum,
                                   b == last, corrected_momentum(momentum, t_stats))
                    total += loss * batch.n
                    poll(&net, cost)
                losses[epoch], norms[epoch] = total / n_rows, optimizer.norm
                ids += n_rows
                if epoch >= average_from:
                    optimizer.n_averaged += 1
                    n_average = optimizer.n_averaged
                    net.kernels.running_average(
                        optimizer.average, net.params, (n_average - 1.0) / n_average,
                        net.plan.n_params)
                if not isfinite(losses[epoch]):
                    with gil:
                        diverged = not np.isfinite(state.params).all()
                    if diverged:
                        n_epochs = epoch + 1
                        break
    finally:
        caviar_set_float_mode(net.float_mode)
        state.n_steps, state.momenta = optimizer.t, optimizer.momenta
        state.n_batches, state.n_stats_steps = n_drawn, t_stats
        state.n_averaged = optimizer.n_averaged
    return n_epochs


def batch_statistics(plan, params, grads, stats, work, data, order,
                     const int64_t[::1] bounds, const double[:] weight_sums, hyper,
                     team=None):
    """Make ``stats`` the mean statistics of all batches, without anything random.

    What batch normalization needs for weights that were not trained, but averaged
    (Izmailov et al. 2018, section 3.2). Arguments as of `train_epochs`, of one epoch.
    """
    cdef Network net
    cdef Rows rows, batch
    cdef double total = 0
    cdef int64_t b
    cdef int64_t *ids = <int64_t *>address(order, np.int64)
    cdef bint gathers = hyper.gather
    open_network(&net, plan, params, grads, stats, work, hyper, team)
    open_rows(&rows, data, plan, params.dtype)
    net.draws = False
    net.float_mode = caviar_flush_denormals()
    try:
        with nogil:
            for b in range(bounds.shape[0] - 1):
                if weight_sums[b] == 0:
                    continue
                take_batch(&net, &batch, &rows, ids, bounds[b], bounds[b + 1],
                           weight_sums[b], gathers)
                forward(&net, &batch)
                net.kernels.running_average(
                    net.stats, net.work + net.plan.batch_stats * net.size,
                    total / (total + weight_sums[b]), net.plan.n_stats)
                total += weight_sums[b]
    finally:
        caviar_set_float_mode(net.float_mode)
