"""One batch: forward, backward, and the passes of inference, without a Python object.

Knows the plan (``_layout``), the kernels and BLAS; knows nothing of optimizers, schedules,
stopping or estimators. Its structs are in ``_network.pxd``. All pointers are ``char *`` and
offsets count elements of the plan's dtype, so that one source serves float32 and float64.
"""

import numpy as np

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from . cimport _blas, _product, _team
from ._kernels cimport (
    CAVIAR_IDENTITY,
    CAVIAR_SOFTMAX,
    address,
    caviar_draw,
    caviar_flush_denormals,
    caviar_kernels,
    caviar_set_float_mode,
    fill_augmentation,
    kernels_of,
)

from ._kernels import ACTIVATIONS, LOSSES

cdef enum:
    INPUT_STREAM = 256          # lower ones are the augmentations'
    DROPOUT_STREAM = 257        # of the first hidden layer; the others follow
    CONNECT_STREAM = 1 << 16    # likewise
    KEEP_ALL = 1 << 16          # _layout.KEEP_ALL

# Floating-point operations between two looks at pending signals: some 10 ms of work at
# 100 GFLOP/s and 100 ms at 10, so that Ctrl-C is noticed within 200 ms.
cdef double POLL_AFTER = 1e9
# Of a product's tile; at half of it 512 x 1024 x 1024 took 4 % longer on one core.
cdef double PRODUCT_TILE = 4e8
# Elements of a layer's activations in a tile of the passes over them.
cdef double ELEMENT_TILE = 1e5


cdef int open_network(Network *net, object plan, object params, object grads,
                      object stats, object work, object hyper, object team) except -1:
    """Collect pointers; ``work`` is long enough for the plan."""
    dtype = params.dtype
    net.plan = <Header *>address(plan.header, plan.header.dtype)
    net.layers = <Layer *>address(plan.layers, plan.layers.dtype)
    net.is_double = dtype == np.float64
    net.size = 8 if net.is_double else 4
    net.kernels = kernels_of(net.is_double)
    if params.size != net.plan.n_params or grads.size != net.plan.n_params:
        raise ValueError("params or grads do not fit the plan")
    if stats.size != net.plan.n_stats or work.size < net.plan.n_work:
        raise ValueError("stats or work do not fit the plan")
    net.params = <char *>address(params, dtype, True)
    net.grads = <char *>address(grads, dtype, True)
    net.stats = <char *>address(stats, dtype, True)
    net.work = <char *>address(work, dtype, True)
    net.epsilon = hyper.bn_epsilon
    net.loss_parameter, net.smoothing = hyper.loss_parameter, hyper.label_smoothing
    net.augments = hyper.augmentation is not None
    fill_augmentation(&net.augmentation, hyper.augmentation)
    net.draws = True
    net.draw.seed, net.draw.step, net.draw.stream = hyper.seed, 0, 0
    net.unpolled = 0
    net.crew = NULL if team is None else &(<_team.Team>team).crew
    return 0


cdef int open_rows(Rows *rows, object data, object plan, object dtype) except -1:
    """Pointers to all rows of a `_validation.TrainingData`."""
    rows.x = <char *>address(data.X, dtype)
    rows.indptr = <int64_t *>address(data.indptr, np.int64)
    rows.indices = <int32_t *>address(data.indices, np.int32)
    rows.values = <char *>address(data.values, dtype)
    rows.ids = NULL
    classes = plan.header["multiclass"][0]
    rows.targets = <char *>address(data.targets, np.int32 if classes else dtype)
    rows.weights = <char *>address(data.weights, dtype)
    rows.weight_sum = 0
    rows.n = data.n_samples
    if (data.n_samples, data.n_features) >= (2**31, 2**31):
        raise ValueError("BLAS counts rows and columns with 31 bits")
    return 0


