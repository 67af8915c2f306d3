"""The structs of a training step and the functions that `_epochs` is made of."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from . cimport _team
from ._kernels cimport caviar_augmentation, caviar_draw, caviar_kernels


cdef struct Layer:  # _layout.LAYER_FIELDS
    int64_t fan_in, fan_out, weights, bias, gamma, beta, stats
    int64_t a, z, h, out, mask, activation, keep


cdef struct Header:  # _layout.HEADER_FIELDS
    int64_t n_layers, n_params, slot_stride, n_decay, n_stats
    int64_t batch_norm, loss, max_rows, sparse
    int64_t multiclass, soft_targets, input_keep, connect_keep, n_connect
    int64_t x, targets, row_weights, x_spare, targets_spare, delta_even, delta_odd
    int64_t batch_stats, connect, connect_mask, n_work


cdef struct Network:
    const caviar_kernels *kernels
    Header *plan
    Layer *layers
    bint is_double
    int64_t size            # bytes of an element
    char *params
    char *grads
    char *stats
    char *work
    double epsilon          # batch normalization's
    double loss_parameter
    double smoothing        # of targets
    bint draws              # dropout, dropconnect and augmentation are on
    caviar_draw draw        # the batch's; its stream is set where it is used
    caviar_augmentation augmentation
    bint augments
    double unpolled         # operations since the last look at signals
    uint64_t float_mode     # of the thread, as found: restored for whatever is not ours
    _team.Crew *crew        # helpers, or NULL


cdef struct Rows:           # of X, targets and weights: all of them, or one batch
    char *x                 # dense, or NULL
    int64_t *indptr         # compressed sparse rows, or NULL
    int32_t *indices
    char *values
    int64_t *ids            # which rows of the sparse X
    char *targets
    char *weights           # or NULL
    double weight_sum
    int64_t n


cdef int open_network(Network *net, object plan, object params, object grads,
                      object stats, object work, object hyper, object team) except -1
cdef int open_rows(Rows *rows, object data, object plan, object dtype) except -1
cdef int poll(Network *net, double operations) except -1 nogil

cdef int64_t ceil_div(int64_t a, int64_t b) noexcept nogil
cdef int64_t n_tiles_of(double operations, double per_tile, int64_t most) noexcept nogil
cdef int run_tiles(Network *net, _team.tile_fn work, void *context, int64_t n_tiles,
                   double operations) except -1 nogil

cdef void take_batch(Network *net, Rows *batch, Rows *rows, int64_t *ids, int64_t start,
                     int64_t end, double weight_sum, bint gathers) noexcept nogil
cdef int forward(Network *net, Rows *batch) except -1 nogil
cdef double loss_and_gradient(Network *net, Rows *batch) noexcept nogil
cdef int backward(Network *net, Rows *batch) except -1 nogil
