"""How a training went: losses, validation score and learning rate, epoch by epoch.

Early stopping keeps the weights of the best epoch, which is marked. With a path the picture
is saved there: ``python examples/plot_training_curves.py curves.png``; else it is shown.
"""

import sys

from matplotlib import pyplot
from sklearn.datasets import load_digits

from caviar import MLPClassifier
from caviar.plotting import TrainingCurveDisplay
from caviar.schedules import OneCycle

X, y = load_digits(return_X_y=True)

network = MLPClassifier(
    (64, 64),
    learning_rate=OneCycle(),
    learning_rate_init=0.01,
    early_stopping=True,
    n_iter_no_change=40,
    max_iter=40,
    dropout=0.2,
    random_state=0,
).fit(X / 16, y)

display = TrainingCurveDisplay.from_estimator(network)

if len(sys.argv) > 1:
    display.figure_.savefig(sys.argv[1], dpi=100)
else:
    pyplot.show()