cdef int poll(Network *net, double operations) except -1 nogil:
    """Let Ctrl-C through, every `POLL_AFTER` operations."""
    net.unpolled += operations
    if net.unpolled > POLL_AFTER:
        net.unpolled = 0
        caviar_set_float_mode(net.float_mode)
        with gil:
            PyErr_CheckSignals()
        caviar_flush_denormals()
    return 0


cdef void gather_targets(Network *net, Rows *batch, Rows *rows,
                         int64_t *ids) noexcept nogil:
    """Copy the chosen targets into work, as the loss takes them, smoothed."""
    cdef Header *plan = net.plan
    cdef int64_t K = net.layers[plan.n_layers - 1].fan_out, r
    cdef int32_t *classes
    batch.targets = net.work + plan.targets * net.size
    if not plan.multiclass:
        net.kernels.rows_gather(batch.targets, rows.targets, ids, K, batch.n, K)
        if net.smoothing > 0:
            net.kernels.smooth(batch.targets, net.smoothing, batch.n * K)
        return
    classes = <int32_t *>batch.targets
    if plan.soft_targets:
        classes = <int32_t *>(net.work + plan.targets_spare * net.size)
    for r in range(batch.n):
        classes[r] = (<int32_t *>rows.targets)[ids[r]]
    if plan.soft_targets:
        net.kernels.one_hot(batch.targets, classes, net.smoothing, batch.n, K)


cdef void gather(Network *net, Rows *batch, Rows *rows, int64_t *ids,
                 int64_t n) noexcept nogil:
    """Copy the chosen rows into work; sparse rows of X stay where they are."""
    cdef int64_t I = net.layers[0].fan_in
    batch[0] = rows[0]
    batch.n = n
    batch.ids = ids
    if rows.x != NULL:
        batch.x = net.work + net.plan.x * net.size
        net.kernels.rows_gather(batch.x, rows.x, ids, I, n, I)
    gather_targets(net, batch, rows, ids)
    if rows.weights != NULL:
        batch.weights = net.work + net.plan.row_weights * net.size
        net.kernels.rows_gather(batch.weights, rows.weights, ids, 1, n, 1)


cdef void window(Network *net, Rows *batch, Rows *rows, int64_t *ids, int64_t start,
                 int64_t n) noexcept nogil:
    """The rows from ``start`` on, in place; ``ids`` are all row numbers in order."""
    cdef int64_t K = net.layers[net.plan.n_layers - 1].fan_out
    batch[0] = rows[0]
    batch.n = n
    batch.ids = ids + start
    if rows.x != NULL:
        batch.x = rows.x + start * net.layers[0].fan_in * net.size
    if net.plan.soft_targets:
        gather_targets(net, batch, rows, batch.ids)
    elif net.plan.multiclass:
        batch.targets = rows.targets + start * sizeof(int32_t)
    else:
        batch.targets = rows.targets + start * K * net.size
    if rows.weights != NULL:
        batch.weights = rows.weights + start * net.size


cdef caviar_draw stream_of(Network *net, uint32_t stream) noexcept nogil:
    cdef caviar_draw draw = net.draw
    draw.stream = stream
    return draw


cdef void augment(Network *net, Rows *batch) noexcept nogil:
    """Change the gathered rows and targets as training asks for; the data stay."""
    cdef Header *plan = net.plan
    cdef int64_t K = net.layers[plan.n_layers - 1].fan_out
    cdef int64_t I = net.layers[0].fan_in
    cdef caviar_draw draw = stream_of(net, INPUT_STREAM)
    if net.augments:
        net.kernels.augment(
            batch.x, batch.targets, batch.weights, net.work + plan.x_spare * net.size,
            net.work + plan.targets_spare * net.size, &net.augmentation, &net.draw,
            batch.n, I, K)
    if plan.input_keep < KEEP_ALL:
        net.kernels.dropout_forward(batch.x, NULL, batch.x, &draw, plan.input_keep,
                                    batch.n, I, I, 0)


