/* Products of small and medium dense matrices. BLAS libraries first copy both operands into an
 * order of their own, a good part of the time of such products; here the left one is read in
 * place, and so is the right one where its rows are contiguous and near each other.
 *
 * An entry is the sum, in order, of sums of DEPTH terms in order: its bits do not depend on
 * how many other rows and columns are computed with it, nor where it stands in a tile. */
#if HAS_PRODUCT

/* Aligned as an element is: rows may start anywhere. */
typedef real NAME(vector)
    __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
enum { NAME(LANES) = VECTOR_BYTES / (int)sizeof(real) };

/* out (m, n vectors) = or += left (m, depth) right (depth, n vectors). m and n are constants
 * wherever this is inlined, so that `sum` is registers. */
static CAVIAR_INLINE void NAME(product_tile)(real *restrict out, const real *restrict left,
                                             const real *restrict right, int64_t right_row,
                                             const caviar_product *p, int64_t depth, int first,
                                             const int m, const int n) {
    enum { W = NAME(LANES) };
    const int64_t left_row = p->left_row, left_inner = p->left_inner;
    NAME(vector) sum[TILE_ROWS][TILE_VECTORS] = {0};
    for (int64_t k = 0; k < depth; k++) {
        NAME(vector) y[TILE_VECTORS];
        UNROLLED
        for (int v = 0; v < n; v++)
            y[v] = *(const NAME(vector) *)(right + k * right_row + v * W);
        UNROLLED
        for (int r = 0; r < m; r++) {
            const real x = left[r * left_row + k * left_inner];
            UNROLLED
            for (int v = 0; v < n; v++)
                sum[r][v] += x * y[v];
        }
    }
    UNROLLED
    for (int r = 0; r < m; r++) {
        UNROLLED
        for (int v = 0; v < n; v++) {
            NAME(vector) *to = (NAME(vector) *)(out + r * p->out_row + v * W);
            if (!first)
                sum[r][v] += *to;
            *to = sum[r][v];
        }
    }
}

/* All rows of n vectors of columns: tiles from top to bottom. */
static CAVIAR_INLINE void NAME(product_rows)(real *restrict out, const real *restrict left,
                                             const real *restrict right, int64_t right_row,
                                             const caviar_product *p, int64_t depth, int first,
                                             const int n) {
    int64_t r = 0;
#define TILES(m)                                                                                   \
    for (; r + m <= p->R; r += m)                                                                  \
        NAME(product_tile)(out + r * p->out_row, left + r * p->left_row, right, right_row, p,      \
                           depth, first, m, n);
    TILES(TILE_ROWS)
    TILES(2)
    TILES(1)
#undef TILES
}

/* to (depth, width) = part of the right operand. */
static void NAME(product_copy)(real *restrict to, const real *restrict right,
                               const caviar_product *p, int64_t depth, int64_t width) {
    const int64_t row = p->right_row, column = p->right_column;
    if (column == 1) {
        for (int64_t k = 0; k < depth; k++) {
            /* Not memcpy: as gcc expands it, it took 6 % of a product. */
            for (int64_t c = 0; c < width; c += NAME(LANES))
                *(NAME(vector) *)(to + k * width + c) =
                    *(const NAME(vector) *)(right + k * row + c);
        }
        return;
    }
    /* Transposed: right_row is 1. */
    for (int64_t c = 0; c < width; c += 4) {
        const real *restrict a = right + c * column, *restrict b = a + column;
        const real *restrict d = b + column, *restrict e = d + column;
        for (int64_t k = 0; k < depth; k++) {
            real *restrict four = to + k * width + c;
            four[0] = a[k];
            four[1] = b[k];
            four[2] = d[k];
            four[3] = e[k];
        }
    }
}

/* n vectors of columns from column c on. */
static void NAME(product_panel)(const caviar_product *p, int64_t c, int64_t n) {
    enum { W = NAME(LANES) };
    _Alignas(VECTOR_BYTES) real copy[DEPTH * TILE_VECTORS * W];
    /* Rows a kilobyte apart share so few sets of the cache that they drive each other out. */
    const int copies =
        p->right_column != 1 || (p->right_row * (int64_t)sizeof(real) >= 1024 && p->R >= 128);
    for (int64_t k = 0; k < p->K; k += DEPTH) {
        const int64_t depth = p->K - k < DEPTH ? p->K - k : DEPTH;
        const real *right = (const real *)p->right + k * p->right_row + c * p->right_column;
        int64_t right_row = p->right_row;
        if (copies) {
            NAME(product_copy)(copy, right, p, depth, n * W);
            right = copy;
            right_row = n * W;
        }
#define ROWS_OF(n)                                                                                 \
    case n:                                                                                        \
        NAME(product_rows)((real *)p->out + c, (const real *)p->left + k * p->left_inner, right,   \
                           right_row, p, depth, k == 0, n);                                        \
        break;
        switch (n) {
            ROWS_OF(1)
            ROWS_OF(2)
#if TILE_VECTORS > 2
            ROWS_OF(3)
            ROWS_OF(4)
#endif
        }
#undef ROWS_OF
    }
}

static void NAME(product)(const caviar_product *p) {
    enum { W = NAME(LANES) };
    int64_t c = 0;
    for (int64_t left = p->C / W; left > 0;) {
        const int64_t n = left < TILE_VECTORS ? left : TILE_VECTORS;
        NAME(product_panel)(p, c, n);
        left -= n;
        c += n * W;
    }
    if (c < p->C) /* the last few, with some computed before: the same bits again */
        NAME(product_panel)(p, p->C - W, 1);
}

#endif
