"""Which learning rates make the loss fall, before any search.

The line is one sweep from tiny to huge rates, the diamonds are short trainings from fresh
weights, each at one rate. With a path the picture is saved there, else it is shown.
"""

import sys

from matplotlib import pyplot
from sklearn.datasets import load_digits

from caviar import MLPClassifier
from caviar.plotting import LearningRateRangeDisplay

X, y = load_digits(return_X_y=True)

network = MLPClassifier((64,), random_state=0)
display = LearningRateRangeDisplay.from_estimator(network, X / 16, y)
print(display.result)

if len(sys.argv) > 1:
    display.figure_.savefig(sys.argv[1], dpi=100)
else:
    pyplot.show()
