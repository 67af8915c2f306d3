"""Matrix products of row-major float or double matrices through scipy's BLAS.

The only file that knows ``scipy.linalg.cython_blas``. BLAS is column-major: a row-major
matrix is its own transpose there, so the operands are swapped. Sizes must be below 2**31;
the callers' plans see to that.
"""

from libc.stdint cimport int64_t
from scipy.linalg.cython_blas cimport dgemm, sgemm


cdef struct Product:
    # out (rows, columns) = op(a) (rows, inner) op(b) (inner, columns), all dense
    char *out
    char *a
    char *b
    int64_t rows, columns, inner
    bint a_transposed, b_transposed, is_double


cdef inline Product forward_product(bint is_double, void *z, void *a, void *w,
                                    int64_t B, int64_t I, int64_t O) noexcept nogil:
    """z (B, O) = a (B, I) w (I, O)."""
    return Product(<char *>z, <char *>a, <char *>w, B, O, I, False, False, is_double)


cdef inline Product weight_gradient(bint is_double, void *dw, void *a, void *dz,
                                    int64_t B, int64_t I, int64_t O) noexcept nogil:
    """dw (I, O) = a^T (I, B) dz (B, O)."""
    return Product(<char *>dw, <char *>a, <char *>dz, I, O, B, True, False, is_double)


cdef inline Product input_gradient(bint is_double, void *da, void *dz, void *w,
                                   int64_t B, int64_t I, int64_t O) noexcept nogil:
    """da (B, I) = dz (B, O) w^T (O, I)."""
    return Product(<char *>da, <char *>dz, <char *>w, B, I, O, False, True, is_double)


cdef inline void multiply(const Product *p, int64_t row, int64_t n_rows,
                          int64_t column, int64_t n_columns) noexcept nogil:
    """The part of the result from (row, column) on, and only that."""
    cdef int64_t size = 8 if p.is_double else 4
    cdef int lda = <int>(p.rows if p.a_transposed else p.inner)
    cdef int ldb = <int>(p.inner if p.b_transposed else p.columns)
    cdef int ldc = <int>p.columns
    cdef int m = <int>n_columns, n = <int>n_rows, k = <int>p.inner
    cdef char *a = p.a + row * (1 if p.a_transposed else lda) * size
    cdef char *b = p.b + column * (ldb if p.b_transposed else 1) * size
    cdef char *c = p.out + (row * ldc + column) * size
    cdef char ta = b"T" if p.a_transposed else b"N"
    cdef char tb = b"T" if p.b_transposed else b"N"
    cdef float one_f = 1, zero_f = 0
    cdef double one_d = 1, zero_d = 0
    if p.is_double:
        dgemm(&tb, &ta, &m, &n, &k, &one_d, <double *>b, &ldb, <double *>a, &lda,
              &zero_d, <double *>c, &ldc)
    else:
        sgemm(&tb, &ta, &m, &n, &k, &one_f, <float *>b, &ldb, <float *>a, &lda,
              &zero_f, <float *>c, &ldc)
