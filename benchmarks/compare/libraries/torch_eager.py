"""PyTorch as its tutorials write it: a Sequential and the loop over the batches."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from . import timed

torch.set_num_threads(1)
version = f"PyTorch {torch.__version__} ({torch.get_num_threads()} thread)"


def network(units, batch_norm):
    """Linear, (batch norm,) ReLU for each hidden layer; then Linear to the logits."""
    *hidden, n_classes = units[1:]
    layers = []
    for fan_in, fan_out in pairwise((units[0], *hidden)):
        layers.append(nn.Linear(fan_in, fan_out, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm1d(fan_out))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.Linear(hidden[-1], n_classes))


def prepare(problem, X, y, batch_norm, fused=None, transform=lambda loss: loss):
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    model = network(problem.units, batch_norm)
    adam = torch.optim.Adam(model.parameters(), fused=fused)

    @transform
    def loss_of(X, y):
        return cross_entropy(model(X), y)

    def train(n_epochs):
        for _ in range(n_epochs):
            total = torch.zeros(())
            for rows in torch.randperm(len(X)).split(problem.batch_size):
                adam.zero_grad()
                loss = loss_of(X[rows], y[rows])
                loss.backward()
                adam.step()
                total += loss.detach() * len(rows)
            total.item()

    return timed(train)
