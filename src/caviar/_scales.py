"""Ranges of numbers in the scales that hyperparameters have."""

import numpy as np

from ._ranges import IntRange, Range

_FLOAT = np.finfo(np.float64)


class Uniform(Range):
    """Uniform from `low` to `high`, both included.

    For shares, such as dropout, whose steps matter equally wherever they are.

    Parameters
    ----------
    low, high : float
        Ends of the range, ``low <= high``.

    limits : tuple (low, high) of float or None, default=None
        Hard limits: where narrowing about a value beside an end may move the range past
        this end, it stays within them. None is no limit, on one side or on both.

    Attributes
    ----------
    scale : str
        'linear'.

    Raises
    ------
    ValueError
        For ends or limits that are no numbers or in the wrong order.

    Examples
    --------
    >>> from caviar.distributions import Uniform
    >>> dropout = Uniform(0.0, 0.8, limits=(0, 1))
    >>> dropout.narrow(0.5, 0.5)
    Uniform(0.3, 0.7, limits=(0, 1))
    >>> dropout.edge(0.01), dropout.edge(0.4)
    ('low', None)
    """

    scale = "linear"

    @staticmethod
    def _forward(values):
        return values

    @staticmethod
    def _backward(positions):
        return positions


class LogUniform(Range):
    r"""Uniform in the logarithm: :math:`10^{U(\log_{10} low, \log_{10} high)}`.

    For learning rates and decays: each power of ten is as likely as the next one, where a
    uniform distribution from 1e-4 to 1 would draw nine values of ten above 0.1.

    Parameters
    ----------
    low, high : float
        Ends of the range, ``0 < low <= high``; both can be drawn.

    limits : tuple (low, high) of float or None, default=None
        Hard limits: where narrowing about a value beside an end may move the range past
        this end, it stays within them. None is no limit, on one side or on both.

    Attributes
    ----------
    scale : str
        'log': `to_scale` is the decimal logarithm.

    Raises
    ------
    ValueError
        For ends or limits that are not positive or in the wrong order.

    References
    ----------
    Bergstra & Bengio, "Random search for hyper-parameter optimization", JMLR 13, 2012,
    section 2.1.

    Examples
    --------
    >>> from caviar.distributions import LogUniform
    >>> learning_rate = LogUniform(1e-4, 1)
    >>> 1e-4 <= learning_rate.rvs(random_state=0) <= 1
    True
    >>> learning_rate.narrow(0.01, 0.5)
    LogUniform(0.001, 0.1)
    """

    scale = "log"
    _domain = (float(_FLOAT.tiny), float(_FLOAT.max))
    _domain_name = "a positive number"

    @staticmethod
    def _forward(values):
        return np.log10(values)

    @staticmethod
    def _backward(positions):
        return 10.0**positions


class OneMinusLogUniform(Range):
    r"""One minus a log-uniform share: :math:`1 - 10^{U(\log_{10}(1 - high), ...)}`.

    For momenta and decay rates of averages, whose window is 1 / (1 - value) steps long:
    from 0.999 to 0.9995 it doubles, from 0.9 to 0.9005 next to nothing changes.

    Parameters
    ----------
    low, high : float
        Ends of the range, ``low <= high < 1``; both can be drawn.

    limits : tuple (low, high) of float or None, default=None
        Hard limits: where narrowing about a value beside an end may move the range past
        this end, it stays within them. None is no limit, on one side or on both. The
        range never reaches 1.

    Attributes
    ----------
    scale : str
        'one-minus-log': `to_scale` is ``-log10(1 - value)``, the number of nines.

    Raises
    ------
    ValueError
        For ends or limits that are not below 1 or in the wrong order.

    Examples
    --------
    >>> from caviar.distributions import OneMinusLogUniform
    >>> momentum = OneMinusLogUniform(0.9, 0.999)
    >>> 0.9 <= momentum.rvs(random_state=0) <= 0.999
    True
    >>> momentum.narrow(0.99, 0.5)
    OneMinusLogUniform(0.9683772233983162, 0.9968377223398316)
    """

    scale = "one-minus-log"
    _domain = (-float(_FLOAT.max), 1 - float(_FLOAT.epsneg))
    _domain_name = "a number smaller than 1"

    @staticmethod
    def _forward(values):
        return -np.log10(1 - values)

    @staticmethod
    def _backward(positions):
        return 1 - 10.0**-positions


class IntUniform(IntRange):
    """Integers from `low` to `high`, both included, all as likely.

    Parameters
    ----------
    low, high : int
        Ends of the range, ``low <= high``.

    limits : tuple (low, high) of int or None, default=None
        Hard limits: where narrowing about a value beside an end may move the range past
        this end, it stays within them. None is no limit, on one side or on both.

    Attributes
    ----------
    scale : str
        'integer'. Each integer k stands for the interval [k - 1/2, k + 1/2]; narrowing
        leaves those that lie in the narrowed interval, at least the centre.

    Raises
    ------
    ValueError
        For ends or limits that are no integers or in the wrong order.

    Examples
    --------
    >>> from caviar.distributions import IntUniform
    >>> IntUniform(1, 8).narrow(4, 0.5)
    IntUniform(2, 6)
    """

    scale = "integer"
    _forward = staticmethod(Uniform._forward)
    _backward = staticmethod(Uniform._backward)


class IntLogUniform(IntRange):
    r"""Integers from `low` to `high`, both included, on a logarithmic scale.

    k has the probability :math:`\log\frac{k + 1/2}{k - 1/2} / \log\frac{high + 1/2}{low -
    1/2}`, which is nearly in proportion to 1 / k. For numbers of units, whose effect is by
    the factor.

    Parameters
    ----------
    low, high : int
        Ends of the range, ``1 <= low <= high``.

    limits : tuple (low, high) of int or None, default=None
        Hard limits: where narrowing about a value beside an end may move the range past
        this end, it stays within them. None is no limit, on one side or on both.

    Attributes
    ----------
    scale : str
        'integer-log': `to_scale` is the decimal logarithm.

    Raises
    ------
    ValueError
        For ends or limits that are no positive integers or in the wrong order.

    Examples
    --------
    >>> from caviar.distributions import IntLogUniform
    >>> IntLogUniform(16, 256).narrow(64, 0.5)
    IntLogUniform(32, 129)
    """

    scale = "integer-log"
    _domain = (1, 2**53)
    _domain_name = "an integer of at least 1"
    _forward = staticmethod(LogUniform._forward)
    _backward = staticmethod(LogUniform._backward)
