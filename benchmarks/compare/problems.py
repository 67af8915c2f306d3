"""The shapes that are timed, and their data: no library is named here."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Problem:
    """A data set's shape, a network's and a minibatch's.

    ``n_epochs`` is how long one turn of one library is: long enough for the clock
    and for warm caches, short enough for every library to have many turns.
    """

    name: str
    n_samples: int
    n_features: int
    hidden: tuple[int, ...]
    batch_size: int
    n_epochs: int
    n_classes: int = 10

    @property
    def units(self):
        """Units of every layer, the input and the output included."""
        return (self.n_features, *self.hidden, self.n_classes)

    @property
    def n_steps(self):
        """Steps of an epoch; the last batch is the shorter one, if any is."""
        return -(-self.n_samples // self.batch_size)

    def __str__(self):
        shape = f"{self.n_samples} x {self.n_features}"
        return f"{self.name}: {shape}, {self.hidden}, batch {self.batch_size}"

    def data(self, seed=0):
        """Return X (n_samples, n_features), standardized float32, and y, int64.

        The labels are a linear teacher's under heavy noise, so that the loss falls
        as it does in real work but never comes near 0, where the gradients of the
        libraries that go on training would end as (slow) subnormal numbers.
        """
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((self.n_samples, self.n_features))
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        teacher = rng.standard_normal((self.n_features, self.n_classes))
        logits = X @ teacher / np.sqrt(self.n_features)
        y = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
        y[: self.n_classes] = np.arange(self.n_classes)  # no class may be missing
        return X.astype(np.float32), y


PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem("S", 1797, 64, (64,), 32, n_epochs=60),
        Problem("M", 20000, 100, (128, 128), 128, n_epochs=2),
        Problem("L", 20000, 784, (256, 256), 256, n_epochs=1),
        Problem("XL", 8000, 784, (1024, 1024, 1024), 512, n_epochs=1),
    )
}

# For the smoke test: every line runs, nothing is measured. The last batch is short.
TINY = Problem("tiny", 70, 6, (5, 4), 32, n_epochs=1)
