"""What the training methods are worth on real data; writes docs/methods.md's tables.

``python -m benchmarks.methods [DATA.npz ...]`` trains the same network with one method
added at a time, on scikit-learn's digits and on each data set that is given, a NumPy
archive (``np.savez``, no pickle) of

``X`` : (n_rows, n_columns) float32 or float64
    The features. NaN where a value is missing; a categorical column holds its codes.
``y`` : (n_rows,)
    Classes, of any integer type, or the values of a regression.
``task`` : str
    "classification" or "regression".
``cat_mask`` : (n_columns,) bool, optional
    Which columns are categorical; without it, none.
``is_test`` : (n_rows,) bool, optional
    The official test rows; without it, each seed draws a quarter of the rows.

``python -m benchmarks.methods.fashion FASHION.npz`` is a program of its own.
"""
