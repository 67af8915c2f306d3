"""One BLAS thread while any fit or prediction of this process runs.

Only the library behind ``scipy.linalg.cython_blas`` is limited; numpy's own copy is left
alone. Counted process-wide, so that the first one in sets the limit and the last one out
takes it back: fits in several threads neither oversubscribe the cores nor run threaded
products against each other.
"""

import os
import threading
from pathlib import Path

from threadpoolctl import ThreadpoolController


def scipy_blas_libraries():
    """threadpoolctl's controllers of the BLAS libraries that scipy uses.

    Those that come with scipy, or, where scipy uses the system's, all of them. Empty where
    threadpoolctl knows none (Apple's Accelerate).
    """
    found = [
        library
        for library in ThreadpoolController().lib_controllers
        if library.user_api == "blas"
    ]
    # A wheel's own copy lies in scipy.libs/ or in scipy/.dylibs/.
    bundled = [
        library
        for library in found
        if any(part in ("scipy", "scipy.libs") for part in Path(library.filepath).parts)
    ]
    return bundled or found


class _SingleBlasThread:
    """A reentrant context manager; see the module's docstring."""

    def __init__(self):
        self._libraries = None  # found once: looking takes milliseconds
        self._forget()
        if hasattr(os, "register_at_fork"):
            # A fork may happen inside somebody's fit; that fit is not in the child.
            os.register_at_fork(after_in_child=self._restart)

    def _forget(self):
        self._lock = threading.Lock()
        self._depth = 0
        self._before = []

    def _restart(self):
        self._restore()
        self._forget()

    def _restore(self):
        for library, n_threads in self._before:
            library.set_num_threads(n_threads)
        self._before = []

    def __enter__(self):
        with self._lock:
            if self._libraries is None:
                self._libraries = scipy_blas_libraries()
            if self._depth == 0:
                self._before = [(lib, lib.num_threads) for lib in self._libraries]
                for library in self._libraries:
                    library.set_num_threads(1)
            self._depth += 1

    def __exit__(self, *exc_info):
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._restore()


single_blas_thread = _SingleBlasThread()
