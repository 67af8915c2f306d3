"""Schedules of the learning rate side by side, as plans and as they were trained.

With a path the picture is saved there, else it is shown.
"""

import sys

from matplotlib import pyplot
from sklearn.datasets import load_iris

from caviar import MLPClassifier
from caviar.plotting import ScheduleDisplay
from caviar.schedules import CosineDecay, OneCycle, StepDecay, Warmup

X, y = load_iris(return_X_y=True)

figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
schedules = {
    "cosine": CosineDecay(),
    "one cycle": OneCycle(),
    "halved every 20 epochs": StepDecay(every=20),
    "warm-up, then cosine": Warmup(CosineDecay(), n_epochs=10),
}
ScheduleDisplay.from_schedule(schedules, n_epochs=100, ax=left)

network = MLPClassifier(
    solver="sgd",
    learning_rate=OneCycle(),
    learning_rate_init=0.1,
    batch_size=32,
    max_iter=60,
    n_iter_no_change=60,
    random_state=0,
).fit(X, y)
display = ScheduleDisplay.from_estimator(network, n_batches=5, ax=right)

if len(sys.argv) > 1:
    display.figure_.savefig(sys.argv[1], dpi=100)
else:
    pyplot.show()
