"""Threads that work on the tiles of one fit. See _team.pyx."""

from cpython.pythread cimport PyThread_type_lock
from libc.stdint cimport int64_t

ctypedef void (*tile_fn)(void *context, int64_t tile) noexcept nogil


cdef struct Crew:
    int64_t n_helpers           # threads beside the caller's
    PyThread_type_lock *begin   # one per helper: held while it has nothing to do
    PyThread_type_lock *done    # one per helper: held while it works
    PyThread_type_lock counter  # guards next_tile
    tile_fn work
    void *context
    int64_t n_tiles
    int64_t next_tile
    bint dismissed


cdef class Team:
    cdef Crew crew
    cdef list threads


cdef void start_tiles(Crew *crew, tile_fn work, void *context,
                      int64_t n_tiles) noexcept nogil
cdef int64_t take_tile(Crew *crew) noexcept nogil
cdef void drop_tiles(Crew *crew) noexcept nogil
cdef void wait_for_tiles(Crew *crew) noexcept nogil
