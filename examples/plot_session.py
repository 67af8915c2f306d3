"""One model, watched over: what was changed in mid-course, and what came of it.

Ten epochs, a rate that is too bold, back to where it was good, a careful rate and dropout.
With a path the picture is saved there, else it is shown.
"""

import sys

from matplotlib import pyplot
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from caviar import MLPClassifier, TrainingSession

X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X / 16, y, random_state=0)

network = MLPClassifier((64, 64), learning_rate_init=0.01, random_state=0)
session = TrainingSession(network, X_train, y_train, X_val=X_val, y_val=y_val)
session.run(10).snapshot("ten")
session.set_params(learning_rate_init=0.1).run(5)  # too bold
session.revert("ten").set_params(learning_rate_init=0.002).run(15)
session.set_params(dropout=0.1, learning_rate_init=0.0005).run(15)

display = session.plot()

if len(sys.argv) > 1:
    display.figure_.savefig(sys.argv[1], dpi=100)
else:
    pyplot.show()
