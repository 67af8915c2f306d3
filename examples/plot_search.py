"""A search from coarse to fine: the score against each parameter, on its own scale.

The ranges of learning rate and momentum end too low on purpose: the rounds go on past their
upper edges, and where the best value lies at the edge of all that was searched the picture
says so. With a path it is saved there, else it is shown.
"""

import sys
import warnings

from matplotlib import pyplot
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from caviar import MLPClassifier
from caviar.distributions import HiddenLayers, LogUniform, OneMinusLogUniform
from caviar.model_selection import CoarseToFineSearchCV, SearchBoundaryWarning
from caviar.plotting import SearchDisplay

X, y = load_digits(return_X_y=True)

network = MLPClassifier(
    solver="sgd",
    max_iter=5,
    tol=0,
    n_iter_no_change=5,
    dtype="float32",
    random_state=0,
)
search = CoarseToFineSearchCV(
    make_pipeline(StandardScaler(), network),
    {
        "mlpclassifier__learning_rate_init": LogUniform(1e-4, 1e-2),
        "mlpclassifier__momentum": OneMinusLogUniform(0.5, 0.99),
        "mlpclassifier__alpha": LogUniform(1e-6, 1),
        "mlpclassifier__hidden_layer_sizes": HiddenLayers((1, 3), (16, 128)),
        "mlpclassifier__activation": ["relu", "tanh", "logistic"],
    },
    n_iter=25,
    n_rounds=3,
    cv=3,
    random_state=0,
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", SearchBoundaryWarning)  # the picture shows it
    search.fit(X, y)

display = SearchDisplay.from_estimator(search)

if len(sys.argv) > 1:
    display.figure_.savefig(sys.argv[1], dpi=100)
else:
    pyplot.show()
