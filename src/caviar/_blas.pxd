"""Matrix products of row-major float or double matrices through scipy's BLAS.

The only file that knows ``scipy.linalg.cython_blas``. BLAS is column-major: a row-major
matrix is its own transpose there, so the operands are swapped. Sizes must be below 2**31;
the callers' plans see to that.
"""

from libc.stdint cimport int64_t
from scipy.linalg.cython_blas cimport dgemm, sgemm


cdef inline void _gemm(bint is_double, char left, char right, int m, int n, int k,
                       void *a, int lda, void *b, int ldb, void *c) noexcept nogil:
    """Column-major c (m, n) = op(a) (m, k) op(b) (k, n), c dense."""
    cdef float one_f = 1, zero_f = 0
    cdef double one_d = 1, zero_d = 0
    if is_double:
        dgemm(&left, &right, &m, &n, &k, &one_d, <double *>a, &lda, <double *>b, &ldb,
              &zero_d, <double *>c, &m)
    else:
        sgemm(&left, &right, &m, &n, &k, &one_f, <float *>a, &lda, <float *>b, &ldb,
              &zero_f, <float *>c, &m)


cdef inline void product(bint is_double, void *z, void *a, void *w,
                         int64_t B, int64_t I, int64_t O) noexcept nogil:
    """z (B, O) = a (B, I) w (I, O)."""
    _gemm(is_double, b"N", b"N", <int>O, <int>B, <int>I, w, <int>O, a, <int>I, z)


cdef inline void product_transposed_left(bint is_double, void *dw, void *a, void *dz,
                                         int64_t B, int64_t I, int64_t O,
                                         int64_t stride) noexcept nogil:
    """dw (I, O) = a^T dz for a (B, I) with rows ``stride`` apart and dz (B, O)."""
    _gemm(is_double, b"N", b"T", <int>O, <int>I, <int>B, dz, <int>O, a, <int>stride, dw)


cdef inline void product_transposed_right(bint is_double, void *da, void *dz, void *w,
                                          int64_t B, int64_t I, int64_t O) noexcept nogil:
    """da (B, I) = dz (B, O) w^T for w (I, O)."""
    _gemm(is_double, b"T", b"N", <int>I, <int>B, <int>O, w, <int>O, dz, <int>O, da)
