"""One file per library, all alike:

    prepare(problem, X, y, batch_norm) -> run;  run(n_epochs) -> seconds

``prepare`` may take its time (copies, compilation); ``run`` trains for n_epochs
epochs and returns what these cost, without set-up. The same work is asked of
everyone: a new permutation of the rows in each epoch, the batch's rows gathered by
it, the short last batch too; ReLU, batch norm before it with running statistics and
no bias beneath it; softmax cross-entropy, its mean over the epoch kept; Adam with a
learning rate of 1e-3 and no L2; in float32. What cannot do that raises
``NotOffered``. scikit-learn is there a second time in float64, which is what it uses for
data that nobody has converted; PyTorch as its tutorials use it and at its fastest; the
others are at their fastest.
"""

import importlib
import time

# The process's own time on the core, all of its threads together. Alone on the core
# that is the time on the wall; with others on it, what they took is left out.
clock = time.process_time

# The name in the options: the module here, and the name in the tables.
LIBRARIES = {
    "caviar": ("caviar_mlp", "caviar"),
    "base": ("base", "caviar before"),
    "sklearn": ("scikit_learn", "scikit-learn"),
    "sklearn-64": ("scikit_learn64", "scikit-learn (float64)"),
    "torch": ("torch_eager", "PyTorch"),
    "torch-fused": ("torch_fused", "PyTorch (fused)"),
    "torch-compile": ("torch_compile", "torch.compile"),
    "jax": ("jax_scan", "JAX"),
    "skorch": ("skorch_net", "skorch"),
    "roof": ("roof", "products alone"),
    "peak": ("peak", "FMA peak"),
}


class NotOffered(Exception):
    """The library cannot do what the problem asks; the message says what."""


def title(name):
    """The library's name in the tables."""
    return LIBRARIES[name][1]


def load(name):
    """Return the adapter, or raise NotOffered when its library is not installed."""
    try:
        return importlib.import_module(f"{__name__}.{LIBRARIES[name][0]}")
    except ModuleNotFoundError as error:
        raise NotOffered(f"not installed ({error.name})") from error


def attempt(function):
    """Return the function's value and None, or None and why there is no value."""
    try:
        return function(), None
    except NotOffered as reason:
        return None, str(reason)
    except Exception as error:  # another library's: it must not stop the others
        first_line = str(error).strip().partition("\n")[0]
        return None, f"failed ({type(error).__name__}: {first_line})"


def timed(train):
    """Turn a function of n_epochs that trains into one that returns its seconds."""

    def run(n_epochs):
        start = clock()
        train(n_epochs)
        return clock() - start

    return run
