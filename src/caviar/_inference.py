"""Prediction: a plain multi-layer perceptron over ``coefs_`` and ``intercepts_``.

Knows nothing of batch normalization, which is folded into them, nor of estimators.
"""

from contextlib import nullcontext

import numpy as np
from scipy.sparse import issparse

from ._blas_threads import single_blas_thread
from ._layout import each_layer
from ._network import layer_forward

# Rows at a time: enough to pack the weights for (with 256 of them 3 x 1024 units take 15 %
# longer), few enough for a core's cache (with 2048, 128 float64 units take 8 % longer).
ENOUGH_ROWS = 512
FEW_ELEMENTS, MANY_ELEMENTS = 2**16, 2**20  # of the widest layer: more rows, fewer rows
# Products of at most so many multiplications run on one thread in every BLAS there is
# (OpenBLAS starts at 2^18), and to say so would take longer than they do.
FEW_MULTIPLICATIONS = 2**15


def forward(X, coefs, intercepts, activation, out_activation, chosen=None):
    """The network's output, in chunks of rows.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Of any dtype and memory order; converted to the network's dtype chunk by chunk.
    coefs, intercepts : list of ndarray
    activation : str or list of str
        Of all hidden layers, or of each.
    out_activation : str
    chosen : ndarray of shape (n_rows,), int64, default=None
        Rows of X to predict, gathered chunk by chunk; None for all of them.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs), of the dtype of the first coefficients
    """
    dtype = np.result_type(*coefs)
    coefs = [np.ascontiguousarray(w, dtype=dtype) for w in coefs]
    intercepts = [np.ascontiguousarray(b, dtype=dtype) for b in intercepts]
    activations = each_layer(activation, len(coefs) - 1)
    n_samples = X.shape[0] if chosen is None else len(chosen)
    out = np.empty((n_samples, coefs[-1].shape[1]), dtype=dtype)
    widths = [w.shape[1] for w in coefs[:-1]]
    chunk = min(_chunk_rows(max(X.shape[1], *widths, out.shape[1])), n_samples)
    work = [np.empty(chunk * n, dtype) for n in _two_largest(widths)]
    rows_of = rows_reader(X, dtype, chosen)
    few = chunk * max(w.size for w in coefs) <= FEW_MULTIPLICATIONS
    with nullcontext() if few else single_blas_thread:
        for start in range(0, n_samples, chunk):
            stop = min(start + chunk, n_samples)
            a = rows_of(start, stop)
            for index, width in enumerate(widths):
                h = work[index % 2][: (stop - start) * width].reshape(-1, width)
                layer_forward(h, a, coefs[index], intercepts[index], activations[index])
                a = h
            layer_forward(out[start:stop], a, coefs[-1], intercepts[-1], out_activation)
    return out


def _chunk_rows(width):
    most = max(MANY_ELEMENTS // width, 64)
    return min(max(ENOUGH_ROWS, FEW_ELEMENTS // width), most)


def _two_largest(widths):
    """Sizes of two buffers that hold every other layer each."""
    return max(widths[::2], default=0), max(widths[1::2], default=0)


def rows_reader(X, dtype, chosen=None):
    """A function (start, stop) of rows of X, or of those chosen, as `layer_forward` takes
    them."""
    return (_sparse_rows if issparse(X) else _dense_rows)(X, dtype, chosen)


def _dense_rows(X, dtype, chosen):
    def rows(start, stop):
        chunk = slice(start, stop) if chosen is None else chosen[start:stop]
        return np.require(X[chunk], dtype=dtype, requirements=["C", "A"])

    return rows


def _sparse_rows(X, dtype, chosen):
    X = X.tocsr()
    indptr = X.indptr.astype(np.int64, copy=False)
    indices = X.indices.astype(np.int32, copy=False)
    values = X.data.astype(dtype, copy=False)

    def rows(start, stop):
        if chosen is None:
            return indptr, indices, values, np.arange(start, stop, dtype=np.int64)
        return indptr, indices, values, chosen[start:stop]

    return rows
