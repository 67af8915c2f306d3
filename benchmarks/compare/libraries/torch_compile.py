"""The same again, its forward and backward pass through torch.compile."""

import torch

from . import torch_eager


def prepare(problem, X, y, batch_norm):
    torch.compiler.reset()  # a function has 8 compiled forms at most, then none
    return torch_eager.prepare(
        problem, X, y, batch_norm, fused=True, transform=compiled
    )


def compiled(loss):
    # One form for the full batches and one for the last: neither pays for the other.
    return torch.compile(loss, dynamic=False)
