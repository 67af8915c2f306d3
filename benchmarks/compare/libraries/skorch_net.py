"""skorch: PyTorch behind scikit-learn's interface, as its documentation shows it.

No validation split, no callbacks, nothing printed: only training is left.
"""

from skorch import NeuralNetClassifier
from torch import nn, optim

from . import timed
from .torch_eager import network


def classifier(units, batch_norm, **params):
    return NeuralNetClassifier(
        network,
        module__units=units,
        module__batch_norm=batch_norm,
        criterion=nn.CrossEntropyLoss,
        optimizer=optim.Adam,
        optimizer__fused=True,
        lr=1e-3,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
        **params,
    )


def prepare(problem, X, y, batch_norm):
    net = classifier(
        problem.units,
        batch_norm,
        batch_size=problem.batch_size,
        callbacks="disable",
    ).initialize()
    return timed(lambda n_epochs: net.partial_fit(X, y, epochs=n_epochs))
