"""Augmentation of training batches."""

from sklearn.base import BaseEstimator


class Augmentation(BaseEstimator):
    """Base class of all augmentations."""


def compile_augmentations(augment, n_features, is_sparse):
    """None yet."""
    return None
