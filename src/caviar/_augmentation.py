"""What all augmentations share, and how a fit is told of them.

An augmentation only says what is wanted; `compile_augmentations` checks it against the data
and turns it into the numbers of one kernel, which does all of it on the gathered batch. The
augmentations themselves are in ``augmentation``.
"""

from dataclasses import dataclass, field, replace
from math import isfinite, prod
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state

from . import _kernels
from ._html import AsCard

# Fields of csrc/caviar.h's caviar_augmentation; with these values nothing is done.
_NUMBERS = dict.fromkeys(
    (
        "height width channels warp flip padding rotation shear scale stretch translate "
        "lens brightness contrast saturation cutout cutout_size cutmix mixup noise "
        "feature_keep"
    ).split(),
    0,
) | {"crop_low": 1.0, "crop_high": 1.0}


@dataclass(frozen=True)
class CompiledAugmentation:
    """Checked augmentations, as ``_kernels.fill_augmentation`` takes them."""

    numbers: dict = field(default_factory=_NUMBERS.copy)
    mixup_shares: np.ndarray | None = None  # (N_SHARES + 1,), quantiles
    cutmix_shares: np.ndarray | None = None

    @property
    def mixes_targets(self):
        """Whether rows, and so their targets, are mixed: targets must be dense."""
        return self.numbers["cutmix"] > 0 or self.numbers["mixup"] > 0

    def mixing_alone(self):
        """The part that mixes rows with their targets; None if there is none."""
        if not self.mixes_targets:
            return None
        kept = ("height", "width", "channels", "cutmix", "mixup")
        numbers = _NUMBERS | {name: self.numbers[name] for name in kept}
        return replace(self, numbers=numbers)


class Augmentation(AsCard, BaseEstimator):
    """Base class of all augmentations."""

    def transform(self, X, y=None, random_state=None):
        """Augmented copies of rows, as one batch, to look at.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            float32 stays, everything else becomes float64.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Numbers, which `Mixup` and `CutMix` blend: targets of a regression, or one
            column for each class, ``np.eye(n_classes)[labels]``.

        random_state : int, RandomState instance or None, default=None
            What is drawn.

        Returns
        -------
        X_augmented : ndarray of shape (n_samples, n_features)
        y_augmented : ndarray of the shape of y
            Only if y is given.

        Raises
        ------
        ValueError
            For parameters that are out of their range or do not fit X.
        """
        return augment(self, X, y, random_state)

    def _check(self, name, low, high=None, open_low=False, open_high=False):
        """The number of that name, checked."""
        value = getattr(self, name)
        ok = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
        ok = ok and isfinite(value) and value >= low and not (open_low and value == low)
        if ok and high is not None:
            ok = value <= high and not (open_high and value == high)
        if not ok:
            raise _error(
                self, name, f"a number {_range(low, high, open_low, open_high)}"
            )
        return float(value)

    def _check_integer(self, name, low, high=None):
        value = getattr(self, name)
        if not _is_integer(value) or value < low or (high is not None and value > high):
            raise _error(self, name, f"an integer {_range(low, high)}")
        return int(value)


class ImageAugmentation(Augmentation):
    """Base class of those that need to know the rows' ``image_shape``."""

    def _shape(self, n_features):
        """The numbers that say what image a row is."""
        shape = self.image_shape
        is_shape = (
            isinstance(shape, (tuple, list, np.ndarray))
            and len(shape) in (2, 3)
            and all(_is_integer(n) and n > 0 for n in shape)
        )
        if not is_shape or prod(int(n) for n in shape) != n_features:
            raise _error(
                self,
                "image_shape",
                "(height, width) or (height, width, channels) with a product of "
                f"n_features={n_features}",
            )
        height, width, channels = (*shape, 1)[:3]
        return dict(height=int(height), width=int(width), channels=int(channels))


def _is_integer(value):
    return isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))


def _range(low, high, open_low=False, open_high=False):
    if high is None:
        return f"{'>' if open_low else '>='} {low}"
    return f"in {'(' if open_low else '['}{low}, {high}{')' if open_high else ']'}"


def _error(augmentation, name, constraint):
    return ValueError(
        f"`{name}` of {type(augmentation).__name__} must be {constraint}, got "
        f"{getattr(augmentation, name)!r}."
    )


