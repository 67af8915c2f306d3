"""What this installation is made of, for bug reports."""

from importlib.metadata import version
from platform import platform, python_version

from . import _kernels
from ._blas_threads import scipy_blas_libraries


def show_config():
    """Print version, instruction set, BLAS and the versions of the dependencies.

    The instruction set is the best that build and processor share, unless the environment
    variable ``CAVIAR_ISA`` named another at import. BLAS is the library behind scipy, its
    threads those it uses outside of caviar: a fit or prediction uses one.

    Examples
    --------
    >>> import caviar
    >>> caviar.show_config()  # doctest: +ELLIPSIS
    caviar 0...
    """
    print(f"caviar {version('caviar')}, Python {python_version()}, {platform()}")
    others = [isa for isa in _kernels.AVAILABLE_ISAS if isa != _kernels.ISA]
    print(f"instruction set: {_kernels.ISA} (also available: {', '.join(others)})")
    for library in scipy_blas_libraries():
        architecture = getattr(library, "architecture", None) or "unknown"
        print(
            f"BLAS: {library.internal_api} {library.version} ({architecture}), "
            f"{library.num_threads} threads outside of caviar, 1 inside"
        )
    names = ("numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl")
    print(", ".join(f"{name} {version(name)}" for name in names))
