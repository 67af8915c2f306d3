"""A few threads that share the tiles of one fit's work.

A tile is a fixed part of a result: which tiles there are depends on the shapes alone, and
who computes one does not change its bits. So a fit's result is the same for any number of
threads. The threads live as long as a ``with`` block and hold no GIL while they work or
wait, so that none is left behind at exit or in a forked child. Locks are Python's, which
every platform has; handing out work costs some microseconds, tiles take many more.
"""

import threading

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.pythread cimport (
    PyThread_acquire_lock,
    PyThread_allocate_lock,
    PyThread_free_lock,
    PyThread_release_lock,
)

from ._kernels cimport caviar_flush_denormals

from ._blas_threads import single_blas_thread


cdef PyThread_type_lock new_lock(bint held) except NULL:
    cdef PyThread_type_lock lock = PyThread_allocate_lock()
    if lock is NULL:
        raise MemoryError("no lock for the threads of a fit")
    if held:
        PyThread_acquire_lock(lock, 1)
    return lock


cdef class Team:
    """``n_threads - 1`` helpers beside the caller, within a ``with`` block."""

    def __cinit__(self, n_threads):
        self.threads = []
        cdef int64_t n = n_threads - 1
        self.crew.begin = <PyThread_type_lock *>PyMem_Calloc(n + 1, sizeof(void *))
        self.crew.done = <PyThread_type_lock *>PyMem_Calloc(n + 1, sizeof(void *))
        if self.crew.begin is NULL or self.crew.done is NULL:
            raise MemoryError("no memory for the threads of a fit")
        self.crew.counter = new_lock(False)
        for i in range(n):
            self.crew.begin[i] = new_lock(True)
            self.crew.done[i] = new_lock(True)
            self.crew.n_helpers += 1

    def __dealloc__(self):
        cdef int64_t i
        for i in range(self.crew.n_helpers):
            PyThread_free_lock(self.crew.begin[i])
            PyThread_free_lock(self.crew.done[i])
        if self.crew.counter is not NULL:
            PyThread_free_lock(self.crew.counter)
        PyMem_Free(self.crew.begin)
        PyMem_Free(self.crew.done)

    def __enter__(self):
        for i in range(self.crew.n_helpers):
            thread = threading.Thread(target=self.serve, args=(i,), daemon=True)
            thread.start()
            self.threads.append(thread)
        return self

    def __exit__(self, *exc_info):
        self.crew.dismissed = True
        for i in range(len(self.threads)):
            PyThread_release_lock(self.crew.begin[i])
        for thread in self.threads:
            thread.join()
        self.threads.clear()

    def serve(self, int64_t helper):
        """What a helper does until it is dismissed."""
        cdef Crew *crew = &self.crew
        cdef int64_t tile
        with single_blas_thread, nogil:
            caviar_flush_denormals()  # as the caller has; the thread ends with its mode
            while True:
                PyThread_acquire_lock(crew.begin[helper], 1)
                if crew.dismissed:
                    break
                tile = take_tile(crew)
                while tile >= 0:
                    crew.work(crew.context, tile)
                    tile = take_tile(crew)
                PyThread_release_lock(crew.done[helper])


cdef void start_tiles(Crew *crew, tile_fn work, void *context,
                      int64_t n_tiles) noexcept nogil:
    """Let the helpers begin; the caller takes tiles as well, then waits."""
    cdef int64_t helper
    crew.work, crew.context = work, context
    crew.n_tiles, crew.next_tile = n_tiles, 0
    for helper in range(crew.n_helpers):
        PyThread_release_lock(crew.begin[helper])


cdef int64_t take_tile(Crew *crew) noexcept nogil:
    """The next tile nobody has, or -1."""
    cdef int64_t tile = -1
    PyThread_acquire_lock(crew.counter, 1)
    if crew.next_tile < crew.n_tiles:
        tile = crew.next_tile
        crew.next_tile += 1
    PyThread_release_lock(crew.counter)
    return tile


cdef void drop_tiles(Crew *crew) noexcept nogil:
    """Hand out no more tiles: somebody pressed Ctrl-C."""
    PyThread_acquire_lock(crew.counter, 1)
    crew.next_tile = crew.n_tiles
    PyThread_release_lock(crew.counter)


cdef void wait_for_tiles(Crew *crew) noexcept nogil:
    """Until every helper has run out of tiles."""
    cdef int64_t helper
    for helper in range(crew.n_helpers):
        PyThread_acquire_lock(crew.done[helper], 1)
