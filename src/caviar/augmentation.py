"""Augmentation of training batches, as the parameter `augment` takes it.

Whatever the order of a list, its parts are done in this one: `HorizontalFlip`,
`RandomCrop`, `RandomAffine` and `LensDistortion` as one map of the pixels, sampled once;
`ColorJitter`; `Cutout`; `CutMix`; `Mixup`; `GaussianNoise`; `FeatureDropout`. Images are
rows of ``height * width * channels`` features, channels last, as
``images.reshape(len(images), -1)`` makes them.
"""

from math import log1p, radians
from numbers import Real

import numpy as np
from scipy.special import betaincinv

from ._augmentation import Augmentation, ImageAugmentation, _error, augment
from ._kernels import N_SHARES

__all__ = [
    "Augmentation",
    "ColorJitter",
    "CutMix",
    "Cutout",
    "FeatureDropout",
    "GaussianNoise",
    "HorizontalFlip",
    "LensDistortion",
    "Mixup",
    "RandomAffine",
    "RandomCrop",
    "augment",
]


class Mixup(Augmentation):
    """Blend each row, and its target, with another row of the batch.

    ``x = (1 - s) x_i + s x_j``, ``y = (1 - s) y_i + s y_j`` with ``1 - s = max(l, 1 - l)``,
    l drawn from Beta(alpha, alpha) for each row: the row itself has the larger share, and
    keeps its sample weight. A row of weight zero is not mixed into others. [1]_

    Good for any X, and more so the fewer the rows and the larger the network. Categories
    that were one-hot encoded are blended too, which often does no harm.

    Parameters
    ----------
    alpha : float, default=0.2
        Strength, > 0: with small values most shares are near 0, with 1 they are uniform
        between 0 and 1/2. Try 0.2 first, then 0.1 to 1 on a logarithmic scale.

    p : float, default=1.0
        Probability with which a row is mixed.

    References
    ----------
    .. [1] Zhang, Cisse, Dauphin & Lopez-Paz, "mixup: Beyond empirical risk minimization",
       ICLR 2018, :arxiv:`1710.09412`

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.augmentation import Mixup
    >>> X, y = Mixup(alpha=1.0).transform(np.eye(2), [0.0, 1.0], random_state=0)
    >>> bool(np.allclose(X[:, 1], y))
    True
    """

    def __init__(self, alpha=0.2, p=1.0):
        self.alpha = alpha
        self.p = p

    def _compile(self, n_features):
        alpha = self._check("alpha", 0, open_low=True)
        # Quantiles of min(l, 1 - l): of the lower half of a symmetrical distribution.
        shares = betaincinv(alpha, alpha, np.linspace(0, 0.5, N_SHARES + 1))
        return dict(mixup=self._check("p", 0, 1), mixup_shares=shares)


class GaussianNoise(Augmentation):
    """Add normal noise to every feature.

    ``x = x + std * n``, n standard normal. For a linear model this is an L2 penalty
    (Bishop 1995 [1]_). Good for measured, standardized features.

    Parameters
    ----------
    std : float, default=0.1
        Standard deviation, in the units of X. Try 0.1 on standardized features first,
        then 0.01 to 0.5 on a logarithmic scale.

    References
    ----------
    .. [1] Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural
       Computation 7, 1995

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.augmentation import GaussianNoise
    >>> X = GaussianNoise(std=0.5).transform(np.zeros((1000, 10)), random_state=0)
    >>> round(float(X.std()), 1)
    0.5
    """

    def __init__(self, std=0.1):
        self.std = std

    def _compile(self, n_features):
        return dict(noise=self._check("std", 0))


class FeatureDropout(Augmentation):
    """Set features to zero at random.

    Each entry is zeroed with probability p, and the others stay as they are: masking noise
    (Vincent et al. 2008 [1]_). `input_dropout` divides them by ``1 - p`` besides. Good for
    tables with many features that say the same, or with missing values that are imputed by
    the mean, which is 0 after a `StandardScaler`.

    Parameters
    ----------
    p : float, default=0.1
        Probability, in steps of 1 / 65536. Try 0.1 first, then up to 0.5.

    References
    ----------
    .. [1] Vincent, Larochelle, Bengio & Manzagol, "Extracting and composing robust features
       with denoising autoencoders", ICML 2008

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.augmentation import FeatureDropout
    >>> X = FeatureDropout(p=0.5).transform(np.ones((1000, 10)), random_state=0)
    >>> round(float(X.mean()), 1)
    0.5
    """

    def __init__(self, p=0.1):
        self.p = p

    def _compile(self, n_features):
        p = self._check("p", 0, 1, open_high=True)
        return dict(feature_keep=max(1, round((1 - p) * 65536)))