cdef char *weights_of(Network *net, int64_t l) noexcept nogil:
    """The weights that layer l computes with: with dropconnect, those kept."""
    if net.draws and net.plan.connect_keep < KEEP_ALL and l < net.plan.n_layers - 1:
        return net.work + (net.plan.connect + net.layers[l].weights) * net.size
    return net.params + net.layers[l].weights * net.size


cdef void drop_connections(Network *net) noexcept nogil:
    """Draw which weights of the hidden layers the batch is computed with."""
    cdef Header *plan = net.plan
    cdef uint8_t *masks = <uint8_t *>(net.work + plan.connect_mask * net.size)
    cdef caviar_draw draw
    cdef Layer layer
    cdef int64_t l
    for l in range(plan.n_layers - 1):
        layer = net.layers[l]
        draw = stream_of(net, CONNECT_STREAM + <uint32_t>l)
        net.kernels.dropout_forward(
            weights_of(net, l), masks + layer.weights,
            net.params + layer.weights * net.size, &draw, plan.connect_keep,
            layer.fan_in, layer.fan_out, layer.fan_out, 0)


cdef void drop_connections_backward(Network *net, int64_t l) noexcept nogil:
    cdef Header *plan = net.plan
    cdef Layer layer = net.layers[l]
    cdef uint8_t *masks = <uint8_t *>(net.work + plan.connect_mask * net.size)
    net.kernels.dropout_backward(
        net.grads + layer.weights * net.size, masks + layer.weights, plan.connect_keep,
        layer.fan_in, layer.fan_out, layer.fan_out)


# Work is cut into tiles where a tile is long enough to be handed to another thread and
# short enough to keep Ctrl-C waiting. How it is cut depends on the shapes alone: the same
# bits come out of any number of threads.

cdef int64_t ceil_div(int64_t a, int64_t b) noexcept nogil:
    return (a + b - 1) // b


cdef int64_t n_tiles_of(double operations, double per_tile, int64_t most) noexcept nogil:
    """A power of two, so that two, four or eight threads have equal shares."""
    cdef int64_t n = 1
    while 2 * n <= most and operations >= 2 * n * per_tile:
        n *= 2
    return n


cdef int run_tiles(Network *net, _team.tile_fn work, void *context, int64_t n_tiles,
                   double operations) except -1 nogil:
    """All tiles, by everyone there is.

    ``operations`` are those of one tile; with 0 no signal is looked for in between.
    """
    cdef int64_t tile
    if net.crew is NULL or n_tiles == 1:
        for tile in range(n_tiles):
            work(context, tile)
            poll(net, operations)
        return 0
    _team.start_tiles(net.crew, work, context, n_tiles)
    try:
        tile = _team.take_tile(net.crew)
        while tile >= 0:
            work(context, tile)
            poll(net, operations)
            tile = _team.take_tile(net.crew)
    finally:
        _team.drop_tiles(net.crew)
        _team.wait_for_tiles(net.crew)
    return 0


cdef struct ProductTiles:
    const caviar_kernels *kernels
    _blas.Product product
    int64_t width           # rows or columns of a tile
    bint by_rows


cdef void product_tile(void *context, int64_t tile) noexcept nogil:
    cdef ProductTiles *tiles = <ProductTiles *>context
    cdef _blas.Product *p = &tiles.product
    cdef int64_t first = tile * tiles.width
    if tiles.by_rows:
        _product.multiply(tiles.kernels, p, first, min(tiles.width, p.rows - first), 0,
                          p.columns)
    else:
        _product.multiply(tiles.kernels, p, 0, p.rows, first,
                          min(tiles.width, p.columns - first))


