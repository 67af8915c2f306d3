"""Displays: trainings, searches, learning rates and layers, in scikit-learn's convention.

``Display.from_estimator(...)`` or another ``from_...`` draws at once and returns a display,
whose ``plot(ax=...)`` draws again elsewhere; axes, figure and artists are its attributes.
Drawing needs matplotlib: ``pip install "caviar[plots]"``.
"""

from ._plot_activations import ActivationDisplay
from ._plot_curves import TrainingCurveDisplay
from ._plot_rates import LearningRateRangeDisplay
from ._plot_schedules import ScheduleDisplay
from ._plot_search import SearchDisplay

__all__ = [
    "ActivationDisplay",
    "LearningRateRangeDisplay",
    "ScheduleDisplay",
    "SearchDisplay",
    "TrainingCurveDisplay",
]