class HorizontalFlip(ImageAugmentation):
    """Turn an image's left side to the right.

    Good wherever a mirrored image is of the same class: photographs, clothes; not for
    digits or text.

    Parameters
    ----------
    image_shape : tuple of (height, width) or (height, width, channels), default=None
        What image a row is; the product must be n_features. None is an error at fit.

    p : float, default=0.5
        Probability. 0.5 is what to use.

    References
    ----------
    .. [1] Krizhevsky, Sutskever & Hinton, "ImageNet classification with deep convolutional
       neural networks", NIPS 2012 (section 4.1)

    Examples
    --------
    >>> from caviar.augmentation import HorizontalFlip
    >>> HorizontalFlip(image_shape=(2, 2), p=1.0).transform([[1, 2, 3, 4]])
    array([[2., 1., 4., 3.]])
    """

    def __init__(self, image_shape=None, p=0.5):
        self.image_shape = image_shape
        self.p = p

    def _compile(self, n_features):
        return self._shape(n_features) | dict(warp=1, flip=self._check("p", 0, 1))


class RandomCrop(ImageAugmentation):
    """Cut a window out of an image, at a random place.

    With `padding` the window is as large as the image, and the image has that many rows and
    columns of zeros on each side: it is moved by whole pixels, each way from -padding to
    padding [1]_. With `scale` the window has that share of the area, drawn uniformly, and
    is enlarged to the whole size (as in [2]_, the ratio of the sides unchanged).

    Parameters
    ----------
    image_shape : tuple of (height, width) or (height, width, channels), default=None
        What image a row is; the product must be n_features. None is an error at fit.

    padding : int, default=None
        Pixels. Try a tenth of the height first.

    scale : float or tuple of (float, float), default=None
        Smallest and largest share of the area, in (0, 1]; a single number is the smallest,
        with 1 as the largest. None is (0.8, 1.0), unless there is `padding`: one of both
        can be given.

    References
    ----------
    .. [1] He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016
       (section 4.2), :arxiv:`1512.03385`
    .. [2] Szegedy et al., "Going deeper with convolutions", CVPR 2015 (section 6),
       :arxiv:`1409.4842`

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.augmentation import RandomCrop
    >>> X = np.ones((2, 16))
    >>> RandomCrop(image_shape=(4, 4), padding=1).transform(X).shape
    (2, 16)
    """

    def __init__(self, image_shape=None, padding=None, scale=None):
        self.image_shape = image_shape
        self.padding = padding
        self.scale = scale

    def _compile(self, n_features):
        numbers = self._shape(n_features) | dict(warp=1)
        if self.padding is not None:
            if self.scale is not None:
                raise _error(self, "scale", f"None with padding={self.padding!r}")
            largest = min(numbers["height"], numbers["width"])
            return numbers | dict(padding=self._check_integer("padding", 0, largest))
        bounds = (0.8, 1.0) if self.scale is None else self.scale
        if isinstance(bounds, Real):
            bounds = (bounds, 1.0)
        if (
            not isinstance(bounds, (tuple, list))
            or len(bounds) != 2
            or not all(isinstance(x, Real) for x in bounds)
            or not 0 < bounds[0] <= bounds[1] <= 1
        ):
            raise _error(self, "scale", "None, a number in (0, 1] or two, ascending")
        return numbers | dict(crop_low=float(bounds[0]), crop_high=float(bounds[1]))


