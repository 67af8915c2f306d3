"""Augmentation of training batches."""

from sklearn.base import BaseEstimator


class Augmentation(BaseEstimator):
    """Base class of all augmentations."""
