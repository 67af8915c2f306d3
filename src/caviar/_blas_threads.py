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


def _set_num_threads(library, n_threads):
    """Set a library's number of threads from whichever thread this is.

    Since 3.7 threadpoolctl heeds a single "controlling" thread of the process, and does
    nothing for the others. The count kept here orders all fits, so each may take control.
    """
    release = getattr(library, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)
    library.set_num_threads(n_threads)
    if release is not None:
        release(force=True)


class _Limit:
    """Libraries that share one setting, limited while anybody is inside."""

    def __init__(self, libraries):
        self._libraries = libraries
        self.depth = 0
        self._before = []

    def enter(self):
        if self.depth == 0:
            self._before = [library.num_threads for library in self._libraries]
            for library in self._libraries:
                _set_num_threads(library, 1)
        self.depth += 1

    def leave(self):
        self.depth -= 1
        if self.depth == 0:
            self.restore()

    def restore(self):
        for library, n_threads in zip(self._libraries, self._before, strict=False):
            _set_num_threads(library, n_threads)
        self._before = []


class _SingleBlasThread:
    """A reentrant context manager for all threads; see the module's docstring.

    A BLAS on OpenMP has one setting for each thread, all others one for the process.
    """

    def __init__(self):
        self._start()
        if hasattr(os, "register_at_fork"):
            # A fork may happen inside somebody's fit; that fit is not in the child.
            os.register_at_fork(after_in_child=self._restart)

    def _start(self):
        self._lock = threading.Lock()
        self._shared = None  # found at first use: looking takes milliseconds
        self._openmp = []
        self._local = threading.local()

    def _restart(self):
        if self._shared is not None:
            self._shared.restore()
        self._start()

    def _find(self):
        found = scipy_blas_libraries()
        is_openmp = [getattr(lib, "threading_layer", "") == "openmp" for lib in found]
        pairs = list(zip(found, is_openmp, strict=True))
        self._openmp = [library for library, openmp in pairs if openmp]
        self._shared = _Limit([library for library, openmp in pairs if not openmp])

    @property
    def n_inside(self):
        """How many threads of this process fit or predict now."""
        return 0 if self._shared is None else self._shared.depth

    def __enter__(self):
        with self._lock:
            if self._shared is None:
                self._find()
            self._shared.enter()
        if self._openmp:
            if not hasattr(self._local, "limit"):
                self._local.limit = _Limit(self._openmp)
            self._local.limit.enter()

    def __exit__(self, *exc_info):
        if self._openmp:
            self._local.limit.leave()
        with self._lock:
            self._shared.leave()


single_blas_thread = _SingleBlasThread()