class RandomAffine(ImageAugmentation):
    """Rotate, move, scale, stretch and shear an image.

    A pixel at the offset x from the centre moves to ``R S D x + t``: D scales the height
    by ``a b`` and the width by ``a / b``, S adds ``tan(shear)`` times the row to the
    column, R rotates, t translates. Every number is drawn anew for each row: angles and
    translations uniformly, both ways; a and b log-uniformly, so that 1 / a is as likely as
    a. Outside of the image is zero. What it does for digits is in Simard et al. 2003 [1]_.

    Good for images without a fixed frame, such as handwriting.

    Parameters
    ----------
    image_shape : tuple of (height, width) or (height, width, channels), default=None
        What image a row is; the product must be n_features. None is an error at fit.

    rotation : float, default=10.0
        Largest angle in degrees, in [0, 180]. Try 10 first.

    translate : float, default=0.05
        Largest translation as a share of height and width, in [0, 1].

    scale : float, default=0.1
        The size is multiplied by a factor from ``1 / (1 + scale)`` to ``1 + scale``.

    stretch : float, default=0.0
        So is the height, and the width is divided by it. Try 0.1 for handwriting.

    shear : float, default=0.0
        Largest angle in degrees, in [0, 60]. Try 10 for handwriting.

    References
    ----------
    .. [1] Simard, Steinkraus & Platt, "Best practices for convolutional neural networks
       applied to visual document analysis", ICDAR 2003

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from caviar.augmentation import RandomAffine
    >>> X, _ = load_digits(return_X_y=True)
    >>> RandomAffine(image_shape=(8, 8), rotation=15).transform(X).shape
    (1797, 64)
    """

    def __init__(
        self,
        image_shape=None,
        rotation=10.0,
        translate=0.05,
        scale=0.1,
        stretch=0.0,
        shear=0.0,
    ):
        self.image_shape = image_shape
        self.rotation = rotation
        self.translate = translate
        self.scale = scale
        self.stretch = stretch
        self.shear = shear

    def _compile(self, n_features):
        return self._shape(n_features) | dict(
            warp=1,
            rotation=radians(self._check("rotation", 0, 180)),
            translate=self._check("translate", 0, 1),
            scale=log1p(self._check("scale", 0)),
            stretch=log1p(self._check("stretch", 0)),
            shear=radians(self._check("shear", 0, 60)),
        )


class LensDistortion(ImageAugmentation):
    """Bend an image as a lens does: its sides become round, outwards or inwards.

    A pixel at the distance r from the centre is taken from the distance
    ``r (1 + k' r^2)``, where r is 1 at the corners and k' uniform in [-k, k]: the first
    term of Brown's model [1]_. Outside of the image is zero.

    Good for photographs, and as a smooth deformation of shapes.

    Parameters
    ----------
    image_shape : tuple of (height, width) or (height, width, channels), default=None
        What image a row is; the product must be n_features. None is an error at fit.

    k : float, default=0.1
        In [0, 0.3]: from 1/3 on the corners would fold back. Try 0.1 first.

    References
    ----------
    .. [1] Brown, "Decentering distortion of lenses", Photogrammetric Engineering 32, 1966

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.augmentation import LensDistortion
    >>> X = np.arange(9.0).reshape(1, 9)
    >>> float(LensDistortion(image_shape=(3, 3)).transform(X)[0, 4])  # the centre stays
    4.0
    """

    def __init__(self, image_shape=None, k=0.1):
        self.image_shape = image_shape
        self.k = k

    def _compile(self, n_features):
        return self._shape(n_features) | dict(warp=1, lens=self._check("k", 0, 0.3))


