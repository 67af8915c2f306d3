"""Who does a matrix product: the kernel of csrc or BLAS.

The choice looks at shapes, dtype and instruction set only, so that the same bits come out
of any number of threads.
"""

from libc.stdint cimport int64_t

from ._blas cimport Product
from ._blas cimport multiply as blas_multiply
from ._kernels cimport caviar_kernels, caviar_product


cdef inline bint suits_kernel(const caviar_kernels *kernels, const Product *p,
                              int64_t n_columns) noexcept nogil:
    """Where the kernel was measured to be at least as fast as BLAS.

    Neither operand is large; columns come in whole vectors, or few are computed twice
    (narrow layers stay with BLAS: 10 columns took it half the kernel's time); and a right
    operand that has to be transposed first is used by enough rows.
    """
    cdef int64_t size = 8 if p.is_double else 4
    cdef int64_t most = kernels.product_bytes // size, width = kernels.product_width
    if kernels.product == NULL or n_columns < width:
        return False
    if p.rows * p.inner > most or p.inner * p.columns > most:
        return False
    if p.rows < (16 if p.b_transposed else 4) or p.inner == 0:
        return False
    return (width - n_columns % width) % width * 8 <= n_columns


cdef inline void multiply(const caviar_kernels *kernels, const Product *p,
                          int64_t row, int64_t n_rows, int64_t column,
                          int64_t n_columns) noexcept nogil:
    """The part of the result from (row, column) on, and only that."""
    cdef int64_t size = 8 if p.is_double else 4
    cdef caviar_product part
    if not suits_kernel(kernels, p, n_columns):
        blas_multiply(p, row, n_rows, column, n_columns)
        return
    part.left_row = 1 if p.a_transposed else p.inner
    part.left_inner = p.rows if p.a_transposed else 1
    part.right_row = 1 if p.b_transposed else p.columns
    part.right_column = p.inner if p.b_transposed else 1
    part.out_row = p.columns
    part.out = p.out + (row * part.out_row + column) * size
    part.left = p.a + row * part.left_row * size
    part.right = p.b + column * part.right_column * size
    part.R, part.K, part.C = n_rows, p.inner, n_columns
    kernels.product(&part)
