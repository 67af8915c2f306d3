"""What each search finds for the same epochs; writes its part of docs/search.md.

``python -m benchmarks.search [DATA.npz ...]`` looks for the hyperparameters of a small
network, on scikit-learn's digits and on each data set that is given (their format:
``benchmarks.methods``), by grid, random and coarse-to-fine search, by scikit-learn's
halving and by ours, by Hyperband and by Optuna.

All have the same rows, folds, space and network, and about the same budget: the epochs of
a random search, over candidates and folds, as they were really trained. What is chosen is
fitted to all training rows and scored on rows that no search has seen.
"""