class ColorJitter(ImageAugmentation):
    """Change brightness, contrast and saturation of an image.

    ``x = f x``, then ``x = m + f (x - m)`` with the mean m of the image, then for three
    channels ``x = g + f (x - g)`` with the grey ``g = 0.299 R + 0.587 G + 0.114 B`` of each
    pixel (ITU-R BT.601); each f uniform in ``[1 - size, 1 + size]``. Nothing is clipped.

    Good for photographs whose values start at 0 at black. After a `StandardScaler` the
    brightness means little.

    Parameters
    ----------
    image_shape : tuple of (height, width) or (height, width, channels), default=None
        What image a row is; the product must be n_features. None is an error at fit.

    brightness, contrast : float, default=0.2
        Sizes, in [0, 1]. Try 0.2 first, then 0.4.

    saturation : float, default=0.0
        Likewise, for three channels only.

    References
    ----------
    .. [1] Howard, "Some improvements on deep convolutional neural network based image
       classification", 2013, :arxiv:`1312.5402`

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.augmentation import ColorJitter
    >>> jitter = ColorJitter(image_shape=(2, 2, 3), brightness=0, saturation=0.5)
    >>> X = np.full((1, 12), 0.5)  # grey stays grey
    >>> bool(np.allclose(jitter.transform(X), X))
    True
    """

    def __init__(self, image_shape=None, brightness=0.2, contrast=0.2, saturation=0.0):
        self.image_shape = image_shape
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation

    def _compile(self, n_features):
        numbers = self._shape(n_features)
        for name in ("brightness", "contrast", "saturation"):
            numbers[name] = self._check(name, 0, 1)
        if numbers["saturation"] and numbers["channels"] != 3:
            raise _error(
                self,
                "saturation",
                f"0 with image_shape={self.image_shape!r}: not 3 channels",
            )
        return numbers


class Cutout(ImageAugmentation):
    """Set a square of an image to zero.

    Its centre is any pixel of the image, so that part of it may be outside. [1]_

    Good for images where the network would look at one detail only. Zero should be the mean
    or the background.

    Parameters
    ----------
    image_shape : tuple of (height, width) or (height, width, channels), default=None
        What image a row is; the product must be n_features. None is an error at fit.

    size : int, default=4
        Pixels of a side. Try a third of the height first.

    p : float, default=1.0
        Probability.

    References
    ----------
    .. [1] DeVries & Taylor, "Improved regularization of convolutional neural networks with
       cutout", 2017, :arxiv:`1708.04552`

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.augmentation import Cutout
    >>> int(Cutout(image_shape=(4, 4), size=1).transform(np.ones((1, 16))).sum())
    15
    """

    def __init__(self, image_shape=None, size=4, p=1.0):
        self.image_shape = image_shape
        self.size = size
        self.p = p

    def _compile(self, n_features):
        numbers = self._shape(n_features)
        largest = max(numbers["height"], numbers["width"])
        return numbers | dict(
            cutout=self._check("p", 0, 1),
            cutout_size=self._check_integer("size", 1, largest),
        )


class CutMix(ImageAugmentation):
    """Paste a box of another row's image, and mix the targets by its area.

    The box has a share s of the area, s drawn from Beta(alpha, alpha), and any pixel as its
    centre; what is outside of the image is cut off, and ``y = (1 - a) y_i + a y_j`` with
    the share a that really was pasted. A row of weight zero is not pasted into others. [1]_

    Good for larger images, where `Mixup` makes ghosts.

    Parameters
    ----------
    image_shape : tuple of (height, width) or (height, width, channels), default=None
        What image a row is; the product must be n_features. None is an error at fit.

    alpha : float, default=1.0
        Of the distribution, > 0: 1 is uniform, smaller values paste little or nearly all.
        Leave it at 1, and tune p.

    p : float, default=0.5
        Probability with which a row is mixed.

    References
    ----------
    .. [1] Yun, Han, Oh, Chun, Choe & Yoo, "CutMix: Regularization strategy to train strong
       classifiers with localizable features", ICCV 2019, :arxiv:`1905.04899`

    Examples
    --------
    >>> import numpy as np
    >>> from caviar.augmentation import CutMix
    >>> X = np.repeat([[0.0], [1.0]], 16, axis=1)
    >>> X, y = CutMix(image_shape=(4, 4), p=1.0).transform(X, [0.0, 1.0], random_state=0)
    >>> bool(np.allclose(X.mean(axis=1), y))
    True
    """

    def __init__(self, image_shape=None, alpha=1.0, p=0.5):
        self.image_shape = image_shape
        self.alpha = alpha
        self.p = p

    def _compile(self, n_features):
        alpha = self._check("alpha", 0, open_low=True)
        shares = betaincinv(alpha, alpha, np.linspace(0, 1, N_SHARES + 1))
        return self._shape(n_features) | dict(
            cutmix=self._check("p", 0, 1), cutmix_shares=shares
        )