cdef int multiply(Network *net, _blas.Product product) except -1 nogil:
    """A whole product.

    Tiles repeat the packing of one operand: they are 256 wide at least, and narrower only
    where they would keep Ctrl-C waiting (the gradient over very many rows).
    """
    cdef ProductTiles tiles
    cdef double operations = 2.0 * product.rows * product.columns * product.inner
    cdef int64_t length, n
    tiles.kernels, tiles.product = net.kernels, product
    tiles.by_rows = product.rows > 2 * product.columns
    length = product.rows if tiles.by_rows else product.columns
    n = n_tiles_of(operations, PRODUCT_TILE, length // 256)
    while operations > n * POLL_AFTER and 128 * n <= length:
        n *= 2
    tiles.width = ceil_div(length, 64 * n) * 64
    n = ceil_div(length, tiles.width)
    return run_tiles(net, product_tile, &tiles, n, operations / n)


cdef int64_t n_entries(Rows *batch) noexcept nogil:
    """Stored entries of the batch's sparse rows."""
    cdef int64_t r, total = 0
    for r in range(batch.n):
        total += batch.indptr[batch.ids[r] + 1] - batch.indptr[batch.ids[r]]
    return total


cdef struct LayerTiles:
    Network *net
    Rows *batch
    Layer layer
    char *d                 # backward: the gradient of out, then of a
    int64_t width           # columns of a tile
    uint32_t stream         # of the layer's dropout


cdef int64_t layer_tiles(LayerTiles *tiles, int64_t B) noexcept nogil:
    """Cut a layer's columns; returns the number of tiles."""
    cdef int64_t O = tiles.layer.fan_out
    cdef int64_t n = n_tiles_of(<double>B * O, ELEMENT_TILE, O // 128)
    tiles.width = ceil_div(O, 128 * n) * 128
    return ceil_div(O, tiles.width)


cdef bint drops(Network *net, Layer *layer) noexcept nogil:
    return net.draws and layer.keep < KEEP_ALL


cdef bint has_activation_first(Layer *layer) noexcept nogil:
    """Whether bias and activation come before batch norm, or without it."""
    return layer.gamma < 0 or layer.beta != layer.bias


cdef void normalize_tile(void *context, int64_t tile) noexcept nogil:
    """Batch norm of some columns, with the activation where it comes after it."""
    cdef LayerTiles *tiles = <LayerTiles *>context
    cdef Network *net = tiles.net
    cdef Rows *batch = tiles.batch
    cdef Layer layer = tiles.layer
    cdef int64_t size = net.size, half = net.plan.n_stats // 2
    cdef int64_t first = tile * tiles.width, O = layer.fan_out
    cdef int64_t n = min(tiles.width, O - first)
    cdef char *mean = net.work + (net.plan.batch_stats + layer.stats + first) * size
    net.kernels.batch_norm_forward(
        net.work + (layer.h + first) * size, mean, mean + half * size,
        net.work + (layer.z + first) * size, batch.weights,
        net.params + (layer.gamma + first) * size,
        net.params + (layer.beta + first) * size, batch.weight_sum, net.epsilon,
        CAVIAR_IDENTITY if has_activation_first(&layer) else <int>layer.activation,
        batch.n, n, O)


cdef void dropout_tile(void *context, int64_t tile) noexcept nogil:
    """Dropout of some columns."""
    cdef LayerTiles *tiles = <LayerTiles *>context
    cdef Network *net = tiles.net
    cdef Layer layer = tiles.layer
    cdef int64_t first = tile * tiles.width, O = layer.fan_out
    cdef uint8_t *mask = <uint8_t *>(net.work + layer.mask * net.size)
    cdef caviar_draw draw = stream_of(net, tiles.stream)
    net.kernels.dropout_forward(
        net.work + (layer.out + first) * net.size, mask + first,
        net.work + (layer.h + first) * net.size, &draw, layer.keep, tiles.batch.n,
        min(tiles.width, O - first), O, first)


cdef int forward(Network *net, Rows *batch) except -1 nogil:
    """Fill every layer's activations; the last ones are those before the output's."""
    cdef Header *plan = net.plan
    cdef int64_t l, n, size = net.size, B = batch.n
    cdef LayerTiles tiles
    cdef Layer layer
    cdef char *below = batch.x
    cdef char *a
    cdef char *w
    if net.draws and plan.connect_keep < KEEP_ALL:
        drop_connections(net)
    for l in range(plan.n_layers):
        layer = net.layers[l]
        a = net.work + layer.a * size
        w = weights_of(net, l)
        if l == 0 and plan.sparse:
            net.kernels.sparse_forward(a, batch.indptr, batch.indices, batch.values,
                                       batch.ids, w, B, layer.fan_out)
            poll(net, 2.0 * n_entries(batch) * layer.fan_out)
        else:
            multiply(net, _blas.forward_product(net.is_double, a, below, w, B,
                                                layer.fan_in, layer.fan_out))
        if has_activation_first(&layer):
            net.kernels.activation_forward(
                net.work + (layer.h if layer.gamma < 0 else layer.z) * size, a,
                net.params + layer.bias * size, <int>layer.activation, B, layer.fan_out)
        tiles.net, tiles.batch, tiles.layer = net, batch, layer
        tiles.stream = DROPOUT_STREAM + <uint32_t>l
        n = layer_tiles(&tiles, B)
        if layer.gamma >= 0:
            run_tiles(net, normalize_tile, &tiles, n, 16.0 * B * layer.fan_out / n)
        if drops(net, &layer):
            run_tiles(net, dropout_tile, &tiles, n, 16.0 * B * layer.fan_out / n)
        below = net.work + (layer.out if drops(net, &layer) else layer.h) * size
    return 0


cdef double loss_and_gradient(Network *net, Rows *batch) noexcept nogil:
    """The loss of the batch without L2; the last outputs become its gradient."""
    cdef Layer last = net.layers[net.plan.n_layers - 1]
    return net.kernels.loss[net.plan.loss](
        net.work + last.h * net.size, batch.targets, batch.weights, batch.weight_sum,
        net.loss_parameter, batch.n, last.fan_out)


cdef int backward(Network *net, Rows *batch) except -1 nogil:
    """The gradient of every parameter, from the outputs back to the first layer."""
    cdef Header *plan = net.plan
    cdef int64_t l, n, size = net.size, B = batch.n
    cdef Layer layer = net.layers[plan.n_layers - 1], lower
    cdef LayerTiles tiles
    cdef char *d = net.work + layer.h * size
    cdef char *a
    cdef char *below
    net.kernels.activation_backward(d, net.grads + layer.bias * size, d, NULL,
                                    CAVIAR_IDENTITY, B, layer.fan_out, layer.fan_out)
    for l in range(plan.n_layers - 1, -1, -1):
        layer = net.layers[l]
        if l == 0 and plan.sparse:
            net.kernels.sparse_backward(net.grads + layer.weights * size, batch.indptr,
                                        batch.indices, batch.values, batch.ids, d, B,
                                        layer.fan_in, layer.fan_out)
            poll(net, 2.0 * n_entries(batch) * layer.fan_out)
        else:
            a = batch.x
            if l > 0:
                lower = net.layers[l - 1]
                a = net.work + (lower.out if drops(net, &lower) else lower.h) * size
            multiply(net, _blas.weight_gradient(
                net.is_double, net.grads + layer.weights * size, a, d, B, layer.fan_in,
                layer.fan_out))
        if weights_of(net, l) != net.params + layer.weights * size:
            drop_connections_backward(net, l)
        if l == 0:
            break
        below = net.work + (plan.delta_odd if l % 2 == 0 else plan.delta_even) * size
        multiply(net, _blas.input_gradient(
            net.is_double, below, d, weights_of(net, l), B, layer.fan_in, layer.fan_out))
        d = below
        tiles.net, tiles.batch, tiles.layer, tiles.d = net, batch, lower, d
        n = layer_tiles(&tiles, B)
        run_tiles(net, backward_tile, &tiles, n, 16.0 * B * layer.fan_in / n)
    return 0


cdef void backward_tile(void *context, int64_t tile) noexcept nogil:
    """Through some columns of a hidden layer: dropout, activation and batch norm."""
    cdef LayerTiles *tiles = <LayerTiles *>context
    cdef Network *net = tiles.net
    cdef Rows *batch = tiles.batch
    cdef Layer layer = tiles.layer
    cdef int64_t size = net.size, half = net.plan.n_stats // 2
    cdef int64_t first = tile * tiles.width, O = layer.fan_out
    cdef int64_t n = min(tiles.width, O - first)
    cdef char *d = tiles.d + first * size
    cdef char *a = net.work + (layer.a + first) * size
    cdef char *z = net.work + (layer.z + first) * size
    cdef char *h = net.work + (layer.h + first) * size
    cdef char *mean
    cdef bint activates = has_activation_first(&layer)
    if drops(net, &layer):
        net.kernels.dropout_backward(
            d, <uint8_t *>(net.work + layer.mask * size) + first, layer.keep, batch.n, n,
            O)
    if layer.gamma >= 0:
        mean = net.work + (net.plan.batch_stats + layer.stats + first) * size
        net.kernels.batch_norm_backward(
            d, net.grads + (layer.gamma + first) * size,
            net.grads + (layer.beta + first) * size, z, h, batch.weights, mean,
            mean + half * size, net.params + (layer.gamma + first) * size,
            net.params + (layer.beta + first) * size, batch.weight_sum, net.epsilon,
            CAVIAR_IDENTITY if activates else <int>layer.activation, batch.n, n, O)
    if activates:
        net.kernels.activation_backward(
            d, net.grads + (layer.bias + first) * size, h if layer.gamma < 0 else z, a,
            <int>layer.activation, batch.n, n, O)


cdef void take_batch(Network *net, Rows *batch, Rows *rows, int64_t *ids, int64_t start,
                     int64_t end, double weight_sum, bint gathers) noexcept nogil:
    """Some rows of the order, ready for `forward`."""
    cdef int64_t n = end - start
    if gathers:
        gather(net, batch, rows, ids + start, n)
        if net.draws:
            augment(net, batch)
    else:
        window(net, batch, rows, ids, start, n)
    batch.weight_sum = weight_sum


def loss_gradient(plan, params, grads, stats, work, data, order, weight_sum, hyper,
                  step=0, team=None):
    """The loss of all rows at once, without L2; ``grads`` receives its gradient.

    Parameters
    ----------
    plan : Plan
        With room for all rows.
    params, grads, stats, work : ndarray
        ``stats`` is left alone: `Plan.batch_stats` shows those of this call in ``work``.
    data : TrainingData
    order : ndarray of shape (n_samples,), int64
        Row numbers: 0, 1, 2, ... if ``hyper.gather`` is false.
    weight_sum : float
        Sum of the sample weights, or the number of rows.
    hyper : Hyperparameters
    step : int
        Number of the batch, on which its random numbers depend.
    team : Team or None
        Threads to share the work with, entered.
    """
    cdef Network net
    cdef Rows rows, batch
    cdef double loss, total_weight = weight_sum
    cdef int64_t *ids = <int64_t *>address(order, np.int64)
    cdef bint gathers = hyper.gather
    open_network(&net, plan, params, grads, stats, work, hyper, team)
    open_rows(&rows, data, plan, params.dtype)
    net.draw.step = step
    net.float_mode = caviar_flush_denormals()
    try:
        with nogil:
            take_batch(&net, &batch, &rows, ids, 0, rows.n, total_weight, gathers)
            forward(&net, &batch)
            loss = loss_and_gradient(&net, &batch)
            backward(&net, &batch)
    finally:
        caviar_set_float_mode(net.float_mode)
    return loss


def output_loss(outputs, targets, weights, weight_sum, loss, parameter=0.0):
    """The weighted mean loss of outputs before their activation; they are spent.

    Parameters
    ----------
    outputs : ndarray of shape (n_rows, n_outputs)
        Become the gradient of the loss.
    targets : ndarray
        (n_rows,) int32 for "softmax", else (n_rows, n_outputs) of the dtype of outputs.
    weights : ndarray of shape (n_rows,) or None
    weight_sum : float
    loss : str
        A key of `_kernels.LOSSES`.
    parameter : float
        That of the loss, if it has one.
    """
    dtype = outputs.dtype
    target_dtype = np.int32 if loss == "softmax" else dtype
    return kernels_of(dtype == np.float64).loss[<int>LOSSES[loss]](
        address(outputs, dtype, True), address(targets, target_dtype),
        address(weights, dtype), weight_sum, parameter, outputs.shape[0],
        outputs.shape[1])


def has_tiles_to_share(plan):
    """Whether a training step has a product that is cut into tiles.

    If not, other threads would have too little to do to be worth waking.
    """
    cdef int64_t B = plan.header["max_rows"][0], I, O
    cdef double operations
    for layer in plan.layers:
        I, O = layer["fan_in"], layer["fan_out"]
        operations = 2.0 * B * I * O
        # Forward and the weights' gradient, at their most divisible.
        if n_tiles_of(operations, PRODUCT_TILE, max(B, I, O) // 256) > 1:
            return True
    return False


def layer_forward(out, a, coef, intercept, activation):
    """out = g(a coef + intercept): one layer of inference.

    Parameters
    ----------
    out : ndarray of shape (n_rows, fan_out)
    a : ndarray of shape (n_rows, fan_in) or tuple
        Dense rows, or ``(indptr, indices, values, row_ids)`` of compressed sparse rows.
    coef : ndarray of shape (fan_in, fan_out)
    intercept : ndarray of shape (fan_out,)
    activation : str
    """
    dtype = out.dtype
    cdef bint is_double = dtype == np.float64
    cdef const caviar_kernels *kernels = kernels_of(is_double)
    cdef int64_t B = out.shape[0], I = coef.shape[0], O = out.shape[1]
    cdef int g = ACTIVATIONS[activation]
    cdef char *z = <char *>address(out, dtype, True)
    cdef char *w = <char *>address(coef, dtype)
    cdef char *b = <char *>address(intercept, dtype)
    cdef char *x
    cdef int64_t *indptr = NULL
    cdef int64_t *ids = NULL
    cdef int32_t *indices = NULL
    cdef bint is_sparse = isinstance(a, tuple)
    cdef _blas.Product p
    cdef uint64_t float_mode
    if is_sparse:
        indptr = <int64_t *>address(a[0], np.int64)
        indices = <int32_t *>address(a[1], np.int32)
        x = <char *>address(a[2], dtype)
        ids = <int64_t *>address(a[3], np.int64)
    else:
        x = <char *>address(a, dtype)
    with nogil:
        float_mode = caviar_flush_denormals()
        if is_sparse:
            kernels.sparse_forward(z, indptr, indices, x, ids, w, B, O)
        else:
            p = _blas.forward_product(is_double, z, x, w, B, I, O)
            _product.multiply(kernels, &p, 0, B, 0, O)
        if g == CAVIAR_SOFTMAX:
            kernels.activation_forward(z, z, b, CAVIAR_IDENTITY, B, O)
            kernels.softmax_forward(z, B, O)
        else:
            kernels.activation_forward(z, z, b, g, B, O)
        caviar_set_float_mode(float_mode)


def activate(outputs, activation):
    """Apply an output activation to all rows, in place."""
    cdef const caviar_kernels *kernels = kernels_of(outputs.dtype == np.float64)
    cdef char *z = <char *>address(outputs, outputs.dtype, True)
    cdef int64_t B = outputs.shape[0], O = outputs.shape[1]
    cdef int g = ACTIVATIONS[activation]
    with nogil:
        if g == CAVIAR_SOFTMAX:
            kernels.softmax_forward(z, B, O)
        else:
            kernels.activation_forward(z, z, NULL, g, B, O)
