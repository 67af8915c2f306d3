"""Hyperband: scores after one epoch do not compare with those after twenty-seven.

Small and pale are the candidates that were stopped early; the best is one of those that
were trained longest. With a path the picture is saved there, else it is shown.
"""

import sys

from matplotlib import pyplot
from sklearn.datasets import load_digits

from caviar import MLPClassifier
from caviar.distributions import LogUniform, Uniform
from caviar.model_selection import HyperbandSearchCV
from caviar.plotting import SearchDisplay

X, y = load_digits(return_X_y=True)

search = HyperbandSearchCV(
    MLPClassifier(dtype="float32", random_state=0),
    {
        "learning_rate_init": LogUniform(1e-5, 1),
        "dropout": Uniform(0.0, 0.8),
        "hidden_layer_sizes": [(32,), (128,), (64, 64), (32, 32, 32)],
        "batch_norm": [False, True],
    },
    max_iter=27,
    cv=3,
    random_state=0,
).fit(X / 16, y)

display = SearchDisplay.from_estimator(search)

if len(sys.argv) > 1:
    display.figure_.savefig(sys.argv[1], dpi=100)
else:
    pyplot.show()
