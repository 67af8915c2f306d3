"""One core and one thread, set before any library is imported, and said aloud.

Must not import numpy or anything that loads it.
"""

import os
import platform
import sys

# Whoever reads one of these reads it once, while it is being loaded.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def pin(core=None):
    """Restrict the process to one core; return a sentence that says which.

    ``None`` takes the last core it may use, which the system itself uses least.
    """
    os.environ.update(ONE_THREAD)
    if not hasattr(os, "sched_setaffinity"):
        return f"not pinned ({platform.system()} offers no way), one thread each"
    core = max(os.sched_getaffinity(0)) if core is None else core
    os.sched_setaffinity(0, {core})
    return f"pinned to core {core}, one thread each"


def processor():
    """The model name of the processor, as the system gives it."""
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line for line in lines if line.startswith("model name")]
        return names[0].split(":", 1)[1].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def versions():
    """Name and version of caviar, and of each other library that is loaded by now."""
    import caviar  # noqa: F401

    names = {"sklearn": "scikit-learn"}
    loaded = [
        name
        for name in ("caviar", "numpy", "scipy", "sklearn", "torch", "jax", "skorch")
        if name in sys.modules
    ]
    return [
        f"{names.get(name, name)} {sys.modules[name].__version__}" for name in loaded
    ]


def thread_pools():
    """Name, version and threads of each BLAS and OpenMP loaded by now."""
    from threadpoolctl import threadpool_info

    pools = [
        f"{pool['internal_api']} {pool['version'] or ''}".strip()
        + f" ({os.path.basename(pool['filepath'])}): {pool['num_threads']}"
        for pool in threadpool_info()
    ]
    return sorted(set(pools))