def compile_augmentations(augment, n_features, is_sparse=False):
    """Check the parameter `augment` against the data; the numbers of the kernel.

    Parameters
    ----------
    augment : Augmentation, list or tuple of them, or None
    n_features : int
    is_sparse : bool, default=False
        Whether X is a sparse matrix, which cannot be augmented.

    Returns
    -------
    compiled : CompiledAugmentation or None
        None where there is nothing to do.

    Raises
    ------
    ValueError
        Naming the parameter, what it must be and what it is.
    """
    parts = [augment] if isinstance(augment, Augmentation) else augment
    if parts is None or (isinstance(parts, (list, tuple)) and len(parts) == 0):
        return None
    if not isinstance(parts, (list, tuple)) or not all(
        isinstance(part, Augmentation) and hasattr(part, "_compile") for part in parts
    ):
        raise ValueError(
            "`augment` must be None, an augmentation of caviar.augmentation or a list of "
            f"them, got {augment!r}."
        )
    if is_sparse:
        raise ValueError(
            "`augment` must be None with a sparse X, whose rows are read in place, got "
            f"{augment!r}. `X.toarray()` can be augmented."
        )
    kinds = [type(part).__name__ for part in parts]
    if len(set(kinds)) < len(kinds):
        raise ValueError(f"`augment` must not have two of a kind, got {augment!r}.")
    numbers, tables = _NUMBERS.copy(), {}
    for part in parts:
        values = part._compile(n_features)
        shape = {name: values.get(name) for name in ("height", "width", "channels")}
        if shape["height"] and numbers["height"]:
            before = {name: numbers[name] for name in shape}
            if shape != before:
                raise ValueError(
                    "`image_shape` must be the same for all augmentations, got "
                    f"{tuple(before.values())} and {tuple(shape.values())}."
                )
        for name in ("mixup_shares", "cutmix_shares"):
            if name in values:
                tables[name] = values.pop(name)
        numbers |= values
    return CompiledAugmentation(numbers, **tables)


def augment(augment, X, y=None, random_state=None):
    """Augmented copies of rows, as one batch: what training sees, to look at.

    Parameters
    ----------
    augment : Augmentation or list of them
        As the parameter of `MLPClassifier` and `MLPRegressor`.

    X : array-like of shape (n_samples, n_features)
        float32 stays, everything else becomes float64.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Numbers, which `Mixup` and `CutMix` blend: targets of a regression, or one
        column for each class, ``np.eye(n_classes)[labels]``.

    random_state : int, RandomState instance or None, default=None
        What is drawn.

    Returns
    -------
    X_augmented : ndarray of shape (n_samples, n_features)
    y_augmented : ndarray of the shape of y
        Only if y is given.

    Raises
    ------
    ValueError
        For parameters that are out of their range or do not fit X.

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.augmentation import HorizontalFlip, Cutout, augment
    >>> X = np.arange(1.0, 7.0).reshape(1, 6)
    >>> flip = HorizontalFlip(image_shape=(2, 3), p=1.0)
    >>> augment([flip, Cutout(image_shape=(2, 3), size=1)], X, random_state=0)
    array([[3., 2., 1., 6., 0., 4.]])
    """
    is_sparse = issparse(X)
    if not is_sparse:
        X = check_array(X, dtype=(np.float64, np.float32), order="C", copy=True)
    compiled = compile_augmentations(augment, X.shape[1], is_sparse)
    targets = None
    if y is not None:
        y = check_array(y, dtype=X.dtype, ensure_2d=False, input_name="y")
        if len(y) != len(X):
            raise ValueError(
                f"`y` must have n_samples={len(X)} rows, as X has, got {len(y)}."
            )
        targets = y.reshape(len(y), -1).copy()
    if compiled is not None:
        seed = check_random_state(random_state).randint(2**31)
        # A kernel without targets mixes rows all the same.
        kernel_targets = np.zeros((len(X), 0), X.dtype) if targets is None else targets
        spares = np.empty_like(X), np.empty_like(kernel_targets)
        _kernels.augment(X, kernel_targets, None, *spares, compiled, seed)
    return X if targets is None else (X, targets.reshape(y.shape))
